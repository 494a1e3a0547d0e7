/*
 * Watches files for a change (inotify(7)): the trusted certificates, so that a
 * source that waits because of them need not wait longer. It watches each
 * directory on the way to a file for the next name of the path, also through
 * symbolic links: a file may be renamed into its place, a link may be changed
 * to lead to another folder, and the whole path may appear later.
 */
#ifndef AGENT_HOST_WATCH_H
#define AGENT_HOST_WATCH_H

#include "base/check.h"
#include "base/time.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define WATCH_NAMES_MAX 512
#define WATCH_PATHS_MAX 52
/* The time from the first change to the event: a file that is written in
 * several steps should be complete by then. */
#define WATCH_SETTLE_NS (300 * NS_PER_MS)

/* How long it does not listen after an event that concerns no watched file: a
 * busy folder such as /tmp must not wake the process all the time. */
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
	bool full; /* the kernel refused a watch: the user has too many */
	bool changed;
	struct mono due;
	struct mono deaf_until; /* MONO_NEVER: it listens */
};

/* A value without a descriptor. */
void watch_init(struct watch *w);

/*
 * Watches files and directories; `paths` are borrowed until watch_close().
 * Skips what cannot be watched, because the process may not list the directory.
 * May be called again with other paths. 0, or -errno: nothing is watched; with
 * -ENOSPC not everything is.
 */
int watch_open(
    struct watch *w, const char *const paths[], unsigned count) MUST_USE;
void watch_close(struct watch *w);

/* The sentence for an error of watch_open(): names the limit, if it is one. */
const char *watch_error(int err);

/* Reads all events that have arrived. When none concerns a watched file, it
 * does not listen for WATCH_DEAF_NS. */
void watch_read(struct watch *w, struct mono now);

/* True: the caller should wait for its descriptor. */
bool watch_listens(const struct watch *w);

/* When watch_take() must be called; MONO_NEVER. */
struct mono watch_deadline(const struct watch *w);

/* True: a watched file has changed, and WATCH_SETTLE_NS have passed. */
bool watch_take(struct watch *w, struct mono now) MUST_USE;

#endif
