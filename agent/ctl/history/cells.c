#include "agent/ctl/history/cells.h"

#include "base/time.h"

struct row {
	struct field_int time_ns;
	const char *source, *state;
	struct field_int answers; /* 1, 0; of a source */
	/* The same three numbers; the columns choose one unit. */
	struct field_real min_ns, mean_ns, max_ns;
	struct field_real min_ppm, mean_ppm, max_ppm;
};

/* clang-format off */
#define ROW(m) {.field = FIELD(struct row, m)}
#define STATE ROW(time_ns), ROW(source), ROW(state), ROW(answers)
/* clang-format on */

static const struct column of_ns[] = {
    STATE, ROW(min_ns), ROW(mean_ns), ROW(max_ns)};
static const struct column of_ppm[] = {
    STATE, ROW(min_ppm), ROW(mean_ppm), ROW(max_ppm)};
static const struct column of_stage[] = {STATE};

static const struct {
	const struct column *columns;
	size_t count;
} tables[SERIES_VALUES] = {
    [SERIES_OFFSET] = {of_ns, ARRAY_LEN(of_ns)},
    [SERIES_BOUND] = {of_ns, ARRAY_LEN(of_ns)},
    [SERIES_ERROR] = {of_ns, ARRAY_LEN(of_ns)},
    [SERIES_FREQUENCY] = {of_ppm, ARRAY_LEN(of_ppm)},
    [SERIES_DELAY] = {of_ns, ARRAY_LEN(of_ns)},
    [SERIES_STAGE] = {of_stage, ARRAY_LEN(of_stage)},
};

/* NULL: the agent did not run, or had no such source. */
static const char *state_of(
    const struct history_file *f, int place, uint8_t mark)
{
	if (mark == 0)
		return NULL;
	if (place >= 0)
		return f->head.stages[mark & HISTORY_STAGE];
	return mark & HISTORY_GOOD ? "synchronised" : "unsynchronised";
}

static struct row row_of(
    const struct cells *c, const struct history_file *f, int place, unsigned i)
{
	struct series_cell cell =
	    series_cell(f, place, c->value, c->now_s, c->length_s, i);
	struct field_real min = {.known = cell.known, .x = cell.min};
	struct field_real mean = {.known = cell.known, .x = cell.mean};
	struct field_real max = {.known = cell.known, .x = cell.max};

	return (struct row){
	    .time_ns = {.known = true, .n = cell.time_s * NS_PER_S},
	    .source = place < 0 ? NULL : f->sources[place].name,
	    .state = state_of(f, place, cell.mark),
	    .answers = {.known = place >= 0 && cell.mark != 0,
		.n = (cell.mark & HISTORY_GOOD) != 0},
	    .min_ns = min,
	    .mean_ns = mean,
	    .max_ns = max,
	    .min_ppm = min,
	    .mean_ppm = mean,
	    .max_ppm = max,
	};
}

static bool put_place(const struct cells *c, const struct history_file *f,
    int place, const struct view *v)
{
	const struct column *columns = tables[c->value].columns;
	size_t count = tables[c->value].count;
	int64_t cell_s;
	unsigned cells = series_cells(c->length_s, &cell_s);
	bool done = true;

	for (unsigned i = 0; i < cells && done; i++) {
		struct row row = row_of(c, f, place, i);

		if (v->output == OUTPUT_CSV)
			table_put_csv_row(columns, count, &row, v->out);
		else
			done = table_put_json(
			    table_json_object(columns, count, &row), 0, v->out);
	}
	return done && !ferror(v->out);
}

bool cells_put(
    const struct cells *c, const struct history_file *f, const struct view *v)
{
	bool done = true;

	if (v->output == OUTPUT_CSV)
		table_put_csv_heading(
		    tables[c->value].columns, tables[c->value].count, v->out);
	if (c->place >= 0 || c->value != SERIES_STAGE)
		return put_place(c, f, c->place, v);
	for (unsigned i = 0; i < f->head.sources && done; i++)
		if (f->sources[i].name[0] != '\0')
			done = put_place(c, f, (int)i, v);
	return done;
}
