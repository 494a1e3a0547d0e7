/* Which sources the others outvote, told in the log as that changes. */
#ifndef AGENT_ENGINE_REPORT_H
#define AGENT_ENGINE_REPORT_H

#include "agent/engine/engine.h"

/* After the steering has looked at new samples. */
void engine_report_votes(struct engine *e);

#endif
