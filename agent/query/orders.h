/*
 * What an administrator may order through the control socket, and what each
 * order does to the engine. The line comes from root or the agent's own user.
 */
#ifndef AGENT_QUERY_ORDERS_H
#define AGENT_QUERY_ORDERS_H

#include "agent/engine/engine.h"

#define ORDER_TEXT_MAX 320

enum order_outcome {
	ORDER_DONE,
	ORDER_FAILED,
	ORDER_STEPS,   /* the keeper has been asked: see order_step_outcome */
	ORDER_RELOADS, /* the configuration is to be read again */
};

/* "VERB" or "VERB NAME". DONE and FAILED: `text` is a sentence.
 * engine_on_timer comes next. */
enum order_outcome order_run(struct engine *e, const char *line,
    struct clock_reading now, char text[ORDER_TEXT_MAX]) MUST_USE;

/* What became of an ordered step: true once, with DONE or FAILED. */
bool order_step_outcome(struct engine *e, enum order_outcome *outcome,
    char text[ORDER_TEXT_MAX]) MUST_USE;

#endif
