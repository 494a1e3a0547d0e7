/* When keys and samples are written to disk. */
#ifndef AGENT_ENGINE_SAVING_H
#define AGENT_ENGINE_SAVING_H

#include "agent/engine/state.h"

/* Samples are written after this time, then in this interval, and at the end.
 */
#define SAMPLES_FIRST_NS (60 * NS_PER_S)
#define SAMPLES_EVERY_NS (600 * NS_PER_S)
/* Before that the rates of the clocks are not known, and no port can save. */
#define SAMPLES_SOONEST_NS (6 * NS_PER_S)

/* Writes one file that is due, unless a request is under way. */
void engine_saving_turn(struct engine *e);

/* An order: the samples, and what could not be written, are written as soon as
 * no request is under way, and SAMPLES_SOONEST_NS after the start at the
 * earliest. False: this agent saves nothing. */
bool engine_saving_soon(struct engine *e) MUST_USE;

/* Samples were dropped. Those on disk are replaced within SAMPLES_SOONEST_NS,
 * so that the dropped ones do not come back at the next start. */
void engine_saving_replaces(struct engine *e, struct mono now);

/* The result of a write: what is wrong, or "". What is wrong is logged once and
 * is in the status, until another result comes. */
void engine_saving_result(
    struct engine *e, enum unsaved_kind kind, const char *trouble);

/* "the keys" */
const char *engine_unsaved_name(enum unsaved_kind kind);

/* The agent ends: writes all keys and samples. */
void engine_saving_end(struct engine *e);

/* A job has crashed: marks that on disk. The mark goes when key exchanges after
 * the crash have replaced all keys from before it. */
void engine_saving_crashed(struct engine *e);

/* An earlier process has left the mark, and no keys that this one uses. */
void engine_saving_found_mark(struct engine *e);

/* Removes the keys of a source that may not be queried any more. */
void engine_saving_drop(struct engine *e, unsigned slot);

#endif
