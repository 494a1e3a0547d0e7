/*
 * A private folder of small files that survive a power cut: each file always
 * has its whole old or its whole new contents. The folder must belong to the
 * user of the process, and one process uses it at a time.
 */
#ifndef AGENT_SAVED_FOLDER_H
#define AGENT_SAVED_FOLDER_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAVED_FOLDER_WHY_MAX 512

struct seal_key;

struct saved_folder {
	int fd;		  /* -1: closed */
	const char *path; /* borrowed; for messages */
	/* For agent/saved/sealed_file.h, whose caller sets it; borrowed. */
	const struct seal_key *seal;
};

/*
 * Opens and locks the folder. Waits up to two seconds for another process that
 * is about to exit. False: `why` is a sentence that names the folder.
 */
bool saved_folder_open(struct saved_folder *f, const char *path,
    char why[SAVED_FOLDER_WHY_MAX]) MUST_USE;
void saved_folder_close(struct saved_folder *f);

/* Returns 0 or -errno. -EINVAL: not a private plain file of this user, or one
 * that is longer than `size`. */
int saved_folder_read(const struct saved_folder *f, const char *name,
    void *bytes, size_t size, size_t *len) MUST_USE;

/* As saved_folder_read(), for a file by its path. */
int saved_file_read(
    const char *path, void *bytes, size_t size, size_t *len) MUST_USE;

/* Writes a file of mode 0600. Returns 0 when the new contents survive a power
 * cut. After -errno the file has its old or its new contents. */
int saved_folder_replace(const struct saved_folder *f, const char *name,
    const void *bytes, size_t len) MUST_USE;

/* What -errno of a write means and, if that helps, what to do. */
const char *saved_folder_error(int err);

/* As strerror(-err), with what to do if the disk is full or read-only. */
const char *saved_error(int err);

/* Returns 0 when the file is gone and stays so after a power cut, also if there
 * was none; or -errno. */
int saved_folder_remove(
    const struct saved_folder *f, const char *name) MUST_USE;

/* Renames the file to NAME.bad and replaces an older NAME.bad. Returns 0 or
 * -errno. */
int saved_folder_set_aside(
    const struct saved_folder *f, const char *name) MUST_USE;

/* Removes every file for which `unwanted` returns true; never one whose name
 * begins with a dot. */
void saved_folder_sweep(const struct saved_folder *f,
    bool (*unwanted)(const void *self, const char *name), const void *self);

#endif
