/*
 * What the clocks say at a wake-up, and a descriptor that tells when somebody
 * has set the clock or the machine has slept.
 */
#ifndef AGENT_MOMENT_H
#define AGENT_MOMENT_H

#include "base/time.h"

/* Read together at a wake-up. */
struct moment {
	struct mono mono;
	struct wall wall;
	/* CLOCK_BOOTTIME: goes on while the machine sleeps; 0: not known. */
	int64_t boot_ns;
};

/* `boot`: read CLOCK_BOOTTIME, too; a simulator has none. */
struct moment moment_read(bool boot);

/* A timerfd(2) that is readable when CLOCK_REALTIME has jumped, or the machine
 * has woken up; or -errno. After it was readable: moment_rearm. */
int moment_open_alarm(void);
void moment_rearm(int alarm_fd);

#endif
