/* What a process that has talked to a server may claim to have seen. */
#include "tests/unit/agent/check/seen_by.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

typedef void change_fn(struct probe *p);

#define CHANGE(name, what)                                                     \
	static void name(struct probe *p)                                      \
	{                                                                      \
		what;                                                          \
	}
CHANGE(bad_stage, p->keys.stage = KE_STAGE_COUNT)
CHANGE(bad_family, p->keys.facts.peer.family = 5)
CHANGE(bad_address, p->keys.address.family = 7)
CHANGE(too_many_names, p->keys.details.names.count = KE_ADDRESSES_MAX + 1)
CHANGE(bad_name, p->keys.details.names.at[0].family = 1)
CHANGE(bad_fault, p->keys.details.tls_fault = TLS_FAULT_COUNT)
CHANGE(bad_refusal, p->keys.details.certificate_fault = CERTIFICATE_FAULT_COUNT)
CHANGE(endless_text, memset(p->keys.text, 'x', sizeof(p->keys.text)))
CHANGE(escape_in_text, strcpy(p->keys.text, "\x1b[2J"))
CHANGE(line_in_subject, strcpy(p->keys.facts.subject, "CN=a\nb"))
CHANGE(
    bytes_in_issuer, strcpy(p->keys.details.certificate.issuer, "\xe2\x80\xae"))
CHANGE(bytes_in_names, strcpy(p->keys.details.certificate.names, "\x7f"))
CHANGE(bytes_in_print, strcpy(p->keys.details.certificate.fingerprint, "\t"))
CHANGE(bytes_in_group, strcpy(p->keys.details.group, "\r"))
CHANGE(bytes_in_tls, strcpy(p->keys.facts.tls, "\x01"))
CHANGE(bytes_in_server, strcpy(p->keys.ntp_server, "\b"))
CHANGE(many_cookies, p->keys.cookies = NTS_COOKIES + 1)
CHANGE(long_cookies, p->keys.cookie_len = NTS_COOKIE_MAX + 1)
CHANGE(bad_error, p->time.error = NTS_ERR_COUNT)
CHANGE(more_answers, p->time.answered = p->time.sent + 1)
CHANGE(huge_request, p->time.passed_size = NTS_PACKET_MAX + 1)
CHANGE(huge_loss, p->time.lost_size = NTS_PACKET_MAX + 1)
CHANGE(huge_offset, p->time.sample.offset_ns = INT64_MIN)
CHANGE(huge_delay, p->time.sample.delay_ns = INT64_MAX)
CHANGE(negative_delay, p->time.sample.delay_ns = -1)
CHANGE(huge_distance, p->time.sample.distance_ns = INT64_MAX)
CHANGE(negative_distance, p->time.sample.distance_ns = -1)
CHANGE(raw_ahead, p->time.sample.wall_minus_raw_ns = -1)
CHANGE(raw_far, p->time.sample.wall_minus_raw_ns = INT64_MAX / 2)
CHANGE(bad_stratum, p->time.sample.stratum = 256)
CHANGE(far_date, p->keys.facts.not_after = INT64_MAX)
CHANGE(early_date, p->keys.details.certificate.not_before = INT64_MIN)
CHANGE(far_time, p->time.sample.server_s = INT64_MIN)
CHANGE(odd_flag, memset(&p->complete, 2, 1))
CHANGE(odd_begin, memset(&p->begun, 2, 1))
CHANGE(odd_sample, memset(&p->time.have_sample, 0xff, 1))
CHANGE(odd_keys, memset(&p->keys.have_keys, 3, 1))
CHANGE(odd_detail, memset(&p->keys.details.lost, 2, 1))
CHANGE(bad_leap, p->time.sample.leap = 4)
CHANGE(more_impossible, p->time.impossible = p->time.answered + 1)
CHANGE(possible, p->time.impossible_ns = -1)

static change_fn *const changes[] = {bad_stage, bad_family, bad_address,
    too_many_names, bad_name, bad_fault, bad_refusal, endless_text,
    escape_in_text, line_in_subject, bytes_in_issuer, bytes_in_names,
    bytes_in_print, bytes_in_group, bytes_in_tls, bytes_in_server, many_cookies,
    long_cookies, bad_error, more_answers, huge_request, huge_loss, huge_offset,
    huge_delay, negative_delay, huge_distance, negative_distance, raw_ahead,
    raw_far, bad_stratum, bad_leap, far_date, early_date, far_time, odd_flag,
    odd_begin, odd_sample, odd_keys, odd_detail, more_impossible, possible};

static void each_bad_value_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct probe p = good_probe();

		assert_true(probe_valid(&p));
		changes[i](&p);
		if (probe_valid(&p))
			fail_msg("change %zu is accepted", i);
	}
}

static void an_empty_probe_is_valid(void **state)
{
	const struct probe p = {.complete = false};

	(void)state;
	assert_true(probe_valid(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_bad_value_is_refused),
	    cmocka_unit_test(an_empty_probe_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
