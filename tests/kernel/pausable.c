/*
 * A preload library for the kernel of a guest. It makes the guest a machine
 * that can be paused: all of its clocks stand still during a pause. (The guest
 * reads the host's CLOCK_MONOTONIC, which does not stop.)
 *
 * The environment variable PAUSES names a file of eight bytes: the nanoseconds
 * that the guest has stood still so far, little-endian. The file changes only
 * during a pause.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *paused_ns;
static int (*read_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("PAUSES");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *file = fd < 0 ? MAP_FAILED
			    : mmap(NULL, sizeof(*paused_ns), PROT_READ,
				  MAP_SHARED, fd, 0);

	*(void **)&read_clock = dlsym(RTLD_NEXT, "clock_gettime");
	if (file == MAP_FAILED || !read_clock) {
		perror("pausable: PAUSES");
		_exit(1);
	}
	paused_ns = file;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t ns;
	int err = read_clock(id, t);

	if (err != 0 || id != CLOCK_MONOTONIC)
		return err;
	ns = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec - *paused_ns;
	t->tv_sec = ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
	return 0;
}
