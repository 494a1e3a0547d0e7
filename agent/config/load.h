/*
 * Reads the configuration from its files. Nothing else in the agent reads a
 * file of /etc/ntsagent.
 */
#ifndef AGENT_CONFIG_LOAD_H
#define AGENT_CONFIG_LOAD_H

#include "agent/config/config.h"
#include "base/check.h"

#include <stdio.h>

/* Prints text or the name of a file, which may have any bytes: what is not
 * printable ASCII becomes "?". */
void config_put_visibly(FILE *out, const char *text);

/*
 * Reads `path`, and then the files conf.d/NAME.conf of the same folder in the
 * order of their names. Writes each error to `errors` as one line: file, line,
 * key, what was expected, the nearest known key. Returns the number of errors.
 * The caller uses `out` only if that number is 0.
 *
 * The files sources.d/NAME.conf come last. One with an error is left out: it
 * costs one line that begins with "warning: ", and is not an error.
 */
unsigned config_load(
    const char *path, struct config *out, FILE *errors) MUST_USE;

/* As config_load(), but only UNUSED_FILES_SHOWN such files have a line each;
 * one more line counts the others. */
unsigned config_load_for_log(
    const char *path, struct config *out, FILE *errors) MUST_USE;

/* Reads the files of sources.d alone, with as few lines: `out` becomes `base`,
 * a configuration of the file `path`, with the sources that these files have
 * now. */
unsigned config_load_sources(const char *path, const struct config *base,
    struct config *out, FILE *errors) MUST_USE;

#endif
