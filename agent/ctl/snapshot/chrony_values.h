/*
 * Values of the status as chrony has them: numbers, letters, and what it says
 * for what is not known. The reports of chronyc and the monitoring protocol
 * have them.
 */
#ifndef AGENT_CTL_SNAPSHOT_CHRONY_VALUES_H
#define AGENT_CTL_SNAPSHOT_CHRONY_VALUES_H

#include "agent/ctl/snapshot/snapshot.h"

/* A clock or a source that is not known yet must not look perfect. */
#define CHRONY_ROOT_UNKNOWN_S 1
#define CHRONY_SKEW_UNKNOWN_PPM 2000
#define CHRONY_STD_DEV_UNKNOWN_S 4
#define CHRONY_SCORE_UNKNOWN 1

/* Two bits of the NTP header (RFC 5905 7.3). */
enum chrony_leap {
	CHRONY_LEAP_NORMAL,
	CHRONY_LEAP_INSERT,
	CHRONY_LEAP_DELETE,
	CHRONY_LEAP_UNSYNCHRONISED,
};

static inline double seconds_or(struct field_int ns, double unknown)
{
	return ns.known ? (double)ns.n * 1e-9 : unknown;
}

static inline double real_or(struct field_real x, double unknown)
{
	return x.known ? x.x : unknown;
}

/* CHRONY_LEAP_UNSYNCHRONISED for an unknown word and for NULL. */
enum chrony_leap chrony_leap(const char *leap);

/* The letter for a state of the selection, e.g. "falseticker"; '?': a newer
 * agent has a state that chrony does not have. */
char chrony_letter(const char *state);

/* D for "daemon", K for "kernel", H for "hardware"; else NUL, as before
 * chronyd's first packet. */
char chrony_stamp(const char *stamp);

/* The stratum of the clock; 0: it is not synchronised, which is 16 in the
 * status and 0 in packets (RFC 5905 7.3). */
struct field_int chrony_stratum(const struct status_clock *c);

/* Eight hexadecimal digits or at most four characters as a number; 0: neither.
 */
uint32_t chrony_reference(const char *text);

/* The address that is in use, or one that is configured as the host; NULL:
 * there is none. */
const char *chrony_address(const struct status_source *s);

/* A source in a burst counts as online. */
struct chrony_activity {
	unsigned online, offline, unknown_address;
};

struct chrony_activity chrony_activity(const struct snapshot *s);

#endif
