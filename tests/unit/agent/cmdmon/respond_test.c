/* The example status of ntsctl's tests, asked by bytes. */
#include "agent/cmdmon/respond.h"

#include "agent/cmdmon/protocol/answer.h"
#include "agent/cmdmon/protocol/wire.h"

#include "tests/unit/agent/ctl/example.h"

#include <math.h>

#define SEQUENCE 0xa1b2c3d4

/* The Go library of chrony_exporter, Telegraf and netdata sends so many bytes
 * behind the header, four more with an index and eight more with an address. */
#define GO_PADDING 396

static const struct cmdmon_address first = {
    .bytes = {10, 77, 3, 1}, .family = CMDMON_IPV4};
static const struct cmdmon_address second = {
    .bytes = {0xfd, 0x77, 0, 3, [15] = 1}, .family = CMDMON_IPV6};
static const struct cmdmon_address unresolved = {
    .bytes = {0, 0, 0, 3}, .family = CMDMON_ID};

/* A request with exactly the padding that it needs, or with that of Go. */
static size_t request(uint8_t out[CMDMON_MESSAGE_MAX], uint16_t command,
    unsigned index, const struct cmdmon_address *address, bool of_go)
{
	struct cmdmon_request r = {
	    .command = command, .sequence = SEQUENCE, .index = index};
	size_t len;

	if (address)
		r.address = *address;
	memset(out, 0, CMDMON_MESSAGE_MAX);
	len = cmdmon_request_write(&r, out);
	return of_go ? CMDMON_REQUEST_HEADER_LEN + GO_PADDING : len;
}

static struct cmdmon_answer answer_to(
    const struct snapshot *s, const uint8_t *datagram, size_t len)
{
	uint8_t out[CMDMON_MESSAGE_MAX];
	struct cmdmon_answer a;
	size_t n = respond(datagram, len, s, out);

	assert_true(n > 0 && n <= len);
	assert_true(cmdmon_answer_parse(out, n, &a));
	assert_int_equal(a.sequence, SEQUENCE);
	return a;
}

static struct cmdmon_answer ask(const struct snapshot *s, uint16_t command,
    unsigned index, const struct cmdmon_address *address)
{
	uint8_t datagram[CMDMON_MESSAGE_MAX];
	size_t len = request(datagram, command, index, address, false);
	struct cmdmon_answer a = answer_to(s, datagram, len);

	assert_int_equal(a.command, command);
	return a;
}

static void near(double x, double expected)
{
	if (!(fabs(x - expected) <= 1e-6 * fabs(expected) + 1e-15))
		fail_msg("%.12g is not %.12g", x, expected);
}

/* ntsctl's text reports of the same status have the same signs. */
static void tracking_has_the_signs_of_chrony(void **state)
{
	struct snapshot s = snapshot_of(example());
	struct cmdmon_answer a = ask(&s, CMDMON_TRACKING, 0, NULL);

	(void)state;
	assert_int_equal(a.tracking.reference_id, 0x0a4d0301);
	assert_memory_equal(&a.tracking.address, &first, sizeof(first));
	assert_int_equal(a.tracking.stratum, 2);
	assert_int_equal(a.tracking.leap, CMDMON_LEAP_NORMAL);
	assert_true(
	    a.tracking.reference_time_ns == INT64_C(1795391999000000000));
	near(a.tracking.correction_s, 1.25e-6); /* slow */
	near(a.tracking.last_offset_s, 3.12e-6);
	near(a.tracking.rms_offset_s, 2.875e-6);
	near(a.tracking.frequency_ppm, 7.123456); /* fast */
	near(a.tracking.residual_ppm, -0.00012);
	near(a.tracking.skew_ppm, 0.00421);
	near(a.tracking.root_delay_s, 118e-6);
	near(a.tracking.root_dispersion_s, 23.4e-6);
	near(a.tracking.update_interval_s, 16.1);
	snapshot_free(&s);
}

/* What chronyd says before its first sample, and never zero for an error. */
static void a_clock_that_was_never_synchronised_is_not_perfect(void **state)
{
	json_t *tree = example(), *clock = json_object_get(tree, "clock");
	struct cmdmon_answer a;
	struct snapshot s;

	(void)state;
	set(clock, "synchronised", json_false());
	set_int(clock, "stratum", 16);
	set_text(clock, "leap", "unsynchronised");
	for (size_t i = 0; i < 2; i++)
		set_text(example_source(tree, i), "mark", "?");
	set(clock, "root_delay_ns", json_null());
	set(clock, "root_dispersion_ns", json_null());
	s = snapshot_of(tree);
	a = ask(&s, CMDMON_TRACKING, 0, NULL);
	assert_int_equal(a.tracking.reference_id, 0);
	assert_int_equal(a.tracking.address.family, CMDMON_UNSPECIFIED);
	assert_int_equal(a.tracking.stratum, 0);
	assert_int_equal(a.tracking.leap, CMDMON_LEAP_UNSYNCHRONISED);
	near(a.tracking.root_delay_s, 1);
	near(a.tracking.root_dispersion_s, 1);
	snapshot_free(&s);
}

/* The selected source stays while the clock is not right. */
static void a_refused_clock_is_not_synchronised(void **state)
{
	json_t *tree = example();
	struct cmdmon_answer a;
	struct snapshot s;

	(void)state;
	set(json_object_get(tree, "clock"), "synchronised", json_false());
	s = snapshot_of(tree);
	a = ask(&s, CMDMON_TRACKING, 0, NULL);
	assert_int_equal(a.tracking.leap, CMDMON_LEAP_UNSYNCHRONISED);
	snapshot_free(&s);
}

static void each_source_is_found_by_its_index(void **state)
{
	struct snapshot s = snapshot_of(example());
	struct cmdmon_answer a = ask(&s, CMDMON_N_SOURCES, 0, NULL);

	(void)state;
	assert_int_equal(a.source_count, 3);
	a = ask(&s, CMDMON_SOURCE_DATA, 0, NULL);
	assert_memory_equal(&a.source.address, &first, sizeof(first));
	assert_int_equal(a.source.state, CMDMON_STATE_SELECTED);
	assert_int_equal(a.source.poll_log2_s, 4);
	assert_int_equal(a.source.stratum, 1);
	assert_int_equal(a.source.reach, 0377);
	assert_int_equal(a.source.since_sample_s, 6);
	near(a.source.measured_s, -124e-6);
	near(a.source.adjusted_s, -117e-6);
	near(a.source.error_s, 524e-6);
	a = ask(&s, CMDMON_SOURCE_DATA, 1, NULL);
	assert_memory_equal(&a.source.address, &second, sizeof(second));
	assert_int_equal(a.source.state, CMDMON_STATE_COMBINED);
	a = ask(&s, CMDMON_SOURCE_DATA, 2, NULL);
	assert_memory_equal(&a.source.address, &unresolved, sizeof(first));
	assert_int_equal(a.source.state, CMDMON_STATE_UNUSABLE);
	assert_true(a.source.since_sample_s == CMDMON_NEVER);
	a = ask(&s, CMDMON_SOURCESTATS, 0, NULL);
	assert_int_equal(a.stats.samples, 24);
	assert_int_equal(a.stats.span_s, 380);
	near(a.stats.offset_s, -1.02e-6);
	near(a.stats.residual_ppm, -0.001);
	a = ask(&s, CMDMON_SOURCESTATS, 2, NULL);
	near(a.stats.skew_ppm, 2000);
	near(a.stats.std_dev_s, 4);
	a = ask(&s, CMDMON_SELECT_DATA, 0, NULL);
	assert_int_equal(a.select.letter, '*');
	assert_int_equal(a.select.authenticated, 1);
	assert_int_equal(a.select.configured, CMDMON_OPTION_PREFER);
	near(a.select.low_s, -641e-6);
	near(a.select.high_s, 407e-6);
	snapshot_free(&s);
}

/* The example with another text at a source; the answer about this source. */
static struct cmdmon_answer asked_with(
    const char *key, const char *text, uint16_t command, unsigned source)
{
	json_t *tree = example();
	struct cmdmon_answer a;
	struct snapshot s;

	set_text(example_source(tree, source), key, text);
	s = snapshot_of(tree);
	a = ask(&s, command, source, NULL);
	snapshot_free(&s);
	return a;
}

static void every_mark_has_chronys_state(void **state)
{
	static const struct {
		const char *mark;
		enum cmdmon_state state;
	} marks[] = {{"*", CMDMON_STATE_SELECTED}, {"+", CMDMON_STATE_COMBINED},
	    {"-", CMDMON_STATE_GOOD}, {"x", CMDMON_STATE_FALSETICKER},
	    {"~", CMDMON_STATE_VARIABLE}, {"?", CMDMON_STATE_UNUSABLE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct cmdmon_answer a =
		    asked_with("mark", marks[i].mark, CMDMON_SOURCE_DATA, 0);

		assert_int_equal(a.source.state, marks[i].state);
	}
}

/* Every state of the selection has its letter in chronyc. */
static void every_state_has_chronycs_letter(void **state)
{
	static const struct {
		const char *state;
		char letter;
	} states[] = {{"selected", '*'}, {"combined", '+'},
	    {"not-combined", 'D'}, {"surplus", 'D'}, {"duplicate", 'P'},
	    {"not-preferred", 'P'}, {"falseticker", 'x'}, {"no-majority", 'x'},
	    {"variable", '~'}, {"no-samples", 'M'}, {"noselect", 'N'},
	    {"unsynchronised", 's'}, {"stratum", 'r'}, {"distance", 'd'},
	    {"stale", 'S'}, {"untrusted", 'T'}, {"waits", 'W'},
	    /* A newer agent may have another one. */
	    {"unheard-of", '?'}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct cmdmon_answer a =
		    asked_with("state", states[i].state, CMDMON_SELECT_DATA, 1);

		assert_int_equal(a.select.letter, states[i].letter);
	}
}

static void sources_are_counted_by_their_activity(void **state)
{
	json_t *tree = example();
	struct cmdmon_answer a;
	struct snapshot s;

	(void)state;
	set_text(example_source(tree, 1), "failure", "offline");
	s = snapshot_of(tree);
	a = ask(&s, CMDMON_ACTIVITY, 0, NULL);
	assert_int_equal(a.activity.online, 1);
	assert_int_equal(a.activity.offline, 1);
	assert_int_equal(a.activity.unresolved, 1);
	snapshot_free(&s);
}

/* An address as the host is known without a key exchange. */
static void an_address_as_the_host_is_the_address(void **state)
{
	static const struct cmdmon_address host = {
	    .bytes = {192, 0, 2, 7}, .family = CMDMON_IPV4};
	json_t *tree = example();
	struct cmdmon_answer a;
	struct snapshot s;

	(void)state;
	set_text(example_source(tree, 2), "host", "192.0.2.7");
	s = snapshot_of(tree);
	a = ask(&s, CMDMON_SOURCESTATS, 2, NULL);
	assert_memory_equal(&a.stats.address, &host, sizeof(host));
	assert_int_equal(a.stats.reference_id, 0xc0000207);
	assert_int_equal(ask(&s, CMDMON_NTP_DATA, 0, &host).ntp.tx_stamp, 0);
	a = ask(&s, CMDMON_ACTIVITY, 0, NULL);
	assert_int_equal(a.activity.online, 3);
	assert_int_equal(a.activity.unresolved, 0);
	snapshot_free(&s);
}

static void stamps_have_chronys_letters(void **state)
{
	static const struct {
		const char *text;
		char letter;
	} stamps[] = {{"kernel", 'K'}, {"hardware", 'H'}, {"daemon", 'D'},
	    /* chronyc calls it invalid, as ntsctl does. */
	    {"unheard-of", '\0'}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stamps); i++) {
		json_t *tree = example();
		struct snapshot s;

		set_text(example_source(tree, 0), "tx_stamp", stamps[i].text);
		s = snapshot_of(tree);
		assert_int_equal(
		    ask(&s, CMDMON_NTP_DATA, 0, &first).ntp.tx_stamp,
		    stamps[i].letter);
		snapshot_free(&s);
	}
}

/* RFC 5905 section 7.3: that of an IPv6 address is a hash. */
static void reference_ids_are_those_of_the_addresses(void **state)
{
	struct snapshot s = snapshot_of(example());

	(void)state;
	assert_int_equal(
	    ask(&s, CMDMON_SOURCESTATS, 0, NULL).stats.reference_id,
	    0x0a4d0301);
	assert_int_equal(
	    ask(&s, CMDMON_SOURCESTATS, 1, NULL).stats.reference_id,
	    0x750b2530);
	assert_int_equal(
	    ask(&s, CMDMON_SELECT_DATA, 2, NULL).select.reference_id, 0);
	snapshot_free(&s);
}

static void each_source_is_found_by_its_address(void **state)
{
	struct snapshot s = snapshot_of(example());
	struct cmdmon_answer a = ask(&s, CMDMON_NTP_SOURCE_NAME, 0, &second);

	(void)state;
	assert_string_equal(a.name, "ntpserver-ipv6");
	a = ask(&s, CMDMON_NTP_SOURCE_NAME, 0, &unresolved);
	assert_string_equal(a.name, "time.example.net");
	a = ask(&s, CMDMON_AUTH_DATA, 0, &first);
	assert_int_equal(a.auth.mode, 2);
	assert_int_equal(a.auth.key_type, 30);
	assert_int_equal(a.auth.key_id, 1);
	assert_int_equal(a.auth.key_bits, 128);
	assert_int_equal(a.auth.last_s, 3720);
	assert_int_equal(a.auth.cookies, 8);
	assert_int_equal(a.auth.cookie_len, 64);
	a = ask(&s, CMDMON_AUTH_DATA, 0, &unresolved);
	assert_true(a.auth.last_s == CMDMON_NEVER);
	assert_int_equal(a.auth.attempts, 3);
	snapshot_free(&s);
}

static void both_forms_of_ntp_data_are_given(void **state)
{
	struct snapshot s = snapshot_of(example());
	struct cmdmon_answer a = ask(&s, CMDMON_NTP_DATA, 0, &first);
	uint8_t datagram[CMDMON_MESSAGE_MAX];

	(void)state;
	assert_int_equal(a.reply, CMDMON_REPLY_NTP_DATA2);
	assert_int_equal(a.ntp.port, 123);
	near(a.ntp.offset_s, 124e-6); /* slow, as in chrony */
	near(a.ntp.delay_s, 141e-6);
	assert_int_equal(a.ntp.reference_id, 0x47505300); /* GPS */
	assert_int_equal(
	    a.ntp.flags, CMDMON_NTP_AUTHENTICATED | CMDMON_NTP_TESTS_PASSED);
	assert_int_equal(a.ntp.good, 29);
	assert_int_equal(a.ntp.rx_stamp, 'K');
	request(datagram, CMDMON_NTP_DATA, 0, &first, false);
	a = answer_to(&s, datagram, CMDMON_NTP_DATA_LEN);
	assert_int_equal(a.reply, CMDMON_REPLY_NTP_DATA);
	assert_int_equal(a.ntp.good, 29);
	/* Never answered: nothing is authentic. */
	a = ask(&s, CMDMON_NTP_DATA, 0, &unresolved);
	assert_int_equal(a.ntp.flags, 0);
	snapshot_free(&s);
}

/* The server's poll differs from ours. */
static void ntp_data_has_the_values_of_the_answer(void **state)
{
	static const struct cmdmon_address local = {
	    .bytes = {10, 77, 3, 9}, .family = CMDMON_IPV4};
	json_t *tree = example(), *source = example_source(tree, 0);
	struct cmdmon_ntp_data n;
	struct snapshot s;

	(void)state;
	set_int(json_object_get(source, "answer"), "poll_log2_s", 7);
	set_int(json_object_get(source, "answer"), "version", 3);
	set_int(json_object_get(source, "packets"), "kernel_sent", 21);
	set_int(json_object_get(source, "packets"), "kernel_received", 22);
	set_int(json_object_get(source, "packets"), "hardware_sent", 23);
	set_int(json_object_get(source, "packets"), "hardware_received", 24);
	s = snapshot_of(tree);
	n = ask(&s, CMDMON_NTP_DATA, 0, &first).ntp;
	assert_memory_equal(&n.local, &local, sizeof(local));
	assert_int_equal(n.version, 3);
	assert_int_equal(n.poll_log2_s, 7);
	assert_int_equal(n.precision_log2_s, -24);
	near(n.root_delay_s, 15258e-9);
	near(n.root_dispersion_s, 30517e-9);
	assert_true(n.reference_time_ns == INT64_C(1795391990500000000));
	near(n.dispersion_s, 160e-9);
	near(n.response_s, 53050e-9);
	assert_int_equal(n.kernel_tx, 21);
	assert_int_equal(n.kernel_rx, 22);
	assert_int_equal(n.hardware_tx, 23);
	assert_int_equal(n.hardware_rx, 24);
	snapshot_free(&s);
}

static void without_an_answer_ntp_data_is_zero(void **state)
{
	static const struct cmdmon_address none = {0};
	struct snapshot s = snapshot_of(example());
	struct cmdmon_ntp_data n = ask(&s, CMDMON_NTP_DATA, 0, &unresolved).ntp;

	(void)state;
	assert_memory_equal(&n.local, &none, sizeof(none));
	assert_int_equal(n.version, 0);
	assert_int_equal(n.mode, 0);
	assert_int_equal(n.poll_log2_s, 0);
	assert_int_equal(n.leap, CMDMON_LEAP_NORMAL);
	assert_int_equal(n.flags, 0);
	snapshot_free(&s);
}

/* The bits are those of ntsctl's ntpdata; its test has every check. */
static void a_failed_check_fails_its_test(void **state)
{
	json_t *tree = example();
	struct snapshot s;

	(void)state;
	set_text(json_object_get(example_source(tree, 2), "answer"),
	    "failed_check", "authenticator");
	s = snapshot_of(tree);
	assert_int_equal(ask(&s, CMDMON_NTP_DATA, 0, &second).ntp.flags,
	    CMDMON_NTP_AUTHENTICATED | (CMDMON_NTP_TESTS_PASSED & ~(1 << 3)));
	/* Nothing was authentic yet, so that no later test was made. */
	assert_int_equal(ask(&s, CMDMON_NTP_DATA, 0, &unresolved).ntp.flags,
	    CMDMON_NTP_TESTS_PASSED & ~(1 << 6 | 0xf));
	snapshot_free(&s);
}

static void the_selection_has_its_own_interval_and_score(void **state)
{
	json_t *tree = example(), *source = example_source(tree, 1);
	struct cmdmon_select_data d;
	struct snapshot s;

	(void)state;
	set_int(source, "low_offset_ns", -500000);
	set_int(source, "high_offset_ns", 200000);
	s = snapshot_of(tree);
	d = ask(&s, CMDMON_SELECT_DATA, 1, NULL).select;
	near(d.score, 0.875);
	near(d.low_s, -500e-6);
	near(d.high_s, 200e-6);
	d = ask(&s, CMDMON_SELECT_DATA, 2, NULL).select;
	near(d.score, 1);
	near(d.low_s, 0);
	near(d.high_s, 0);
	snapshot_free(&s);
}

/* The order and the padding of chrony_exporter and Telegraf. */
static void the_requests_of_the_go_library_are_answered(void **state)
{
	static const struct {
		uint16_t command;
		const struct cmdmon_address *address;
		size_t len;
		uint16_t reply;
	} requests[] = {
	    {CMDMON_N_SOURCES, NULL, 416, CMDMON_REPLY_N_SOURCES},
	    {CMDMON_SOURCE_DATA, NULL, 420, CMDMON_REPLY_SOURCE_DATA},
	    {CMDMON_SOURCESTATS, NULL, 420, CMDMON_REPLY_SOURCESTATS},
	    {CMDMON_TRACKING, NULL, 416, CMDMON_REPLY_TRACKING},
	    {CMDMON_ACTIVITY, NULL, 416, CMDMON_REPLY_ACTIVITY},
	    {CMDMON_NTP_DATA, &first, 424, CMDMON_REPLY_NTP_DATA},
	    {CMDMON_NTP_SOURCE_NAME, &first, 424, CMDMON_REPLY_NTP_SOURCE_NAME},
	};
	struct snapshot s = snapshot_of(example());

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		uint8_t datagram[CMDMON_MESSAGE_MAX];
		size_t len = request(datagram, requests[i].command, 0,
		    requests[i].address, true);
		struct cmdmon_answer a;

		len += requests[i].len - 416;
		a = answer_to(&s, datagram, len);
		assert_int_equal(a.status, CMDMON_SUCCESS);
		assert_int_equal(a.reply, requests[i].reply);
	}
	snapshot_free(&s);
}

static void what_is_not_there_has_no_source(void **state)
{
	static const struct cmdmon_address other = {
	    .bytes = {10, 77, 3, 2}, .family = CMDMON_IPV4};
	static const struct cmdmon_address none = {0};
	static const struct cmdmon_address *const wrong[] = {&other, &none};
	struct snapshot s = snapshot_of(example());

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		unsigned index = i == 0 ? 3 : UINT32_MAX;

		assert_int_equal(
		    ask(&s, CMDMON_SOURCE_DATA, index, NULL).status,
		    CMDMON_NO_SUCH_SOURCE);
		assert_int_equal(
		    ask(&s, CMDMON_SOURCESTATS, index, NULL).status,
		    CMDMON_NO_SUCH_SOURCE);
		assert_int_equal(
		    ask(&s, CMDMON_SELECT_DATA, index, NULL).status,
		    CMDMON_NO_SUCH_SOURCE);
		assert_int_equal(ask(&s, CMDMON_AUTH_DATA, 0, wrong[i]).status,
		    CMDMON_NO_SUCH_SOURCE);
		assert_int_equal(ask(&s, CMDMON_NTP_DATA, 0, wrong[i]).status,
		    CMDMON_NO_SUCH_SOURCE);
		assert_int_equal(
		    ask(&s, CMDMON_NTP_SOURCE_NAME, 0, wrong[i]).status,
		    CMDMON_NO_SUCH_SOURCE);
	}
	snapshot_free(&s);
}

static void without_a_status_a_question_has_failed(void **state)
{
	uint8_t datagram[CMDMON_MESSAGE_MAX], out[CMDMON_MESSAGE_MAX];
	size_t len = request(datagram, CMDMON_TRACKING, 0, NULL, false);

	(void)state;
	assert_true(respond_needs_status(datagram, len));
	assert_int_equal(answer_to(NULL, datagram, len).status, CMDMON_FAILED);
	/* A refusal needs none. */
	datagram[5] = 43;
	assert_false(respond_needs_status(datagram, len));
	assert_int_equal(
	    answer_to(NULL, datagram, len).status, CMDMON_NOT_AUTHORISED);
	assert_int_equal(respond(datagram, 27, NULL, out), 0);
}

static void no_sources_are_no_error(void **state)
{
	json_t *tree = example();
	struct snapshot s;

	(void)state;
	set(tree, "sources", json_array());
	s = snapshot_of(tree);
	assert_int_equal(ask(&s, CMDMON_N_SOURCES, 0, NULL).source_count, 0);
	assert_int_equal(ask(&s, CMDMON_TRACKING, 0, NULL).status, 0);
	assert_int_equal(ask(&s, CMDMON_ACTIVITY, 0, NULL).activity.online, 0);
	assert_int_equal(
	    ask(&s, CMDMON_SOURCE_DATA, 0, NULL).status, CMDMON_NO_SUCH_SOURCE);
	snapshot_free(&s);
}

static void numbers_that_do_not_fit_are_limited(void **state)
{
	json_t *tree = example(), *source = example_source(tree, 0);
	struct cmdmon_answer a;
	struct snapshot s;

	(void)state;
	set_int(source, "stratum", 70000);
	set_int(source, "poll_log2_s", -1);
	set(source, "last_rx_s", json_real(1e15));
	set_int(json_object_get(source, "nts"), "naks", 1 << 20);
	set_int(json_object_get(source, "packets"), "sent", INT64_MAX);
	set_int(json_object_get(source, "packets"), "good", -5);
	set_int(json_object_get(tree, "clock"), "reference_time_ns", -1);
	s = snapshot_of(tree);
	a = ask(&s, CMDMON_SOURCE_DATA, 0, NULL);
	assert_int_equal(a.source.stratum, UINT16_MAX);
	assert_int_equal(a.source.poll_log2_s, -1);
	assert_true(a.source.since_sample_s == UINT32_MAX - 1);
	assert_int_equal(
	    ask(&s, CMDMON_AUTH_DATA, 0, &first).auth.naks, UINT16_MAX);
	a = ask(&s, CMDMON_NTP_DATA, 0, &first);
	assert_true(a.ntp.sent == UINT32_MAX);
	assert_int_equal(a.ntp.good, 0);
	assert_int_equal(a.ntp.stratum, UINT8_MAX);
	assert_true(
	    ask(&s, CMDMON_TRACKING, 0, NULL).tracking.reference_time_ns == 0);
	snapshot_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tracking_has_the_signs_of_chrony),
	    cmocka_unit_test(
		a_clock_that_was_never_synchronised_is_not_perfect),
	    cmocka_unit_test(a_refused_clock_is_not_synchronised),
	    cmocka_unit_test(each_source_is_found_by_its_index),
	    cmocka_unit_test(every_mark_has_chronys_state),
	    cmocka_unit_test(every_state_has_chronycs_letter),
	    cmocka_unit_test(sources_are_counted_by_their_activity),
	    cmocka_unit_test(an_address_as_the_host_is_the_address),
	    cmocka_unit_test(stamps_have_chronys_letters),
	    cmocka_unit_test(reference_ids_are_those_of_the_addresses),
	    cmocka_unit_test(each_source_is_found_by_its_address),
	    cmocka_unit_test(both_forms_of_ntp_data_are_given),
	    cmocka_unit_test(ntp_data_has_the_values_of_the_answer),
	    cmocka_unit_test(without_an_answer_ntp_data_is_zero),
	    cmocka_unit_test(a_failed_check_fails_its_test),
	    cmocka_unit_test(the_selection_has_its_own_interval_and_score),
	    cmocka_unit_test(the_requests_of_the_go_library_are_answered),
	    cmocka_unit_test(what_is_not_there_has_no_source),
	    cmocka_unit_test(without_a_status_a_question_has_failed),
	    cmocka_unit_test(no_sources_are_no_error),
	    cmocka_unit_test(numbers_that_do_not_fit_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
