/*
 * The keeper's process: clock/keeper with a socket, a timer and the files that
 * only it may write. And the guard: a process that does nothing but wait for
 * the keeper's end, so that not even kill -9 of the keeper leaves a slew behind.
 */
#ifndef AGENT_KEEPER_PROCESS_H
#define AGENT_KEEPER_PROCESS_H

#include "agent/config.h"
#include "clock/keeper.h"

enum keeper_message_kind {
	KEEPER_MESSAGE_COMMAND = 1,
	KEEPER_MESSAGE_SAVE = 2, /* drift and last good time */
};

/* Engine to keeper, one per packet. Answered by a keeper_report (COMMAND). */
struct keeper_message {
	uint32_t kind, serial;
	struct clock_command command;
	double freq_ppm, freq_sd_ppm; /* SAVE: freq as in clock_command */
	int64_t good_time_s;	      /* SAVE: 0: do not touch */
};

/* 1: a whole message of the right size, 0: would block, -1: peer gone or
 * broken. Non-blocking. */
int keeper_receive_report(int fd, struct keeper_report *out) MUST_USE;
int keeper_send_message(int fd, const struct keeper_message *m) MUST_USE;

/* Carries out a SAVE: used by the keeper process and by --single-process. */
void keeper_save(const struct config *config, const struct keeper_message *m);

#endif
