#include "agent/ctl/history/series.h"

#include "base/time.h"

#include <math.h>

#define DAY_S 86400

/* Where each value lies; -1: there is none. */
static const struct {
	const char *word;
	int of_clock, of_source;
} values[SERIES_VALUES] = {
    [SERIES_OFFSET] = {"offset", HISTORY_CLOCK_OFFSET, HISTORY_SOURCE_OFFSET},
    [SERIES_BOUND] = {"bound", HISTORY_CLOCK_BOUND, -1},
    [SERIES_ERROR] = {"error", HISTORY_CLOCK_ERROR, -1},
    [SERIES_FREQUENCY] = {"frequency", HISTORY_CLOCK_FREQUENCY, -1},
    [SERIES_DELAY] = {"delay", -1, HISTORY_SOURCE_DELAY},
    [SERIES_STAGE] = {"stage", -1, -1},
};

enum series_value series_find(const char *word)
{
	unsigned i = 0;

	while (i < SERIES_VALUES && strcmp(values[i].word, word) != 0)
		i++;
	return (enum series_value)i;
}

const char *series_word(enum series_value value)
{
	return values[value].word;
}

bool series_of_clock(enum series_value value)
{
	return values[value].of_clock >= 0;
}

bool series_of_source(enum series_value value)
{
	return values[value].of_source >= 0 || value == SERIES_STAGE;
}

/* One ring: its marks and, unless it shows the stage, its numbers. */
struct ring {
	const struct history_marks *marks;
	const struct history_series *numbers; /* NULL: none */
	bool coarse, of_clock;
	uint64_t newest; /* cell */
	uint64_t size;
};

static struct ring ring_of(const struct history_file *f, int place,
    enum series_value value, bool coarse)
{
	struct ring r = {
	    .coarse = coarse,
	    .of_clock = place < 0,
	    .newest = coarse ? f->head.cell / HISTORY_PER_COARSE : f->head.cell,
	    .size = coarse ? HISTORY_COARSE : HISTORY_FINE,
	};
	int at = place < 0 ? values[value].of_clock : values[value].of_source;

	if (place < 0)
		r.marks = &f->clock.marks;
	else
		r.marks = &f->sources[place].marks;
	if (at >= 0)
		r.numbers = place < 0 ? &f->clock.series[at]
				      : &f->sources[place].series[at];
	return r;
}

static uint8_t mark_at(const struct ring *r, int64_t cell)
{
	uint64_t n = (uint64_t)cell;

	if (cell < 0 || n > r->newest || r->newest - n >= r->size)
		return 0;
	return r->coarse ? r->marks->coarse[n % r->size]
			 : r->marks->fine[n % r->size];
}

static bool span_at(
    const struct ring *r, int64_t cell, struct history_span *out)
{
	uint64_t n = (uint64_t)cell;
	float x;

	if (mark_at(r, cell) == 0 || !r->numbers)
		return false;
	if (r->coarse) {
		*out = r->numbers->coarse[n % r->size];
	} else {
		x = r->numbers->fine[n % r->size];
		*out = (struct history_span){x, x, x};
	}
	return isfinite(out->min) && isfinite(out->mean) && isfinite(out->max);
}

/* A source has no value in each cell: a line goes on as long as it answers. */
static bool bridges(const struct ring *r, int64_t cell)
{
	uint8_t mark = mark_at(r, cell);

	return !r->of_clock && !r->coarse && mark != 0 &&
	       (mark & HISTORY_GOOD) != 0;
}

static void add(
    struct series_column *c, const struct history_span *s, unsigned *count)
{
	double min = (double)s->min, max = (double)s->max;

	c->min = c->known && c->min < min ? c->min : min;
	c->max = c->known && c->max > max ? c->max : max;
	c->mean = (c->mean * *count + (double)s->mean) / (*count + 1);
	c->known = true;
	++*count;
}

/* The worst mark of the cells of a column. */
static uint8_t worse(uint8_t a, uint8_t b)
{
	if (a == 0 || b == 0)
		return a | b;
	return (a & HISTORY_GOOD) ? b : a;
}

/* What goes on from column to column. */
struct walk {
	bool line;   /* a line may lead on */
	bool before; /* some column was known */
};

static void take_cell(struct series_column *c, const struct ring *r,
    int64_t cell, struct walk *w, unsigned *count)
{
	struct history_span span;

	c->mark = worse(c->mark, mark_at(r, cell));
	if (!span_at(r, cell, &span)) {
		w->line &= bridges(r, cell);
		return;
	}
	if (*count == 0)
		c->joined = w->line && w->before;
	add(c, &span, count);
	w->line = w->before = true;
}

static void note_range(struct series *out, const struct series_column *c)
{
	if (!c->known)
		return;
	out->min = out->any && out->min < c->min ? out->min : c->min;
	out->max = out->any && out->max > c->max ? out->max : c->max;
	out->any = true;
}

/* Spreads the cells over the columns; there may be more columns than cells. */
static void fill(
    struct series *out, const struct ring *r, int64_t first, int64_t cells)
{
	struct walk w = {.line = false};

	for (unsigned i = 0; i < out->count; i++) {
		struct series_column *c = &out->columns[i];
		int64_t from = first + i * cells / out->count;
		int64_t to = first + (i + 1) * cells / out->count;
		unsigned count = 0;

		/* Less than a cell: no number is drawn twice. */
		if (from == to)
			c->mark = mark_at(r, from);
		for (int64_t cell = from; cell < to; cell++)
			take_cell(c, r, cell, &w, &count);
		note_range(out, c);
	}
}

unsigned series_cells(int64_t length_s, int64_t *cell_s)
{
	*cell_s = length_s > DAY_S ? HISTORY_COARSE_S : HISTORY_FINE_S;
	return (unsigned)((length_s + *cell_s - 1) / *cell_s);
}

/* The number of the cell in which `now_s` is. */
static int64_t present_cell(
    const struct ring *r, const struct history_file *f, int64_t now_s)
{
	/* How long ago the newest cell was the present one. */
	int64_t age_s = now_s - f->head.written_ns / NS_PER_S;
	int64_t cell_s = r->coarse ? HISTORY_COARSE_S : HISTORY_FINE_S;

	/* Until then the agent may sleep. */
	return (int64_t)r->newest +
	       (age_s > HISTORY_LATE_S ? age_s / cell_s : 0);
}

struct series_cell series_cell(const struct history_file *f, int place,
    enum series_value value, int64_t now_s, int64_t length_s, unsigned i)
{
	struct ring r = ring_of(f, place, value, length_s > DAY_S);
	int64_t cell_s, before = series_cells(length_s, &cell_s) - 1 - i;
	int64_t cell = present_cell(&r, f, now_s) - before;
	struct series_cell c = {
	    .time_s = now_s - before * cell_s, .mark = mark_at(&r, cell)};
	struct history_span span;

	c.known = span_at(&r, cell, &span);
	if (c.known) {
		c.min = (double)span.min;
		c.mean = (double)span.mean;
		c.max = (double)span.max;
	}
	return c;
}

void series_make(struct series *out, const struct history_file *f, int place,
    enum series_value value, int64_t now_s, int64_t length_s, unsigned count)
{
	struct ring r = ring_of(f, place, value, length_s > DAY_S);
	int64_t cell_s, cells = series_cells(length_s, &cell_s);
	int64_t last = present_cell(&r, f, now_s);

	if (count > SERIES_COLUMNS_MAX)
		count = SERIES_COLUMNS_MAX;
	memset(out, 0, sizeof(*out));
	out->count = count;
	out->to_s = now_s;
	out->from_s = now_s - length_s;
	fill(out, &r, last - cells + 1, cells);
}
