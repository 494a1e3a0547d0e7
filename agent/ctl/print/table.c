#include "agent/ctl/print/table.h"

#include "agent/ctl/print/cell.h"
#include "agent/ctl/print/text.h"

#include <math.h>

const char *source_shown_name(
    const struct status_source *s, const struct view *v)
{
	return v->numeric && s->address ? s->address : s->name;
}

/* ---- text ---- */

static unsigned widest_name(
    const struct table *t, const struct snapshot *s, const struct view *v)
{
	unsigned widest = t->name_width;

	for (unsigned i = 0; i < s->source_count; i++) {
		unsigned width =
		    text_width(source_shown_name(&s->sources[i], v));

		widest = width > widest ? width : widest;
	}
	return widest;
}

static void put_heading(const struct table *t, unsigned extra, FILE *out)
{
	fprintf(out, "%s%*s%s\n", t->name_heading, (int)extra, "", t->heading);
	for (unsigned i = 0; i < t->rule + extra; i++)
		fputc('=', out);
	fputc('\n', out);
}

static const char *colour_of(char mark)
{
	switch (mark) {
	case '*':
	case '+':
		return "\033[32m"; /* green */
	case '-':
	case '~':
		return "\033[33m"; /* yellow */
	default:
		return "\033[31m"; /* red */
	}
}

static void put_mark(const struct status_source *s, const struct view *v)
{
	if (v->colour)
		fprintf(
		    v->out, "^%s%s\033[0m ", colour_of(s->mark[0]), s->mark);
	else
		fprintf(v->out, "^%s ", s->mark);
}

static void put_cell(
    const struct column *c, const struct status_source *s, FILE *out)
{
	double value = field_number(&c->field, s);
	char cell[FORMAT_MAX];

	/* chronyc has no word for it, and 0 would be a lie. */
	if (field_missing(&c->field, s)) {
		fprintf(out, "%s%*s", c->lead, c->width, "?");
		return;
	}
	if (isnan(value))
		value = c->if_null;
	/* chronyc's zero would be that of a perfect clock. */
	if (isnan(value))
		snprintf(cell, sizeof(cell), "-");
	else
		c->show(cell, value);
	fprintf(out, "%s%*s", c->lead, c->width, cell);
}

static void put_row(const struct table *t, const struct status_source *s,
    unsigned name_width, const struct view *v)
{
	if (t->marks)
		put_mark(s, v);
	text_put_padded(v->out, source_shown_name(s, v), name_width, TEXT_LEFT);
	for (size_t i = 0; i < t->column_count; i++)
		if (t->columns[i].show)
			put_cell(&t->columns[i], s, v->out);
	fputc('\n', v->out);
	if (v->verbose && t->note)
		t->note(s, v);
}

static void put_text(
    const struct table *t, const struct snapshot *s, const struct view *v)
{
	unsigned name_width = widest_name(t, s, v);

	if (v->verbose)
		fputs(t->legend, v->out);
	put_heading(t, name_width - t->name_width, v->out);
	for (unsigned i = 0; i < s->source_count; i++)
		put_row(t, &s->sources[i], name_width, v);
}

/* ---- CSV ---- */

void table_put_csv_heading(const struct column *c, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i == 0 ? "" : ",", c[i].field.key);
	fputc('\n', out);
}

void table_put_csv_row(
    const struct column *c, size_t count, const void *row, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		fputs(i == 0 ? "" : ",", out);
		cell_put_csv(out, &c[i].field, row);
	}
	fputc('\n', out);
}

static void put_csv(const struct table *t, const struct snapshot *s, FILE *out)
{
	table_put_csv_heading(t->columns, t->column_count, out);
	for (unsigned i = 0; i < s->source_count; i++)
		table_put_csv_row(
		    t->columns, t->column_count, &s->sources[i], out);
}

/* ---- JSON ---- */

json_t *table_json_object(const struct column *c, size_t count, const void *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		if (!cell_add_json(object, &c[i].field, row))
			return json_decref(object), NULL;
	return object;
}

/* jansson does not escape DEL, which stands in texts only. */
static int put_without_del(const char *bytes, size_t len, void *out)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == '\x7f')
			fputs("\\u007F", out);
		else
			fputc(bytes[i], out);
	return ferror(out) ? -1 : 0;
}

bool table_put_json(json_t *value, size_t flags, FILE *out)
{
	/* ASCII only, so that no character can control a terminal. */
	int failed = json_dump_callback(value, put_without_del, out,
	    flags | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));

	json_decref(value);
	fputc('\n', out);
	return failed == 0;
}

/* Takes over `value`. */
static bool put_json_part(
    const char *member, json_t *value, const struct snapshot *s, FILE *out)
{
	json_t *part =
	    json_pack("{s:I, s:I, s:o}", "schema", (json_int_t)s->schema.n,
		"time_ns", (json_int_t)s->time_ns.n, member, value);

	return table_put_json(part, JSON_INDENT(2), out);
}

bool table_put_json_row(const struct column *c, size_t count, const void *row,
    const char *member, const struct snapshot *s, FILE *out)
{
	json_t *object = table_json_object(c, count, row);

	return object && put_json_part(member, object, s, out);
}

static bool put_json(const struct table *t, const struct snapshot *s, FILE *out)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < s->source_count; i++)
		if (json_array_append_new(
			rows, table_json_object(t->columns, t->column_count,
				  &s->sources[i])) != 0)
			return json_decref(rows), false;
	return rows && put_json_part(t->member, rows, s, out);
}

bool table_put(
    const struct table *t, const struct snapshot *s, const struct view *v)
{
	switch (v->output) {
	case OUTPUT_CSV:
		put_csv(t, s, v->out);
		return true;
	case OUTPUT_JSON:
		return put_json(t, s, v->out);
	case OUTPUT_TEXT:
		put_text(t, s, v);
	}
	return true;
}
