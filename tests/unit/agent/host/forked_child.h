/* Children of a unit test: forked, not executed, so that a test can give them
 * any function and share memory with them. */
#ifndef TESTS_UNIT_AGENT_HOST_FORKED_CHILD_H
#define TESTS_UNIT_AGENT_HOST_FORKED_CHILD_H

#include "agent/host/child.h"

#include <unistd.h>

/* As child_exec() in the parent. In the child, 0: named, with its signals
 * unblocked. In the parent, 1. */
static inline int forked_child(struct child *child, const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		child_begin(name);
		child_take_signals(false);
		return 0;
	}
	*child = (struct child){.name = name, .pid = pid};
	return pid > 0 ? 1 : -1;
}

/* A child_starter's function; `self` is the main function, which gets the link.
 */
typedef int forked_main(const char *name, int fd);

static inline int forked_start(
    void *self, const char *name, const int link[2], struct child *child)
{
	forked_main *const *run = self;
	int fd = link[1];

	if (forked_child(child, name) != 0)
		return 0;
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
	_exit((*run)(name, fd));
}

/* A child_starter's function; `self` is the error with which it fails. */
static inline int forked_start_fails(
    void *self, const char *name, const int link[2], struct child *child)
{
	const int *err = self;

	(void)name;
	(void)link;
	(void)child;
	return *err;
}

#endif
