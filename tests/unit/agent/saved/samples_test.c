/* The file of samples, and the bridge between two timescales. */
#include "agent/saved/samples.h"

#include "nts/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SIZE (SAVED_SAMPLES_HEAD_MAX + 2 * SAVED_SOURCE_MAX)
#define HOUR_NS (3600 * NS_PER_S)
#define NOON_NS (INT64_C(1800000000) * NS_PER_S)

struct file {
	struct timeline line, line_got;
	struct saved_source a, b, got;
	struct reader reader;
	unsigned sources;
	uint8_t bytes[SIZE];
	size_t len;
};

static struct sample sample_of(int i)
{
	return (struct sample){
	    .at = {NOON_NS + i * NS_PER_S},
	    .offset_ns = -123456789 + i,
	    .delay_ns = 100000 + i,
	    .dispersion_ns = 130,
	    .root_delay_ns = 1000000,
	    .root_dispersion_ns = 2000000,
	    .tx_stamp = STAMP_KERNEL,
	    .rx_stamp = STAMP_HARDWARE,
	    .leap = LEAP_INSERT,
	    .stratum = 2,
	};
}

static void encode(struct file *f)
{
	struct writer w = writer_of(f->bytes, sizeof(f->bytes));

	saved_samples_begin(&w, &f->line, 2);
	saved_samples_put(&w, &f->a);
	saved_samples_put(&w, &f->b);
	saved_samples_end(&w);
	assert_true(w.ok);
	f->len = w.len;
}

static int setup(void **state)
{
	struct file *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memset(f->line.boot, 7, sizeof(f->line.boot));
	f->line.raw_ns = 10 * HOUR_NS;
	f->line.osc_ns = f->line.wall_ns = NOON_NS;
	f->line.span_raw_ns = f->line.span_osc_ns = HOUR_NS;
	snprintf(f->a.name, sizeof(f->a.name), "a");
	f->a.address =
	    (struct endpoint){.family = 4, .address = {192, 0, 2, 1}};
	f->a.count = STEERING_SAMPLES_MAX;
	for (int i = 0; i < STEERING_SAMPLES_MAX; i++)
		f->a.samples[i] = sample_of(i);
	memset(f->b.name, 'b', sizeof(f->b.name) - 1);
	f->b.address.family = 6;
	f->b.count = 2;
	f->b.samples[0] = sample_of(-5);
	f->b.samples[1] = sample_of(5);
	encode(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static bool open_it(struct file *f)
{
	return saved_samples_open(
	    &f->reader, f->bytes, f->len, &f->line_got, &f->sources);
}

/* Not by assert_memory_equal: the structs have padding. */
static void assert_same_sample(const struct sample *a, const struct sample *b)
{
	assert_int_equal(a->at.ns, b->at.ns);
	assert_int_equal(a->offset_ns, b->offset_ns);
	assert_int_equal(a->delay_ns, b->delay_ns);
	assert_int_equal(a->dispersion_ns, b->dispersion_ns);
	assert_int_equal(a->root_delay_ns, b->root_delay_ns);
	assert_int_equal(a->root_dispersion_ns, b->root_dispersion_ns);
	assert_int_equal(a->tx_stamp, b->tx_stamp);
	assert_int_equal(a->rx_stamp, b->rx_stamp);
	assert_int_equal(a->leap, b->leap);
	assert_int_equal(a->stratum, b->stratum);
}

static void assert_same_source(
    const struct saved_source *a, const struct saved_source *b)
{
	assert_string_equal(a->name, b->name);
	assert_memory_equal(&a->address, &b->address, sizeof(a->address));
	assert_int_equal(a->count, b->count);
	for (unsigned i = 0; i < a->count; i++)
		assert_same_sample(&a->samples[i], &b->samples[i]);
}

static void a_written_file_is_read(void **state)
{
	struct file *f = *state;

	assert_true(open_it(f));
	assert_int_equal(f->sources, 2);
	assert_memory_equal(&f->line_got, &f->line, sizeof(f->line));
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_same_source(&f->got, &f->a);
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_same_source(&f->got, &f->b);
	assert_true(reader_done(&f->reader));
}

/* The samples that the second source has after it was written and read. */
static unsigned count_after_writing(struct file *f)
{
	encode(f);
	assert_true(open_it(f));
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_int_equal(f->got.count, STEERING_SAMPLES_MAX);
	assert_true(saved_samples_take(&f->reader, &f->got));
	return f->got.count;
}

static void every_flipped_byte_is_detected(void **state)
{
	struct file *f = *state;

	for (size_t i = 0; i < f->len; i++) {
		f->bytes[i] ^= 0x10;
		if (open_it(f))
			fail_msg("byte %zu", i);
		f->bytes[i] ^= 0x10;
	}
	assert_true(open_it(f));
}

static void every_cut_is_detected(void **state)
{
	struct file *f = *state;
	size_t whole = f->len;

	for (f->len = 0; f->len < whole; f->len++)
		if (open_it(f))
			fail_msg("%zu bytes", f->len);
	for (size_t len = DIGEST_LEN; len < whole; len += 7) {
		encode(f);
		f->len = len;
		assert_true(digest_of(
		    f->bytes, len - DIGEST_LEN, f->bytes + len - DIGEST_LEN));
		if (open_it(f))
			fail_msg("%zu bytes, with a right checksum", len);
	}
}

/* The limits of a sample: what is written with its samples, and what without.
 */
static void a_source_with_a_bad_sample_is_written_without_samples(void **state)
{
#define HOURS_NS(n) ((n)*HOUR_NS)
#define YEAR_2200_NS (INT64_C(7258118400) * NS_PER_S)
#define FIELD(member) offsetof(struct sample, member)
	static const struct {
		size_t field; /* an int64_t of struct sample */
		int64_t min, max;
	} rows[] = {
	    {FIELD(at.ns), -YEAR_2200_NS / 5, YEAR_2200_NS},
	    {FIELD(offset_ns), -YEAR_2200_NS / 2, YEAR_2200_NS / 2},
	    {FIELD(delay_ns), 1, HOURS_NS(1)},
	    {FIELD(dispersion_ns), 0, HOURS_NS(1)},
	    {FIELD(root_delay_ns), -HOURS_NS(24), HOURS_NS(24)},
	    {FIELD(root_dispersion_ns), 0, HOURS_NS(24)},
	};
	struct file *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t values[] = {
		    rows[i].min, rows[i].max, rows[i].min - 1, rows[i].max + 1};

		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			f->b.samples[1] = sample_of(5);
			memcpy((char *)&f->b.samples[1] + rows[i].field,
			    &values[j], sizeof(values[j]));
			if (count_after_writing(f) != (j < 2 ? 2 : 0))
				fail_msg("row %zu, value %zu", i, j);
		}
	}
}

typedef void change_sample(struct sample *m);

/* clang-format off */
static void odd_tx_stamp(struct sample *m) { m->tx_stamp = STAMP_HARDWARE + 1; }
static void odd_rx_stamp(struct sample *m) { m->rx_stamp = STAMP_HARDWARE + 1; }
static void odd_leap(struct sample *m) { m->leap = LEAP_UNKNOWN + 1; }
static void stratum_0(struct sample *m) { m->stratum = 0; }
static void stratum_16(struct sample *m) { m->stratum = 16; }
static void hardware_tx(struct sample *m) { m->tx_stamp = STAMP_HARDWARE; }
static void daemon_rx(struct sample *m) { m->rx_stamp = STAMP_DAEMON; }
static void unknown_leap(struct sample *m) { m->leap = LEAP_UNKNOWN; }
static void stratum_1(struct sample *m) { m->stratum = 1; }
static void stratum_15(struct sample *m) { m->stratum = 15; }
/* clang-format on */

static void stamps_leap_and_stratum_have_limits(void **state)
{
	static change_sample *const bad[] = {
	    odd_tx_stamp, odd_rx_stamp, odd_leap, stratum_0, stratum_16};
	static change_sample *const good[] = {
	    hardware_tx, daemon_rx, unknown_leap, stratum_1, stratum_15};
	struct file *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		f->b.samples[1] = sample_of(5);
		bad[i](&f->b.samples[1]);
		assert_int_equal(count_after_writing(f), 0);
		f->b.samples[1] = sample_of(5);
		good[i](&f->b.samples[1]);
		assert_int_equal(count_after_writing(f), 2);
	}
}

/* What a file may say of its timescale. */
static void a_timeline_has_limits(void **state)
{
#define LINE(member) offsetof(struct timeline, member)
	static const struct {
		size_t field;
		int64_t min, max;
	} rows[] = {
	    {LINE(raw_ns), 0, YEAR_2200_NS},
	    {LINE(osc_ns), -YEAR_2200_NS, YEAR_2200_NS},
	    {LINE(asleep_ns), -YEAR_2200_NS, YEAR_2200_NS},
	    {LINE(wall_ns), -YEAR_2200_NS, YEAR_2200_NS},
	    {LINE(rate_ppb), -100000000, 100000000},
	    {LINE(span_raw_ns), 0, YEAR_2200_NS},
	    {LINE(span_osc_ns), 0, YEAR_2200_NS},
	};
	struct file *f = *state;
	const struct timeline good = f->line;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t values[] = {
		    rows[i].min, rows[i].max, rows[i].min - 1, rows[i].max + 1};

		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			f->line = good;
			memcpy((char *)&f->line + rows[i].field, &values[j],
			    sizeof(values[j]));
			encode(f);
			if (open_it(f) != (j < 2))
				fail_msg("row %zu, value %zu", i, j);
		}
	}
}

/* Bytes of the head that no writer of this version writes. */
static void another_format_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
	    {0, 'X'},  /* the magic */
	    {9, 2},    /* the version */
	    {82, 255}, /* the number of sources, high byte */
	    {83, 1},   /* fewer sources than there are */
	    {83, 3},   /* more */
	    {84, 0},   /* a source without a name */
	    {84, 64},  /* a name that is too long */
	    {85, 0},   /* a NUL in a name */
	};
	struct file *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		encode(f);
		assert_int_not_equal(f->bytes[rows[i].at], rows[i].value);
		f->bytes[rows[i].at] = rows[i].value;
		assert_true(digest_of(f->bytes, f->len - DIGEST_LEN,
		    f->bytes + f->len - DIGEST_LEN));
		if (open_it(f))
			fail_msg("row %zu", i);
	}
}

static void sixty_four_sources_fit(void **state)
{
	struct file *f = *state;

	f->b.count = 0;
	snprintf(f->b.name, sizeof(f->b.name), "b");
	for (unsigned n = SOURCES_MAX; n <= SOURCES_MAX + 1; n++) {
		struct writer w = writer_of(f->bytes, sizeof(f->bytes));

		saved_samples_begin(&w, &f->line, n);
		for (unsigned i = 0; i < n; i++)
			saved_samples_put(&w, &f->b);
		saved_samples_end(&w);
		assert_true(w.ok);
		f->len = w.len;
		assert_int_equal(open_it(f), n <= SOURCES_MAX);
	}
}

static void a_file_that_does_not_fit_is_not_written(void **state)
{
	struct file *f = *state;
	struct writer w = writer_of(f->bytes, f->len - 1);

	saved_samples_begin(&w, &f->line, 2);
	saved_samples_put(&w, &f->a);
	saved_samples_put(&w, &f->b);
	saved_samples_end(&w);
	assert_false(w.ok);
}

/* An hour later in another process. Its timescale is 3 s ahead of the first
 * one. */
static struct timeline later(const struct file *f)
{
	struct timeline t = f->line;

	t.raw_ns += HOUR_NS;
	t.osc_ns += HOUR_NS + 3 * NS_PER_S;
	t.wall_ns += HOUR_NS;
	t.span_raw_ns = t.span_osc_ns = 0;
	return t;
}

static bool bridges(const struct file *f, const struct timeline *now)
{
	int64_t shift_ns;

	return timeline_bridge(&f->line, now, &shift_ns);
}

static void the_raw_clock_carries_the_timescale(void **state)
{
	struct file *f = *state;
	struct timeline now = later(f);
	int64_t shift_ns;

	assert_true(timeline_bridge(&f->line, &now, &shift_ns));
	assert_int_equal(shift_ns, 3 * NS_PER_S);
	/* Rates that differ by 1 ppm differ by 3.6 ms in an hour. */
	f->line.span_osc_ns += 3600 * NS_PER_US;
	assert_true(timeline_bridge(&f->line, &now, &shift_ns));
	assert_int_equal(shift_ns, 3 * NS_PER_S - 3600 * NS_PER_US);
}

/* Each row changes one thing between the two processes. */
static void only_a_continuous_timescale_has_a_bridge(void **state)
{
#define LATER(member) true, offsetof(struct timeline, member)
#define EARLIER(member) false, offsetof(struct timeline, member)
	/* A slew of 50 ppm goes on for the hour. */
	static const int64_t step_ns = 20 * NS_PER_MS + HOUR_NS / 20000;
	const struct {
		bool later; /* the field is one of the later process */
		size_t field;
		int64_t change; /* what is added to it */
		bool bridge;
	} rows[] = {
	    {LATER(raw_ns), -HOUR_NS, true},
	    {LATER(raw_ns), -HOUR_NS - 1, false},
	    {LATER(asleep_ns), 10 * NS_PER_MS, true},
	    {LATER(asleep_ns), 10 * NS_PER_MS + 1, false},
	    {LATER(asleep_ns), -10 * NS_PER_MS, true},
	    {LATER(asleep_ns), -10 * NS_PER_MS - 1, false},
	    {LATER(wall_ns), step_ns, true},
	    {LATER(wall_ns), step_ns + 1, false},
	    {LATER(wall_ns), -step_ns, true},
	    {LATER(wall_ns), -step_ns - 1, false},
	    {LATER(osc_ns), 100 * NS_PER_S, true},
	    {EARLIER(rate_ppb), 55000, true}, /* about the step's limit */
	    {EARLIER(rate_ppb), 56000, false},
	    {EARLIER(span_raw_ns), -HOUR_NS, false},
	    {EARLIER(span_osc_ns), HOUR_NS / 1000000 * 49, true},
	    {EARLIER(span_osc_ns), HOUR_NS / 1000000 * 51, false},
	    {EARLIER(span_osc_ns), -HOUR_NS / 1000000 * 51, false},
	};
	struct file *f = *state;
	const struct timeline then = f->line;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct timeline now = later(f), *line = &now;
		int64_t value;
		char *at;

		f->line = then;
		if (!rows[i].later)
			line = &f->line;
		at = (char *)line + rows[i].field;
		memcpy(&value, at, sizeof(value));
		value += rows[i].change;
		memcpy(at, &value, sizeof(value));
		/* At the instant of the first process nothing has moved. */
		if (rows[i].field == offsetof(struct timeline, raw_ns))
			now.wall_ns = f->line.wall_ns;
		if (bridges(f, &now) != rows[i].bridge)
			fail_msg("row %zu", i);
	}
}

static void another_boot_has_no_bridge(void **state)
{
	struct file *f = *state;
	struct timeline now = later(f);

	now.boot[15] ^= 1;
	assert_false(bridges(f, &now));
}

/* 200 ns of doubt in the span of the first process become a microsecond in five
 * times that span. */
static void an_inexact_bridge_is_refused(void **state)
{
	struct file *f = *state;
	struct timeline now = later(f);

	f->line.span_raw_ns = f->line.span_osc_ns = HOUR_NS / 5;
	assert_true(bridges(f, &now));
	f->line.span_raw_ns = f->line.span_osc_ns = HOUR_NS / 5 - 1;
	assert_false(bridges(f, &now));
}

/* Sample time plus offset is the server's time, which stays. */
static void a_shift_moves_only_the_local_clock(void **state)
{
	struct file *f = *state;

	f->got = f->b;
	saved_samples_shift(&f->got, 42);
	assert_int_equal(f->got.samples[0].at.ns, f->b.samples[0].at.ns + 42);
	assert_int_equal(f->got.samples[0].at.ns + f->got.samples[0].offset_ns,
	    f->b.samples[0].at.ns + f->b.samples[0].offset_ns);
	assert_int_equal(f->got.samples[1].delay_ns, f->b.samples[1].delay_ns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_written_file_is_read),
	    TEST(every_flipped_byte_is_detected),
	    TEST(every_cut_is_detected),
	    TEST(a_source_with_a_bad_sample_is_written_without_samples),
	    TEST(stamps_leap_and_stratum_have_limits),
	    TEST(a_timeline_has_limits),
	    TEST(another_format_is_refused),
	    TEST(sixty_four_sources_fit),
	    TEST(a_file_that_does_not_fit_is_not_written),
	    TEST(the_raw_clock_carries_the_timescale),
	    TEST(only_a_continuous_timescale_has_a_bridge),
	    TEST(another_boot_has_no_bridge),
	    TEST(an_inexact_bridge_is_refused),
	    TEST(a_shift_moves_only_the_local_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
