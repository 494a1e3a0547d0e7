/*
 * One server's life: keys, requests, rests. This is the public header of the
 * room. Pure: events and time come in, an action for the engine comes out; no
 * socket, no clock, no log. README.md has the state table.
 *
 * Every function that returns an action may be followed by source_timer().
 * `random` is uniform over its whole range.
 */
#ifndef AGENT_SOURCE_SOURCE_H
#define AGENT_SOURCE_SOURCE_H

#include "agent/source/answers.h"
#include "agent/source/cookie_reserve.h"
#include "agent/source/early_retry.h"
#include "agent/source/keys.h"
#include "agent/source/samples.h"
#include "agent/source/state.h"

/* `config` is borrowed. */
void source_init(
    struct source *s, const struct source_config *config, struct mono now);

/* Wipes the secrets. */
void source_end(struct source *s);

/* Delays the first key exchange by up to 0.9 s, so that a fleet that
 * starts at one moment does not ask at one moment. */
#define SOURCE_SPREAD_NS (900 * NS_PER_MS)
void source_spread_start(struct source *s, uint32_t random);

/* The server of another source ended the handshake: it may be full, because a
 * fleet starts, and then this one is full, too. A source that is about to
 * exchange keys, and has not failed since the start or the last early retry,
 * waits as if its own server had done that. */
void source_put_off(struct source *s, struct mono now, uint32_t random);

/* When source_timer() must run next; MONO_NEVER: an event comes first. */
struct mono source_deadline(const struct source *s);

/* Does what is due. Call it again until it returns ACTION_NOTHING. */
enum source_action source_timer(
    struct source *s, struct mono now, uint32_t random);

/* Another source has seen something that may concern all: asks now, unless the
 * server wants fewer requests. */
void source_hurry(struct source *s, struct mono now);

/* The pending request is useless, because the clock was set after it was
 * sent: sends another one now. */
void source_repeat(struct source *s, struct mono now);

/* The clock jumped: old samples are useless, asks in a burst. */
void source_jumped(struct source *s, struct mono now);

/* An order: asks in a burst. False: it is offline or has no keys. */
bool source_burst(struct source *s, struct mono now) MUST_USE;
/* The burst ends after `good` answers or `tries` requests; both at least 1. */
bool source_burst_of(
    struct source *s, unsigned good, unsigned tries, struct mono now) MUST_USE;

/* An order: nothing is sent and no keys are exchanged until source_go_online().
 * Keys and samples stay. */
enum source_action source_go_offline(struct source *s);
void source_go_online(struct source *s, struct mono now);

/* After a reload: the source moves to another place, with its keys. The caller
 * wipes the old place. */
void source_copy(struct source *s, const struct source *from);

/* After a reload: the source has another configuration. Borrows `config`. */
void source_reconfigure(struct source *s, const struct source_config *config);

/* After a reload, for a source that is new at its index: an answer to an
 * exchange with another serial than `serial` is not for it. */
void source_renumber(struct source *s, uint32_t serial);

/* After a reload, for a source whose index or trust has changed: what is under
 * way begins again. */
void source_begin_again(struct source *s, uint32_t serial, struct mono now);

/* Takes the line for the log out of the source. False: there is none. */
bool source_log_line(
    struct source *s, enum log_level *level, char *out, size_t size) MUST_USE;

#endif
