/* When the engine writes keys to the disk: the part of it that knows of both.
 */
#ifndef AGENT_ENGINE_SAVING_H
#define AGENT_ENGINE_SAVING_H

#include "agent/engine/engine.h"

/* Samples are written first after this, then so often; and at the end. */
#define SAMPLES_FIRST_NS (60 * NS_PER_S)
#define SAMPLES_EVERY_NS (600 * NS_PER_S)

/* Writes one file that is due, at a quiet moment. */
void engine_saving_turn(struct engine *e);

/* Writes all there is: the end. */
void engine_saving_end(struct engine *e);

/* The server wants no more requests: its keys are worth nothing. */
void engine_saving_drop(struct engine *e, unsigned slot);

#endif
