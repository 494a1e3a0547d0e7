/*
 * An HTTP request (RFC 9112): bytes in, what the client wants out. Nothing but
 * GET and HEAD of two paths is answered, and a body is never read.
 */
#ifndef AGENT_EXPORTER_REQUEST_H
#define AGENT_EXPORTER_REQUEST_H

#include "agent/ctl/metrics/exposition.h"
#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest request line with all headers. */
#define REQUEST_MAX 8192

enum request_kind {
	REQUEST_MORE, /* its head is not complete */
	REQUEST_METRICS,
	REQUEST_INDEX,	   /* "/": a page that names the path of the metrics */
	REQUEST_NOT_FOUND, /* another path */
	REQUEST_METHOD,	   /* neither GET nor HEAD */
	REQUEST_TOO_LARGE, /* longer than REQUEST_MAX */
	REQUEST_VERSION,   /* not HTTP/1.x */
	REQUEST_BAD,	   /* not HTTP */
	REQUEST_KINDS,
};

struct request {
	enum request_kind kind;
	bool head; /* HEAD: the answer has no body */
	enum exposition form;
};

/* Judges the first `len` bytes that a client has sent. */
struct request request_parse(const char *bytes, size_t len) MUST_USE;

#endif
