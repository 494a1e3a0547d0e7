#include "agent/host/clocks.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* When two readings are further apart than this, the scheduler ran another
 * process between them. */
#define READING_NS (100 * NS_PER_US)
#define READING_TRIES 5

int64_t clocks_ns(clockid_t id)
{
	struct timespec ts;

	return clock_gettime(id, &ts) == 0 ? ns_of_timespec(&ts) : 0;
}

struct mono clocks_mono(void)
{
	return (struct mono){clocks_ns(CLOCK_MONOTONIC)};
}

struct clock_reading clocks_read(bool boot)
{
	struct clock_reading best = {{0}, {0}, 0};
	int64_t best_gap = INT64_MAX;

	for (int i = 0; i < READING_TRIES && best_gap > READING_NS; i++) {
		int64_t before = clocks_ns(CLOCK_MONOTONIC);
		int64_t wall = clocks_ns(CLOCK_REALTIME);
		int64_t booted = boot ? clocks_ns(CLOCK_BOOTTIME) : 0;
		int64_t gap = clocks_ns(CLOCK_MONOTONIC) - before;

		if (gap >= best_gap)
			continue;
		best_gap = gap;
		best = (struct clock_reading){
		    .mono = {before + gap / 2},
		    .wall = {wall},
		    .boot_ns = booted,
		};
	}
	return best;
}

int clocks_open_alarm(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	clocks_rearm(fd);
	return fd;
}

/* The timer never expires; a jump of the clock cancels it. */
void clocks_rearm(int alarm_fd)
{
	const struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};
	struct itimerspec far = never;
	uint64_t times;

	/* Fails with ECANCELED; the descriptor is no longer readable then. */
	(void)!read(alarm_fd, &times, sizeof(times));
	far.it_value.tv_sec += clocks_ns(CLOCK_REALTIME) / NS_PER_S;
	timerfd_settime(
	    alarm_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

struct timespec clocks_wait(struct mono until, struct mono now)
{
	int64_t ns = until.ns - now.ns;

	if (ns <= 0)
		return (struct timespec){0, 0};
	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S),
	    .tv_nsec = (long)(ns % NS_PER_S)};
}
