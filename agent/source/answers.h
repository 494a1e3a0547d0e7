/*
 * Requests for time and what comes back: answers, refusals, silence.
 */
#ifndef AGENT_SOURCE_ANSWERS_H
#define AGENT_SOURCE_ANSWERS_H

#include "agent/source/state.h"

/* For ACTION_SEND: seals the request into `out`. False: there is no request;
 * the reason is in the source, and source_timer() goes on. */
bool source_request(struct source *s, const struct nts_random *fresh,
    struct mono now, uint32_t random, struct writer *out) MUST_USE;

/* The request did not leave the machine: `error` is an errno. Called before
 * anything else happens to the source. */
void source_unsent(struct source *s, int error, struct mono now);

/* The network says that the request was refused on its way. Anybody can say
 * so: a true answer may still come. */
void source_refused(struct source *s, int error, struct mono now);

/* Judges a datagram. ACTION_CLOSE: no answer is expected any more. With
 * `*sample_ok`, `answer` is authentic and its times can be used; the engine
 * then calls one function of agent/source/samples.h. */
enum source_action source_datagram(struct source *s, const uint8_t *bytes,
    size_t len, struct mono now, uint32_t random, struct ntp_answer *answer,
    bool *sample_ok);

/* For source_timer(): the pending request was not answered in time. */
enum source_action answers_lost(struct source *s, struct tick t);

#endif
