#include "agent/host/clocks.h"

#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* With times of 64 bits on a machine of 32, the ppoll(2) that FORTIFY puts in
 * place is that for times of 32 bits in glibc before 2.37. */
#if defined(__USE_TIME_BITS64) && !__GLIBC_PREREQ(2, 37)
int ppoll_of_wide_times(struct pollfd *fds, nfds_t count,
    const struct timespec *wait, const sigset_t *mask) __asm__("__ppoll64");
#else
#define ppoll_of_wide_times ppoll
#endif

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

/* A clock without a small change in so many readings is coarse, or simulated.
 */
#define FINE_READINGS 20000
/* A coarse clock changes within so many waits; the smallest change counts. */
#define COARSE_WAITS 1000
#define COARSE_CHANGES 5
#define COARSE_NS (100 * NS_PER_US)

/* One small change is enough: a coarse clock has none, however slowly it is
 * read. */
static bool is_fine(const struct clocks_reader *r)
{
	int64_t last = r->read(r->self);

	for (int i = 0; i < FINE_READINGS; i++) {
		int64_t now = r->read(r->self);

		if (now > last && now - last < COARSE_NS)
			return true;
		last = now;
	}
	return false;
}

int64_t clocks_granularity_by(const struct clocks_reader *r)
{
	int64_t least = INT64_MAX, last;
	int changes = 0;

	if (is_fine(r))
		return 0;
	last = r->read(r->self);
	for (int i = 0; i < COARSE_WAITS && changes < COARSE_CHANGES; i++) {
		int64_t now;

		r->wait(r->self);
		now = r->read(r->self);
		if (now <= last)
			continue;
		if (now - last < least)
			least = now - last;
		last = now;
		changes++;
	}
	return changes > 0 && least >= COARSE_NS ? least : 0;
}

static int64_t read_wall(void *self)
{
	(void)self;
	return clocks_ns(CLOCK_REALTIME);
}

static void wait_a_little(void *self)
{
	const struct timespec wait = {.tv_nsec = 50 * NS_PER_US};

	(void)self;
	nanosleep(&wait, NULL);
}

int64_t clocks_granularity_ns(void)
{
	const struct clocks_reader reader = {read_wall, wait_a_little, NULL};

	return clocks_granularity_by(&reader);
}

/* The timer never expires; a jump of the clock cancels it. If a jump
 * comes while the timer is being set, the call fails, but the timer is set. */
static int arm(int fd)
{
	struct itimerspec far = {.it_value = {.tv_sec = INT32_MAX}};

	far.it_value.tv_sec += clocks_ns(CLOCK_REALTIME) / NS_PER_S;
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
		&far, NULL) == 0)
		return ALARM_QUIET;
	return errno == ECANCELED ? ALARM_RANG : -errno;
}

int clocks_open_alarm(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	int armed;

	if (fd < 0)
		return -errno;
	armed = arm(fd);
	if (armed >= 0)
		return fd;
	close(fd);
	return armed;
}

int clocks_rearm(int alarm_fd)
{
	uint64_t times;
	/* The descriptor is no longer readable then. */
	bool cancelled =
	    read(alarm_fd, &times, sizeof(times)) < 0 && errno == ECANCELED;
	int armed = arm(alarm_fd);

	return cancelled && armed == ALARM_QUIET ? ALARM_RANG : armed;
}

struct timespec clocks_wait(struct mono until, struct mono now)
{
	int64_t ns = until.ns - now.ns;

	if (ns <= 0)
		return (struct timespec){0, 0};
	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S),
	    .tv_nsec = (long)(ns % NS_PER_S)};
}

int clocks_poll(struct pollfd fds[], nfds_t count, struct mono until)
{
	struct timespec wait = clocks_wait(until, clocks_mono());

	return ppoll_of_wide_times(
	    fds, count, until.ns == MONO_NEVER.ns ? NULL : &wait, NULL);
}
