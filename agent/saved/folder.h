/*
 * A private folder of small files that survive a power cut: a file is there as
 * a whole in its old or in its new form. The folder belongs to the process's
 * user and to one process at a time.
 */
#ifndef AGENT_SAVED_FOLDER_H
#define AGENT_SAVED_FOLDER_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAVED_FOLDER_WHY_MAX 512

struct saved_folder {
	int fd;		  /* -1: closed */
	const char *path; /* borrowed, for sentences */
};

/*
 * Waits up to two seconds for another process to let go of it: one that was
 * just told to end. False: `why` is a sentence that names the folder.
 */
bool saved_folder_open(struct saved_folder *f, const char *path,
    char why[SAVED_FOLDER_WHY_MAX]) MUST_USE;
void saved_folder_close(struct saved_folder *f);

/* 0, -errno, or -EINVAL for what is no private plain file of this user, or
 * longer than `size`. */
int saved_folder_read(const struct saved_folder *f, const char *name,
    void *bytes, size_t size, size_t *len) MUST_USE;

/* 0: `bytes` stand in the file, mode 0600, and will after a power cut. Else
 * -errno, and the file is the old or the new one. */
int saved_folder_replace(const struct saved_folder *f, const char *name,
    const void *bytes, size_t len) MUST_USE;

/* What a -errno of writing means and, where it helps, what to do. */
const char *saved_folder_error(int err);

/* 0 (also when there is none): it is gone, and will be after a power cut. */
int saved_folder_remove(
    const struct saved_folder *f, const char *name) MUST_USE;

/* Renamed to NAME.bad, over an older one of that name. 0 or -errno. */
int saved_folder_set_aside(
    const struct saved_folder *f, const char *name) MUST_USE;

/* Removes every file that `unwanted` says so of. */
void saved_folder_sweep(const struct saved_folder *f,
    bool (*unwanted)(const void *self, const char *name), const void *self);

#endif
