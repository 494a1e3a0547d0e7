/* The files that an import reads and writes. */
#ifndef AGENT_CTL_IMPORT_FILES_H
#define AGENT_CTL_IMPORT_FILES_H

#include "agent/ctl/import/parsers.h"

#define FILES_ERROR_MAX 400
/* A larger file is no configuration. */
#define FILES_SIZE_MAX (1 << 20)

/* Reads files from the disk. */
extern const struct import_files files_of_disk;

/* The contents with a NUL behind them; the caller frees them. "-" is standard
 * input. NULL: see errno; EFBIG for a file that is too large. */
char *files_read(const char *path, size_t *len) MUST_USE;

/* Reads a file that another file names: "-" is a name, and a FIFO, whose reader
 * may wait for ever, is refused with ENOTSUP. */
char *files_read_named(const char *path, size_t *len) MUST_USE;

/*
 * Creates the file with the mode 0644 and these contents, or replaces it as a
 * whole. `force`: it may exist, and be a regular file. False: nothing has
 * changed, and `why` has a sentence.
 */
bool files_write(const char *path, const char *text, size_t len, bool force,
    char why[static FILES_ERROR_MAX]) MUST_USE;

#endif
