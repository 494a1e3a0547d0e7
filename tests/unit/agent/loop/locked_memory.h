/* Memory that a process has locked (mlock(2)). */
#ifndef TESTS_UNIT_AGENT_LOOP_LOCKED_MEMORY_H
#define TESTS_UNIT_AGENT_LOOP_LOCKED_MEMORY_H

#include "tests/unit/agent/engine/little_memory.h"

/* Returns true if a process may lock so many bytes. A sanitizer locks nothing:
 * see LITTLE_MEMORY_WORKS. */
static inline bool locking_works(size_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	return limit.rlim_cur >= bytes;
}

/* -1: unknown. */
static inline long locked_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && kb < 0 && fgets(line, sizeof(line), f))
		(void)!sscanf(line, "VmLck: %ld kB", &kb);
	if (f)
		fclose(f);
	return kb;
}

#endif
