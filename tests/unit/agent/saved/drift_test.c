/* The file of the learned drift. */
#include "agent/saved/drift.h"

#include "nts/digest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BODY (SAVED_DRIFT_LEN - DIGEST_LEN)

static void assert_near(double value, double expected, double most)
{
	if (!(fabs(value - expected) <= most))
		fail_msg("%.17g, not %.17g", value, expected);
}

static struct drift_learned learned(void)
{
	struct drift_learned l = {0};

	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			l.period[k].lag[i].worst = (k * 10 + i + 1) * 1e-9;
			l.period[k].lag[i].windows = 100 * k + i + 0.25;
		}
	return l;
}

static void put(uint8_t bytes[SAVED_DRIFT_LEN], const struct drift_learned *l)
{
	struct writer w = writer_of(bytes, SAVED_DRIFT_LEN);

	saved_drift_put(&w, l);
	assert_true(w.ok);
	assert_int_equal(w.len, SAVED_DRIFT_LEN);
}

static void sign(uint8_t bytes[SAVED_DRIFT_LEN])
{
	assert_true(digest_of(bytes, BODY, bytes + BODY));
}

static void a_written_file_is_read(void **state)
{
	struct drift_learned l = learned(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	put(bytes, &l);
	/* 10^-9 and 0.25. */
	assert_int_equal(bytes[15], 0x0f);
	assert_int_equal(bytes[17], 0x40);
	assert_int_equal(bytes[25], 250);
	assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			assert_near(got.period[k].lag[i].worst,
			    l.period[k].lag[i].worst, 1e-15);
			assert_near(got.period[k].lag[i].windows,
			    l.period[k].lag[i].windows, 1e-3);
		}
}

static void assert_refused(const uint8_t *bytes, size_t len)
{
	struct drift_learned got = learned();

	assert_false(saved_drift_take(bytes, len, &got));
	assert_true(drift_bound_watched_s(&got) == 0);
}

static void every_flipped_byte_is_detected(void **state)
{
	struct drift_learned l = learned();
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	put(bytes, &l);
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
	struct drift_learned l = learned();
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	put(bytes, &l);
	bytes[0] = 'X';
	sign(bytes);
	assert_refused(bytes, sizeof(bytes));
	put(bytes, &l);
	bytes[9] = 2;
	sign(bytes);
	assert_refused(bytes, sizeof(bytes));
}

/* A number is at most as large as its limit, in each of its places. */
static void each_number_has_a_limit(void **state)
{
	struct drift_learned l = learned(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	for (size_t at = 10; at < BODY; at += 8) {
		put(bytes, &l);
		bytes[at] = 0xff;
		sign(bytes);
		assert_refused(bytes, sizeof(bytes));
		put(bytes, &l);
		for (size_t i = 0; i < 8; i++)
			bytes[at + i] = 0;
		sign(bytes);
		assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	}
}

static void the_limits_themselves_are_read(void **state)
{
	struct drift_learned l = learned(), got;
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	l.period[1].lag[5].worst = DRIFT_RATE_MAX;
	l.period[0].lag[0].windows = DRIFT_WINDOWS_MAX;
	put(bytes, &l);
	assert_true(saved_drift_take(bytes, sizeof(bytes), &got));
	l.period[1].lag[5].worst = DRIFT_RATE_MAX * 1.001;
	put(bytes, &l);
	assert_refused(bytes, sizeof(bytes));
	l = learned();
	l.period[0].lag[0].windows = DRIFT_WINDOWS_MAX + 1;
	put(bytes, &l);
	assert_refused(bytes, sizeof(bytes));
}

static void a_file_that_does_not_fit_is_not_written(void **state)
{
	struct drift_learned l = learned();
	uint8_t bytes[SAVED_DRIFT_LEN];

	(void)state;
	for (size_t size = 0; size < sizeof(bytes); size++) {
		struct writer w = writer_of(bytes, size);

		saved_drift_put(&w, &l);
		assert_false(w.ok);
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
	    cmocka_unit_test(a_file_that_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
