#include "agent/ctl/print/cell.h"

#include <string.h>

/* Enough digits for every value the agent knows, few enough that 0.1 stays. */
#define REAL_DIGITS 15

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

static void put_counts(FILE *out, const struct field_counts *counts)
{
	for (unsigned i = 0; i < counts->count; i++)
		fprintf(out, "%s%s=%lld", i == 0 ? "" : " ",
		    counts->item[i].name, (long long)counts->item[i].n);
}

void cell_put_csv(FILE *out, const struct field *f, const void *row)
{
	const struct field_real *real = field_at(f, row);
	const struct field_int *whole = field_at(f, row);
	const struct field_list *list = field_at(f, row);
	const char *text;

	switch (f->kind) {
	case FIELD_TEXT:
		text = field_text(f, row);
		put_texts(out, &text, 1);
		return;
	case FIELD_FLAG:
		fputs(*(const bool *)field_at(f, row) ? "true" : "false", out);
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
	case FIELD_COUNTS:
		put_counts(out, field_at(f, row));
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

static json_t *counts_json(const struct field_counts *counts)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < counts->count; i++)
		if (json_object_set_new(object, counts->item[i].name,
			json_integer(counts->item[i].n)))
			return json_decref(object), NULL;
	return object;
}

static json_t *value_json(const struct field *f, const void *row)
{
	const struct field_real *real = field_at(f, row);
	const struct field_int *whole = field_at(f, row);
	const char *text;

	switch (f->kind) {
	case FIELD_TEXT:
		text = *(const char *const *)field_at(f, row);
		return text ? json_string(text) : json_null();
	case FIELD_FLAG:
		return json_boolean(*(const bool *)field_at(f, row));
	case FIELD_INT:
		return whole->known ? json_integer(whole->n) : json_null();
	case FIELD_REAL:
		return real->known ? json_real(real->x) : json_null();
	case FIELD_LIST:
		return list_json(field_at(f, row));
	case FIELD_COUNTS:
		return counts_json(field_at(f, row));
	}
	return NULL;
}

/* The object that the first `len` bytes of `key` name; made if it is missing.
 */
static json_t *inner_object(json_t *object, const char *key, size_t len)
{
	char outer[32];
	json_t *inner;

	snprintf(outer, sizeof(outer), "%.*s", (int)len, key);
	inner = json_object_get(object, outer);
	if (!inner) {
		inner = json_object();
		if (json_object_set_new(object, outer, inner) != 0)
			return NULL;
	}
	return inner;
}

bool cell_add_json(json_t *object, const struct field *f, const void *row)
{
	const char *key = f->key, *dot = strchr(key, '.');

	if (dot) {
		object = inner_object(object, key, (size_t)(dot - key));
		key = dot + 1;
	}
	return json_object_set_new(object, key, value_json(f, row)) == 0;
}

void cell_int_text(
    char out[static FORMAT_MAX], struct field_int n, format_fn *show)
{
	if (n.known)
		show(out, (double)n.n);
	else
		snprintf(out, FORMAT_MAX, "?");
}
