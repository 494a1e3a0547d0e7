#include "agent/host/clocks.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Two readings further apart than this were pulled apart by the scheduler. */
#define READING_NS (100 * NS_PER_US)
#define READING_TRIES 5

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	return clock_gettime(id, &ts) == 0 ? ns_of_timespec(&ts) : 0;
}

struct clock_reading clocks_read(bool boot)
{
	struct clock_reading best = {{0}, {0}, 0};
	int64_t best_gap = INT64_MAX;

	for (int i = 0; i < READING_TRIES && best_gap > READING_NS; i++) {
		int64_t before = read_clock(CLOCK_MONOTONIC);
		int64_t wall = read_clock(CLOCK_REALTIME);
		int64_t booted = boot ? read_clock(CLOCK_BOOTTIME) : 0;
		int64_t gap = read_clock(CLOCK_MONOTONIC) - before;

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

/* The time itself never comes; what counts is that it is cancelled. */
void clocks_rearm(int alarm_fd)
{
	const struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};
	struct itimerspec far = never;
	struct timespec now;
	uint64_t times;

	/* ECANCELED is the news. */
	(void)!read(alarm_fd, &times, sizeof(times));
	clock_gettime(CLOCK_REALTIME, &now);
	far.it_value.tv_sec += now.tv_sec;
	timerfd_settime(
	    alarm_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}
