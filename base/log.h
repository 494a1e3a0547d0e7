/*
 * Writes one line for each event, to standard error or syslog. Only agent/ and
 * resolver/ call it: the cores return errors, and their caller logs them once.
 *
 * Never log a key, a cookie or a whole packet.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/check.h"

/* The numbers are those of syslog. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

enum log_target {
	LOG_TO_STDERR, /* plain lines, or lines with a "<N>" prefix under
			  systemd */
	LOG_TO_SYSLOG,
};

/* Call it before the first fork; children inherit the settings. Messages with
 * a higher number than `most_verbose` are dropped. */
void log_open(enum log_target target, enum log_level most_verbose);

/* Changes the level of this process and keeps the target. */
void log_set_level(enum log_level most_verbose);

/* Sets the name in front of each line to a string constant; the default is
 * "ntsagentd". Call it before log_open(). */
void log_program(const char *program);

/* Sets the prefix of debug lines to a string constant such as "keeper". */
void log_process(const char *process);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Logs with a level that is a value, for example from a table. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
