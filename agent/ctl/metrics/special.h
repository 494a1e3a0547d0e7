/* The families that are more than one member of the status. */
#ifndef AGENT_CTL_METRICS_SPECIAL_H
#define AGENT_CTL_METRICS_SPECIAL_H

#include "agent/ctl/metrics/exposition.h"
#include "agent/ctl/snapshot/snapshot.h"

/* Prints the lines of the family. `i` is the source, and `source` its label;
 * NULL: the family is not of a source. */
typedef void family_fn(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source);

/* One line with all that is text. */
family_fn put_build, put_reference, put_source_info;

/* 1 or 0. */
family_fn put_selected, put_usable;

/* Counts of sources. */
family_fn put_sources, put_voting, put_usable_count;

/* Computed from several members. */
family_fn put_learned_drift, put_reachability, put_reachable, put_poll;

/* A line for each word of a list, and a sum. */
family_fn put_checks, put_authentication_failures, put_key_failures;

/* The checks of an answer that have a series, up to a NULL. A check that only a
 * newer agent makes has none. */
extern const char *const special_checks[];

#endif
