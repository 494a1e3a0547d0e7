/* One source in the status: an object of `sources`. */
#ifndef AGENT_QUERY_SOURCE_STATUS_H
#define AGENT_QUERY_SOURCE_STATUS_H

#include "agent/engine/engine.h"

#include <jansson.h>

/* The names that ntsctl(8) lists for a leap second. */
const char *leap_name(enum leap leap);

/* Source `i` of the engine with what the steering shows of it. The caller owns
 * the object; NULL: no memory. */
json_t *source_status(const struct engine *e, unsigned i,
    const struct source_view *v, struct clock_reading now);

#endif
