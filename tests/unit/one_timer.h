/* Before a timer of the process is set, the one before must have been stopped:
 * one that was forgotten would interrupt every wait that follows. */
#ifndef TESTS_UNIT_ONE_TIMER_H
#define TESTS_UNIT_ONE_TIMER_H

#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static bool timer_runs;

/* In the place of that of the C library. */
int setitimer(__itimer_which_t which, const struct itimerval *value,
    struct itimerval *before)
{
	/* The kernel takes no wider numbers, whatever time_t is. */
	const long told[] = {(long)value->it_interval.tv_sec,
	    (long)value->it_interval.tv_usec, (long)value->it_value.tv_sec,
	    (long)value->it_value.tv_usec};
	const bool starts = told[2] != 0 || told[3] != 0;

	if (before || (starts && timer_runs))
		abort();
	timer_runs = starts;
	return (int)syscall(SYS_setitimer, which, told, NULL);
}

#endif
