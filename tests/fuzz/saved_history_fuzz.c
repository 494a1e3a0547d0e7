/*
 * The saved history (the checksum is added here). What is accepted is within
 * its limits, and stays the same when it is saved and loaded again.
 */
#include "agent/history/rings.h"
#include "agent/saved/saved_history.h"
#include "nts/digest.h"
#include "tests/fuzz/target.h"

#define PLACES 2

static struct history_file *history_new(void)
{
	struct history_file *f = malloc(history_size(PLACES));

	MUST(f != NULL);
	history_init(f, PLACES);
	return f;
}

static void check_texts(const struct history_file *f)
{
	MUST(f->head.cell > 0 && f->head.events <= HISTORY_EVENTS);
	for (uint64_t i = 0; i < f->head.events; i++) {
		const struct history_event *e = &f->events[i];

		MUST(e->kind < HISTORY_EVENT_KIND_COUNT);
		MUST(ends_within(e->source, sizeof(e->source)));
		MUST(ends_within(e->text, sizeof(e->text)));
		MUST(is_one_line(e->source) && is_one_line(e->text));
	}
	for (unsigned i = 0; i < PLACES; i++)
		MUST(ends_within(f->sources[i].name, SOURCE_NAME_MAX));
}

/* A track with empty cells at its end is written shorter the first time. */
static void check_again(struct history_file *f)
{
	size_t room = saved_history_max(PLACES), len[2];
	uint8_t *bytes[2] = {malloc(room), malloc(room)};
	struct history_file *again = history_new();

	for (int i = 0; i < 2; i++) {
		struct writer w = writer_of(bytes[i], room);

		MUST(bytes[i] != NULL);
		saved_history_put(&w, i == 0 ? f : again);
		MUST(w.ok);
		len[i] = w.len;
		if (i == 0)
			MUST(saved_history_take(bytes[0], len[0], again));
	}
	MUST(len[0] == len[1] && memcmp(bytes[0], bytes[1], len[0]) == 0);
	free(bytes[0]);
	free(bytes[1]);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct history_file *f = history_new();
	uint8_t *file = malloc(size + DIGEST_LEN);

	MUST(file != NULL);
	memcpy(file, data, size);
	MUST(digest_of(file, size, file + size));
	if (saved_history_take(file, size + DIGEST_LEN, f)) {
		check_texts(f);
		check_again(f);
	}
	free(file);
	free(f);
	return 0;
}
