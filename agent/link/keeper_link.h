/*
 * What the engine, the keeper and the saver send to each other: fixed-size
 * structs over SOCK_SEQPACKET socketpairs. The receiver checks length, kind and
 * ranges; a bad message counts as the death of its sender.
 */
#ifndef AGENT_LINK_KEEPER_LINK_H
#define AGENT_LINK_KEEPER_LINK_H

#include "base/check.h"
#include "base/limits.h"
#include "clock/command.h"
#include "nts/seal.h"

enum keeper_message_kind {
	KEEPER_MESSAGE_COMMAND = 1,
	KEEPER_MESSAGE_SAVE = 2,  /* drift and last good time */
	KEEPER_MESSAGE_ALIVE = 3, /* the answer to a question, by its serial */
};

/* Engine to keeper, one per packet. The keeper answers a COMMAND with a
 * keeper_report. */
struct keeper_message {
	uint32_t kind, serial; /* serial: never 0 */
	struct clock_command command;
	double freq_ppm, freq_sd_ppm; /* SAVE: freq as in clock_command */
	int64_t good_time_s;	      /* SAVE: 0: leave the file as it is */
};

/* Keeper to engine, next to the reports: does the engine's loop still turn? */
struct keeper_question {
	uint32_t serial; /* never 0 */
};

/* Keeper to saver: what to write, and where. */
struct save_order {
	char driftfile[FILE_PATH_MAX];	   /* "": do not write it */
	char goodtime_file[FILE_PATH_MAX]; /* "": do not write it */
	double freq_ppm, freq_sd_ppm;
	int64_t good_time_s;  /* 0: do not write it */
	struct seal_key seal; /* secret: the files get its seal */
};

/* Is `ppm` finite, and within what any clock can do? */
bool freq_possible(double ppm);

bool save_order_valid(const struct save_order *o) MUST_USE;

/* What keeper_receive_report() returns for a question, whose serial it writes
 * into the report. The engine sends ALIVE with it. */
#define KEEPER_ASKS 2

/* Each returns 1: a whole message was sent or received, 0: it would block,
 * -1: the peer is gone or broken. None of them blocks. */
int keeper_receive_report(int fd, struct keeper_report *out) MUST_USE;
int keeper_send_question(int fd, uint32_t serial) MUST_USE;
int keeper_send_message(int fd, const struct keeper_message *m) MUST_USE;
int keeper_receive_message(int fd, struct keeper_message *out) MUST_USE;
int keeper_send_report(int fd, const struct keeper_report *r) MUST_USE;

#endif
