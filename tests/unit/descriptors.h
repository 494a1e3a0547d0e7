/* The descriptors of a test's process. Include after cmocka.h. */
#ifndef TESTS_UNIT_DESCRIPTORS_H
#define TESTS_UNIT_DESCRIPTORS_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

static inline int descriptors_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Opening fails with EMFILE until descriptors_allow(), which takes the limit
 * that this returns. */
static inline struct rlimit descriptors_forbid(void)
{
	struct rlimit before, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){
	    .rlim_cur = STDERR_FILENO + 1, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	return before;
}

static inline void descriptors_allow(struct rlimit before)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Closes standard input, as a parent may have done: the next descriptor is 0.
 * Returns what input_back() needs. */
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
