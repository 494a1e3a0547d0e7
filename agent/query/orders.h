/*
 * The orders of an administrator: one table with the function of each. The
 * control socket passes only lines of root.
 */
#ifndef AGENT_QUERY_ORDERS_H
#define AGENT_QUERY_ORDERS_H

#include "agent/engine/engine.h"

#define ORDER_TEXT_MAX 320

enum order_outcome {
	ORDER_DONE,
	ORDER_FAILED,
	ORDER_STEPS,   /* the keeper has the command: see order_step_outcome */
	ORDER_RELOADS, /* the caller has to start a reload */
	ORDER_RELOADS_SOURCES, /* of the files of sources.d alone */
};

/* Carries out "VERB" or "VERB NAME"; with DONE and FAILED, `text` is a
 * sentence. The caller then calls engine_on_timer. */
enum order_outcome order_run(struct engine *e, const char *line,
    struct clock_reading now, char text[ORDER_TEXT_MAX]) MUST_USE;

/* The result of an ordered step. True once the keeper has answered, and only
 * once for each step: then `*outcome` is DONE or FAILED and `text` a sentence.
 */
bool order_step_outcome(struct engine *e, enum order_outcome *outcome,
    char text[ORDER_TEXT_MAX]) MUST_USE;

#endif
