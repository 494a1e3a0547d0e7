/* What a client gets: the head and the body of an HTTP answer. */
#ifndef AGENT_EXPORTER_ANSWER_H
#define AGENT_EXPORTER_ANSWER_H

#include "agent/exporter/request.h"
#include "base/time.h"

/* The bytes of a body, borrowed. */
struct body {
	const char *text;
	size_t len;
};

/*
 * The whole answer, made by malloc; `*len` is its length. `metrics` is the body
 * of REQUEST_METRICS; the others have a sentence. `now` is for the Date header.
 * NULL: no memory is left. Never called with REQUEST_MORE.
 */
char *answer_make(const struct request *r, struct body metrics, struct wall now,
    size_t *len) MUST_USE;

#endif
