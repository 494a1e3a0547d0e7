#include "nts/ke.h"
#include "tests/unit/nts/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const enum aead_id offered[] = {
    AEAD_AES_128_GCM_SIV, AEAD_AES_SIV_CMAC_256, AEAD_AES_SIV_CMAC_512};

/* An answer under construction, and what became of it. */
struct world {
	uint8_t bytes[KE_MESSAGE_MAX + 100];
	struct writer w;
	struct ke_response got;
	unsigned detail;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->w = writer_of(w->bytes, sizeof(w->bytes));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void put(struct world *w, unsigned type, const char *body, size_t len)
{
	ke_put_record(&w->w, (uint16_t)type, body, len);
	assert_true(w->w.ok);
}

#define PUT(w, type, body) put(w, type, body, sizeof(body) - 1)
#define CRITICAL(type) (KE_CRITICAL | (type))

static void put_protocol(struct world *w)
{
	PUT(w, CRITICAL(KE_NEXT_PROTOCOL), "\0\0");
}

static void put_aead(struct world *w)
{
	PUT(w, CRITICAL(KE_AEAD), "\0\x0f");
}

static void put_cookie(struct world *w, uint8_t fill, size_t len)
{
	uint8_t *cookie = malloc(len + 1);

	memset(cookie, fill, len);
	put(w, KE_COOKIE, (const char *)cookie, len);
	free(cookie);
}

static void put_end(struct world *w)
{
	put(w, CRITICAL(KE_END), NULL, 0);
}

/* All but the end record. */
static void put_good(struct world *w)
{
	put_protocol(w);
	put_aead(w);
	for (uint8_t i = 1; i <= NTS_COOKIES; i++)
		put_cookie(w, i, 100);
}

/* From memory of exactly that size, for the sanitizers' sake. */
static enum nts_err parse_some(struct world *w, size_t len)
{
	uint8_t *bytes = malloc(len ? len : 1);
	enum nts_err err;

	memcpy(bytes, w->bytes, len);
	w->detail = 4711;
	err = ke_response_parse(
	    &w->got, bytes, len, offered, ARRAY_LEN(offered), &w->detail);
	free(bytes);
	return err;
}

static enum nts_err parse(struct world *w)
{
	return parse_some(w, w->w.len);
}

static enum nts_err finish(struct world *w)
{
	put_end(w);
	return parse(w);
}

static void assert_err(enum nts_err got, enum nts_err want)
{
	assert_string_equal(nts_err_name(got), nts_err_name(want));
}

static void a_good_answer(void **state)
{
	struct world *w = *state;

	put_good(w);
	assert_err(finish(w), NTS_OK);
	assert_int_equal(w->got.aead, AEAD_AES_SIV_CMAC_256);
	assert_false(w->got.compliant_gcm_siv);
	assert_string_equal(w->got.server, "");
	assert_int_equal(w->got.port, 0);
	assert_int_equal(w->got.cookie_count, NTS_COOKIES);
	for (unsigned i = 0; i < NTS_COOKIES; i++) {
		assert_int_equal(w->got.cookies[i].len, 100);
		assert_int_equal(w->got.cookies[i].bytes[0], i + 1);
		assert_int_equal(w->got.cookies[i].bytes[99], i + 1);
	}
	assert_int_equal(w->detail, 0);
}

static void everything_in_an_answer(void **state)
{
	struct world *w = *state;

	put_cookie(w, 9, 64);
	PUT(w, KE_NTP_PORT, "\x01\x00");
	PUT(w, KE_AEAD, "\0\x1e"); /* NTPsec and ntpd-rs: not critical */
	PUT(w, KE_COMPLIANT_GCM_SIV, "");
	PUT(w, 0x4000, "nobody knows this one");
	PUT(w, CRITICAL(KE_NTP_SERVER), "ntp.example.org");
	put_protocol(w);
	assert_err(finish(w), NTS_OK);
	assert_int_equal(w->got.aead, AEAD_AES_128_GCM_SIV);
	assert_true(w->got.compliant_gcm_siv);
	assert_string_equal(w->got.server, "ntp.example.org");
	assert_int_equal(w->got.port, 256);
	assert_int_equal(w->got.cookie_count, 1);
	assert_int_equal(w->detail, 0);
}

static void what_follows_the_end_does_not_matter(void **state)
{
	struct world *w = *state;

	put_good(w);
	put_end(w);
	PUT(w, CRITICAL(0x7000), "x");
	put_u8(&w->w, 1);
	assert_err(parse(w), NTS_OK);
}

static void no_answer(void **state)
{
	assert_err(parse(*state), NTS_KE_EMPTY);
}

/* Each prefix fails, none is complete, none touches the result. */
static void every_prefix_fails(void **state)
{
	struct world *w = *state;
	struct ke_response before;
	size_t truncated = 0, no_end = 0;

	put_good(w);
	PUT(w, KE_NTP_SERVER, "ntp.example.org");
	PUT(w, KE_NTP_PORT, "\0\x7b");
	put_end(w);
	memset(&w->got, 0x5a, sizeof(w->got));
	before = w->got;
	for (size_t len = 1; len < w->w.len; len++) {
		enum nts_err err = parse_some(w, len);

		assert_true(err == NTS_KE_TRUNCATED || err == NTS_KE_NO_END);
		truncated += err == NTS_KE_TRUNCATED;
		no_end += err == NTS_KE_NO_END;
		assert_memory_equal(&w->got, &before, sizeof(before));
		assert_false(ke_response_complete(w->bytes, len));
	}
	/* A prefix that ends between two records: after each but the last. */
	assert_int_equal(no_end, 2 + NTS_COOKIES + 2);
	assert_int_equal(truncated + no_end, w->w.len - 1);
	assert_true(ke_response_complete(w->bytes, w->w.len));
	assert_err(parse(w), NTS_OK);
}

static void an_answer_of_64_kib_and_one_byte(void **state)
{
	struct world *w = *state;

	put_good(w);
	put_cookie(w, 1, KE_MESSAGE_MAX - w->w.len - 8);
	put_end(w);
	assert_int_equal(w->w.len, KE_MESSAGE_MAX);
	assert_err(parse(w), NTS_OK);
	put_u8(&w->w, 0);
	assert_err(parse(w), NTS_KE_TOO_LONG);
	/* Whoever reads need not wait for more. */
	memset(w->bytes, 0x01, sizeof(w->bytes));
	assert_false(ke_response_complete(w->bytes, KE_MESSAGE_MAX - 1));
	assert_true(ke_response_complete(w->bytes, KE_MESSAGE_MAX));
}

static void a_long_unknown_record_is_skipped(void **state)
{
	struct world *w = *state;
	char body[60000] = {0};

	put(w, 0x1234, body, sizeof(body));
	put_good(w);
	assert_err(finish(w), NTS_OK);
	assert_int_equal(w->detail, 0);
}

static void an_end_with_a_body(void **state)
{
	struct world *w = *state;

	put_good(w);
	PUT(w, CRITICAL(KE_END), "x");
	assert_err(parse(w), NTS_KE_END_BODY);
}

/* RFC 8915 4.1.1 */
static void an_end_that_is_not_critical(void **state)
{
	struct world *w = *state;

	put_good(w);
	PUT(w, KE_END, "");
	assert_err(parse(w), NTS_KE_END_BODY);
}

static void an_unknown_critical_record(void **state)
{
	struct world *w = *state;

	put_good(w);
	PUT(w, CRITICAL(0x1235), "");
	PUT(w, 0x0777, "");
	assert_err(finish(w), NTS_KE_UNKNOWN_CRITICAL);
	assert_int_equal(w->detail, 0x1235);
}

static void malformed_records(void **state)
{
	static const struct {
		unsigned type;
		const char *body;
		size_t len;
	} cases[] = {
	    {KE_NEXT_PROTOCOL, "\0", 1},
	    {KE_NEXT_PROTOCOL, "\0\0\0", 3},
	    {KE_NEXT_PROTOCOL, "\0\0\0\0", 4}, /* one was asked for */
	    {KE_ERROR, "", 0},
	    {KE_ERROR, "\0", 1},
	    {KE_ERROR, "\0\1\0", 3},
	    {KE_WARNING, "\0", 1},
	    {KE_AEAD, "\0", 1},
	    {KE_AEAD, "\0\x0f\0\x1e", 4}, /* RFC 8915 4.1.5: one */
	    {KE_COOKIE, "", 0},
	    {KE_COMPLIANT_GCM_SIV, "x", 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = *state;

		w->w.len = 0;
		put(w, CRITICAL(cases[i].type), cases[i].body, cases[i].len);
		put_good(w);
		assert_err(finish(w), NTS_KE_BAD_RECORD);
	}
}

static void records_that_come_once(void **state)
{
	static const struct {
		unsigned type;
		const char *body;
		size_t len;
	} cases[] = {
	    {KE_NEXT_PROTOCOL, "\0\0", 2},
	    {KE_AEAD, "\0\x0f", 2},
	    {KE_NTP_SERVER, "a.example", 9},
	    {KE_NTP_PORT, "\0\x7b", 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = *state;

		w->w.len = 0;
		put(w, cases[i].type, cases[i].body, cases[i].len);
		put(w, cases[i].type, cases[i].body, cases[i].len);
		put_good(w);
		assert_err(finish(w), NTS_KE_DUPLICATE);
	}
}

static void errors_of_the_server(void **state)
{
	static const enum nts_err want[] = {NTS_KE_ERROR_CRITICAL,
	    NTS_KE_ERROR_BAD_REQUEST, NTS_KE_ERROR_INTERNAL, NTS_KE_ERROR_OTHER,
	    NTS_KE_ERROR_OTHER};

	for (unsigned code = 0; code < ARRAY_LEN(want); code++) {
		struct world *w = *state;
		const char body[2] = {0, (char)code};

		w->w.len = 0;
		put(w, CRITICAL(KE_ERROR), body, sizeof(body));
		assert_err(finish(w), want[code]);
		assert_int_equal(w->detail, code);
	}
}

/* ntpd-rs puts its error first, chrony sends nothing else, and others may
 * have said something before. The server's own word is the cause. */
static void the_servers_word_is_the_cause(void **state)
{
	struct world *w = *state;

	PUT(w, CRITICAL(KE_ERROR), "\0\1");
	put_protocol(w);
	assert_err(finish(w), NTS_KE_ERROR_BAD_REQUEST);

	w->w.len = 0;
	PUT(w, CRITICAL(KE_NEXT_PROTOCOL), "");
	PUT(w, CRITICAL(KE_AEAD), "");
	PUT(w, CRITICAL(KE_ERROR), "\x12\x34");
	PUT(w, CRITICAL(0x4242), "");
	PUT(w, CRITICAL(KE_ERROR), "\0\2");
	assert_err(parse(w), NTS_KE_ERROR_OTHER);
	assert_int_equal(w->detail, 0x1234);

	/* A malformed one is nobody's word. */
	w->w.len = 0;
	PUT(w, CRITICAL(0x4242), "");
	PUT(w, CRITICAL(KE_ERROR), "\0");
	assert_err(finish(w), NTS_KE_UNKNOWN_CRITICAL);
	assert_int_equal(w->detail, 0x4242);

	/* The connection breaks right after it. */
	w->w.len = 0;
	PUT(w, CRITICAL(KE_ERROR), "\0\2");
	put_u8(&w->w, 0x80);
	assert_err(parse(w), NTS_KE_ERROR_INTERNAL);
	w->w.len--;
	assert_err(parse(w), NTS_KE_ERROR_INTERNAL);
}

/* RFC 8915 4.1.4 */
static void a_warning_is_an_error(void **state)
{
	struct world *w = *state;

	put_good(w);
	PUT(w, CRITICAL(KE_WARNING), "\x01\x02");
	PUT(w, 0x0777, "");
	assert_err(finish(w), NTS_KE_WARNING);
	assert_int_equal(w->detail, 0x0102);
}

/* chrony: an empty record; NTPsec and others: another or none. */
static void no_common_protocol(void **state)
{
	struct world *w = *state;

	PUT(w, CRITICAL(KE_NEXT_PROTOCOL), "");
	assert_err(finish(w), NTS_KE_NO_PROTOCOL);
	w->w.len = 0;
	PUT(w, CRITICAL(KE_NEXT_PROTOCOL), "\0\7");
	put_aead(w);
	put_cookie(w, 1, 100);
	assert_err(finish(w), NTS_KE_NO_PROTOCOL);
	w->w.len = 0;
	put_aead(w);
	put_cookie(w, 1, 100);
	assert_err(finish(w), NTS_KE_NO_PROTOCOL);
}

static void no_common_aead(void **state)
{
	struct world *w = *state;

	put_protocol(w);
	PUT(w, CRITICAL(KE_AEAD), "");
	assert_err(finish(w), NTS_KE_NO_AEAD);
	w->w.len = 0;
	put_protocol(w);
	put_cookie(w, 1, 100);
	assert_err(finish(w), NTS_KE_NO_AEAD);
}

/* NTPsec answers 15 when only 30 was offered. */
static void an_aead_that_was_not_offered(void **state)
{
	struct world *w = *state;

	put_good(w);
	put_end(w);
	assert_err(ke_response_parse(
		       &w->got, w->bytes, w->w.len, offered, 1, &w->detail),
	    NTS_KE_AEAD_NOT_OFFERED);
	/* Of a short number, the upper byte counts. */
	w->w.len = 0;
	put_protocol(w);
	PUT(w, CRITICAL(KE_AEAD), "\1\x0f");
	put_cookie(w, 1, 100);
	assert_err(finish(w), NTS_KE_AEAD_NOT_OFFERED);
	w->w.len = 0;
	put_protocol(w);
	PUT(w, CRITICAL(KE_AEAD), "\0\0");
	put_cookie(w, 1, 100);
	assert_err(finish(w), NTS_KE_AEAD_NOT_OFFERED);
}

static void no_cookies(void **state)
{
	struct world *w = *state;

	put_protocol(w);
	put_aead(w);
	assert_err(finish(w), NTS_KE_NO_COOKIES);
}

static void cookies_of_any_length(void **state)
{
	static const size_t lengths[] = {
	    1, 2, 3, 5, 63, 64, 100, 257, NTS_COOKIE_MAX - 1, NTS_COOKIE_MAX};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct world *w = *state;

		w->w.len = 0;
		put_protocol(w);
		put_aead(w);
		put_cookie(w, 0x77, lengths[i]);
		assert_err(finish(w), NTS_OK);
		assert_int_equal(w->got.cookie_count, 1);
		assert_int_equal(w->got.cookies[0].len, lengths[i]);
		assert_int_equal(w->got.cookies[0].bytes[lengths[i] - 1], 0x77);
	}
}

static void a_cookie_too_long_is_skipped_while_others_do(void **state)
{
	struct world *w = *state;

	put_protocol(w);
	put_aead(w);
	put_cookie(w, 1, NTS_COOKIE_MAX + 1);
	assert_err(finish(w), NTS_KE_COOKIE_SIZE);
	w->w.len -= 4;
	put_cookie(w, 2, NTS_COOKIE_MAX);
	put_cookie(w, 3, 20000);
	assert_err(finish(w), NTS_OK);
	assert_int_equal(w->got.cookie_count, 1);
	assert_int_equal(w->got.cookies[0].bytes[0], 2);
}

static void more_than_eight_cookies(void **state)
{
	struct world *w = *state;

	put_good(w);
	put_cookie(w, 0x99, 64);
	put_cookie(w, 0x98, 64);
	assert_err(finish(w), NTS_OK);
	assert_int_equal(w->got.cookie_count, NTS_COOKIES);
	assert_int_equal(w->got.cookies[NTS_COOKIES - 1].bytes[0], 8);
}

#define SIXTY "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"

static void server_names(void **state)
{
	static const char *const good[] = {
	    "a",
	    "localhost",
	    "ntp1.example.org",
	    "ntp1.example.org.",
	    "NTP-1.Example.ORG",
	    "xn--bcher-kva.example",
	    "1and1.example",
	    "1.2.3.example",
	    "under_score.lan",
	    "192.0.2.1",
	    "2001:db8::1",
	    "::ffff:192.0.2.1",
	    SIXTY "abc.example",
	};
	static const char *const bad[] = {
	    "",
	    ".",
	    "a..b",
	    ".a",
	    "a b",
	    " a",
	    "a\n",
	    "a/b",
	    "a\x7f",
	    "b\xc3\xbc"
	    "cher.example",
	    "-a.example",
	    "a.-b",
	    "a:b",
	    "[2001:db8::1]",
	    "fe80::1%eth0", /* RFC 8915 4.1.7: no zone */
	    "127.1",	    /* half an address, to getaddrinfo() a whole one */
	    "1.2.3.256",
	    "192.0.2.1.",
	    "12345",
	    "a:123",
	    SIXTY "abcd.example",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
		bool fine = i < ARRAY_LEN(good);
		const char *name = fine ? good[i] : bad[i - ARRAY_LEN(good)];

		w->w.len = 0;
		put(w, CRITICAL(KE_NTP_SERVER), name, strlen(name));
		put_good(w);
		assert_err(finish(w), fine ? NTS_OK : NTS_KE_BAD_SERVER);
		if (fine)
			assert_string_equal(w->got.server, name);
	}
}

static void a_zero_in_a_server_name(void **state)
{
	struct world *w = *state;

	PUT(w, CRITICAL(KE_NTP_SERVER), "good.example\0.evil.example");
	put_good(w);
	assert_err(finish(w), NTS_KE_BAD_SERVER);
	w->w.len = 0;
	PUT(w, CRITICAL(KE_NTP_SERVER), "good.example\0");
	put_good(w);
	assert_err(finish(w), NTS_KE_BAD_SERVER);
}

static void the_longest_server_name(void **state)
{
	struct world *w = *state;

	for (size_t len = 254; len <= 257; len++) {
		char name[257];

		for (size_t i = 0; i < len; i++)
			name[i] = i % 50 == 49 ? '.' : 'a';
		w->w.len = 0;
		put(w, CRITICAL(KE_NTP_SERVER), name, len);
		put_good(w);
		assert_err(finish(w), len <= 255 ? NTS_OK : NTS_KE_BAD_SERVER);
	}
}

static void bad_ports(void **state)
{
	static const size_t lengths[] = {0, 1, 3, 4};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		w->w.len = 0;
		put(w, CRITICAL(KE_NTP_PORT), "\0\x7b\0\0", lengths[i]);
		put_good(w);
		assert_err(finish(w), NTS_KE_BAD_PORT);
	}
	w->w.len = 0;
	PUT(w, CRITICAL(KE_NTP_PORT), "\0\0");
	put_good(w);
	assert_err(finish(w), NTS_KE_BAD_PORT);
}

static void a_skipped_record_lends_no_detail(void **state)
{
	struct world *w = *state;

	put_good(w);
	PUT(w, 0x4000, "");
	assert_err(parse(w), NTS_KE_NO_END);
	assert_int_equal(w->detail, 0);
	PUT(w, CRITICAL(KE_NTP_PORT), "\0\0");
	assert_err(finish(w), NTS_KE_BAD_PORT);
	assert_int_equal(w->detail, 0);
}

/* Nothing of a bad answer is left behind. */
static void a_bad_answer_leaves_the_result_alone(void **state)
{
	struct world *w = *state;
	struct ke_response before;

	memset(&w->got, 0x5a, sizeof(w->got));
	before = w->got;
	put_good(w);
	PUT(w, CRITICAL(KE_NTP_SERVER), "ntp.example.org");
	PUT(w, CRITICAL(KE_NTP_PORT), "\0\0");
	assert_err(finish(w), NTS_KE_BAD_PORT);
	assert_memory_equal(&w->got, &before, sizeof(before));
}

static void the_detail_may_be_left_out(void **state)
{
	struct world *w = *state;

	PUT(w, CRITICAL(KE_ERROR), "\0\7");
	put_end(w);
	assert_err(ke_response_parse(&w->got, w->bytes, w->w.len, offered,
		       ARRAY_LEN(offered), NULL),
	    NTS_KE_ERROR_OTHER);
}

static void nonsense_is_never_good(void **state)
{
	struct draw d = {21};
	struct world *w = *state;

	for (int i = 0; i < 20000; i++) {
		size_t len = 1 + draw_below(&d, 120);

		draw_bytes(&d, w->bytes, len);
		assert_int_not_equal(parse_some(w, len), NTS_OK);
	}
}

/* Small damage: whatever is said to be good keeps every promise. */
static void what_is_good_keeps_its_promises(void **state)
{
	struct draw d = {22};
	struct world *w = *state;
	unsigned good = 0;

	for (int i = 0; i < 20000; i++) {
		w->w.len = 0;
		put_protocol(w);
		PUT(w, KE_AEAD, "\0\x0f");
		put_cookie(w, 1, 1 + draw_below(&d, 20));
		PUT(w, KE_NTP_SERVER, "ntp.example.org");
		PUT(w, KE_NTP_PORT, "\0\x7b");
		put_end(w);
		w->bytes[draw_below(&d, w->w.len)] ^=
		    (uint8_t)(1u << draw_below(&d, 8));
		if (parse(w) != NTS_OK)
			continue;
		good++;
		assert_in_range(w->got.cookie_count, 1, NTS_COOKIES);
		assert_in_range(w->got.cookies[0].len, 1, NTS_COOKIE_MAX);
		assert_true(aead_key_len(w->got.aead) > 0);
		assert_true(strlen(w->got.server) < KE_SERVER_MAX);
	}
	assert_in_range(good, 1000, 19000);
}

static void a_request(void **state)
{
	static const uint8_t want[] = {0x80, 1, 0, 2, 0, 0, /* NTPv4 */
	    0x80, 4, 0, 6, 0, 30, 0, 15, 0, 17,		    /* AEADs */
	    0x04, 0, 0, 0, /* record 1024, which nobody need know */
	    0x80, 0, 0, 0};
	uint8_t bytes[KE_REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	(void)state;
	ke_request_build(offered, ARRAY_LEN(offered), &w);
	assert_true(w.ok);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
	assert_true(ke_response_complete(bytes, w.len));
}

static void a_request_without_gcm_siv(void **state)
{
	static const uint8_t want[] = {0x80, 1, 0, 2, 0, 0, /* NTPv4 */
	    0x80, 4, 0, 2, 0, 15,			    /* AEAD */
	    0x80, 0, 0, 0};
	uint8_t bytes[KE_REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	(void)state;
	ke_request_build(offered + 1, 1, &w);
	assert_true(w.ok);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
}

static void a_request_that_does_not_fit(void **state)
{
	uint8_t bytes[KE_REQUEST_MAX];

	(void)state;
	for (size_t room = 0; room < 24; room++) {
		struct writer w = writer_of(bytes, room);

		ke_request_build(offered, ARRAY_LEN(offered), &w);
		assert_false(w.ok);
	}
}

/* RFC 8915 5.1 */
static void exporter_contexts(void **state)
{
	uint8_t out[KE_EXPORTER_CONTEXT_LEN];

	(void)state;
	ke_exporter_context(AEAD_AES_SIV_CMAC_256, 0, out);
	assert_memory_equal(out, "\0\0\0\x0f\0", sizeof(out));
	ke_exporter_context(AEAD_AES_128_GCM_SIV, 1, out);
	assert_memory_equal(out, "\0\0\0\x1e\1", sizeof(out));
	ke_exporter_context(0x1234, 1, out);
	assert_memory_equal(out, "\0\0\x12\x34\1", sizeof(out));
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_WORLD(a_good_answer),
	    IN_WORLD(everything_in_an_answer),
	    IN_WORLD(what_follows_the_end_does_not_matter),
	    IN_WORLD(no_answer),
	    IN_WORLD(every_prefix_fails),
	    IN_WORLD(an_answer_of_64_kib_and_one_byte),
	    IN_WORLD(a_long_unknown_record_is_skipped),
	    IN_WORLD(an_end_with_a_body),
	    IN_WORLD(an_end_that_is_not_critical),
	    IN_WORLD(an_unknown_critical_record),
	    IN_WORLD(malformed_records),
	    IN_WORLD(records_that_come_once),
	    IN_WORLD(errors_of_the_server),
	    IN_WORLD(the_servers_word_is_the_cause),
	    IN_WORLD(a_warning_is_an_error),
	    IN_WORLD(no_common_protocol),
	    IN_WORLD(no_common_aead),
	    IN_WORLD(an_aead_that_was_not_offered),
	    IN_WORLD(no_cookies),
	    IN_WORLD(cookies_of_any_length),
	    IN_WORLD(a_cookie_too_long_is_skipped_while_others_do),
	    IN_WORLD(more_than_eight_cookies),
	    IN_WORLD(server_names),
	    IN_WORLD(a_zero_in_a_server_name),
	    IN_WORLD(the_longest_server_name),
	    IN_WORLD(bad_ports),
	    IN_WORLD(a_skipped_record_lends_no_detail),
	    IN_WORLD(a_bad_answer_leaves_the_result_alone),
	    IN_WORLD(the_detail_may_be_left_out),
	    IN_WORLD(nonsense_is_never_good),
	    IN_WORLD(what_is_good_keeps_its_promises),
	    cmocka_unit_test(a_request),
	    cmocka_unit_test(a_request_without_gcm_siv),
	    cmocka_unit_test(a_request_that_does_not_fit),
	    cmocka_unit_test(exporter_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
