#include "agent/history/rings.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

void history_init(struct history_file *f, unsigned sources)
{
	memset(f, 0, history_size(sources));
	memcpy(f->head.magic, HISTORY_MAGIC, HISTORY_MAGIC_LEN);
	f->head.version = HISTORY_VERSION;
	f->head.sources = sources;
	f->head.size = history_size(sources);
	f->head.cell = 1;
}

void history_begin(struct history_file *f)
{
	f->head.sequence++;
	atomic_thread_fence(memory_order_seq_cst);
}

void history_end(struct history_file *f)
{
	atomic_thread_fence(memory_order_seq_cst);
	f->head.sequence++;
}

static void clear(struct history_marks *m, uint64_t first, uint64_t last)
{
	uint64_t passed = last - first + 1;

	if (passed > HISTORY_FINE)
		passed = HISTORY_FINE;
	for (uint64_t i = 0; i < passed; i++)
		m->fine[(last - i) % HISTORY_FINE] = 0;
	/* The coarse cell of `first` may have begun before it. */
	passed = last / HISTORY_PER_COARSE - (first - 1) / HISTORY_PER_COARSE;
	if (passed > HISTORY_COARSE)
		passed = HISTORY_COARSE;
	for (uint64_t i = 0; i < passed; i++)
		m->coarse[(last / HISTORY_PER_COARSE - i) % HISTORY_COARSE] = 0;
}

void history_advance(struct history_file *f, uint64_t cell)
{
	uint64_t first = f->head.cell + 1;

	if (cell < first)
		return;
	clear(&f->clock.marks, first, cell);
	for (unsigned i = 0; i < f->head.sources; i++)
		clear(&f->sources[i].marks, first, cell);
	f->head.cell = cell;
}

/* Min, mean and max of the fine cells from index `first` on. */
static struct history_span span_of(
    const struct history_series *s, const struct history_marks *m, size_t first)
{
	struct history_span span = {NAN, NAN, NAN};
	double sum = 0;
	unsigned count = 0;

	for (size_t i = first; i < first + HISTORY_PER_COARSE; i++) {
		float x = s->fine[i];

		if (m->fine[i] == 0 || isnan(x))
			continue;
		/* A comparison with NaN is false. */
		span.min = span.min < x ? span.min : x;
		span.max = span.max > x ? span.max : x;
		sum += (double)x;
		count++;
	}
	if (count > 0)
		span.mean = (float)(sum / count);
	return span;
}

/* The stage of most cells; good only if all of them were. */
static uint8_t mark_of(const struct history_marks *m, size_t first)
{
	unsigned seen[HISTORY_STAGES] = {0}, most = 0;
	uint8_t good = HISTORY_GOOD;

	for (size_t i = first; i < first + HISTORY_PER_COARSE; i++) {
		if (m->fine[i] == 0)
			continue;
		good &= m->fine[i];
		seen[m->fine[i] & HISTORY_STAGE]++;
	}
	for (unsigned i = 1; i < HISTORY_STAGES; i++)
		if (seen[i] > seen[most])
			most = i;
	return (uint8_t)(HISTORY_PRESENT | good | most);
}

/* Thins the half hour of `cell`. */
static void thin(struct history_series *series, unsigned count,
    struct history_marks *m, uint64_t cell)
{
	size_t at = (size_t)(cell / HISTORY_PER_COARSE % HISTORY_COARSE);
	size_t first = (size_t)(cell % HISTORY_FINE);

	first -= first % HISTORY_PER_COARSE;
	m->coarse[at] = mark_of(m, first);
	for (unsigned i = 0; i < count; i++)
		series[i].coarse[at] = span_of(&series[i], m, first);
}

static float value_of(double x)
{
	float y = (float)x;

	return isfinite(x) && isfinite(y) ? y : NAN;
}

void history_put_clock(struct history_file *f, bool synchronised,
    const double values[HISTORY_CLOCK_VALUES])
{
	struct history_clock *c = &f->clock;
	size_t at = (size_t)(f->head.cell % HISTORY_FINE);

	c->marks.fine[at] = HISTORY_PRESENT | (synchronised ? HISTORY_GOOD : 0);
	for (unsigned i = 0; i < HISTORY_CLOCK_VALUES; i++)
		c->series[i].fine[at] = value_of(values[i]);
	thin(c->series, HISTORY_CLOCK_VALUES, &c->marks, f->head.cell);
}

/* Cells since the last one in which the source was there. */
static uint64_t age_of(const struct history_file *f, unsigned place)
{
	const struct history_marks *m = &f->sources[place].marks;
	uint64_t age = 0;

	while (age < HISTORY_FINE && age < f->head.cell &&
	       m->fine[(f->head.cell - age) % HISTORY_FINE] == 0)
		age++;
	return age;
}

static int oldest_place(const struct history_file *f,
    bool (*configured)(const void *self, const char *name), const void *self)
{
	uint64_t oldest = 0;
	int place = -1;

	for (unsigned i = 0; i < f->head.sources; i++) {
		uint64_t age = age_of(f, i);

		if (configured(self, f->sources[i].name) ||
		    (place >= 0 && age <= oldest))
			continue;
		oldest = age;
		place = (int)i;
	}
	return place;
}

static int find(const struct history_file *f, const char *name)
{
	for (unsigned i = 0; i < f->head.sources; i++)
		if (strcmp(f->sources[i].name, name) == 0)
			return (int)i;
	return -1;
}

int history_place(struct history_file *f, const char *name,
    bool (*configured)(const void *self, const char *name), const void *self)
{
	struct history_source *s;
	int place = find(f, name);

	if (place >= 0)
		return place;
	place = find(f, "");
	if (place < 0)
		place = oldest_place(f, configured, self);
	if (place < 0)
		return -1;
	s = &f->sources[place];
	memset(s, 0, sizeof(*s));
	strncpy(s->name, name, sizeof(s->name) - 1);
	return place;
}

void history_put_source(struct history_file *f, int place, unsigned stage,
    bool good, const double values[HISTORY_SOURCE_VALUES])
{
	struct history_source *s = &f->sources[place];
	size_t at = (size_t)(f->head.cell % HISTORY_FINE);
	bool fresh = s->marks.fine[at] == 0;

	s->marks.fine[at] =
	    (uint8_t)(HISTORY_PRESENT | (good ? HISTORY_GOOD : 0) |
		      (stage & HISTORY_STAGE));
	for (unsigned i = 0; i < HISTORY_SOURCE_VALUES; i++) {
		if (values)
			s->series[i].fine[at] = value_of(values[i]);
		else if (fresh)
			s->series[i].fine[at] = NAN;
	}
	thin(s->series, HISTORY_SOURCE_VALUES, &s->marks, f->head.cell);
}
