/*
 * Which cookies of a source lie on disk, and when others are to be put there.
 * Pure.
 *
 * A cookie is in the jar or on disk, never in both: what is written is taken
 * out of the jar, and is not spent by the process that wrote it. So a restart,
 * orderly or not, never spends a cookie twice (RFC 8915 5.7), and the file need
 * not be written at every poll.
 */
#ifndef AGENT_SOURCE_COOKIE_RESERVE_H
#define AGENT_SOURCE_COOKIE_RESERVE_H

#include "agent/saved/keys.h"
#include "base/time.h"

struct source;

/* Enough for the first requests after a restart: each answer brings more. */
#define COOKIE_RESERVE_COOKIES 4
/* Renewed, so that they stay younger than the memory of servers, and the time
 * of the file near the present. */
#define COOKIE_RESERVE_RENEW_NS (3600 * NS_PER_S)

struct cookie_reserve {
	bool there;	   /* keys of this source lie on disk */
	unsigned cookies;  /* with so many cookies */
	uint64_t exchange; /* which of the source's key exchanges made them */
	bool barred;	   /* the keys of that exchange are not to be written */
	struct mono renew_at;
};

/* Is it time to write? Only keys that have brought an answer are worth it. */
bool cookie_reserve_due(const struct source *s, struct mono now) MUST_USE;

/* Takes the newest cookies out of the jar; to be written at once. */
void cookie_reserve_make(
    struct source *s, const struct clock_reading *now, struct saved_keys *out);

/* The end is near: the whole jar. False: there is nothing worth saving. */
bool cookie_reserve_all(struct source *s, const struct clock_reading *now,
    struct saved_keys *out) MUST_USE;

/* The keys were made under another trust than the one that holds now: they may
 * serve until there are new ones, but not beyond a restart. */
void cookie_reserve_bar(struct source *s);

/* What lies there is worth nothing. True: there is something to remove. */
bool cookie_reserve_drop(struct source *s) MUST_USE;

#endif
