/* The sentences of a source: in the status, and in the log. */
#include "agent/source/messages.h"

#include "resolver/icmp.h"
#include "tests/unit/agent/source/rig.h"

#include <errno.h>

/* 2027-01-15 08:00:00, the wall clock of the rig. */
#define NOW_S INT64_C(1800000000)

static void assert_logged(
    struct rig *r, enum log_level want, const char *sentence)
{
	assert_string_equal(rig_line(r), sentence);
	assert_int_equal(r->level, want);
	assert_string_equal(rig_line(r), "");
}

static void assert_shown(struct rig *r, const char *failure, const char *reason)
{
	assert_string_equal(r->source.failure, failure);
	assert_string_equal(r->source.reason, reason);
}

static void new_keys_are_described(void **state)
{
	struct rig *r = *state;
	struct ke_answer a;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	a = rig_keys(r);
	a.duration_ms = 42;
	a.facts.not_after = NOW_S + 90 * 86400 + 10;
	rig_take_keys(r, &a);
	assert_logged(r, LOG_LEVEL_INFO,
	    "office: keys from ntp.example.net (192.0.2.1:123) in 42 ms: "
	    "AES-SIV-CMAC-256, 8 cookies of 100 bytes, certificate "
	    "\"CN=peer\", "
	    "its chain valid for 90 more days");
}

static void the_first_sample_is_a_line(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	rig_line(r);
	rig_answer(r);
	assert_logged(r, LOG_LEVEL_INFO,
	    "office: authenticated time from 192.0.2.1:123 (stratum 1)");
	rig_pass_until_due(r);
	rig_send(r);
	rig_answer(r);
	assert_string_equal(rig_line(r), "");
}

static void saved_keys_are_described(void **state)
{
	static const struct {
		int64_t age_s;
		const char *line;
	} cases[] = {
	    {7260, "office: saved keys from 121 minutes ago, 8 cookies: asks "
		   "192.0.2.1:123 without a key exchange"},
	    {-7260, "office: saved keys from 0 minutes ago, 8 cookies: asks "
		    "192.0.2.1:123 without a key exchange"},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct saved_keys *k = calloc(1, sizeof(*k));

		assert_non_null(k);
		rig_init(r);
		k->answer = rig_keys(r);
		k->saved_s = k->keyed_s = NOW_S - cases[i].age_s;
		source_saved(&r->source, k, 0, r->now, RIG_MIDDLE);
		assert_logged(r, LOG_LEVEL_INFO, cases[i].line);
		free(k);
	}
}

static void keys_without_checked_dates_say_so(void **state)
{
	struct rig *r = *state;

	rig_start_undated(r);
	assert_logged(r, LOG_LEVEL_INFO,
	    "office: keys from ntp.example.net (192.0.2.1:123) in 0 ms: "
	    "AES-SIV-CMAC-256, 8 cookies of 100 bytes, certificate "
	    "\"CN=peer\", "
	    "its chain valid until 2100-01-01 00:00:00 UTC, which is not "
	    "checked yet");
}

static void a_wrong_clock_is_a_trouble(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_dates_may_wait(&r->source, true);
	rig_fail_keys_with(
	    r, KE_STAGE_CERTIFICATE, KE_DATES_REFUSED, "it is not valid yet");
	assert_shown(r, "clock",
	    "the clock may be too wrong to check certificates: the server is "
	    "asked for the time without a check of its certificate's dates "
	    "(it is not valid yet)");
	assert_int_equal(r->source.line_level, LOG_LEVEL_INFO);
}

/* The server tells a time outside the dates of its own certificate. */
static void an_outdated_certificate_is_described(void **state)
{
	static const struct {
		int64_t told_s;
		const char *reason;
	} cases[] = {
	    {NOW_S + 500 * 86400,
		"the certificate \"CN=peer\" has expired: it is valid from "
		"2027-01-05 08:00:00 UTC to 2027-01-25 08:00:00 UTC, and its "
		"server "
		"says that it is 2028-05-29 08:00:00 UTC; renew the "
		"certificate"},
	    {NOW_S - 500 * 86400,
		"the certificate \"CN=peer\" is not yet valid: it is valid "
		"from "
		"2027-01-05 08:00:00 UTC to 2027-01-25 08:00:00 UTC, and its "
		"server "
		"says that it is 2025-09-02 08:00:00 UTC; renew the "
		"certificate"},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wall told = {cases[i].told_s * NS_PER_S};

		rig_init(r);
		rig_start_undated(r);
		r->source.facts.not_before = NOW_S - 10 * 86400;
		r->source.facts.not_after = NOW_S + 10 * 86400;
		source_outdated(&r->source, told, r->now.mono, RIG_MIDDLE);
		assert_shown(r, "certificate", cases[i].reason);
		assert_int_equal(r->source.line_level, LOG_LEVEL_WARNING);
	}
}

static void a_time_that_cannot_be_is_described(void **state)
{
	struct wall told = {(NOW_S - 500 * 86400) * NS_PER_S};
	struct rig *r = *state;

	rig_start(r);
	r->source.facts.not_before = NOW_S - 10 * 86400;
	r->source.facts.not_after = NOW_S + 10 * 86400;
	source_disbelieved(
	    &r->source, told, (struct wall){told.ns}, r->now.mono);
	assert_shown(r, "time",
	    "the server says that it is 2025-09-02 08:00:00 UTC: that is "
	    "outside the dates of its certificate (2027-01-05 08:00:00 UTC to "
	    "2027-01-25 08:00:00 UTC), and is ignored");
	source_disbelieved(&r->source, told,
	    (struct wall){told.ns + 86400 * NS_PER_S}, r->now.mono);
	assert_shown(r, "time",
	    "the server says that it is 2025-09-02 08:00:00 UTC, and is "
	    "ignored: 2025-09-03 08:00:00 UTC is known to be past "
	    "(last-good-time, or the age of this program); if the file of "
	    "last-good-time is wrong, remove it and restart the agent");
}

static void a_sample_that_is_not_used_is_described(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	source_too_slow(&r->source, 1500 * NS_PER_MS, r->now.mono);
	assert_shown(r, "delay",
	    "the answers take 1.500 s, longer than maxdelay (1.000 s) allows");
	assert_int_equal(r->source.line_level, LOG_LEVEL_NOTICE);
	r->config.max_delay_ratio = 2.5;
	assert_int_equal(source_note_delay(&r->source, 2000), 2000);
	assert_int_equal(source_note_delay(&r->source, 7000), 2000);
	source_too_slow_for_path(&r->source, 7000, 2000, r->now.mono);
	assert_shown(r, "delay",
	    "the answers take 0.000007 s, more than maxdelayratio (2.5) times "
	    "the shortest one of the latest 2 answers (0.000002 s)");
	source_contradicts(&r->source, 250 * NS_PER_MS, r->now.mono);
	assert_shown(r, "times",
	    "192.0.2.1:123 claims to have held the request for 0.250000 s more "
	    "than the whole exchange took: its times contradict each other");
	assert_int_equal(r->source.line_level, LOG_LEVEL_WARNING);
}

static void a_request_that_is_not_sent_is_described(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	source_refused(&r->source, ECONNREFUSED, r->now.mono);
	assert_string_equal(r->source.failure, "");
	rig_pass_until_due(r);
	rig_timer(r);
	assert_shown(r, "network",
	    "192.0.2.1:123 refuses requests: nothing listens on that UDP port "
	    "(is the NTP server down, or a firewall rejecting?)");
	rig_pass_until_due(r);
	rig_send(r);
	source_refused(&r->source, ICMP_PROHIBITED, r->now.mono);
	rig_pass_until_due(r);
	rig_timer(r);
	assert_shown(r, "network",
	    "a firewall rejects requests to 192.0.2.1:123: on that server, on "
	    "the way, or on this machine");
	rig_pass_until_due(r);
	rig_send(r);
	source_unsent(&r->source, EPERM, r->now.mono);
	assert_shown(r, "network",
	    "cannot send to 192.0.2.1:123: Operation not permitted");
}

static void a_request_that_is_not_bound_says_which_key(void **state)
{
	static const struct {
		int err;
		const char *reason;
	} cases[] = {
	    {EADDRNOTAVAIL, "bind-address = 192.0.2.7: neither the device eth7 "
			    "nor a VRF of that name has this address"},
	    {ENODEV, "bind-device = eth7: this host does not have this device"},
	    {EPERM, "bind-device = eth7: this kernel lets only root choose a "
		    "device; Linux 5.7 and later let every user"},
	    {EADDRINUSE,
		"source-port = 123: another program uses this UDP port"},
	    {EACCES,
		"source-port = 123: no process of the agent may use so low a "
		"port; take a higher one, or lower the kernel's limit "
		"net.ipv4.ip_unprivileged_port_start"},
	    {ENOMEM, "bind-address, bind-device, source-port or dscp cannot be "
		     "applied: Cannot allocate memory"},
	};
	struct rig *r = *state;

	r->config.binding =
	    (struct binding){.ipv4 = {.family = 4, .address = {192, 0, 2, 7}},
		.device = "eth7",
		.port = 123};
	rig_start(r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		source_unsent(
		    &r->source, BINDING_FAILED + cases[i].err, r->now.mono);
		assert_shown(r, "bind", cases[i].reason);
	}
	/* The path is at fault, not the binding. */
	source_unsent(&r->source, ENETUNREACH, r->now.mono);
	assert_shown(r, "network",
	    "cannot send to 192.0.2.1:123 from 192.0.2.7 by the device eth7 "
	    "(bind-address, bind-device): Network is unreachable");
}

static void lose(struct rig *r, unsigned requests)
{
	while (requests > 0) {
		rig_pass_until_due(r);
		switch (rig_timer(r)) {
		case ACTION_KEYS:
			rig_give_keys(r);
			break;
		case ACTION_SEND:
			rig_seal(r);
			rig_pass_until_due(r);
			requests--;
			break;
		case ACTION_CLOSE:
		case ACTION_NOTHING:
			break;
		}
	}
	rig_timer(r);
}

static void silence_is_a_message_after_three_requests(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	lose(r, 2);
	assert_shown(r, "", "");
	lose(r, 1);
	assert_shown(r, "silence",
	    "ntp.example.net gives keys on TCP port 123, but no answer comes "
	    "from 192.0.2.1:123: let UDP port 123 through the firewalls, also "
	    "for packets above 48 bytes, or see whether the NTP server runs");
}

/* Where the key server is silent, too, or was not asked, less is known. */
static void silence_alone_says_less(void **state)
{
	static const char less[] =
	    "no answer from 192.0.2.1:123 to the last requests: its UDP port "
	    "may be blocked by a firewall, or the server is down";
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	rig_answer(r);
	r->source.search_not_before = MONO_NEVER;
	lose(r, 3);
	assert_shown(r, "silence", less);
	rig_init(r);
	rig_start(r);
	source_trouble(&r->source, r->now.mono, FAILURE_CONNECT, "no");
	r->source.search_not_before = MONO_NEVER;
	lose(r, 3);
	assert_string_equal(r->source.troubles[TROUBLE_TIME].reason, less);
}

static void what_came_instead_of_an_answer_is_described(void **state)
{
	static const struct {
		uint32_t kiss;
		const char *failure, *end;
		enum log_level level;
	} cases[] = {
	    {KISS('N', 'T', 'S', 'N'), "nak", "(192.0.2.1:123)",
		LOG_LEVEL_NOTICE},
	    {KISS('D', 'E', 'N', 'Y'), "rejected",
		", but without authentication: it is not believed "
		"(192.0.2.1:123)",
		LOG_LEVEL_WARNING},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].end);

		rig_init(r);
		rig_start(r);
		rig_send(r);
		rig_forge(r, cases[i].kiss);
		rig_pass_until_due(r);
		rig_timer(r);
		assert_string_equal(r->source.failure, cases[i].failure);
		assert_string_equal(
		    r->source.reason + strlen(r->source.reason) - len,
		    cases[i].end);
		assert_int_equal(r->source.line_level, cases[i].level);
	}
}

static void kisses_have_their_words(void **state)
{
	static const struct {
		uint32_t kiss;
		const char *failure;
	} cases[] = {
	    {KISS('R', 'A', 'T', 'E'), "kiss"},
	    {KISS('D', 'E', 'N', 'Y'), "denied"},
	    {KISS('R', 'S', 'T', 'R'), "denied"},
	    {KISS('S', 'T', 'E', 'P'), "unsynchronised"},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig_init(r);
		rig_start(r);
		rig_kissed(r, cases[i].kiss);
		assert_string_equal(r->source.failure, cases[i].failure);
		assert_non_null(strstr(r->source.reason, "(192.0.2.1:123)"));
	}
}

static void dropped_keys_say_why(void **state)
{
	static const char dropped[] =
	    "its keys were made when other certificates were trusted; they are "
	    "dropped, because no new keys have come since";
	struct rig *r = *state;
	char reason[SOURCE_TEXT_MAX];

	rig_start(r);
	r->source.trusted_until = r->now.mono;
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	assert_shown(r, "certificate", dropped);
	assert_true(r->source.down);
	rig_init(r);
	rig_start(r);
	r->source.renew_at = r->now.mono;
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	r->source.trusted_until = r->now.mono;
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	snprintf(reason, sizeof(reason), "%s: nobody listens", dropped);
	assert_shown(r, "connect", reason);
}

/* Whatever order they come and go in. */
static void the_worst_trouble_is_shown(void **state)
{
	static const struct {
		enum failure failure;
		enum trouble_kind kind;
		const char *word;
	} order[] = {
	    {FAILURE_LARGE_PACKETS, TROUBLE_PATH, "large-packets"},
	    {FAILURE_DELAY, TROUBLE_TIME, "delay"},
	    {FAILURE_TLS, TROUBLE_KEYS, "tls"},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		source_trouble(&r->source, r->now.mono, order[i].failure,
		    "sentence %zu", i);
		assert_string_equal(r->source.failure, order[i].word);
	}
	source_trouble(&r->source, r->now.mono, FAILURE_DELAY, "again");
	assert_shown(r, "tls", "sentence 2");
	say_offline(&r->source);
	assert_string_equal(r->source.failure, "offline");
	source_well(&r->source, TROUBLE_ORDER);
	assert_string_equal(r->source.failure, "tls");
	source_well(&r->source, TROUBLE_KEYS);
	assert_shown(r, "delay", "again");
	source_well(&r->source, TROUBLE_TIME);
	assert_shown(r, "large-packets", "sentence 0");
	source_well(&r->source, TROUBLE_PATH);
	assert_shown(r, "", "");
}

/* A trouble and its end, until the lines are used up. */
static void a_source_that_comes_and_goes_gets_its_last_line(void **state)
{
	struct rig *r = *state;
	const char *line = "";

	rig_start(r);
	rig_answer_burst(r);
	rig_line(r);
	for (int i = 0; i < BUDGET_LINES_MAX / 2; i++) {
		source_too_slow(&r->source, 2 * NS_PER_S, r->now.mono);
		assert_string_equal(rig_line(r),
		    "office: the answers take 2.000 s, longer than maxdelay "
		    "(1.000 s) allows");
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
		line = rig_line(r);
		assert_int_equal(r->level, LOG_LEVEL_NOTICE);
		if (i < BUDGET_LINES_MAX / 2 - 1)
			assert_string_equal(
			    line, "office: 192.0.2.1:123 gives time again");
	}
	assert_string_equal(line, "office: 192.0.2.1:123 gives time again; it "
				  "comes and goes: no more "
				  "lines until it is steady");
	rig_pass(r, BUDGET_STEADY_NS);
	rig_send(r);
	rig_answer(r);
	assert_logged(r, LOG_LEVEL_NOTICE,
	    "office: 192.0.2.1:123 answers steadily again");
}

/* The last line may be one about a trouble, too. */
static void a_last_line_can_be_a_trouble(void **state)
{
	struct rig *r = *state;

	for (int i = 1; i < BUDGET_LINES_MAX; i++)
		source_trouble(&r->source, r->now.mono, FAILURE_DELAY, "%.*s",
		    i, "abcdefgh");
	rig_line(r);
	source_trouble(&r->source, r->now.mono, FAILURE_DELAY, "the end");
	assert_string_equal(rig_line(r),
	    "office: the end; it comes and goes: no more lines until it is "
	    "steady");
}

static void a_path_that_loses_large_packets_is_described(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_line(r);
	r->source.size.blamed = true;
	say_path(&r->source, r->now.mono);
	assert_shown(r, "large-packets",
	    "large packets are lost on this path (192.0.2.1:123): requests "
	    "stay small and bring one cookie each");
	assert_false(r->source.down);
	assert_int_equal(r->source.line_level, LOG_LEVEL_NOTICE);
	rig_line(r);
	r->source.size.blamed = false;
	say_path(&r->source, r->now.mono);
	assert_shown(r, "", "");
	assert_logged(r, LOG_LEVEL_NOTICE,
	    "office: requests to 192.0.2.1:123 may be large again");
	say_path(&r->source, r->now.mono);
	assert_string_equal(rig_line(r), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(new_keys_are_described),
	    RIG_TEST(the_first_sample_is_a_line),
	    RIG_TEST(saved_keys_are_described),
	    RIG_TEST(keys_without_checked_dates_say_so),
	    RIG_TEST(a_wrong_clock_is_a_trouble),
	    RIG_TEST(an_outdated_certificate_is_described),
	    RIG_TEST(a_time_that_cannot_be_is_described),
	    RIG_TEST(a_sample_that_is_not_used_is_described),
	    RIG_TEST(a_request_that_is_not_sent_is_described),
	    RIG_TEST(a_request_that_is_not_bound_says_which_key),
	    RIG_TEST(silence_is_a_message_after_three_requests),
	    RIG_TEST(silence_alone_says_less),
	    RIG_TEST(what_came_instead_of_an_answer_is_described),
	    RIG_TEST(kisses_have_their_words),
	    RIG_TEST(dropped_keys_say_why),
	    RIG_TEST(the_worst_trouble_is_shown),
	    RIG_TEST(a_source_that_comes_and_goes_gets_its_last_line),
	    RIG_TEST(a_last_line_can_be_a_trouble),
	    RIG_TEST(a_path_that_loses_large_packets_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
