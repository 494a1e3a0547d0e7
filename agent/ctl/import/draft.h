/*
 * The configuration that an import makes: keys, servers and comments, and the
 * report about each line that was read. No I/O but to the two streams.
 */
#ifndef AGENT_CTL_IMPORT_DRAFT_H
#define AGENT_CTL_IMPORT_DRAFT_H

#include "agent/foreign/words.h"
#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdio.h>

#define DRAFT_VALUE_MAX 160
#define DRAFT_TEXT_MAX 1024
/* The numbers of trusted-certs, and of keys outside and in a source. */
#define DRAFT_CERTS_MAX 32
#define DRAFT_KEYS_MAX 24
#define DRAFT_SOURCE_KEYS_MAX 16
/* A file with more servers without NTS is not worth comments. */
#define DRAFT_PLAIN_MAX 256
/* The longest line of ntsagent.conf(5). */
#define DRAFT_LINE_MAX 198

struct draft_key {
	const char *section, *name; /* literals */
	char value[DRAFT_VALUE_MAX];
};

struct draft_source {
	char name[SOURCE_NAME_MAX];
	char host[HOST_MAX];
	bool pool; /* a section [pool NAME] */
	unsigned key_count;
	struct draft_key keys[DRAFT_SOURCE_KEYS_MAX];
	unsigned line;
	char file[FILE_PATH_MAX];
};

/* So many sources of the agent it becomes. */
unsigned draft_source_size(const struct draft_source *s);

struct draft_plain {
	char *text; /* the line, owned */
	char host[HOST_MAX];
	unsigned line;
	char file[FILE_PATH_MAX];
};

struct draft {
	enum foreign_program program;
	/* Where we read; for the report. */
	const char *file;
	unsigned line;
	FILE *report;
	bool all; /* the report also has the lines that were taken over */
	unsigned taken, needless, lost, plain; /* lines in the report */

	unsigned key_count, cert_count, source_count, plain_count;
	struct draft_key keys[DRAFT_KEYS_MAX];
	char certs[DRAFT_CERTS_MAX][FILE_PATH_MAX];
	struct draft_source sources[SOURCES_MAX];
	struct draft_plain plains[DRAFT_PLAIN_MAX];
	char driftfile[FILE_PATH_MAX]; /* of the other program; "": none */
	bool servers_only;	       /* a file of a sourcedir of chronyd */
	/* chrony's initstepslew: makestep, unless the file sets that. */
	char first_step[DRAFT_VALUE_MAX];
};

/* `report` is borrowed; NULL if there is no memory. */
struct draft *draft_new(
    enum foreign_program program, FILE *report, bool all) MUST_USE;
void draft_free(struct draft *d);

/* The report: FILE:LINE: what, `text`, and why. Control characters and those
 * that could deceive are made visible. */
void draft_taken(struct draft *d, const char *text, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void draft_needless(struct draft *d, const char *text, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void draft_lost(struct draft *d, const char *text, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Something that may hold more lines is not read; counts as lost. */
void draft_unread(struct draft *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
void draft_note(struct draft *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What the table says of a word; NULL: the program may know it, we do not. */
void draft_word(
    struct draft *d, const struct foreign_word *word, const char *text);

/* Sets a key outside of the sources, or sets it again. `section` and `name` are
 * literals. */
void draft_set(struct draft *d, const char *section, const char *name,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
const char *draft_get(const struct draft *d, const char *name);

/* Can the text be a value: no control character, and nothing that begins a
 * comment? */
bool draft_takes(const char *text) MUST_USE;

/* Can the text be the path of a file? */
bool draft_takes_file(const char *path) MUST_USE;

/* Adds a path to trusted-certs. False: the report says why not. */
bool draft_trust(struct draft *d, const char *text, const char *path) MUST_USE;

/* A new source for this host; NULL: the report says why not. `text` is the line
 * for the report. */
struct draft_source *draft_source(
    struct draft *d, const char *text, const char *host) MUST_USE;
/* Sets a key of the source; a later value replaces it. */
void draft_source_set(struct draft_source *s, const char *name, const char *fmt,
    ...) PRINTF_LIKE(3, 4);
const char *draft_source_get(const struct draft_source *s, const char *name);

/* A server without NTS: it stays as a comment. */
void draft_plain(struct draft *d, const char *text, const char *host);

/* The program keeps the frequency of the clock in this file. */
void draft_drift(struct draft *d, const char *path);

/* After the last line: makes keys fit each other, and adds what the program
 * does where its file says nothing. */
void draft_finish(struct draft *d);

/* Writes the file. `from` is the name for its first line. */
void draft_write(const struct draft *d, const char *from, FILE *out);
/* Writes one line: how many servers, how many lines of each kind. */
void draft_summary(const struct draft *d, FILE *out);

#endif
