/*
 * A report as a table. One description of its columns drives the text that
 * administrators know from chronyc, the CSV and the JSON.
 */
#ifndef AGENT_CTL_PRINT_TABLE_H
#define AGENT_CTL_PRINT_TABLE_H

#include "agent/ctl/print/format.h"
#include "agent/ctl/print/snapshot.h"

enum output { OUTPUT_TEXT, OUTPUT_CSV, OUTPUT_JSON };

/* How and where to show a report. */
struct view {
	FILE *out;
	enum output output;
	bool numeric; /* addresses instead of configured names */
	bool verbose;
	bool terminal; /* somebody is looking */
	bool colour;
	unsigned width; /* of the terminal, for what is wrapped */
};

struct column {
	struct field field;
	/* The rest is for text; without `show` the column is CSV and JSON only.
	 */
	format_fn *show;
	const char *lead; /* in front of the cell */
	int width;	  /* right-aligned, never cut */
	bool opposite;	  /* chronyc's sign is the opposite */
	double if_null;	  /* what chronyc shows before it knows */
};

struct table {
	const char *member; /* of the JSON object around the rows */
	const char *legend; /* with -v, in front of the table */
	const char *name_heading, *heading; /* `heading` follows the name's */
	unsigned name_width;		    /* grows with the longest name */
	unsigned rule; /* length of the line below the heading */
	bool marks;    /* "^*" in front of the name */
	const struct column *columns;
	size_t column_count;
	/* With -v, below each row; NULL: nothing. */
	void (*note)(const struct status_source *s, const struct view *v);
};

/* The table of all sources, as the view asks. False: no memory. */
bool table_put(const struct table *t, const struct snapshot *s,
    const struct view *v) MUST_USE;

/* For reports that are no list of sources: `row` is what the columns describe.
 * JSON: {"schema", "time_ns", member: {...}}. */
void table_put_csv_heading(const struct column *c, size_t count, FILE *out);
void table_put_csv_row(
    const struct column *c, size_t count, const void *row, FILE *out);
bool table_put_json_row(const struct column *c, size_t count, const void *row,
    const char *member, const struct snapshot *s, FILE *out) MUST_USE;

/* Prints and releases `value`; false when it is NULL. */
bool table_put_json(json_t *value, size_t flags, FILE *out) MUST_USE;

/* NULL: no memory. */
json_t *table_json_object(
    const struct column *c, size_t count, const void *row) MUST_USE;

/* What stands in a name column. */
const char *source_shown_name(
    const struct status_source *s, const struct view *v);

#endif
