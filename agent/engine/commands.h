/*
 * Commands to the keeper, one at a time: what the steering decides, what the
 * servers agree on at the start, what an administrator orders, what is saved;
 * and what the keeper answers.
 */
#ifndef AGENT_ENGINE_COMMANDS_H
#define AGENT_ENGINE_COMMANDS_H

#include "agent/engine/state.h"

/* Lets the steering decide, if it may, and sends its command. */
void engine_steer(struct engine *e);

/* Sets a clock that is too wrong to check certificates by, if the servers
 * agree. */
void engine_set_by_agreement(struct engine *e);

/* Sends a step that an administrator has ordered. Only while no command is
 * under way. */
void engine_order_step(struct engine *e, const struct clock_command *command);

/* -q, -Q and --max-bound: when the time limit is over, or never; and whether
 * the run is done, or has failed. */
struct mono engine_once_until(const struct engine *e);
void engine_once_look(struct engine *e);

/* Has the keeper write frequency and last good time, if they are known. */
void engine_save_clock(struct engine *e);

/* The keeper's report: what has happened to the clock, and its answer. */
void engine_take_report(struct engine *e, const struct keeper_report *r);

/* Reports how the clock stands, after new samples or a command. */
void engine_look_at_tracking(struct engine *e);

#endif
