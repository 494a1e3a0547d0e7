/* Takes the memory away from a child of a test. */
#ifndef TESTS_UNIT_AGENT_ENGINE_LITTLE_MEMORY_H
#define TESTS_UNIT_AGENT_ENGINE_LITTLE_MEMORY_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer needs memory of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LITTLE_MEMORY_WORKS false
#else
#define LITTLE_MEMORY_WORKS true
#endif

/* The address space of this process, in bytes; 0: unknown. */
static inline size_t little_memory_used(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* From now on, memory is mapped and unmapped piece by piece, and this process
 * gets at most `more` bytes. */
static inline void little_memory_begin(size_t more)
{
	struct rlimit limit;

	mallopt(M_MMAP_THRESHOLD, 4096);
	malloc_trim(0);
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = little_memory_used() + more;
	setrlimit(RLIMIT_AS, &limit);
}

/* Returns true if the function does in a child. */
static inline bool little_memory_holds(bool (*f)(void *self), void *self)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(f(self) ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

#endif
