/* The history on the disk. */
#include "agent/saved/saved_history.h"

#include "agent/history/events.h"
#include "agent/history/rings.h"
#include "nts/digest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

struct two {
	struct history_file *out, *in;
	uint8_t *bytes;
	size_t size, len;
};

static bool any(const void *self, const char *name)
{
	(void)self;
	(void)name;
	return true;
}

static struct history_file *history_new(unsigned places)
{
	struct history_file *f = malloc(history_size(places));

	assert_non_null(f);
	history_init(f, places);
	return f;
}

/* Some cells with a gap, two sources of three places, three events. */
static int setup(void **state)
{
	struct two *t = calloc(1, sizeof(*t));
	const double source[HISTORY_SOURCE_VALUES] = {-7, 1e6};

	assert_non_null(t);
	t->out = history_new(3);
	t->in = history_new(3);
	for (uint64_t cell = 115; cell < 130; cell++) {
		const double clock[HISTORY_CLOCK_VALUES] = {
		    (double)cell, NAN, 2, -3.5};

		if (cell > 121 && cell < 125)
			continue;
		history_advance(t->out, cell);
		history_put_clock(t->out, cell % 2 == 0, clock);
		history_put_source(t->out,
		    history_place(t->out, "a", any, NULL), 2, true,
		    cell % 4 == 0 ? source : NULL);
	}
	(void)history_place(t->out, "b", any, NULL);
	t->out->head.written_ns = 1800000000 * INT64_C(1000000000);
	for (int i = 0; i < 3; i++)
		history_add_event(t->out, i, HISTORY_STEP, "a", "event %d", i);
	t->size = saved_history_max(3);
	t->bytes = malloc(t->size);
	assert_non_null(t->bytes);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct two *t = *state;

	free(t->bytes);
	free(t->out);
	free(t->in);
	free(t);
	return 0;
}

static void save(struct two *t)
{
	struct writer w = writer_of(t->bytes, t->size);

	saved_history_put(&w, t->out);
	assert_true(w.ok);
	t->len = w.len;
}

/* With a good checksum. */
static bool takes(struct two *t)
{
	assert_true(digest_of(
	    t->bytes, t->len - DIGEST_LEN, t->bytes + t->len - DIGEST_LEN));
	history_init(t->in, t->in->head.sources);
	return saved_history_take(t->bytes, t->len, t->in);
}

/* Equal, with NaN equal to NaN. */
static void assert_same_track(const struct history_marks *a,
    const struct history_marks *b, const struct history_series *x,
    const struct history_series *y, unsigned count)
{
	assert_memory_equal(a, b, sizeof(*a));
	for (unsigned v = 0; v < count; v++)
		for (unsigned i = 0; i < HISTORY_FINE; i++)
			if (a->fine[i] && !isnan(x[v].fine[i]))
				assert_true(x[v].fine[i] == y[v].fine[i]);
			else if (a->fine[i])
				assert_true(isnan(y[v].fine[i]));
	assert_true(x[0].coarse[0].min == y[0].coarse[0].min);
	assert_true(x[0].coarse[1].mean == y[0].coarse[1].mean);
}

static void all_is_the_same_after_a_restart(void **state)
{
	struct two *t = *state;

	save(t);
	assert_true(takes(t));
	assert_int_equal(t->in->head.cell, 129);
	assert_int_equal(t->in->head.written_ns, t->out->head.written_ns);
	assert_int_equal(t->in->head.events, 3);
	assert_memory_equal(
	    t->in->events, t->out->events, sizeof(t->out->events));
	assert_string_equal(t->in->sources[0].name, "a");
	assert_string_equal(t->in->sources[1].name, "b");
	assert_same_track(&t->out->clock.marks, &t->in->clock.marks,
	    t->out->clock.series, t->in->clock.series, HISTORY_CLOCK_VALUES);
	assert_same_track(&t->out->sources[0].marks, &t->in->sources[0].marks,
	    t->out->sources[0].series, t->in->sources[0].series,
	    HISTORY_SOURCE_VALUES);
}

static void a_full_history_fits(void **state)
{
	struct two *t = *state;
	const double clock[HISTORY_CLOCK_VALUES] = {1, 2, 3, 4};
	const double source[HISTORY_SOURCE_VALUES] = {5, 6};
	char text[HISTORY_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)history_place(t->out, text + HISTORY_TEXT_MAX - 64, any, NULL);
	for (int i = 0; i < HISTORY_EVENTS; i++)
		history_add_event(
		    t->out, i, HISTORY_RELOAD, text + 400, "%s", text);
	/* Each half hour, and each cell of the last day. */
	for (uint64_t cell = 200; cell < 200 + 30 * HISTORY_FINE;
	     cell += cell < 200 + 29 * HISTORY_FINE ? 100 : 1) {
		history_advance(t->out, cell);
		history_put_clock(t->out, true, clock);
		for (int i = 0; i < 3; i++)
			history_put_source(t->out, i, 2, true, source);
	}
	save(t);
	assert_true(t->len > saved_history_max(3) * 9 / 10);
	assert_true(takes(t));
}

static void sources_without_a_place_are_left_out(void **state)
{
	struct two *t = *state;

	save(t);
	free(t->in);
	t->in = history_new(1);
	assert_true(takes(t));
	/* The place of the last one that did not fit is free. */
	assert_string_equal(t->in->sources[0].name, "");
	assert_int_equal(t->in->sources[0].marks.fine[116], 0);
}

static void every_prefix_is_refused(void **state)
{
	struct two *t = *state;

	save(t);
	for (size_t len = 0; len < t->len; len++) {
		struct two prefix = *t;

		assert_false(saved_history_take(t->bytes, len, t->in));
		if (len < DIGEST_LEN + 8)
			continue;
		prefix.bytes = malloc(len);
		assert_non_null(prefix.bytes);
		memcpy(prefix.bytes, t->bytes, len);
		prefix.len = len;
		assert_false(takes(&prefix));
		free(prefix.bytes);
	}
}

static void a_flipped_bit_is_noticed(void **state)
{
	struct two *t = *state;

	save(t);
	for (size_t i = 0; i < t->len; i++) {
		t->bytes[i] ^= 0x10;
		assert_false(saved_history_take(t->bytes, t->len, t->in));
		t->bytes[i] ^= 0x10;
	}
}

/* Places in the file of `setup`. */
#define AT_VERSION 9
#define AT_CELL 10
#define AT_WRITTEN 18
#define AT_EVENTS 26
#define AT_KIND (28 + 8)
#define AT_SOURCE_LEN (AT_KIND + 1)
#define AT_SOURCE (AT_SOURCE_LEN + 2)
/* Each event: 8, 1, 2 + "a", 2 + "event 0". */
#define AT_FINE (28 + 3 * (8 + 1 + 2 + 1 + 2 + 7))
#define AT_MARK (AT_FINE + 4)
#define AT_VALUE (AT_MARK + 1)

static void wrong_values_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} wrong[] = {
	    {AT_VERSION, 2},
	    {AT_CELL, 1},	/* a cell in another age of the world */
	    {AT_WRITTEN, 0x80}, /* before 1970 */
	    {AT_EVENTS, 2},	/* more events than the ring has */
	    {AT_KIND, HISTORY_EVENT_KIND_COUNT},
	    {AT_SOURCE_LEN, 1},	      /* a name of more than 256 bytes */
	    {AT_SOURCE, 0x1b},	      /* an escape sequence */
	    {AT_FINE, 1},	      /* more cells than the ring has */
	    {AT_MARK, HISTORY_STAGE}, /* not there, and at a stage */
	    {AT_MARK, HISTORY_PRESENT | 0x10},
	};
	struct two *t = *state;

	save(t);
	assert_int_equal(t->bytes[AT_MARK], HISTORY_PRESENT);
	assert_int_equal(t->bytes[AT_SOURCE], 'a');
	assert_true(takes(t));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t before = t->bytes[wrong[i].at];

		t->bytes[wrong[i].at] = wrong[i].byte;
		if (takes(t))
			fail_msg("byte %zu", wrong[i].at);
		t->bytes[wrong[i].at] = before;
	}
	/* Infinity. */
	memcpy(t->bytes + AT_VALUE, "\x7f\x80\x00\x00", 4);
	assert_false(takes(t));
}

static void without_room_nothing_is_written(void **state)
{
	struct two *t = *state;
	struct writer w;

	save(t);
	w = writer_of(t->bytes, t->len - 1);
	saved_history_put(&w, t->out);
	assert_false(w.ok);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_is_the_same_after_a_restart),
	    TEST(a_full_history_fits),
	    TEST(sources_without_a_place_are_left_out),
	    TEST(every_prefix_is_refused),
	    TEST(a_flipped_bit_is_noticed),
	    TEST(wrong_values_are_refused),
	    TEST(without_room_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
