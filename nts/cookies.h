/*
 * The cookie jar of one server. It holds at most eight cookies and returns the
 * oldest first. A cookie leaves as a copy and its slot is wiped, so that the
 * agent cannot send it twice: a repeated cookie lets an observer link requests
 * (RFC 8915 5.7/4, and section 9.1).
 */
#ifndef NTS_COOKIES_H
#define NTS_COOKIES_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NTS_COOKIES 8
/* The longest accepted cookie. Deployed servers send 64 to 168 bytes. */
#define NTS_COOKIE_MAX 2048

struct cookie {
	uint16_t len; /* 1..NTS_COOKIE_MAX */
	uint8_t bytes[NTS_COOKIE_MAX];
};

struct cookie_jar {
	struct cookie slot[NTS_COOKIES];
	unsigned first, count;
};

/* Adds a copy of a cookie; a full jar drops its oldest one. Returns false and
 * stores nothing if the length is not 1..NTS_COOKIE_MAX. */
bool cookie_jar_put(struct cookie_jar *jar, const uint8_t *bytes, size_t len);

/* Moves the oldest cookie to `out`, which is then the only copy. Returns false
 * if the jar is empty. */
bool cookie_jar_take(struct cookie_jar *jar, struct cookie *out) MUST_USE;

/* Returns a cookie that was taken and never sent: it is the oldest again.
 * Returns false and stores nothing if the jar is full or `cookie` is empty. */
bool cookie_jar_put_back(struct cookie_jar *jar, const struct cookie *cookie);

/* Moves the newest cookie to `out`, which is then the only copy, to keep it
 * outside the jar. Returns false if the jar is empty. */
bool cookie_jar_take_newest(
    struct cookie_jar *jar, struct cookie *out) MUST_USE;

/* Returns the length of the oldest cookie in bytes; 0 if the jar is empty. */
size_t cookie_jar_next_len(const struct cookie_jar *jar);

#endif
