/* What the check of the configuration says: its lines, sorted by weight. */
#ifndef AGENT_CHECK_REMARKS_H
#define AGENT_CHECK_REMARKS_H

#include "base/check.h"

#include <stdbool.h>
#include <stdio.h>

struct remarks {
	FILE *file;	    /* in memory, with a descriptor */
	char *text;	    /* all of them */
	const char **lines; /* in `text` */
	unsigned count;
	unsigned errors, warnings;
};

/* The kind of a line, and where its words begin. */
enum remark_kind {
	REMARK_ERROR,
	REMARK_WARNING,
	REMARK_NOTE,   /* changes no status */
	REMARK_DETAIL, /* belongs to the line before */
};
enum remark_kind remark_kind(const char *line, const char **words);

/* False: out of memory. The caller ends them in any case. */
bool remarks_begin(struct remarks *r) MUST_USE;
/* Reads what was written to `file`. False: out of memory. */
bool remarks_read(struct remarks *r) MUST_USE;
void remarks_end(struct remarks *r);

/* The first error or, without one, the first warning; "" without both. */
const char *remarks_worst(const struct remarks *r);

#endif
