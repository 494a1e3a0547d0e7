/*
 * Three types of time, so that the compiler finds a mix-up.
 *
 * All of them are int64_t nanoseconds. A double cannot hold a time since 1970
 * to better than 0.2 us. A difference of two times is an int64_t with _ns in
 * its name.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static_assert(sizeof(time_t) >= sizeof(int64_t),
    "times after 2038 need a time_t of 64 bits");

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

/* CLOCK_MONOTONIC: timers and deadlines. */
struct mono {
	int64_t ns;
};

/* CLOCK_REALTIME: nanoseconds since 1970-01-01 UTC. */
struct wall {
	int64_t ns;
};

/*
 * The uncorrected timescale: what CLOCK_REALTIME would show if the agent had
 * never changed its frequency, slewed or stepped it (clock/timescale.h).
 * Samples use it, so no correction of the clock rewrites a sample.
 */
struct osc {
	int64_t ns;
};

/* 2025-01-01 in seconds since 1970. This program was written later, so a clock
 * that shows an earlier time is wrong. */
#define TIME_WRITTEN_S INT64_C(1735689600)

/* The clocks, read together. */
struct clock_reading {
	struct mono mono;
	struct wall wall;
	/* CLOCK_BOOTTIME, which goes on while the machine sleeps; 0: not
	 * known. */
	int64_t boot_ns;
};

/* The deadline that never comes. */
#define MONO_NEVER ((struct mono){INT64_MAX})

/* `ns` may be negative. Too late a result is MONO_NEVER. */
static inline struct mono mono_after(struct mono t, int64_t ns)
{
	return t.ns > INT64_MAX - (ns > 0 ? ns : 0) ? MONO_NEVER
						    : (struct mono){t.ns + ns};
}

/* Has the deadline come? */
static inline bool mono_due(struct mono deadline, struct mono now)
{
	return deadline.ns <= now.ns;
}

static inline struct mono mono_earlier(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

static inline int64_t ns_of_timespec(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * NS_PER_S + (int64_t)ts->tv_nsec;
}

static inline double s_of_ns(int64_t ns)
{
	return (double)ns * 1e-9;
}

/* Rounds to the nearest nanosecond. The caller makes sure that it fits. */
static inline int64_t ns_of_s(double s)
{
	return (int64_t)(s * 1e9 + (s < 0 ? -0.5 : 0.5));
}

#endif
