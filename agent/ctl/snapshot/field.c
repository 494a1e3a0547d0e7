#include "agent/ctl/snapshot/field.h"

#include "agent/ctl/snapshot/clean.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const char *const not_a[] = {
	[FIELD_TEXT] = "is not a text",
	[FIELD_FLAG] = "is neither true nor false",
	[FIELD_INT]  = "is not a whole number",
	[FIELD_REAL] = "is not a number",
	[FIELD_LIST] = "is not a list of texts",
	[FIELD_COUNTS] = "is not an object of counters",
};
/* clang-format on */

const void *field_at(const struct field *f, const void *row)
{
	return (const char *)row + f->at;
}

static const char *take_text(const json_t *value, struct text_pool *pool)
{
	char *text = pool->bytes + pool->used;

	pool->used += 1 + text_clean(text, json_string_value(value),
			      json_string_length(value));
	return text;
}

static bool parse_list(
    const json_t *value, struct field_list *list, struct text_pool *pool)
{
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > FIELD_LIST_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);

		if (!json_is_string(item))
			return false;
		list->item[i] = take_text(item, pool);
	}
	list->count = (unsigned)count;
	return true;
}

static bool parse_counts(
    const json_t *value, struct field_counts *counts, struct text_pool *pool)
{
	const char *name;
	json_t *n;

	if (!json_is_object(value) ||
	    json_object_size(value) > FIELD_COUNTS_MAX)
		return false;
	/* jansson iterates over no constant object. */
	json_object_foreach((json_t *)(uintptr_t)value, name, n)
	{
		json_t *text = json_string(name);
		bool fits =
		    text && json_is_integer(n) && json_integer_value(n) >= 0;

		if (fits)
			counts->item[counts->count++] = (struct field_count){
			    take_text(text, pool), json_integer_value(n)};
		json_decref(text);
		if (!fits)
			return false;
	}
	counts->known = true;
	return true;
}

static bool parse_value(const struct field *f, const json_t *value, void *at,
    struct text_pool *pool)
{
	switch (f->kind) {
	case FIELD_TEXT:
		if (!json_is_string(value))
			return false;
		*(const char **)at = take_text(value, pool);
		return true;
	case FIELD_FLAG:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case FIELD_INT:
		*(struct field_int *)at = (struct field_int){
		    .known = true, .n = json_integer_value(value)};
		return json_is_integer(value);
	case FIELD_REAL:
		*(struct field_real *)at = (struct field_real){
		    .known = true, .x = json_number_value(value)};
		return json_is_number(value);
	case FIELD_LIST:
		return parse_list(value, at, pool);
	case FIELD_COUNTS:
		return parse_counts(value, at, pool);
	}
	return false;
}

/* The key "nts.aead" means the member `aead` of the object `nts`. */
static const json_t *find(const json_t *object, const char *key)
{
	const char *dot = strchr(key, '.');
	char outer[32];

	if (!dot)
		return json_object_get(object, key);
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
	return find(json_object_get(object, outer), dot + 1);
}

static void note_missing(const struct field *f, void *at)
{
	if (f->kind == FIELD_INT)
		((struct field_int *)at)->missing = true;
	else if (f->kind == FIELD_REAL)
		((struct field_real *)at)->missing = true;
}

bool field_missing(const struct field *f, const void *row)
{
	const struct field_real *real = field_at(f, row);
	const struct field_int *whole = field_at(f, row);

	return f->kind == FIELD_REAL ? real->missing : whole->missing;
}

const char *field_parse(const struct field *f, const json_t *object, void *row,
    struct text_pool *pool)
{
	const json_t *value = find(object, f->key);

	if (!value) {
		note_missing(f, (char *)row + f->at);
		return f->needed ? "is missing" : NULL;
	}
	if (json_is_null(value) && f->nullable)
		return NULL; /* the row is zeroed: not known */
	if (!parse_value(f, value, (char *)row + f->at, pool))
		return not_a[f->kind];
	return NULL;
}

double field_number(const struct field *f, const void *row)
{
	const struct field_real *real = field_at(f, row);
	const struct field_int *whole = field_at(f, row);

	if (f->kind == FIELD_REAL)
		return real->known ? real->x : NAN;
	return whole->known ? (double)whole->n : NAN;
}

const char *field_text(const struct field *f, const void *row)
{
	const char *text = *(const char *const *)field_at(f, row);

	return text ? text : "";
}

int64_t field_count_of(const struct field_counts *counts, const char *name)
{
	for (unsigned i = 0; i < counts->count; i++)
		if (strcmp(counts->item[i].name, name) == 0)
			return counts->item[i].n;
	return 0;
}
