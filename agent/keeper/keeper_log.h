/*
 * What the keeper itself logs of the engine's commands: each step, and that a
 * command was refused. The engine logs its own words; an engine that an
 * attacker controls would not.
 */
#ifndef AGENT_KEEPER_KEEPER_LOG_H
#define AGENT_KEEPER_KEEPER_LOG_H

#include "clock/command.h"

/* So many lines about refused commands at once, then one each
 * KEEPER_LOG_APART_NS. */
#define KEEPER_LOG_LINES 8
#define KEEPER_LOG_APART_NS (256 * NS_PER_S)

/* Zeroed at the start. */
struct keeper_log {
	struct mono paid; /* lines after KEEPER_LOG_LINES are paid for until
			     then */
	uint32_t silent;  /* refused commands without a line since the last */
};

/* Call it with each command and the report of it. */
void keeper_log_answer(struct keeper_log *l, const struct clock_command *c,
    const struct keeper_report *r, struct mono now);

#endif
