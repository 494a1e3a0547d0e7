#include "agent/ctl/print/field.h"

#include "agent/ctl/print/text.h"

#include <math.h>
#include <string.h>

/* Enough digits for every value the agent knows, few enough that 0.1 stays. */
#define REAL_DIGITS 15

/* clang-format off */
static const char *const not_a[] = {
	[FIELD_TEXT] = "is not a text",
	[FIELD_FLAG] = "is neither true nor false",
	[FIELD_INT]  = "is not a whole number",
	[FIELD_REAL] = "is not a number",
	[FIELD_LIST] = "is not a list of texts",
};
/* clang-format on */

static const void *place(const struct field *f, const void *row)
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
		*(struct field_int *)at =
		    (struct field_int){true, json_integer_value(value)};
		return json_is_integer(value);
	case FIELD_REAL:
		*(struct field_real *)at =
		    (struct field_real){true, json_number_value(value)};
		return json_is_number(value);
	case FIELD_LIST:
		return parse_list(value, at, pool);
	}
	return false;
}

/* "nts.aead" of a source: the object `nts`, and in it `aead`. */
static const json_t *find(const json_t *object, const char *key)
{
	const char *dot = strchr(key, '.');
	char outer[32];

	if (dot == NULL)
		return json_object_get(object, key);
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
	return find(json_object_get(object, outer), dot + 1);
}

const char *field_parse(const struct field *f, const json_t *object, void *row,
    struct text_pool *pool)
{
	const json_t *value = find(object, f->key);

	if (value == NULL)
		return "is missing";
	if (json_is_null(value) && f->nullable)
		return NULL; /* the row was zeroed: not known */
	if (!parse_value(f, value, (char *)row + f->at, pool))
		return not_a[f->kind];
	return NULL;
}

double field_number(const struct field *f, const void *row)
{
	const struct field_real *real = place(f, row);
	const struct field_int *whole = place(f, row);

	if (f->kind == FIELD_REAL)
		return real->known ? real->x : NAN;
	return whole->known ? (double)whole->n : NAN;
}

const char *field_text(const struct field *f, const void *row)
{
	const char *text = *(const char *const *)place(f, row);

	return text == NULL ? "" : text;
}

static bool needs_quotes(const char *text)
{
	return strpbrk(text, ",\"\r\n") != NULL;
}

static void put_doubling_quotes(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
}

static void put_texts(FILE *out, const char *const *text, unsigned count)
{
	bool quotes = false;

	for (unsigned i = 0; i < count; i++)
		quotes = quotes || needs_quotes(text[i]);
	if (quotes)
		fputc('"', out);
	for (unsigned i = 0; i < count; i++) {
		fputs(i == 0 ? "" : " ", out);
		put_doubling_quotes(out, text[i]);
	}
	if (quotes)
		fputc('"', out);
}

void field_put_csv(FILE *out, const struct field *f, const void *row)
{
	const struct field_real *real = place(f, row);
	const struct field_int *whole = place(f, row);
	const struct field_list *list = place(f, row);
	const char *text;

	switch (f->kind) {
	case FIELD_TEXT:
		text = field_text(f, row);
		put_texts(out, &text, 1);
		return;
	case FIELD_FLAG:
		fputs(*(const bool *)place(f, row) ? "true" : "false", out);
		return;
	case FIELD_INT:
		if (whole->known)
			fprintf(out, "%lld", (long long)whole->n);
		return;
	case FIELD_REAL:
		if (real->known)
			fprintf(out, "%.*g", REAL_DIGITS, real->x);
		return;
	case FIELD_LIST:
		put_texts(out, list->item, list->count);
		return;
	}
}

static json_t *list_json(const struct field_list *list)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < list->count; i++)
		if (json_array_append_new(array, json_string(list->item[i])))
			return json_decref(array), NULL;
	return array;
}

static json_t *value_json(const struct field *f, const void *row)
{
	const struct field_real *real = place(f, row);
	const struct field_int *whole = place(f, row);
	const char *text;

	switch (f->kind) {
	case FIELD_TEXT:
		text = *(const char *const *)place(f, row);
		return text == NULL ? json_null() : json_string(text);
	case FIELD_FLAG:
		return json_boolean(*(const bool *)place(f, row));
	case FIELD_INT:
		return whole->known ? json_integer(whole->n) : json_null();
	case FIELD_REAL:
		return real->known ? json_real(real->x) : json_null();
	case FIELD_LIST:
		return list_json(place(f, row));
	}
	return NULL;
}

/* The object named by what stands before the dot, made when not there. */
static json_t *inner_object(json_t *object, const char *key, size_t len)
{
	char outer[32];
	json_t *inner;

	snprintf(outer, sizeof(outer), "%.*s", (int)len, key);
	inner = json_object_get(object, outer);
	if (inner == NULL) {
		inner = json_object();
		if (json_object_set_new(object, outer, inner) != 0)
			return NULL;
	}
	return inner;
}

bool field_add_json(json_t *object, const struct field *f, const void *row)
{
	const char *key = f->key, *dot = strchr(key, '.');

	if (dot != NULL) {
		object = inner_object(object, key, (size_t)(dot - key));
		key = dot + 1;
	}
	return json_object_set_new(object, key, value_json(f, row)) == 0;
}
