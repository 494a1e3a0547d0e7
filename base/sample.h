/*
 * One measurement of a server, the only thing that goes from the wire (nts/)
 * to the clock (clock/). RFC 5905 section 8 names the terms.
 */
#ifndef BASE_SAMPLE_H
#define BASE_SAMPLE_H

#include "base/time.h"

/* RFC 5905 figure 9, the leap indicator as sent on the wire. */
enum leap {
	LEAP_NONE = 0,
	LEAP_INSERT = 1,
	LEAP_DELETE = 2,
	LEAP_UNKNOWN = 3, /* the server is not synchronised */
};

/* Who read the clock for a time stamp, best last. */
enum stamp_kind {
	STAMP_DAEMON, /* clock_gettime in the agent: up to scheduling delay late
		       */
	STAMP_KERNEL, /* SO_TIMESTAMPING, software */
	STAMP_HARDWARE, /* SO_TIMESTAMPING, network card */
};

struct sample {
	struct osc at;	   /* middle of the exchange */
	int64_t offset_ns; /* server minus uncorrected clock; positive: we are
			      slow */
	int64_t
	    delay_ns; /* round trip less the server's own time; at least 1 */
	int64_t dispersion_ns; /* bound of the reading errors of both clocks */
	int64_t root_delay_ns; /* server to its reference, as the server says */
	int64_t root_dispersion_ns; /* likewise */
	enum stamp_kind tx_stamp, rx_stamp;
	enum leap leap;
	uint8_t stratum; /* 1..15 */
};

/* How far off an honest server's offset may be: its root distance (RFC 5905
 * section 10), before it ages. */
static inline int64_t sample_distance_ns(const struct sample *m)
{
	return m->delay_ns / 2 + m->dispersion_ns + m->root_delay_ns / 2 +
	       m->root_dispersion_ns;
}

#endif
