/*
 * A private folder of small files that survive a power cut: a file is there as
 * a whole in its old or in its new form. The folder belongs to the process's
 * user and to one process at a time.
 */
#ifndef AGENT_STORE_FOLDER_H
#define AGENT_STORE_FOLDER_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_WHY_MAX 512

struct store_folder {
	int fd;		  /* -1: closed */
	const char *path; /* borrowed, for sentences */
};

/*
 * Waits up to two seconds for another process to let go of it: one that was
 * just told to end. False: `why` is a sentence that names the folder.
 */
bool store_folder_open(
    struct store_folder *f, const char *path, char why[STORE_WHY_MAX]) MUST_USE;
void store_folder_close(struct store_folder *f);

/* 0, -errno, or -EINVAL for what is no private plain file of this user, or
 * longer than `size`. */
int store_folder_read(const struct store_folder *f, const char *name,
    void *bytes, size_t size, size_t *len) MUST_USE;

/* 0: `bytes` stand in the file, mode 0600, and will after a power cut. Else
 * -errno, and the file is the old or the new one. */
int store_folder_replace(const struct store_folder *f, const char *name,
    const void *bytes, size_t len) MUST_USE;

/* What a -errno of writing means and, where it helps, what to do. */
const char *store_folder_error(int err);

/* 0 (also when there is none): it is gone, and will be after a power cut. */
int store_folder_remove(
    const struct store_folder *f, const char *name) MUST_USE;

/* Renamed to NAME.bad, over an older one of that name. 0 or -errno. */
int store_folder_set_aside(
    const struct store_folder *f, const char *name) MUST_USE;

/* Removes every file that `unwanted` says so of. */
void store_folder_sweep(const struct store_folder *f,
    bool (*unwanted)(const void *self, const char *name), const void *self);

#endif
