/*
 * What engine and keeper say to each other: fixed-size structs over a
 * SOCK_SEQPACKET socketpair. The receiver checks length, kind and ranges; a bad
 * message counts as the death of its sender.
 */
#ifndef AGENT_LINK_KEEPER_LINK_H
#define AGENT_LINK_KEEPER_LINK_H

#include "base/check.h"
#include "clock/command.h"

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

#endif
