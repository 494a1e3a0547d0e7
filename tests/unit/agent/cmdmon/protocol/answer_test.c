#include "agent/cmdmon/protocol/answer.h"

#include "agent/cmdmon/protocol/wire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/agent/cmdmon/recorded.h"

static const struct {
	const char *hex;
	size_t len;
} recorded[] = {
    {recorded_count, CMDMON_N_SOURCES_LEN},
    {recorded_source, CMDMON_SOURCE_DATA_LEN},
    {recorded_tracking, CMDMON_TRACKING_LEN},
    {recorded_stats, CMDMON_SOURCESTATS_LEN},
    {recorded_activity, CMDMON_ACTIVITY_LEN},
    {recorded_ntp, CMDMON_NTP_DATA_LEN},
    {recorded_ntp2, CMDMON_NTP_DATA2_LEN},
    {recorded_name, CMDMON_NTP_SOURCE_NAME_LEN},
    {recorded_auth, CMDMON_AUTH_DATA_LEN},
    {recorded_select, CMDMON_SELECT_DATA_LEN},
    {recorded_no_source, CMDMON_ANSWER_HEADER_LEN},
    {recorded_too_short, CMDMON_ANSWER_HEADER_LEN},
    {recorded_invalid, CMDMON_ANSWER_HEADER_LEN},
};

static size_t message(size_t i, uint8_t out[CMDMON_MESSAGE_MAX])
{
	memset(out, 0, CMDMON_MESSAGE_MAX);
	/* The rest of a name is zeros. */
	assert_true(bytes_of(recorded[i].hex, out) <= recorded[i].len);
	return recorded[i].len;
}

static struct cmdmon_answer parsed(const char *hex, size_t len)
{
	uint8_t bytes[CMDMON_MESSAGE_MAX] = {0};
	struct cmdmon_answer a;

	bytes_of(hex, bytes);
	assert_true(cmdmon_answer_parse(bytes, len, &a));
	assert_int_equal(a.sequence, RECORDED_SEQUENCE);
	return a;
}

static void near(double x, double shown, double half_digit)
{
	if (!(fabs(x - shown) <= half_digit))
		fail_msg("%.12g is not %.12g", x, shown);
}

/* The expected values are those that chronyc -c printed at the same time. */
static void tracking_is_what_chronyc_prints(void **state)
{
	struct cmdmon_answer a = parsed(recorded_tracking, CMDMON_TRACKING_LEN);
	const struct cmdmon_tracking *t = &a.tracking;

	(void)state;
	assert_int_equal(t->reference_id, 0x7f000001);
	assert_int_equal(t->address.family, CMDMON_IPV4);
	assert_memory_equal(t->address.bytes, "\x7f\0\0\1", 4);
	assert_int_equal(t->stratum, 4);
	assert_int_equal(t->leap, CMDMON_LEAP_NORMAL);
	assert_true(t->reference_time_ns == INT64_C(1795886377467378519));
	assert_true(t->correction_s < 0);
	near(t->last_offset_s, 0.000000969, 5e-10);
	near(t->rms_offset_s, 0.000001259, 5e-10);
	near(t->frequency_ppm, -0.141, 5e-4);
	near(t->residual_ppm, 0.009, 5e-4);
	near(t->skew_ppm, 0.989, 5e-4);
	near(t->root_delay_s, 0.000007988, 5e-10);
	near(t->update_interval_s, 4.0, 0.05);
}

static void source_data_is_what_chronyc_prints(void **state)
{
	struct cmdmon_answer a =
	    parsed(recorded_source, CMDMON_SOURCE_DATA_LEN);

	(void)state;
	assert_int_equal(a.source.poll_log2_s, 2);
	assert_int_equal(a.source.stratum, 3);
	assert_int_equal(a.source.state, CMDMON_STATE_SELECTED);
	assert_int_equal(a.source.mode, 0);
	assert_int_equal(a.source.reach, 077);
	assert_int_equal(a.source.since_sample_s, 3);
	near(a.source.measured_s, 0.000001636, 5e-10);
	near(a.source.adjusted_s, 0.000000667, 5e-10);
	near(a.source.error_s, 0.000004029, 5e-10);
}

static void sourcestats_is_what_chronyc_prints(void **state)
{
	struct cmdmon_answer a = parsed(recorded_stats, CMDMON_SOURCESTATS_LEN);

	(void)state;
	assert_int_equal(a.stats.samples, 6);
	assert_int_equal(a.stats.runs, 5);
	assert_int_equal(a.stats.span_s, 11);
	near(a.stats.residual_ppm, 0.009, 5e-4);
	near(a.stats.skew_ppm, 0.889, 5e-4);
	near(a.stats.offset_s, 0.000000025, 5e-10);
	near(a.stats.std_dev_s, 0.000000947, 5e-10);
}

static void both_forms_of_ntp_data_are_what_chronyc_prints(void **state)
{
	struct cmdmon_answer old = parsed(recorded_ntp, CMDMON_NTP_DATA_LEN);
	struct cmdmon_answer new = parsed(recorded_ntp2, CMDMON_NTP_DATA2_LEN);

	(void)state;
	assert_int_equal(old.ntp.port, 11123);
	assert_int_equal(old.ntp.precision_log2_s, -26);
	assert_int_equal(old.ntp.flags & CMDMON_NTP_TESTS_PASSED, 0x3ff);
	assert_int_equal(old.ntp.flags & CMDMON_NTP_AUTHENTICATED, 0);
	near(old.ntp.offset_s, -0.000001892, 5e-10);
	near(old.ntp.delay_s, 0.000007814, 5e-10);
	near(old.ntp.response_s, 0.000052465, 5e-10);
	assert_true(old.ntp.reference_time_ns == INT64_C(1795886364743232563));
	assert_int_equal(old.ntp.good, 6);
	assert_int_equal(old.ntp.tx_stamp, 'K');
	assert_int_equal(new.ntp.kernel_tx, 6);
	assert_int_equal(new.ntp.kernel_rx, 6);
	assert_int_equal(new.ntp.hardware_rx, 0);
	near(new.ntp.offset_s, -0.000001636, 5e-10);
}

static void the_others_are_what_chronyc_prints(void **state)
{
	struct cmdmon_answer a = parsed(recorded_count, CMDMON_N_SOURCES_LEN);

	(void)state;
	assert_int_equal(a.source_count, 1);
	a = parsed(recorded_activity, CMDMON_ACTIVITY_LEN);
	assert_int_equal(a.activity.online, 1);
	assert_int_equal(a.activity.offline, 0);
	a = parsed(recorded_name, CMDMON_NTP_SOURCE_NAME_LEN);
	assert_string_equal(a.name, "127.0.0.1");
	a = parsed(recorded_auth, CMDMON_AUTH_DATA_LEN);
	assert_int_equal(a.auth.mode, 0);
	assert_true(a.auth.last_s == CMDMON_NEVER);
	a = parsed(recorded_select, CMDMON_SELECT_DATA_LEN);
	assert_int_equal(a.select.letter, '*');
	assert_int_equal(
	    a.select.configured, CMDMON_OPTION_PREFER | CMDMON_OPTION_TRUST);
	near(a.select.low_s, -0.000002393, 5e-10);
	near(a.select.high_s, 0.000005665, 5e-10);
	near(a.select.score, 1, 0);
	a = parsed(recorded_no_source, CMDMON_ANSWER_HEADER_LEN);
	assert_int_equal(a.status, CMDMON_NO_SUCH_SOURCE);
	a = parsed(recorded_too_short, CMDMON_ANSWER_HEADER_LEN);
	assert_int_equal(a.status, CMDMON_BAD_LENGTH);
	a = parsed(recorded_invalid, CMDMON_ANSWER_HEADER_LEN);
	assert_int_equal(a.status, CMDMON_INVALID);
}

static void what_is_parsed_is_written_with_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
		uint8_t in[CMDMON_MESSAGE_MAX], out[CMDMON_MESSAGE_MAX];
		size_t len = message(i, in);
		struct cmdmon_answer a;

		assert_true(cmdmon_answer_parse(in, len, &a));
		assert_int_equal(cmdmon_answer_write(&a, len, out), len);
		assert_memory_equal(in, out, len);
	}
}

static void every_shorter_answer_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
		uint8_t in[CMDMON_MESSAGE_MAX];
		struct cmdmon_answer a;

		for (size_t len = message(i, in); len-- > 0;)
			assert_false(cmdmon_answer_parse(in, len, &a));
	}
}

static void an_answer_is_never_longer_than_its_request(void **state)
{
	uint8_t in[CMDMON_MESSAGE_MAX], out[CMDMON_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
		size_t len = message(i, in);
		struct cmdmon_answer a;

		assert_true(cmdmon_answer_parse(in, len, &a));
		for (size_t most = 0; most < len; most++)
			assert_int_equal(cmdmon_answer_write(&a, most, out), 0);
		assert_int_equal(
		    cmdmon_answer_write(&a, CMDMON_MESSAGE_MAX, out), len);
	}
}

static void what_is_no_answer_of_version_6_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} changes[] = {{0, 5}, {1, 1}, {2, 1}, {3, 1}, {7, 99}, {6, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		uint8_t in[CMDMON_MESSAGE_MAX];
		size_t len = message(2, in);
		struct cmdmon_answer a;

		in[changes[i].at] = changes[i].byte;
		assert_false(cmdmon_answer_parse(in, len, &a));
	}
}

/* A server may leave out the NUL, and send any time. */
static void foreign_texts_and_times_are_bounded(void **state)
{
	uint8_t in[CMDMON_MESSAGE_MAX];
	size_t len = message(7, in);
	struct cmdmon_answer a;

	(void)state;
	memset(in + CMDMON_ANSWER_HEADER_LEN, 'x', CMDMON_NAME_MAX);
	assert_true(cmdmon_answer_parse(in, len, &a));
	assert_int_equal(strlen(a.name), CMDMON_NAME_MAX - 1);
	len = message(2, in);
	memset(in + CMDMON_ANSWER_HEADER_LEN + 28, 0xff, 12);
	assert_true(cmdmon_answer_parse(in, len, &a));
	assert_true(a.tracking.reference_time_ns > 0);
	/* The mark of a sender with 32 bits. */
	memcpy(in + CMDMON_ANSWER_HEADER_LEN + 28,
	    "\x7f\xff\xff\xff\0\0\0\2\0\0\0\3", 12);
	assert_true(cmdmon_answer_parse(in, len, &a));
	assert_true(a.tracking.reference_time_ns == INT64_C(2000000003));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tracking_is_what_chronyc_prints),
	    cmocka_unit_test(source_data_is_what_chronyc_prints),
	    cmocka_unit_test(sourcestats_is_what_chronyc_prints),
	    cmocka_unit_test(both_forms_of_ntp_data_are_what_chronyc_prints),
	    cmocka_unit_test(the_others_are_what_chronyc_prints),
	    cmocka_unit_test(what_is_parsed_is_written_with_the_same_bytes),
	    cmocka_unit_test(every_shorter_answer_is_refused),
	    cmocka_unit_test(an_answer_is_never_longer_than_its_request),
	    cmocka_unit_test(what_is_no_answer_of_version_6_is_refused),
	    cmocka_unit_test(foreign_texts_and_times_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
