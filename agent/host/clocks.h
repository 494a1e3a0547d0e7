/*
 * Reads the clocks, and opens a descriptor that becomes readable when a program
 * has set CLOCK_REALTIME or the machine has woken up.
 */
#ifndef AGENT_HOST_CLOCKS_H
#define AGENT_HOST_CLOCKS_H

#include "base/time.h"

/* One clock, in nanoseconds; 0 if there is no such clock, as in a simulator. */
int64_t clocks_ns(clockid_t id);

/* CLOCK_MONOTONIC. */
struct mono clocks_mono(void);

/* The clocks, read together. `boot`: CLOCK_BOOTTIME as well; a simulator has
 * none, and `boot_ns` is 0 then. */
struct clock_reading clocks_read(bool boot);

/* A timerfd(2) that is readable when CLOCK_REALTIME has jumped or the machine
 * has woken up; or -errno. Call clocks_rearm() after it was readable. */
int clocks_open_alarm(void);
void clocks_rearm(int alarm_fd);

/* The time from `now` until `until`, not negative, for ppoll(2). */
struct timespec clocks_wait(struct mono until, struct mono now);

#endif
