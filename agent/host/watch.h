/*
 * Watches files for a change (inotify(7)): the trusted certificates, so that a
 * source which waits because of them need not wait on. Each directory on the
 * way to a file is watched for the next name of the path, symbolic links as
 * well: a file may be renamed into its place, a link be turned to another
 * folder, or all of it appear only later.
 */
#ifndef AGENT_HOST_WATCH_H
#define AGENT_HOST_WATCH_H

#include "base/check.h"
#include "base/time.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define WATCH_NAMES_MAX 512
#define WATCH_PATHS_MAX 40
/* From the first change to the event: what is written by several steps should
 * be whole by then. */
#define WATCH_SETTLE_NS (300 * NS_PER_MS)

/* What happens beside a file in a busy folder, as below /tmp, is read no more
 * often than this: it must not wake anybody all the time. */
#define WATCH_DEAF_NS NS_PER_S

struct watched_name {
	int wd;
	char name[NAME_MAX + 1]; /* "": any name in that directory */
};

struct watch {
	int fd; /* -1: none */
	unsigned path_count;
	const char *paths[WATCH_PATHS_MAX]; /* borrowed */
	unsigned name_count;
	struct watched_name *names; /* owned */
	bool changed;
	struct mono due;
	struct mono deaf_until; /* MONO_NEVER: it listens */
};

/* Without a descriptor. */
void watch_init(struct watch *w);

/*
 * Watches files and directories; `paths` are borrowed until watch_close. What
 * cannot be watched (no right to list a directory) is left out. Call again with
 * other paths. 0, or -errno: nothing is watched.
 */
int watch_open(
    struct watch *w, const char *const paths[], unsigned count) MUST_USE;
void watch_close(struct watch *w);

/* Reads what is there. Nothing of interest: it does not listen for a while. */
void watch_read(struct watch *w, struct mono now);

/* Is its descriptor to be waited for? */
bool watch_listens(const struct watch *w);

/* When watch_take must be called; MONO_NEVER. */
struct mono watch_deadline(const struct watch *w);

/* True: something has changed and come to rest. */
bool watch_take(struct watch *w, struct mono now) MUST_USE;

#endif
