/*
 * Reads the clocks, and opens a descriptor that becomes readable when a program
 * has set CLOCK_REALTIME or the machine has woken up.
 */
#ifndef AGENT_HOST_CLOCKS_H
#define AGENT_HOST_CLOCKS_H

#include "base/time.h"

#include <poll.h>
#include <stdbool.h>

/* One clock, in nanoseconds; 0 if there is no such clock, as in a simulator. */
int64_t clocks_ns(clockid_t id);

/* CLOCK_MONOTONIC. */
struct mono clocks_mono(void);

/* The clocks, read together. `boot`: CLOCK_BOOTTIME as well; a simulator has
 * none, and `boot_ns` is 0 then. */
struct clock_reading clocks_read(bool boot);

/* The steps in which CLOCK_REALTIME counts, ns; 0 if they are shorter than 100
 * us, as those of every usual clock source are. A clock source like `jiffies`
 * counts in milliseconds. */
int64_t clocks_granularity_ns(void);

/* For tests: the same with other clocks. `wait` lets at least 50 us pass. */
struct clocks_reader {
	int64_t (*read)(void *self);
	void (*wait)(void *self);
	void *self;
};
int64_t clocks_granularity_by(const struct clocks_reader *reader);

/* A timerfd(2) that is readable when CLOCK_REALTIME has jumped or the machine
 * has woken up; or -errno. Call clocks_rearm() after it was readable. */
int clocks_open_alarm(void);
enum alarm {
	ALARM_QUIET,
	ALARM_RANG, /* CLOCK_REALTIME has jumped, or the machine has woken up */
};
/* Returns enum alarm, or -errno if the alarm cannot be set again. */
int clocks_rearm(int alarm_fd);

/* The time from `now` until `until`, not negative, for ppoll(2). */
struct timespec clocks_wait(struct mono until, struct mono now);

/* poll(2) until `until`, with the resolution of a nanosecond. */
int clocks_poll(struct pollfd fds[], nfds_t count, struct mono until);

#endif
