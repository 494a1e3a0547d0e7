/*
 * What the engine makes of an authentic answer: it judges each one together
 * with the other sources, and tells the source the result.
 */
#ifndef AGENT_SOURCE_SAMPLES_H
#define AGENT_SOURCE_SAMPLES_H

#include "agent/source/state.h"

/* How the request and the answer were stamped. */
void source_stamped(struct source *s, enum stamp_kind tx, enum stamp_kind rx);

/* The local address at which the answer arrived; absent: unknown. */
void source_arrived(struct source *s, const struct endpoint *local);

/* The sample is used. `vote` is for pace_sample(); moves the next request. */
void source_sampled(struct source *s, int64_t delay_ns, enum poll_vote vote,
    struct mono now, uint32_t random);

/* At STAGE_UNDATED_POLLING: the sample may help to set the clock. */
void source_undated_sample(
    struct source *s, int64_t delay_ns, struct mono now, uint32_t random);

/* At STAGE_UNDATED_POLLING: the server tells a time at which its certificate is
 * not valid. Its keys are given up. */
void source_outdated(
    struct source *s, struct wall told, struct mono now, uint32_t random);

/* The server tells a time before `earliest`, or outside the dates of its
 * certificate; the sample is not used. */
void source_disbelieved(
    struct source *s, struct wall told, struct wall earliest, struct mono now);

/* The delay is above maxdelay; the sample is not used. */
void source_too_slow(struct source *s, int64_t delay_ns, struct mono now);

/* Notes the delay of an answer, and returns the shortest one of the latest
 * RECENT_DELAYS answers, with this one, ns. */
int64_t source_note_delay(struct source *s, int64_t delay_ns);

/* The delay is above maxdelayratio times `least_ns`; the sample is not used. */
void source_too_slow_for_path(
    struct source *s, int64_t delay_ns, int64_t least_ns, struct mono now);

/* The sample has failed this check of the engine. */
void source_check_failed(struct source *s, enum answer_check check);

/* The server claims to have held the request for `excess_ns` longer than the
 * whole exchange took; the sample is not used. */
void source_contradicts(struct source *s, int64_t excess_ns, struct mono now);

/* The majority of the sources disagrees with it, or agrees again. Says whether
 * that is worth a line in the log. */
enum log_budget_answer source_outvoted(struct source *s, struct mono now);
enum log_budget_answer source_agrees(struct source *s, struct mono now);
/* It is outvoted: asks a budget that may be another one than that of the log. A
 * source that has been outvoted for an hour does not change sides any more,
 * although it still answers. */
enum log_budget_answer source_vote_lost(
    const struct source *s, struct log_budget *votes, struct mono now);

/* Two sources lead to one server: both get one id, that of `b` if it has one.
 */
void source_same_server(struct source *a, struct source *b);

#endif
