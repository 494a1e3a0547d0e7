/* Any bytes as a configuration file. */
#ifndef TESTS_FUZZ_LOAD_CONFIG_H
#define TESTS_FUZZ_LOAD_CONFIG_H

#include "agent/config/load.h"
#include "tests/fuzz/target.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns the number of errors. The folder /proc/self/fd has no conf.d. */
static inline unsigned load_config(
    const void *data, size_t size, struct config *c, FILE *errors)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	char path[64];
	unsigned count;

	MUST(fd >= 0);
	MUST(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	count = config_load(path, c, errors);
	close(fd);
	return count;
}

#endif
