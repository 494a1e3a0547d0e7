/*
 * A report as a table. One description of its columns makes the text that
 * administrators know from chronyc, the CSV and the JSON.
 */
#ifndef AGENT_CTL_PRINT_TABLE_H
#define AGENT_CTL_PRINT_TABLE_H

#include "agent/ctl/print/format.h"
#include "agent/ctl/snapshot/snapshot.h"

#include <stdio.h>

enum output { OUTPUT_TEXT, OUTPUT_CSV, OUTPUT_JSON };

/* How and where to show a report. */
struct view {
	FILE *out;
	enum output output;
	bool numeric; /* addresses instead of configured names */
	bool verbose;
	bool terminal; /* `out` is one */
	bool screen;   /* and it knows escape sequences */
	bool colour;
	unsigned width;	  /* columns; sentences are wrapped to it */
	const char *only; /* the sources that this names; NULL: all */
};

struct column {
	struct field field;
	/* For text; without `show` the column is in CSV and JSON only. */
	format_fn *show;
	const char *lead; /* in front of the cell */
	int width;	  /* right-aligned; a longer cell is not cut */
	float if_null; /* what chronyc shows for an unknown value; NAN: "-" */
};

struct table {
	const char *member;		    /* name of the rows in JSON */
	const char *legend;		    /* with -v, in front of the table */
	const char *name_heading, *heading; /* of the names; of the rest */
	unsigned name_width;		    /* grows with the longest name */
	unsigned rule; /* length of the line below the heading */
	bool marks;    /* "^*" in front of the name */
	const struct column *columns;
	size_t column_count;
	/* With -v, printed below each row; NULL: nothing. */
	void (*note)(const struct status_source *s, const struct view *v);
};

/* Prints the table of all sources. False: no memory. */
bool table_put(const struct table *t, const struct snapshot *s,
    const struct view *v) MUST_USE;

/* For reports with one row: the columns describe the struct at `row`. The JSON
 * is {"schema", "time_ns", member: {...}}; false: no memory. */
void table_put_csv_heading(const struct column *c, size_t count, FILE *out);
void table_put_csv_row(
    const struct column *c, size_t count, const void *row, FILE *out);
bool table_put_json_row(const struct column *c, size_t count, const void *row,
    const char *member, const struct snapshot *s, FILE *out) MUST_USE;

/* Prints `value` and releases it. False: it is NULL or cannot be printed. */
bool table_put_json(json_t *value, size_t flags, FILE *out) MUST_USE;

/* An object of all columns, owned by the caller. NULL: no memory. */
json_t *table_json_object(
    const struct column *c, size_t count, const void *row) MUST_USE;

/* The name or, with -n, the address if there is one. */
const char *source_shown_name(
    const struct status_source *s, const struct view *v);

#endif
