/* Logs changes of the clock and of the votes. */
#ifndef AGENT_ENGINE_REPORT_H
#define AGENT_ENGINE_REPORT_H

#include "agent/engine/state.h"

/* After the steering has looked at new samples. True: the clock is synchronised
 * for the first time since the start. */
bool engine_report_tracking(struct engine *e) MUST_USE;

/* The tracking of now, or that of the last report if it is only a moment old:
 * for what shows it. */
void engine_tracking(
    const struct engine *e, struct clock_reading now, struct tracking *out);

/* The selection has judged this source, and it agrees. */
bool engine_source_agrees(enum select_state state);

/* Says so if more sources are configured than can be combined. At the start and
 * after a reload. */
void engine_report_surplus(struct engine *e);

#endif
