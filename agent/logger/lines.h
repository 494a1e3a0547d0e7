/* The lines of the files, with the columns of chronyd 4. Pure. */
#ifndef AGENT_LOGGER_LINES_H
#define AGENT_LOGGER_LINES_H

#include "agent/link/log_link.h"

#define LINE_TEXT_MAX 320

/* "measurements.log" */
const char *lines_file(enum log_kind kind);
/* The heading of the columns, without a line feed. */
const char *lines_banner(enum log_kind kind);

/* One line without a line feed. `r` is valid, and of one of the files. */
void lines_write(const struct log_record *r, char out[LINE_TEXT_MAX]);

#endif
