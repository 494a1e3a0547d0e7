/*
 * The cookie jar. Invariants: at most eight; oldest out first; each cookie
 * leaves once, by copy, and its slot is wiped, so none can be spent twice
 * (RFC 8915 5.7 and 6.1: a reused cookie lets an observer link requests).
 */
#ifndef NTS_COOKIES_H
#define NTS_COOKIES_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NTS_COOKIES 8
/* The longest cookie that is taken. Deployed servers send 64 to 168 bytes. */
#define NTS_COOKIE_MAX 2048

struct cookie {
	uint16_t len; /* 1..NTS_COOKIE_MAX */
	uint8_t bytes[NTS_COOKIE_MAX];
};

struct cookie_jar {
	struct cookie slot[NTS_COOKIES];
	unsigned first, count;
};

/* A full jar throws the oldest away. False (nothing stored): a bad length. */
bool cookie_jar_put(struct cookie_jar *jar, const uint8_t *bytes, size_t len);

/* Spend the oldest. False when empty. The caller's copy is the only one. */
bool cookie_jar_take(struct cookie_jar *jar, struct cookie *out) MUST_USE;

/* One that was taken and never left the machine: the oldest again. False
 * (nothing stored): the jar is full, or there is no cookie. */
bool cookie_jar_put_back(struct cookie_jar *jar, const struct cookie *cookie);

/* The newest, to be kept elsewhere. False when empty. Likewise the only copy.
 */
bool cookie_jar_take_newest(
    struct cookie_jar *jar, struct cookie *out) MUST_USE;

/* Length of the cookie that is next to be spent; 0 when empty. */
size_t cookie_jar_next_len(const struct cookie_jar *jar);

void cookie_jar_wipe(struct cookie_jar *jar);

#endif
