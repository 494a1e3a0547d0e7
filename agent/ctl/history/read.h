/*
 * Reads the history file of a running agent (agent/history/format.h) and judges
 * it: everything in a copy is within its limits, and its texts are printable
 * ASCII.
 */
#ifndef AGENT_CTL_HISTORY_READ_H
#define AGENT_CTL_HISTORY_READ_H

#include "agent/history/format.h"

#include <stdbool.h>
#include <stdio.h>

#define HISTORY_ERROR_MAX 512

/* One state of the history, made by malloc; the caller frees it. NULL: `why` is
 * a sentence that says what to do. */
struct history_file *history_read(
    const char *status_socket, char why[static HISTORY_ERROR_MAX]) MUST_USE;

/* Judges and cleans a copy of `len` bytes. NULL, or what is wrong with it; it
 * follows the path in a sentence. */
const char *history_judge(struct history_file *f, size_t len) MUST_USE;

/* The place of this source; -1: there is none. */
int history_find(const struct history_file *f, const char *name);

/* Is this the source `wanted`, or one of the pool of that name? They are called
 * POOL#1 and so on. */
bool history_belongs(const char *name, const char *wanted);

/* Names the sources of the history in `out`, with commas. */
#define HISTORY_NAMES_MAX 2048
void history_names(const struct history_file *f, char *out, size_t size);

/* Says that there is no such source, and which there are. */
void history_complain_source(
    const struct history_file *f, const char *name, FILE *errors);

#endif
