/*
 * One member of the status: its name in JSON, its type, its place in a struct.
 * The parser and all outputs work from these descriptions, so a member has the
 * same name everywhere.
 */
#ifndef AGENT_CTL_SNAPSHOT_FIELD_H
#define AGENT_CTL_SNAPSHOT_FIELD_H

#include "base/check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field_int {
	bool known;   /* false: null in JSON, or missing */
	bool missing; /* an older agent does not say it */
	int64_t n;
};

struct field_real {
	bool known, missing;
	double x;
};

#define FIELD_LIST_MAX 16
struct field_list {
	unsigned count;
	const char *item[FIELD_LIST_MAX];
};

/* Counters by name; what is not named is 0. */
#define FIELD_COUNTS_MAX 64
struct field_counts {
	bool known;
	unsigned count;
	struct field_count {
		const char *name;
		int64_t n;
	} item[FIELD_COUNTS_MAX];
};

enum field_kind {
	FIELD_TEXT, /* const char *; NULL: null */
	FIELD_FLAG, /* bool */
	FIELD_INT,
	FIELD_REAL,
	FIELD_LIST,   /* list of texts */
	FIELD_COUNTS, /* object of counters */
};

struct field {
	const char *key; /* "offset_ns"; "nts.aead": `aead` in object `nts` */
	enum field_kind kind : 8;
	bool nullable; /* null is allowed, and means "not known" */
	bool needed;   /* every agent of this schema has it */
	uint32_t at;   /* offset in its struct */
};

#define FIELD_KIND(x)                                                          \
	_Generic((x), \
	    const char *: FIELD_TEXT, \
	    bool: FIELD_FLAG, \
	    struct field_int: FIELD_INT, \
	    struct field_real: FIELD_REAL, \
	    struct field_list: FIELD_LIST, \
	    struct field_counts: FIELD_COUNTS)

/* The member `m` of struct `type`, named as in JSON. */
#define FIELD(type, m)                                                         \
	{                                                                      \
		.key = #m, .kind = FIELD_KIND(((type *)0)->m),                 \
		.at = offsetof(type, m)                                        \
	}
#define FIELD_NEEDED(type, m)                                                  \
	{                                                                      \
		.key = #m, .kind = FIELD_KIND(((type *)0)->m), .needed = true, \
		.at = offsetof(type, m)                                        \
	}
#define FIELD_OR_NULL(type, m)                                                 \
	{                                                                      \
		.key = #m, .kind = FIELD_KIND(((type *)0)->m),                 \
		.nullable = true, .at = offsetof(type, m)                      \
	}

/* Memory for the cleaned texts of a snapshot; large enough for all of them. */
struct text_pool {
	char *bytes;
	size_t used;
};

/*
 * Reads the field's member of `object` into the struct at `row`, which is all
 * zero before. Texts are cleaned into `pool`. Returns NULL, or what is wrong
 * with the member: "is missing", "is not a number", ... A member that is
 * missing is not known, unless it is needed.
 */
const char *field_parse(const struct field *f, const json_t *object, void *row,
    struct text_pool *pool) MUST_USE;

/* Where the field's value lies in the struct at `row`. */
const void *field_at(const struct field *f, const void *row);

/* For INT and REAL; NAN when not known. */
double field_number(const struct field *f, const void *row);

/* For INT and REAL: the agent does not say it, not even that it is not known.
 */
bool field_missing(const struct field *f, const void *row);

/* The counter `name`; 0 when it is not named. */
int64_t field_count_of(const struct field_counts *counts, const char *name);

/* For TEXT; "" when not known. */
const char *field_text(const struct field *f, const void *row);

#endif
