/*
 * Sealed files in a private folder: only a process that has the key of the
 * folder can read them, or write what is accepted later (nts/seal.h).
 */
#ifndef AGENT_SAVED_SEALED_FILE_H
#define AGENT_SAVED_SEALED_FILE_H

#include "agent/saved/folder.h"
#include "nts/seal.h"

/* Errors of sealed_file_read() besides those of saved_folder_read(). */
#define SEALED_BROKEN (-EBADMSG)
#define SEALED_MISSING (-ENOMSG)
#define SEALED_OTHER (-EPROTO)

/* Reads a file and opens its seal. Returns 0 or -errno; `bytes` holds the
 * contents only after 0. -EINVAL as for saved_folder_read(). */
int sealed_file_read(const struct saved_folder *f, const char *name,
    struct seal_label label, void *bytes, size_t size, size_t *len) MUST_USE;

/* Seals the bytes and replaces the file. Returns 0 or -errno. */
int sealed_file_replace(const struct saved_folder *f, const char *name,
    struct seal_label label, const void *bytes, size_t len) MUST_USE;

/* What an error means; it follows the name of the file in a sentence. */
const char *sealed_file_error(int err);

#endif
