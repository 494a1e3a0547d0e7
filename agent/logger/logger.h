/*
 * The logger: the process that writes the files of measurements. It takes
 * records from the engine and writes each as one line, so that a slow disk
 * holds up nobody else. It ends when the engine does.
 */
#ifndef AGENT_LOGGER_LOGGER_H
#define AGENT_LOGGER_LOGGER_H

#include "agent/link/log_link.h"

struct logger {
	struct log_order order;
	struct log_file {
		int fd;		/* -1: closed */
		uint64_t lines; /* since it was opened, for the banner */
		uint64_t lost;	/* since the file could be written last */
		int error;	/* an errno, if the last line was lost */
	} files[LOG_FILES];
};

void logger_init(struct logger *l, const struct log_order *order);
/* Writes the line of a record, or closes the files. The record is valid. */
void logger_take(struct logger *l, const struct log_record *r);
void logger_close(struct logger *l);
/* Why a file cannot be written: an errno; 0: all can. */
int logger_error(const struct logger *l);

/* The process: its order has been judged by the sandbox and waits in the link;
 * records follow. Returns the exit status. */
int logger_main(int fd);

#endif
