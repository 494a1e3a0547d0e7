/*
 * The keeper's process: clock/keeper with a socket, a timer and the files that
 * only it may write. It is the parent of the others, and when one of them ends,
 * it ends the agent in order: no slew running, the base frequency left.
 *
 * Not even kill -9 of the keeper leaves a slew behind: see agent/guard.h.
 */
#ifndef AGENT_KEEPER_PROCESS_H
#define AGENT_KEEPER_PROCESS_H

#include "agent/config.h"
#include "agent/guard.h"
#include "agent/process.h"
#include "agent/reload.h"
#include "clock/keeper.h"

enum keeper_message_kind {
	KEEPER_MESSAGE_COMMAND = 1,
	KEEPER_MESSAGE_SAVE = 2, /* drift and last good time */
};

/* Engine to keeper, one per packet. Answered by a keeper_report (COMMAND). */
struct keeper_message {
	uint32_t kind, serial; /* serial: never 0 */
	struct clock_command command;
	double freq_ppm, freq_sd_ppm; /* SAVE: freq as in clock_command */
	int64_t good_time_s;	      /* SAVE: 0: do not touch */
};

/* 1: a whole message of the right size, 0: would block, -1: peer gone or
 * broken. Non-blocking. */
int keeper_receive_report(int fd, struct keeper_report *out) MUST_USE;
int keeper_send_message(int fd, const struct keeper_message *m) MUST_USE;
int keeper_receive_message(int fd, struct keeper_message *out) MUST_USE;
int keeper_send_report(int fd, const struct keeper_report *r) MUST_USE;

/* Carries out a SAVE: used by the keeper process and by --single-process. */
void keeper_save(const struct config *config, const struct keeper_message *m);

/* What the configuration allows the engine. The floor is for the caller. */
struct keeper_limits keeper_limits_of(
    const struct config *config, bool no_clock);

#define KEEPER_CHILDREN 3

/* Everything is made by main before; run takes it from there. */
struct keeper_process {
	struct config *config; /* a reload changes it */
	struct keeper *keeper; /* started */
	struct guard guard;
	int engine_fd;
	int signal_fd; /* process_catch_signals */
	int config_fd; /* to the engine: reload_request, reload_result; -1 */
	struct reload reload;
	bool debug; /* -d: whatever level is configured */
	/* The engine first, the guard last. */
	struct child children[KEEPER_CHILDREN];
	/* -q and -Q: the engine ends when it is done, and its exit status is
	 * the agent's. */
	bool engine_may_end;
};

/* Until SIGTERM, SIGINT, or the end of a child. Ends all of them and returns
 * the exit status of the agent. */
int keeper_process_run(struct keeper_process *p);

#endif
