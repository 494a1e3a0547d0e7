/* Which sources the others outvote, told in the log as that changes. */
#ifndef AGENT_ENGINE_VERDICTS_H
#define AGENT_ENGINE_VERDICTS_H

#include "agent/engine.h"

/* After the steering has looked at new samples. */
void engine_say_verdicts(struct engine *e);

#endif
