/*
 * One member of the status snapshot: its name in JSON, its type, its place in
 * a struct. The parser and every output work from such descriptions, so that
 * a member has one name everywhere.
 */
#ifndef AGENT_CTL_PRINT_FIELD_H
#define AGENT_CTL_PRINT_FIELD_H

#include "base/check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct field_int {
	bool known; /* false: null in JSON */
	int64_t n;
};

struct field_real {
	bool known;
	double x;
};

#define FIELD_LIST_MAX 16
struct field_list {
	unsigned count;
	const char *item[FIELD_LIST_MAX];
};

enum field_kind {
	FIELD_TEXT, /* const char *; NULL: null */
	FIELD_FLAG, /* bool */
	FIELD_INT,
	FIELD_REAL,
	FIELD_LIST, /* of texts */
};

struct field {
	const char *key; /* "offset_ns"; "nts.aead" is `aead` in `nts` */
	enum field_kind kind;
	bool nullable;
	size_t at; /* in its struct */
};

#define FIELD_KIND(x)                                                          \
	_Generic((x), \
	    const char *: FIELD_TEXT, \
	    bool: FIELD_FLAG, \
	    struct field_int: FIELD_INT, \
	    struct field_real: FIELD_REAL, \
	    struct field_list: FIELD_LIST)

/* The member `m` of struct `type`, named as in JSON. */
#define FIELD(type, m)                                                         \
	{                                                                      \
		.key = #m, .kind = FIELD_KIND(((type *)0)->m),                 \
		.at = offsetof(type, m)                                        \
	}
#define FIELD_OR_NULL(type, m)                                                 \
	{                                                                      \
		.key = #m, .kind = FIELD_KIND(((type *)0)->m),                 \
		.nullable = true, .at = offsetof(type, m)                      \
	}

/* Where the cleaned texts of a snapshot live. */
struct text_pool {
	char *bytes;
	size_t used;
};

/*
 * Reads the field's member of `object` into the struct at `row`. NULL, or what
 * is wrong with the member: "is missing", "is not a number", ...
 */
const char *field_parse(const struct field *f, const json_t *object, void *row,
    struct text_pool *pool) MUST_USE;

/* INT and REAL as a number; NAN when null. */
double field_number(const struct field *f, const void *row);

/* TEXT; "" when null. */
const char *field_text(const struct field *f, const void *row);

/* One cell, quoted as RFC 4180 2.6 and 2.7 ask; nothing when null. */
void field_put_csv(FILE *out, const struct field *f, const void *row);

/* Adds the field to `object` under its key. False: no memory. */
bool field_add_json(
    json_t *object, const struct field *f, const void *row) MUST_USE;

#endif
