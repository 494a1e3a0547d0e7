/*
 * The list of all families, in the order in which they are printed. Most show
 * one member of the status; those that need more have a function.
 */
#ifndef AGENT_CTL_METRICS_FAMILIES_H
#define AGENT_CTL_METRICS_FAMILIES_H

#include "agent/ctl/metrics/special.h"

enum family_of { OF_AGENT, OF_CLOCK, OF_SOURCE };

/* In what the member counts that the family shows. */
enum member_unit {
	MEMBER_PLAIN, /* in the unit of the family */
	MEMBER_NS,    /* the family is in seconds */
	MEMBER_PPM,   /* the family is a ratio */
};

struct family_row {
	struct family family;
	family_fn *put;	       /* instead of `field`; NULL: none */
	struct field field;    /* a number, a flag, or a text: then it has a
				  label, and the value is 1 */
	const char *label;     /* of a text */
	enum family_of of : 8; /* whose member `field` is */
	enum member_unit unit : 8;
	bool is_age; /* the series is the time when it began */
};

const struct family_row *families(size_t *count);

#endif
