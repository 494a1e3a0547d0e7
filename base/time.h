/*
 * Three kinds of time that cannot be mixed up by accident.
 *
 * All are int64 nanoseconds, never double: a double since 1970 steps by
 * 0.2 us. Differences are plain int64_t with _ns in the name.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

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
 * The uncorrected timescale: what CLOCK_REALTIME would show, had the agent
 * never stepped, slewed or changed the frequency (clock/timescale.h). Samples
 * live on it, so that no correction ever rewrites them.
 */
struct osc {
	int64_t ns;
};

/* 2025-01-01, seconds since 1970. This program is younger, with room to spare
 * for those who try it at another date: no clock that is right shows an earlier
 * time. */
#define TIME_WRITTEN_S INT64_C(1735689600)

/* The clocks, read together at one event. */
struct clock_reading {
	struct mono mono;
	struct wall wall;
	/* CLOCK_BOOTTIME: goes on while the machine sleeps; 0: not known. */
	int64_t boot_ns;
};

#define MONO_NEVER ((struct mono){INT64_MAX})

static inline struct mono mono_after(struct mono t, int64_t ns)
{
	return t.ns > INT64_MAX - (ns > 0 ? ns : 0) ? MONO_NEVER
						    : (struct mono){t.ns + ns};
}

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

/* Rounded to the nearest nanosecond; the caller knows that it fits. */
static inline int64_t ns_of_s(double s)
{
	return (int64_t)(s * 1e9 + (s < 0 ? -0.5 : 0.5));
}

#endif
