/*
 * The status: one JSON document, "schema" 2, that the status socket hands out.
 * ntsctl(8) documents its members. Within a schema no member is renamed or
 * removed, and none changes its meaning or type. It contains no key and no
 * cookie.
 */
#ifndef AGENT_QUERY_STATUS_H
#define AGENT_QUERY_STATUS_H

#include "agent/engine/engine.h"

/* What the steering shows at one moment. */
struct status_view {
	struct tracking clock;
	struct source_view sources[SOURCES_MAX];
};

/* The largest possible error of the clock; of use when a source is selected. */
int64_t status_bound_ns(const struct tracking *t);

/* The status at `now`, made by malloc; NULL: no memory. */
char *status_json(const struct engine *e, struct clock_reading now);

/* The status with this view instead of the steering's own, for tests. */
char *status_json_of(const struct engine *e, const struct status_view *v,
    struct clock_reading now);

#endif
