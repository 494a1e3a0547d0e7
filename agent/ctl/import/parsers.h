/*
 * The parsers of other programs' configuration files. No I/O: other files come
 * through `struct import_files`.
 */
#ifndef AGENT_CTL_IMPORT_PARSERS_H
#define AGENT_CTL_IMPORT_PARSERS_H

#include "agent/ctl/import/draft.h"

/* chronyd refuses a longer line, too. */
#define IMPORT_LINE_MAX 2048
#define IMPORT_WORDS_MAX 64
/* Files that include each other end here. */
#define IMPORT_DEPTH_MAX 10
#define IMPORT_FILES_MAX 200

struct import;

/* How the parsers reach other files. */
struct import_files {
	void *self;
	/* Calls import_text() for each file that the pattern of glob(7), or
	 * the folder with this suffix, leads to, in the order of their names.
	 * Returns how many; -1: none can be read, with errno set. */
	int (*pattern)(void *self, struct import *i, const char *pattern);
	int (*folder)(void *self, struct import *i, const char *folder,
	    const char *suffix);
};

struct import {
	struct draft *draft;
	const struct import_files *files; /* NULL: there are none */
	unsigned depth;
	unsigned files_read;
	bool sources_only; /* in a file of a sourcedir */
	/* The beginning of a line of timesyncd, and its number. */
	char joined[IMPORT_LINE_MAX + 1];
	unsigned joined_line;
};

/* Reads the text of one file of the draft's program. */
void import_text(
    struct import *i, const char *file, const char *text, size_t len);

/* One line, trimmed and without a NUL. `line` is changed. */
void chrony_line(struct import *i, char *line);
void ntpd_line(struct import *i, char *line);
void timesyncd_line(struct import *i, char *line);
/* The end of the file. */
void timesyncd_end(struct import *i);
/* A whole file: a value of TOML may have several lines. */
void ntpd_rs_text(struct import *i, const char *text, size_t len);

#endif
