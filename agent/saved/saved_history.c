#include "agent/saved/saved_history.h"

#include "nts/digest.h"

#include <math.h>
#include <string.h>

#define MAGIC "NTSAHIST"
#define MAGIC_LEN 8
/* Raise it with each change of the format, of the stages of a source, or of the
 * kinds of events. */
#define VERSION 1

/* The marks, values and numbers of one ring of each kind. */
#define FINE_MAX(values) (4 + HISTORY_FINE * (1 + 4 * (size_t)(values)))
#define COARSE_MAX(values) (4 + HISTORY_COARSE * (1 + 12 * (size_t)(values)))
#define TRACK_MAX(values) (FINE_MAX(values) + COARSE_MAX(values))
#define HEAD_MAX (MAGIC_LEN + 2 + 8 + 8 + 2 + 2 + DIGEST_LEN)
#define EVENT_MAX (8 + 1 + 2 + SOURCE_NAME_MAX + 2 + HISTORY_TEXT_MAX)

/* The rings of the clock or of one source. */
struct track {
	struct history_marks *marks;
	struct history_series *series;
	unsigned count;
};

static struct track clock_track(struct history_clock *c)
{
	return (struct track){&c->marks, c->series, HISTORY_CLOCK_VALUES};
}

static struct track source_track(struct history_source *s)
{
	return (struct track){&s->marks, s->series, HISTORY_SOURCE_VALUES};
}

size_t saved_history_max(unsigned sources)
{
	return HEAD_MAX + HISTORY_EVENTS * (size_t)EVENT_MAX +
	       TRACK_MAX(HISTORY_CLOCK_VALUES) +
	       sources *
		   (2 + SOURCE_NAME_MAX + TRACK_MAX(HISTORY_SOURCE_VALUES));
}

/* Writing. */

static void put_float(struct writer *w, float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	put_u32(w, bits);
}

static void put_text(struct writer *w, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	put_u16(w, (uint16_t)len);
	put_bytes(w, text, len);
}

/* Cells from the newest one back to the oldest one that is there. */
static uint32_t length_of(const uint8_t *marks, size_t ring, uint64_t newest)
{
	size_t n = newest < ring ? (size_t)newest + 1 : ring;

	while (n > 0 && marks[(newest - (n - 1)) % ring] == 0)
		n--;
	return (uint32_t)n;
}

static void put_fine(struct writer *w, const struct track *t, uint64_t cell)
{
	uint32_t n = length_of(t->marks->fine, HISTORY_FINE, cell);

	put_u32(w, n);
	for (uint32_t k = 0; k < n; k++) {
		size_t at = (size_t)((cell - k) % HISTORY_FINE);

		put_u8(w, t->marks->fine[at]);
		for (unsigned i = 0; t->marks->fine[at] && i < t->count; i++)
			put_float(w, t->series[i].fine[at]);
	}
}

static void put_coarse(struct writer *w, const struct track *t, uint64_t cell)
{
	uint32_t n = length_of(t->marks->coarse, HISTORY_COARSE, cell);

	put_u32(w, n);
	for (uint32_t k = 0; k < n; k++) {
		size_t at = (size_t)((cell - k) % HISTORY_COARSE);

		put_u8(w, t->marks->coarse[at]);
		for (unsigned i = 0; t->marks->coarse[at] && i < t->count;
		     i++) {
			put_float(w, t->series[i].coarse[at].min);
			put_float(w, t->series[i].coarse[at].mean);
			put_float(w, t->series[i].coarse[at].max);
		}
	}
}

static void put_track(struct writer *w, const struct track *t, uint64_t cell)
{
	put_fine(w, t, cell);
	put_coarse(w, t, cell / HISTORY_PER_COARSE);
}

static void put_events(struct writer *w, const struct history_file *f)
{
	uint64_t n =
	    f->head.events < HISTORY_EVENTS ? f->head.events : HISTORY_EVENTS;

	put_u16(w, (uint16_t)n);
	for (uint64_t k = f->head.events - n; k < f->head.events; k++) {
		const struct history_event *e = &f->events[k % HISTORY_EVENTS];

		put_u64(w, (uint64_t)e->time_ns);
		put_u8(w, (uint8_t)e->kind);
		put_text(w, e->source, sizeof(e->source));
		put_text(w, e->text, sizeof(e->text));
	}
}

static uint16_t named(const struct history_file *f)
{
	uint16_t count = 0;

	for (unsigned i = 0; i < f->head.sources; i++)
		if (f->sources[i].name[0] != '\0')
			count++;
	return count;
}

/* The writer reads a track and never writes to it. */
static void put_tracks(struct writer *w, struct history_file *f)
{
	struct track clock = clock_track(&f->clock);

	put_track(w, &clock, f->head.cell);
	put_u16(w, named(f));
	for (unsigned i = 0; i < f->head.sources; i++) {
		struct track t = source_track(&f->sources[i]);

		if (f->sources[i].name[0] == '\0')
			continue;
		put_text(w, f->sources[i].name, SOURCE_NAME_MAX);
		put_track(w, &t, f->head.cell);
	}
}

void saved_history_put(struct writer *w, struct history_file *f)
{
	put_bytes(w, MAGIC, MAGIC_LEN);
	put_u16(w, VERSION);
	put_u64(w, f->head.cell);
	put_u64(w, (uint64_t)f->head.written_ns);
	put_events(w, f);
	put_tracks(w, f);
	digest_put(w);
}

/* Reading. A value that cannot be makes the reader fail. */

static void refuse(struct reader *r)
{
	r->ok = false;
}

static float take_float(struct reader *r)
{
	uint32_t bits = take_u32(r);
	float x;

	memcpy(&x, &bits, sizeof(x));
	if (isinf(x))
		refuse(r);
	return isnan(x) ? NAN : x;
}

static void take_text(struct reader *r, char *out, size_t size)
{
	uint16_t len = take_u16(r);
	const uint8_t *bytes = take_bytes(r, len);

	if (!bytes || len >= size) {
		refuse(r);
		return;
	}
	memset(out, 0, size);
	memcpy(out, bytes, len);
	for (size_t i = 0; i < len; i++)
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			refuse(r);
}

static uint8_t take_mark(struct reader *r)
{
	uint8_t mark = take_u8(r);

	if (mark != 0 && (!(mark & HISTORY_PRESENT) ||
			     (mark & ~(HISTORY_PRESENT | HISTORY_GOOD |
					 HISTORY_STAGE)) != 0))
		refuse(r);
	return mark;
}

static uint32_t take_length(struct reader *r, uint32_t ring, uint64_t newest)
{
	uint32_t n = take_u32(r);

	if (n > ring || n > newest + 1)
		refuse(r);
	return r->ok ? n : 0;
}

static void take_fine(struct reader *r, const struct track *t, uint64_t cell)
{
	uint32_t n = take_length(r, HISTORY_FINE, cell);

	for (uint32_t k = 0; k < n && r->ok; k++) {
		size_t at = (size_t)((cell - k) % HISTORY_FINE);

		t->marks->fine[at] = take_mark(r);
		for (unsigned i = 0; t->marks->fine[at] && i < t->count; i++)
			t->series[i].fine[at] = take_float(r);
	}
}

static struct history_span take_span(struct reader *r)
{
	struct history_span s;

	s.min = take_float(r);
	s.mean = take_float(r);
	s.max = take_float(r);
	return s;
}

static void take_coarse(struct reader *r, const struct track *t, uint64_t cell)
{
	uint32_t n = take_length(r, HISTORY_COARSE, cell);

	for (uint32_t k = 0; k < n && r->ok; k++) {
		size_t at = (size_t)((cell - k) % HISTORY_COARSE);

		t->marks->coarse[at] = take_mark(r);
		for (unsigned i = 0; t->marks->coarse[at] && i < t->count; i++)
			t->series[i].coarse[at] = take_span(r);
	}
}

static void take_track(struct reader *r, const struct track *t, uint64_t cell)
{
	take_fine(r, t, cell);
	take_coarse(r, t, cell / HISTORY_PER_COARSE);
}

static void take_events(struct reader *r, struct history_file *f)
{
	uint16_t n = take_u16(r);

	if (n > HISTORY_EVENTS)
		refuse(r);
	for (uint16_t k = 0; k < n && r->ok; k++) {
		struct history_event *e = &f->events[k];

		e->time_ns = (int64_t)take_u64(r);
		e->kind = take_u8(r);
		if (e->kind >= HISTORY_EVENT_KIND_COUNT)
			refuse(r);
		take_text(r, e->source, sizeof(e->source));
		take_text(r, e->text, sizeof(e->text));
	}
	f->head.events = r->ok ? n : 0;
}

/* Without a place, the last one is read over and cleared at the end. */
static void take_sources(struct reader *r, struct history_file *f)
{
	uint16_t n = take_u16(r);

	if (n > SOURCES_MAX)
		refuse(r);
	for (uint16_t k = 0; k < n && r->ok; k++) {
		unsigned place = k < f->head.sources ? k : f->head.sources - 1;
		struct history_source *s = &f->sources[place];
		struct track t = source_track(s);

		memset(s, 0, sizeof(*s));
		take_text(r, s->name, sizeof(s->name));
		if (s->name[0] == '\0')
			refuse(r);
		take_track(r, &t, f->head.cell);
		if (k >= f->head.sources)
			memset(s, 0, sizeof(*s));
	}
}

/* A thousand years. */
#define CELL_MAX (UINT32_MAX / 2)

static void take_all(struct reader *r, struct history_file *f)
{
	struct track clock = clock_track(&f->clock);

	if (take_u16(r) != VERSION)
		refuse(r);
	f->head.cell = take_u64(r);
	f->head.written_ns = (int64_t)take_u64(r);
	if (f->head.cell == 0 || f->head.cell > CELL_MAX ||
	    f->head.written_ns < 0)
		refuse(r);
	take_events(r, f);
	if (r->ok)
		take_track(r, &clock, f->head.cell);
	take_sources(r, f);
}

static bool is_whole(const uint8_t *bytes, size_t len)
{
	return len >= MAGIC_LEN + DIGEST_LEN &&
	       memcmp(bytes, MAGIC, MAGIC_LEN) == 0 && digest_ends(bytes, len);
}

bool saved_history_take(
    const uint8_t *bytes, size_t len, struct history_file *out)
{
	struct reader r;

	if (!is_whole(bytes, len) || out->head.sources == 0)
		return false;
	r = reader_of(bytes + MAGIC_LEN, len - MAGIC_LEN - DIGEST_LEN);
	take_all(&r, out);
	return reader_done(&r);
}
