/*
 * Saved cookies: which cookies of a source are on disk, and when others must be
 * put there. Pure.
 *
 * A cookie is in the jar or on disk, never in both: what is written leaves the
 * jar, and the process that wrote it does not use it. So no restart, orderly or
 * not, uses a cookie twice (RFC 8915 5.7/18), and the file does not need a
 * write at every poll.
 */
#ifndef AGENT_SOURCE_COOKIE_RESERVE_H
#define AGENT_SOURCE_COOKIE_RESERVE_H

#include "agent/saved/keys.h"
#include "agent/source/state.h"

/* Enough for the first requests after a restart: each answer brings more. */
#define COOKIE_RESERVE_COOKIES 4
/* How long they stay on disk. Servers forget the keys of older cookies, and a
 * start takes the time of the file as the earliest possible one. */
#define COOKIE_RESERVE_RENEW_NS (3600 * NS_PER_S)

/* Must cookies be written now? Only those of keys that brought an answer. */
bool cookie_reserve_due(const struct source *s, struct mono now) MUST_USE;

/* Moves the newest cookies from the jar to `out`, which must be written before
 * anything else happens. */
void cookie_reserve_make(
    struct source *s, const struct clock_reading *now, struct saved_keys *out);

/* The agent ends: moves all cookies to `out`. False: nothing can be saved. */
bool cookie_reserve_all(struct source *s, const struct clock_reading *now,
    struct saved_keys *out) MUST_USE;

/* The keys of the source may be used, but not written: other certificates are
 * trusted now than when they were exchanged. */
void cookie_reserve_bar(struct source *s);

/* A job has crashed, perhaps because of an attack: keys that this source has
 * now, in memory or on disk, are not used at the next start. */
void cookie_reserve_suspect(struct source *s);

/* Does the source still have such keys? */
bool cookie_reserve_is_suspect(const struct source *s) MUST_USE;

/* The file is useless. True: there is one, and it must be removed. */
bool cookie_reserve_drop(struct source *s) MUST_USE;

/* The reserve, if there is one, is written again at that time. */
void cookie_reserve_renew(struct source *s, struct mono at);

/* For source_saved(): `left` cookies of the source are still on disk. */
void cookie_reserve_found(struct source *s, unsigned left, struct mono now);

#endif
