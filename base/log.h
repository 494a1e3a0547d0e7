/*
 * One line per event, to standard error or syslog. Called from agent/ and
 * resolver/ only: cores return errors, the edge says them once.
 *
 * Never pass a key, a cookie or a whole packet.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/check.h"

/* The numbers are syslog's. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

enum log_target {
	LOG_TO_STDERR, /* plain lines; with "<N>" prefixes under systemd */
	LOG_TO_SYSLOG,
};

/* Call before the first fork; children inherit it. */
void log_open(enum log_target target, enum log_level most_verbose);

/* The same target, another level: of this process alone. */
void log_set_level(enum log_level most_verbose);

/* `process` (a string constant: "keeper", "engine", ...) prefixes debug lines.
 */
void log_process(const char *process);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The same with the level as a value, for tables. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
