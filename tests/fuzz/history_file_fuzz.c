/*
 * What ntsctl reads from the history file. The bytes overwrite a good history
 * in pieces: 3 bytes place, 1 byte length, then so many bytes. Each accepted
 * file gives pictures and lines that send the terminal no byte that controls
 * it.
 */
#include "agent/ctl/history/events.h"
#include "agent/ctl/history/graph.h"
#include "agent/ctl/history/read.h"
#include "agent/ctl/watch/screen.h"
#include "tests/fuzz/target.h"

#include <math.h>

#define PLACES 2
#define NOW_S INT64_C(1800000000)

static const char *const values[] = {
    "offset", "bound", "error", "frequency", "delay", "stage"};
static const char *const lengths[] = {"2m", "6h", "30d"};

static struct history_file *good_history(void)
{
	struct history_file *f = calloc(1, history_size(PLACES));

	MUST(f != NULL);
	memcpy(f->head.magic, HISTORY_MAGIC, HISTORY_MAGIC_LEN);
	f->head.version = HISTORY_VERSION;
	f->head.sources = PLACES;
	f->head.size = history_size(PLACES);
	f->head.cell = 1000;
	f->head.written_ns = NOW_S * INT64_C(1000000000);
	f->head.events = 3;
	strcpy(f->head.stages[2], "polling");
	strcpy(f->sources[0].name, "a");
	for (unsigned i = 900; i <= 1000; i++) {
		f->clock.marks.fine[i] = HISTORY_PRESENT | HISTORY_GOOD;
		f->sources[0].marks.fine[i] = HISTORY_PRESENT | 2;
		f->clock.series[0].fine[i] = (float)i;
	}
	return f;
}

static void overwrite(struct history_file *f, struct reader r)
{
	while (r.left > 4) {
		size_t at = (size_t)take_u16(&r) << 8 | take_u8(&r);
		size_t n = take_u8(&r);
		const uint8_t *bytes;

		n = n < r.left ? n : r.left;
		bytes = take_bytes(&r, n);
		at %= history_size(PLACES);
		if (n > history_size(PLACES) - at)
			n = history_size(PLACES) - at;
		if (bytes)
			memcpy((uint8_t *)f + at, bytes, n);
	}
}

/* UTF-8 of our own is fine, and so is the end of a line. */
static void check_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		MUST(c == '\n' || (c >= 0x20 && c != 0x7f));
	}
}

static void show(
    const struct history_file *f, const struct graph_options *o, bool unicode)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const struct view v = {.out = out, .width = 60};

	MUST(out != NULL);
	(void)graph_show(o, f, NOW_S, 10, unicode, &v, out);
	MUST(fclose(out) == 0);
	check_text(text, size);
	free(text);
}

static void show_all(const struct history_file *f, unsigned which)
{
	struct graph_options o = {
	    .value = values[which % ARRAY_LEN(values)],
	    .last = lengths[which / 6 % ARRAY_LEN(lengths)],
	};

	show(f, &o, which % 2 == 0);
	o.source = f->sources[0].name;
	show(f, &o, true);
	o.svg = "-";
	show(f, &o, true);
}

static void show_events(const struct history_file *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct view v = {.out = out};
	const struct screen s = {
	    .why = "", .history = f, .now_s = NOW_S, .width = 80};

	MUST(out != NULL);
	MUST(events_print(f, events_first(f), INT64_MIN, NULL, &v));
	v.output = OUTPUT_JSON;
	MUST(events_print(f, events_first(f), 0, f->sources[0].name, &v));
	screen_put(&s, out);
	MUST(fclose(out) == 0);
	check_text(text, size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct history_file *f = good_history();
	struct reader r = reader_of(data, size);
	unsigned which = take_u8(&r);

	overwrite(f, r);
	/* As many events as a real agent can have had. */
	if (!history_judge(f, history_size(PLACES))) {
		show_all(f, which);
		show_events(f);
	}
	free(f);
	return 0;
}
