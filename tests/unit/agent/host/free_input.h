/* A parent that has closed standard input: the next descriptor is 0. */
#ifndef TESTS_UNIT_AGENT_HOST_FREE_INPUT_H
#define TESTS_UNIT_AGENT_HOST_FREE_INPUT_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* Returns what input_back() needs. */
static inline int input_free(void)
{
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 64);

	close(STDIN_FILENO);
	return saved;
}

static inline bool input_is_open(void)
{
	return fcntl(STDIN_FILENO, F_GETFD) >= 0;
}

static inline void input_back(int saved)
{
	dup2(saved, STDIN_FILENO);
	close(saved);
}

#endif
