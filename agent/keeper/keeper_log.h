/*
 * What the keeper itself logs: each step, that a command of the engine was
 * refused, and that another program had armed a leap second. The engine logs
 * its own words; an engine that an attacker controls would not.
 */
#ifndef AGENT_KEEPER_KEEPER_LOG_H
#define AGENT_KEEPER_KEEPER_LOG_H

#include "clock/kernel/keeper.h"

/* At most so many lines at once, then one per KEEPER_LOG_APART_NS. Lines about
 * steps do not count. */
#define KEEPER_LOG_LINES 8
#define KEEPER_LOG_APART_NS (256 * NS_PER_S)

/* Zeroed at the start. */
struct keeper_log {
	struct mono paid; /* lines after KEEPER_LOG_LINES are paid for until
			     then */
	uint32_t silent;  /* refused commands without a line, since the start */
	uint32_t disarmed; /* keeper->disarmed when the last line was written */
};

/* Call it with each command and the report of it. */
void keeper_log_answer(struct keeper_log *l, const struct clock_command *c,
    const struct keeper_report *r, struct mono now);

/* Call it after each look of the keeper. */
void keeper_log_look(
    struct keeper_log *l, const struct keeper *k, struct mono now);

#endif
