/*
 * The snapshot that the status socket gives out: one JSON document, "schema" 1,
 * described in ntsctl(8). A field is never renamed or removed within a schema.
 */
#ifndef AGENT_QUERY_STATUS_H
#define AGENT_QUERY_STATUS_H

#include "agent/engine/engine.h"

/* Made by malloc; NULL when memory is out. Holds no key
 * and no cookie. */
char *status_json(const struct engine *e, struct clock_reading now);

#endif
