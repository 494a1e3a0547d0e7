/* The file of the learned drift. */
#include "agent/saved/learned_drift.h"

#include "nts/digest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define BODY (SAVED_DRIFT_LEN - DIGEST_LEN)

static void assert_near(double value, double expected, double most)
{
	if (!(fabs(value - expected) <= most))
		fail_msg("%.17g, not %.17g", value, expected);
}

/* Where the numbers begin: magic, version, machine, boot. */
#define NUMBERS (8 + 2 + DIGEST_LEN + BOOT_ID_LEN)

static struct saved_drift drift(void)
{
	struct saved_drift d = {.asleep_ns = 4660 * NS_PER_S};
	struct drift_learned *l = &d.learned;

	memset(d.machine, 0xa1, sizeof(d.machine));
	memset(d.boot, 0xb2, sizeof(d.boot));
	l->awake_s = 7200.5;
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			l->period[k].lag[i].worst = (k * 10 + i + 1) * 1e-9;
			l->period[k].lag[i].windows = 2 * k + 0.25;
		}
	return d;
}

static void put(uint8_t bytes[SAVED_DRIFT_LEN], const struct saved_drift *d)
{
	struct writer w = writer_of(bytes, SAVED_DRIFT_LEN);

	saved_drift_put(&w, d);
	assert_true(w.ok);
	assert_int_equal(w.len, SAVED_DRIFT_LEN);
}

static void sign(uint8_t bytes[SAVED_DRIFT_LEN])
{
	assert_true(digest_of(bytes, BODY, bytes + BODY));
}

static void a_written_file_is_read(void **state)
{
	struct saved_drift d = drift(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	put(bytes, &d);
	/* 4660 s, 7200.5 s, 10^-9 and 0.25. */
	assert_int_equal(bytes[NUMBERS + 2], 0x04);
	assert_int_equal(bytes[NUMBERS + 13], 0x6d);
	assert_int_equal(bytes[NUMBERS + 15], 0xf4);
	assert_int_equal(bytes[NUMBERS + 21], 0x0f);
	assert_int_equal(bytes[NUMBERS + 23], 0x40);
	assert_int_equal(bytes[NUMBERS + 31], 250);
	assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	assert_memory_equal(got.machine, d.machine, sizeof(got.machine));
	assert_memory_equal(got.boot, d.boot, sizeof(got.boot));
	assert_int_equal(got.asleep_ns, d.asleep_ns);
	assert_near(got.learned.awake_s, d.learned.awake_s, 1e-3);
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			assert_near(got.learned.period[k].lag[i].worst,
			    d.learned.period[k].lag[i].worst, 1e-15);
			assert_near(got.learned.period[k].lag[i].windows,
			    d.learned.period[k].lag[i].windows, 1e-3);
		}
}

static void assert_refused(const uint8_t *bytes, size_t len)
{
	struct saved_drift got = drift();

	assert_false(saved_drift_take(bytes, len, &got));
	assert_true(drift_bound_watched_s(&got.learned) == 0);
}

static void every_flipped_byte_is_detected(void **state)
{
	struct saved_drift d = drift();
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	put(bytes, &d);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		assert_refused(bytes, sizeof(bytes));
		bytes[i] ^= 0x10;
	}
	for (size_t len = 0; len < sizeof(bytes); len++)
		assert_refused(bytes, len);
}

static void another_format_is_refused(void **state)
{
	struct saved_drift d = drift();
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	put(bytes, &d);
	bytes[0] = 'X';
	sign(bytes);
	assert_refused(bytes, sizeof(bytes));
	put(bytes, &d);
	bytes[9] = 1;
	sign(bytes);
	assert_refused(bytes, sizeof(bytes));
}

/* A number is at most as large as its limit, in each of its places. */
static void each_number_has_a_limit(void **state)
{
	struct saved_drift d = drift(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	for (size_t at = NUMBERS; at < BODY; at += 8) {
		put(bytes, &d);
		bytes[at] = 0xff;
		sign(bytes);
		assert_refused(bytes, sizeof(bytes));
		put(bytes, &d);
		for (size_t i = 0; i < 8; i++)
			bytes[at + i] = 0;
		sign(bytes);
		assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	}
}

static void the_limits_themselves_are_read(void **state)
{
	struct saved_drift d = drift(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	d.learned.period[1].lag[5].worst = DRIFT_RATE_MAX;
	d.learned.period[0].lag[0].windows = drift_windows_max(0);
	put(bytes, &d);
	assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	d.learned.period[1].lag[5].worst = DRIFT_RATE_MAX * 1.001;
	put(bytes, &d);
	assert_refused(bytes, sizeof(bytes));
	d = drift();
	d.learned.period[0].lag[0].windows = drift_windows_max(0) + 1;
	put(bytes, &d);
	assert_refused(bytes, sizeof(bytes));
}

static void a_file_that_does_not_fit_is_not_written(void **state)
{
	struct saved_drift d = drift();
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	for (size_t size = 0; size < sizeof(bytes); size++) {
		struct writer w = writer_of(bytes, size);

		saved_drift_put(&w, &d);
		assert_false(w.ok);
	}
}

/* The two readings of the clocks are not at one instant. */
static void a_time_asleep_below_zero_is_zero(void **state)
{
	struct saved_drift d = drift(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	d.asleep_ns = -300;
	put(bytes, &d);
	assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	assert_int_equal(got.asleep_ns, 0);
}

/* The trials stay, the time awake does not. */
static void only_a_machine_that_stayed_awake_was_watched(void **state)
{
	static const struct {
		uint8_t boot;
		int64_t slept_ns, up_ns;
		double awake_s;
	} rows[] = {
	    {0xb2, 0, 90000 * NS_PER_S, 7200.5},
	    {0xb2, NS_PER_MS, 90000 * NS_PER_S, 7200.5},
	    {0xb2, -NS_PER_MS, 90000 * NS_PER_S, 7200.5},
	    {0xb2, NS_PER_S, 90000 * NS_PER_S, 0},
	    {0xb2, -NS_PER_S, 90000 * NS_PER_S, 0},
	    {0xb3, 0, 90000 * NS_PER_S, 0},
	    /* A forged file: the machine is not up for so long. */
	    {0xb2, 0, 600 * NS_PER_S, 600},
	    {0xb2, 0, 0, 0},
	    {0xb2, 0, -NS_PER_S, 0},
	};
	struct saved_drift d = drift();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct timeline now = {
		    .asleep_ns = d.asleep_ns + rows[i].slept_ns,
		    .raw_ns = rows[i].up_ns,
		};
		struct drift_learned l;

		memset(now.boot, rows[i].boot, sizeof(now.boot));
		l = saved_drift_now(&d, &now);
		if (fabs(l.awake_s - rows[i].awake_s) > 1e-6)
			fail_msg("row %zu: %g s", i, l.awake_s);
		assert_memory_equal(
		    l.period, d.learned.period, sizeof(l.period));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_written_file_is_read),
	    cmocka_unit_test(every_flipped_byte_is_detected),
	    cmocka_unit_test(another_format_is_refused),
	    cmocka_unit_test(each_number_has_a_limit),
	    cmocka_unit_test(the_limits_themselves_are_read),
	    cmocka_unit_test(a_time_asleep_below_zero_is_zero),
	    cmocka_unit_test(only_a_machine_that_stayed_awake_was_watched),
	    cmocka_unit_test(a_file_that_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
