#include "resolver/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ke_request good_request(void)
{
	return (struct ke_request){
	    .source = 3,
	    .serial = 7,
	    .host = "ntp1.example.org",
	    .ke_port = 4460,
	    .family = FAMILY_ANY,
	    .timeout_ms = 5000,
	};
}

static struct endpoint some_endpoint(void)
{
	return (struct endpoint){
	    .family = 4, .port = 123, .address = {192, 0, 2, 1}};
}

static struct ke_answer good_answer(void)
{
	return (struct ke_answer){
	    .stage = KE_STAGE_DONE,
	    .aead = AEAD_AES_SIV_CMAC_256,
	    .facts.peer = some_endpoint(),
	    .facts.subject = "CN=ntp1",
	    .address_count = 1,
	    .addresses = {some_endpoint()},
	    .cookie_count = 1,
	    .cookies = {{.len = 100}},
	};
}

static struct ke_answer good_failure(void)
{
	return (struct ke_answer){
	    .stage = KE_STAGE_DNS, .text = "no address for ntp1"};
}

#define SPOIL(make, valid, change)                                             \
	do {                                                                   \
		__typeof__(make()) x = make();                                 \
		assert_true(valid(&x));                                        \
		change;                                                        \
		assert_false(valid(&x));                                       \
	} while (0)
#define BAD_REQUEST(change) SPOIL(good_request, ke_request_valid, change)
#define BAD_ANSWER(change) SPOIL(good_answer, ke_answer_valid, change)
#define BAD_FAILURE(change) SPOIL(good_failure, ke_answer_valid, change)

static void a_request_is_checked(void **state)
{
	(void)state;
	BAD_REQUEST(memset(x.host, 'a', sizeof(x.host)));
	BAD_REQUEST(x.host[0] = '\0');
	BAD_REQUEST(x.host[4] = '\n');
	BAD_REQUEST(x.host[4] = ' ');
	BAD_REQUEST(x.host[4] = (char)0xc3);
	BAD_REQUEST(x.ke_port = 0);
	BAD_REQUEST(x.family = 3);
	BAD_REQUEST(x.dates_unchecked = 2);
	BAD_REQUEST(x.clock_unsure = 2);
	BAD_REQUEST(x.reserved[1] = 1);
	BAD_REQUEST(x.alone = 2);
	BAD_REQUEST(x.srv = 2);
	BAD_REQUEST(x.prefer.family = 5);
	BAD_REQUEST(x.prefer.port = 7);
	BAD_REQUEST(x.avoid_count = 1); /* it is empty */
	BAD_REQUEST(x.avoid_count = KE_AVOID_MAX + 1);
	BAD_REQUEST(x.at_known = 2);
	BAD_REQUEST((x.at_known = 1, x.known = (struct endpoint){0}));
	BAD_REQUEST(x.timeout_ms = 0);
	BAD_REQUEST(x.try_after.family = 5);
	BAD_REQUEST(x.try_after.port = 7);
	BAD_REQUEST(x.known.family = 5);
	BAD_REQUEST(x.known.port = 7);
	BAD_REQUEST(x.binding.ipv4.family = 6);
	BAD_REQUEST(x.binding.ipv4.address[0] = 1);
	BAD_REQUEST(x.binding.dscp = BINDING_DSCP_MAX + 1);
	BAD_REQUEST(memset(x.binding.device, 'a', sizeof(x.binding.device)));
	BAD_REQUEST(x.timeout_ms = UINT32_MAX);
}

static void a_success_is_checked(void **state)
{
	(void)state;
	BAD_ANSWER(x.stage = KE_STAGE_COUNT);
	BAD_ANSWER(x.have_other_keys = 2);
	BAD_ANSWER(x.aead = AEAD_NONE);
	BAD_ANSWER(x.aead = 999);
	BAD_ANSWER(x.error = NTS_KE_EMPTY);
	BAD_ANSWER(x.dates = KE_DATES_REFUSED);
	BAD_ANSWER(x.dates = KE_DATES_COUNT);
	BAD_ANSWER(x.error = -1);
	BAD_ANSWER(x.error = NTS_ERR_COUNT);
	BAD_ANSWER(strcpy(x.text, "reason"));
	BAD_ANSWER(memset(x.text, 'a', sizeof(x.text)));
	BAD_ANSWER(memset(x.facts.tls, 'a', sizeof(x.facts.tls)));
	BAD_ANSWER(memset(x.facts.subject, 'a', sizeof(x.facts.subject)));
	BAD_ANSWER(memset(x.ntp_server, 'a', sizeof(x.ntp_server)));
	BAD_ANSWER(x.facts.subject[2] = '\x1b');
	BAD_ANSWER(strcpy(x.ntp_server, "a b"));
	BAD_ANSWER(x.facts.peer = (struct endpoint){0});
	BAD_ANSWER(x.facts.peer.family = 5);
	BAD_ANSWER(x.facts.peer.port = 0);
	BAD_ANSWER(x.address_count = 0);
	BAD_ANSWER(x.address_count = KE_ADDRESSES_MAX + 1);
	BAD_ANSWER(x.address_count = 2); /* the second is empty */
	BAD_ANSWER(x.addresses[0].port = 0);
	BAD_ANSWER(x.addresses[0].address[0] = 224);
	BAD_ANSWER(x.addresses[0].address[0] = 255);
	BAD_ANSWER(x.addresses[0].address[0] = 127);
	BAD_ANSWER(x.addresses[0].reserved = 1);
	BAD_ANSWER(x.addresses[0].address[4] = 1);
	BAD_ANSWER(x.addresses[0].scope_id = 1);
	BAD_ANSWER(x.facts.not_before = INT64_MIN);
	BAD_ANSWER(x.facts.not_after = INT64_MAX);
	BAD_ANSWER(x.cookie_count = 0);
	BAD_ANSWER(x.cookie_count = NTS_COOKIES + 1);
	BAD_ANSWER(x.cookies[0].len = 0);
	BAD_ANSWER(x.cookies[0].len = NTS_COOKIE_MAX + 1);
}

/* The address of the key server may be that of the time server, so a job could
 * allow itself any address. */
static void a_peer_that_is_no_host_is_refused(void **state)
{
	static const struct endpoint peers[] = {
	    {.family = 4, .port = 123, .address = {224, 0, 1, 1}},
	    {.family = 4, .port = 123, .address = {0, 0, 0, 1}},
	    {.family = 4, .port = 123, .address = {255, 255, 255, 255}},
	    {.family = 6, .port = 123},
	    {.family = 6, .port = 123, .address = {0xff, 2, [15] = 1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		BAD_ANSWER(x.facts.peer = x.addresses[0] = peers[i]);
		BAD_FAILURE(x.facts.peer = peers[i]);
	}
}

static void a_failure_is_checked(void **state)
{
	(void)state;
	BAD_FAILURE(x.text[0] = '\0');
	BAD_FAILURE(x.text[3] = '\n');
	BAD_FAILURE(x.aead = AEAD_AES_SIV_CMAC_256);
	BAD_FAILURE(x.have_other_keys = 1);
	BAD_FAILURE(x.address_count = 1);
	BAD_FAILURE(x.cookie_count = 1);
	BAD_FAILURE(x.dates = KE_DATES_REFUSED);
	BAD_FAILURE(x.crash_signal = 65; x.stage = KE_STAGE_START);
	BAD_FAILURE(x.crash_signal = 11; x.stage = KE_STAGE_TLS);
}

/* The dispatcher alone knows. */
static void a_crash_is_no_success_and_no_words_of_a_job(void **state)
{
	struct ke_request q = good_request();
	struct ke_answer f = good_failure();

	(void)state;
	BAD_ANSWER(x.crash_signal = 11);
	f.stage = KE_STAGE_START;
	assert_true(ke_answer_fits(&f, &q));
	f.crash_signal = 11;
	assert_true(ke_answer_valid(&f));
	assert_false(ke_answer_fits(&f, &q));
}

static void dates_are_unchecked_only_on_request(void **state)
{
	struct ke_request q = good_request();
	struct ke_answer a = good_answer(), f = good_failure();

	(void)state;
	assert_true(ke_answer_fits(&a, &q));
	assert_true(ke_answer_fits(&f, &q));
	a.dates = KE_DATES_UNCHECKED;
	assert_false(ke_answer_fits(&a, &q));
	q.dates_unchecked = 1;
	assert_true(ke_answer_fits(&a, &q));
	assert_true(ke_answer_fits(&f, &q));
	a.dates = KE_DATES_CHECKED;
	assert_false(ke_answer_fits(&a, &q));
}

static int setup(void **state)
{
	static int pair[2];

	*state = pair;
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static int teardown(void **state)
{
	int *pair = *state;

	close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return 0;
}

static void frames_arrive_as_they_were_sent(void **state)
{
	int *pair = *state;
	struct ke_request q = good_request(), q_got;
	struct ke_answer a = good_answer(), a_got;

	assert_int_equal(frame_receive_request(pair[0], &q_got), 0);
	assert_int_equal(frame_send(pair[1], &q, sizeof(q)), 1);
	assert_int_equal(frame_receive_request(pair[0], &q_got), 1);
	assert_memory_equal(&q, &q_got, sizeof(q));
	assert_int_equal(frame_send(pair[0], &a, sizeof(a)), 1);
	assert_int_equal(frame_receive_answer(pair[1], &a_got), 1);
	assert_memory_equal(&a, &a_got, sizeof(a));
	assert_int_equal(frame_receive_answer(pair[1], &a_got), 0);
}

static void wrong_lengths_break_the_link(void **state)
{
	int *pair = *state;
	struct {
		struct ke_request q;
		char more;
	} longer = {.q = good_request()};
	struct ke_request got;

	assert_int_equal(
	    frame_send(pair[1], &longer.q, sizeof(longer.q) - 1), 1);
	assert_int_equal(frame_receive_request(pair[0], &got), -1);
	assert_int_equal(frame_send(pair[1], &longer, sizeof(longer)), 1);
	assert_int_equal(frame_receive_request(pair[0], &got), -1);
	assert_int_equal(frame_send(pair[1], "", 1), 1);
	assert_int_equal(frame_receive_request(pair[0], &got), -1);
}

static void a_bad_frame_is_wiped(void **state)
{
	static const struct ke_answer empty;
	int *pair = *state;
	struct ke_answer a = good_answer(), got;

	memset(a.keys.c2s, 0x55, sizeof(a.keys.c2s));
	a.cookie_count = 0;
	assert_int_equal(frame_send(pair[1], &a, sizeof(a)), 1);
	assert_int_equal(frame_receive_answer(pair[0], &got), -1);
	assert_memory_equal(&got, &empty, sizeof(got));
}

static void a_closed_link_is_reported(void **state)
{
	int *pair = *state;
	struct ke_request q = good_request();

	close(pair[1]);
	pair[1] = -1;
	/* An old error must not count. */
	errno = EINTR;
	assert_int_equal(frame_receive_request(pair[0], &q), -1);
	q = good_request();
	assert_int_equal(frame_send(pair[0], &q, sizeof(q)), -1);
}

static void a_full_link_would_block(void **state)
{
	int *pair = *state;
	struct ke_answer a = good_answer();
	int sent, count = 0;

	while ((sent = frame_send(pair[0], &a, sizeof(a))) == 1 && count < 9999)
		count++;
	assert_int_equal(sent, 0);
	assert_true(count > 0);
}

static void every_stage_has_a_word(void **state)
{
	(void)state;
	for (int i = 0; i < KE_STAGE_COUNT; i++)
		assert_string_not_equal(
		    ke_stage_word((enum ke_stage)i), "unknown");
	assert_string_equal(ke_stage_word(KE_STAGE_CERTIFICATE), "certificate");
	assert_string_equal(ke_stage_word(KE_STAGE_COUNT), "unknown");
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_checked),
	    cmocka_unit_test(a_success_is_checked),
	    cmocka_unit_test(a_peer_that_is_no_host_is_refused),
	    cmocka_unit_test(a_failure_is_checked),
	    cmocka_unit_test(a_crash_is_no_success_and_no_words_of_a_job),
	    cmocka_unit_test(dates_are_unchecked_only_on_request),
	    WITH_PAIR(frames_arrive_as_they_were_sent),
	    WITH_PAIR(wrong_lengths_break_the_link),
	    WITH_PAIR(a_bad_frame_is_wiped),
	    WITH_PAIR(a_closed_link_is_reported),
	    WITH_PAIR(a_full_link_would_block),
	    cmocka_unit_test(every_stage_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
