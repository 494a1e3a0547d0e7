/* What the agent logs, for tests. Include after cmocka.h. */
#ifndef TESTS_UNIT_AGENT_ENGINE_EAR_H
#define TESTS_UNIT_AGENT_ENGINE_EAR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Standard error of the test, as a file. */
struct ear {
	int old, fd;
};

static inline struct ear listen_to_log(void)
{
	char path[] = P_tmpdir "/ntsagent-ear-XXXXXX";
	struct ear e = {dup(STDERR_FILENO), mkstemp(path)};

	assert_true(e.old >= 0 && e.fd >= 0);
	unlink(path);
	dup2(e.fd, STDERR_FILENO);
	return e;
}

static inline void assert_logged(struct ear *e, const char *part, bool expected)
{
	static char text[65536];
	ssize_t n;

	dup2(e->old, STDERR_FILENO);
	n = pread(e->fd, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	close(e->fd);
	close(e->old);
	if ((strstr(text, part) != NULL) != expected)
		fail_msg(
		    "'%s' is%s in: %s", part, expected ? " not" : "", text);
}

#endif
