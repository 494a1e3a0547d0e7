#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1200

/* The log settings are the only state that all code of a process shares. */
static struct {
	enum log_target target;
	enum log_level level;
	const char *process;
	bool journal;
	const char *program;
} log_state = {LOG_TO_STDERR, LOG_LEVEL_INFO, "", false, "ntsagentd"};

/* systemd sets JOURNAL_STREAM to the device and the inode of the stream that it
 * connects to the journal. The journal reads the level from a "<N>" prefix, see
 * sd-daemon(3). The check is needed because standard error may be redirected
 * later. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char ours[64];

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_open(enum log_target target, enum log_level most_verbose)
{
	log_state.target = target;
	log_state.level = most_verbose;
	log_state.journal = stderr_is_journal();
	if (target == LOG_TO_SYSLOG)
		openlog(log_state.program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_set_level(enum log_level most_verbose)
{
	log_state.level = most_verbose;
}

void log_program(const char *program)
{
	log_state.program = program;
}

void log_process(const char *process)
{
	log_state.process = process;
}

/* Replaces control characters: text from the network must not start a second
 * line. */
static void flatten(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

static void write_stderr(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES + 64];
	int n;

	if (log_state.journal)
		n = snprintf(line, sizeof(line), "<%d>%s\n", (int)level, text);
	else
		n = snprintf(line, sizeof(line), "%s[%ld]: %s\n",
		    log_state.program, (long)getpid(), text);
	if (n > 0 && write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* no place is left to report it */
}

PRINTF_LIKE(2, 0)
static void emit(enum log_level level, const char *fmt, va_list args)
    PRINTF_LIKE(2, 0);
static void emit(enum log_level level, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];
	size_t used = 0;
	int n;

	if (level > log_state.level)
		return;
	if (level == LOG_LEVEL_DEBUG && *log_state.process) {
		n = snprintf(text, sizeof(text), "%s: ", log_state.process);
		used = n > 0 ? (size_t)n : 0;
	}
	vsnprintf(text + used, sizeof(text) - used, fmt, args);
	flatten(text);
	if (log_state.target == LOG_TO_SYSLOG)
		syslog((int)level, "%s", text);
	else
		write_stderr(level, text);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(level, fmt, args);
	va_end(args);
}

#define LOG_FUNCTION(name, level)                                              \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list args;                                                  \
                                                                               \
		va_start(args, fmt);                                           \
		emit(level, fmt, args);                                        \
		va_end(args);                                                  \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
