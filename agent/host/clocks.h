/*
 * What the clocks say at a wake-up, and a descriptor that tells when somebody
 * has set the clock or the machine has slept.
 */
#ifndef AGENT_HOST_CLOCKS_H
#define AGENT_HOST_CLOCKS_H

#include "base/time.h"

/* `boot`: read CLOCK_BOOTTIME, too; a simulator has none. */
struct clock_reading clocks_read(bool boot);

/* A timerfd(2) that is readable when CLOCK_REALTIME has jumped, or the machine
 * has woken up; or -errno. After it was readable: clocks_rearm. */
int clocks_open_alarm(void);
void clocks_rearm(int alarm_fd);

#endif
