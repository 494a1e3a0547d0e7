/*
 * One measurement of a server: the only value that passes from the protocol
 * (nts/) to the clock (clock/). The terms are those of RFC 5905 section 8.
 */
#ifndef BASE_SAMPLE_H
#define BASE_SAMPLE_H

#include "base/time.h"

/* The leap indicator as it is sent (RFC 5905 figure 9). */
enum leap {
	LEAP_NONE = 0,
	LEAP_INSERT = 1,
	LEAP_DELETE = 2,
	LEAP_UNKNOWN = 3, /* the server is not synchronised */
};

/* Where a time stamp was taken. A later one here is better. */
enum stamp_kind {
	STAMP_DAEMON,	/* clock_gettime in the agent; late by scheduling */
	STAMP_KERNEL,	/* SO_TIMESTAMPING by the kernel */
	STAMP_HARDWARE, /* SO_TIMESTAMPING by the network card */
};

struct sample {
	struct osc at; /* the middle of the exchange */
	/* Server minus uncorrected clock; positive: the clock is slow. */
	int64_t offset_ns;
	/* Round trip less the time in the server; at least 1. */
	int64_t delay_ns;
	int64_t dispersion_ns; /* bound of the reading errors of both clocks */
	/* From the server to its reference, as the server says. */
	int64_t root_delay_ns, root_dispersion_ns;
	enum stamp_kind tx_stamp, rx_stamp;
	enum leap leap;
	uint8_t stratum; /* 1..15 */
};

/* The root distance (RFC 5905 section 10) without ageing: the largest error of
 * an honest server's offset. */
static inline int64_t sample_distance_ns(const struct sample *m)
{
	return m->delay_ns / 2 + m->dispersion_ns + m->root_delay_ns / 2 +
	       m->root_dispersion_ns;
}

#endif
