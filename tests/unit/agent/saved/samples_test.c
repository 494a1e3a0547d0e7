/* Samples on disk, and the bridge between two timescales. */
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
	f->a.count = STEERING_MEMORY;
	for (int i = 0; i < STEERING_MEMORY; i++)
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

static void what_is_written_is_read(void **state)
{
	struct file *f = *state;

	assert_true(open_it(f));
	assert_int_equal(f->sources, 2);
	assert_memory_equal(&f->line_got, &f->line, sizeof(f->line));
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_memory_equal(&f->got, &f->a, sizeof(f->got));
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_memory_equal(&f->got, &f->b, sizeof(f->got));
	assert_true(reader_done(&f->reader));
}

static void any_byte_flipped_is_seen(void **state)
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

static void any_cut_is_seen(void **state)
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

static void a_source_with_nonsense_goes_without_samples(void **state)
{
	struct file *f = *state;

	f->b.samples[1].stratum = 16;
	encode(f);
	assert_true(open_it(f));
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_int_equal(f->got.count, STEERING_MEMORY);
	assert_true(saved_samples_take(&f->reader, &f->got));
	assert_int_equal(f->got.count, 0);
}

/* An hour later, in another process, whose clock is 3 s ahead of the first
 * one's timescale. */
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
	/* The two run at different rates: 1 ppm in an hour is 3.6 ms. */
	f->line.span_osc_ns += 3600 * NS_PER_US;
	assert_true(timeline_bridge(&f->line, &now, &shift_ns));
	assert_int_equal(shift_ns, 3 * NS_PER_S - 3600 * NS_PER_US);
}

static void a_break_is_no_bridge(void **state)
{
	struct file *f = *state;
	struct timeline now = later(f);

	assert_true(bridges(f, &now));
	now.boot[15] ^= 1;
	assert_false(bridges(f, &now));
	now = later(f);
	now.asleep_ns += NS_PER_S;
	assert_false(bridges(f, &now));
	now = later(f);
	now.raw_ns = f->line.raw_ns - 1;
	assert_false(bridges(f, &now));
	/* A leap second, or a step, while nobody looked. */
	now = later(f);
	now.wall_ns -= NS_PER_S;
	assert_false(bridges(f, &now));
	/* The clock was made to run fast all the time: that is no step. */
	now = later(f);
	now.wall_ns += HOUR_NS / 1000;
	assert_false(bridges(f, &now));
	f->line.rate_ppb = 1000000;
	assert_true(bridges(f, &now));
}

static void doubt_is_no_bridge(void **state)
{
	struct file *f = *state;
	struct timeline now = later(f);

	f->line.span_raw_ns = f->line.span_osc_ns = HOUR_NS / 6;
	assert_false(bridges(f, &now));
	f->line.span_raw_ns = f->line.span_osc_ns = 0;
	assert_false(bridges(f, &now));
	f->line.span_raw_ns = HOUR_NS;
	f->line.span_osc_ns = HOUR_NS + HOUR_NS / 1000;
	assert_false(bridges(f, &now));
}

/* The moment of a sample and its server's clock stay where they were. */
static void a_shift_moves_our_clock_alone(void **state)
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
	    TEST(what_is_written_is_read),
	    TEST(any_byte_flipped_is_seen),
	    TEST(any_cut_is_seen),
	    TEST(a_source_with_nonsense_goes_without_samples),
	    TEST(the_raw_clock_carries_the_timescale),
	    TEST(a_break_is_no_bridge),
	    TEST(doubt_is_no_bridge),
	    TEST(a_shift_moves_our_clock_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
