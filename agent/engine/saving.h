/* When keys and samples are written to disk. */
#ifndef AGENT_ENGINE_SAVING_H
#define AGENT_ENGINE_SAVING_H

#include "agent/engine/state.h"

/* Samples are written after this time, then in this interval, and at the end.
 */
#define SAMPLES_FIRST_NS (60 * NS_PER_S)
#define SAMPLES_EVERY_NS (600 * NS_PER_S)

/* Writes one file that is due, unless a request is under way. */
void engine_saving_turn(struct engine *e);

/* The agent ends: writes all keys and samples. */
void engine_saving_end(struct engine *e);

/* Removes the keys of a source that may not be queried any more. */
void engine_saving_drop(struct engine *e, unsigned slot);

#endif
