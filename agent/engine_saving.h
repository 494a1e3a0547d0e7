/* When the engine writes keys to the disk: the part of it that knows of both.
 */
#ifndef AGENT_ENGINE_SAVING_H
#define AGENT_ENGINE_SAVING_H

#include "agent/engine.h"

/* Writes the keys of one source that is due, at a quiet moment. */
void engine_saving_turn(struct engine *e);

/* Writes all there is: the end. */
void engine_saving_end(struct engine *e);

/* The server wants no more requests: its keys are worth nothing. */
void engine_saving_drop(struct engine *e, unsigned slot);

#endif
