#include "nts/ke.h"
#include "tests/unit/nts/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const enum aead_id offered[] = {
    AEAD_AES_128_GCM_SIV, AEAD_AES_SIV_CMAC_256, AEAD_AES_SIV_CMAC_512};

/* An answer under construction, and the result of parsing it. */
struct ke_fixture {
	uint8_t bytes[KE_MESSAGE_MAX + 100];
	struct writer out;
	struct ke_response got;
	unsigned detail;
};

static int setup(void **state)
{
	struct ke_fixture *f = calloc(1, sizeof(*f));

	f->out = writer_of(f->bytes, sizeof(f->bytes));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void put(
    struct ke_fixture *f, unsigned type, const char *body, size_t len)
{
	ke_put_record(&f->out, (uint16_t)type, body, len);
	assert_true(f->out.ok);
}

#define PUT(f, type, body) put(f, type, body, sizeof(body) - 1)
#define CRITICAL(type) (KE_CRITICAL | (type))

static void put_protocol(struct ke_fixture *f)
{
	PUT(f, CRITICAL(KE_NEXT_PROTOCOL), "\0\0");
}

static void put_aead(struct ke_fixture *f)
{
	PUT(f, CRITICAL(KE_AEAD), "\0\x0f");
}

static void put_cookie(struct ke_fixture *f, uint8_t fill, size_t len)
{
	uint8_t *cookie = malloc(len + 1);

	memset(cookie, fill, len);
	put(f, KE_COOKIE, (const char *)cookie, len);
	free(cookie);
}

static void put_end(struct ke_fixture *f)
{
	put(f, CRITICAL(KE_END), NULL, 0);
}

/* A good answer without its end record. */
static void put_good(struct ke_fixture *f)
{
	put_protocol(f);
	put_aead(f);
	for (uint8_t i = 1; i <= NTS_COOKIES; i++)
		put_cookie(f, i, 100);
}

/* Copies the answer to memory of exactly its size, so that sanitizers notice a
 * read behind its end. */
static enum nts_err parse_some(struct ke_fixture *f, size_t len)
{
	uint8_t *bytes = malloc(len ? len : 1);
	enum nts_err err;

	memcpy(bytes, f->bytes, len);
	f->detail = 4711;
	err = ke_response_parse(
	    &f->got, bytes, len, offered, ARRAY_LEN(offered), &f->detail);
	free(bytes);
	return err;
}

static enum nts_err parse(struct ke_fixture *f)
{
	return parse_some(f, f->out.len);
}

static enum nts_err finish(struct ke_fixture *f)
{
	put_end(f);
	return parse(f);
}

static void assert_err(enum nts_err got, enum nts_err want)
{
	assert_string_equal(nts_err_text(got), nts_err_text(want));
}

static void a_good_answer_is_accepted(void **state)
{
	struct ke_fixture *f = *state;

	put_good(f);
	assert_err(finish(f), NTS_OK);
	assert_int_equal(f->got.aead, AEAD_AES_SIV_CMAC_256);
	assert_false(f->got.compliant_gcm_siv);
	assert_string_equal(f->got.server, "");
	assert_int_equal(f->got.port, 0);
	assert_int_equal(f->got.cookie_count, NTS_COOKIES);
	for (unsigned i = 0; i < NTS_COOKIES; i++) {
		assert_int_equal(f->got.cookies[i].len, 100);
		assert_int_equal(f->got.cookies[i].bytes[0], i + 1);
		assert_int_equal(f->got.cookies[i].bytes[99], i + 1);
	}
	assert_int_equal(f->detail, 0);
}

static void an_answer_with_every_record_is_accepted(void **state)
{
	struct ke_fixture *f = *state;

	put_cookie(f, 9, 64);
	PUT(f, KE_NTP_PORT, "\x01\x00");
	PUT(f, KE_AEAD, "\0\x1e"); /* not critical, as in NTPsec and ntpd-rs */
	PUT(f, KE_COMPLIANT_GCM_SIV, "");
	PUT(f, 0x4000, "unknown and not critical");
	PUT(f, CRITICAL(KE_NTP_SERVER), "ntp.example.org");
	put_protocol(f);
	assert_err(finish(f), NTS_OK);
	assert_int_equal(f->got.aead, AEAD_AES_128_GCM_SIV);
	assert_true(f->got.compliant_gcm_siv);
	assert_string_equal(f->got.server, "ntp.example.org");
	assert_int_equal(f->got.port, 256);
	assert_int_equal(f->got.cookie_count, 1);
	assert_int_equal(f->detail, 0);
}

static void bytes_behind_the_end_record_are_ignored(void **state)
{
	struct ke_fixture *f = *state;

	put_good(f);
	put_end(f);
	PUT(f, CRITICAL(0x7000), "x");
	put_u8(&f->out, 1);
	assert_err(parse(f), NTS_OK);
}

static void an_empty_answer_is_refused(void **state)
{
	assert_err(parse(*state), NTS_KE_EMPTY);
}

/* No prefix is accepted, is complete, or changes the result. */
static void every_prefix_fails(void **state)
{
	struct ke_fixture *f = *state;
	struct ke_response before;
	size_t truncated = 0, no_end = 0;

	put_good(f);
	PUT(f, KE_NTP_SERVER, "ntp.example.org");
	PUT(f, KE_NTP_PORT, "\0\x7b");
	put_end(f);
	memset(&f->got, 0x5a, sizeof(f->got));
	before = f->got;
	for (size_t len = 1; len < f->out.len; len++) {
		enum nts_err err = parse_some(f, len);

		assert_true(err == NTS_KE_TRUNCATED || err == NTS_KE_NO_END);
		truncated += err == NTS_KE_TRUNCATED;
		no_end += err == NTS_KE_NO_END;
		assert_memory_equal(&f->got, &before, sizeof(before));
		assert_false(ke_response_complete(f->bytes, len, NULL));
	}
	/* The prefixes that end behind a record have no end record. */
	assert_int_equal(no_end, 2 + NTS_COOKIES + 2);
	assert_int_equal(truncated + no_end, f->out.len - 1);
	assert_true(ke_response_complete(f->bytes, f->out.len, NULL));
	assert_err(parse(f), NTS_OK);
}

/* RFC 8915 4/5 */
static void an_answer_may_have_64_kib_and_no_byte_more(void **state)
{
	struct ke_fixture *f = *state;

	put_good(f);
	put_cookie(f, 1, KE_MESSAGE_MAX - f->out.len - 8);
	put_end(f);
	assert_int_equal(f->out.len, KE_MESSAGE_MAX);
	assert_err(parse(f), NTS_OK);
	put_u8(&f->out, 0);
	assert_err(parse(f), NTS_KE_TOO_LONG);
	/* The reader need not wait for more. */
	memset(f->bytes, 0x01, sizeof(f->bytes));
	assert_false(ke_response_complete(f->bytes, KE_MESSAGE_MAX - 1, NULL));
	assert_true(ke_response_complete(f->bytes, KE_MESSAGE_MAX, NULL));
}

/* A server may send each byte by itself. */
static void no_record_is_looked_at_twice(void **state)
{
	struct ke_fixture *f = *state;
	size_t from = 0;

	for (unsigned i = 0; i < 1000; i++)
		put(f, 0x4001, "ab", i % 3);
	for (size_t len = 1; len <= f->out.len; len++) {
		size_t before = from;

		assert_false(ke_response_complete(f->bytes, len, &from));
		assert_in_range(from, before, len);
		assert_true(len - from < 4 + 2);
	}
	assert_int_equal(from, f->out.len);
	put_end(f);
	assert_true(ke_response_complete(f->bytes, f->out.len, &from));
	assert_true(from < f->out.len);
}

/* RFC 8915 4/6 */
static void a_long_unknown_record_is_ignored(void **state)
{
	struct ke_fixture *f = *state;
	char body[60000] = {0};

	put(f, 0x1234, body, sizeof(body));
	put_good(f);
	assert_err(finish(f), NTS_OK);
	assert_int_equal(f->detail, 0);
}

struct bad_answer {
	const char *what;
	struct {
		unsigned type;
		const char *body; /* NULL: no more records */
		size_t len;
	} records[9];
	enum nts_err err;
	unsigned detail;
};

/* clang-format off */
#define RECORD(type, body) {type, body, sizeof(body) - 1}
#define PROTOCOL RECORD(CRITICAL(KE_NEXT_PROTOCOL), "\0\0")
#define AEAD RECORD(CRITICAL(KE_AEAD), "\0\x0f")
#define COOKIE RECORD(KE_COOKIE, "an opaque cookie")
#define GOOD PROTOCOL, AEAD, COOKIE
#define END RECORD(CRITICAL(KE_END), "")
#define ERROR(code) RECORD(CRITICAL(KE_ERROR), code)

/* The names say what is wrong. Each answer has one fault, but for those that
 * show which of several errors is reported. */
static const struct bad_answer bad_answers[] = {
	{"end record with a body", {GOOD, RECORD(CRITICAL(KE_END), "x")}, NTS_KE_END_BODY, 0},
	{"end record not critical", {GOOD, RECORD(KE_END, "")}, NTS_KE_END_BODY, 0},
	{"no end record", {GOOD, RECORD(0x4000, "")}, NTS_KE_NO_END, 0},

	{"unknown critical record", {GOOD, RECORD(CRITICAL(0x1235), ""), RECORD(0x0777, ""), END}, NTS_KE_UNKNOWN_CRITICAL, 0x1235},

	{"protocol of one byte", {RECORD(KE_NEXT_PROTOCOL, "\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"protocol of three bytes", {RECORD(KE_NEXT_PROTOCOL, "\0\0\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"two protocols, one requested", {RECORD(KE_NEXT_PROTOCOL, "\0\0\0\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"error without a code", {ERROR(""), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"error of one byte", {ERROR("\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"error of three bytes", {ERROR("\0\1\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"warning of one byte", {RECORD(KE_WARNING, "\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"AEAD of one byte", {RECORD(KE_AEAD, "\0"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"two AEADs", {RECORD(KE_AEAD, "\0\x0f\0\x1e"), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"empty cookie", {RECORD(KE_COOKIE, ""), GOOD, END}, NTS_KE_BAD_RECORD, 0},
	{"record 1024 with a body", {RECORD(KE_COMPLIANT_GCM_SIV, "x"), GOOD, END}, NTS_KE_BAD_RECORD, 0},

	{"protocol twice", {PROTOCOL, PROTOCOL, AEAD, COOKIE, END}, NTS_KE_DUPLICATE, 0},
	{"AEAD twice", {AEAD, GOOD, END}, NTS_KE_DUPLICATE, 0},
	{"server twice", {RECORD(KE_NTP_SERVER, "a.example"), RECORD(KE_NTP_SERVER, "a.example"), GOOD, END}, NTS_KE_DUPLICATE, 0},
	{"port twice", {RECORD(KE_NTP_PORT, "\0\x7b"), RECORD(KE_NTP_PORT, "\0\x7b"), GOOD, END}, NTS_KE_DUPLICATE, 0},

	{"error 0", {ERROR("\0\0"), END}, NTS_KE_ERROR_CRITICAL, 0},
	{"error 1", {ERROR("\0\1"), END}, NTS_KE_ERROR_BAD_REQUEST, 1},
	{"error 2", {ERROR("\0\2"), END}, NTS_KE_ERROR_INTERNAL, 2},
	{"error 3", {ERROR("\0\3"), END}, NTS_KE_ERROR_OTHER, 3},
	{"error 4", {ERROR("\0\4"), END}, NTS_KE_ERROR_OTHER, 4},
	{"error record first, as in ntpd-rs", {ERROR("\0\1"), PROTOCOL, END}, NTS_KE_ERROR_BAD_REQUEST, 1},
	{"first error record of several errors", {RECORD(CRITICAL(KE_NEXT_PROTOCOL), ""), RECORD(CRITICAL(KE_AEAD), ""), ERROR("\x12\x34"), RECORD(CRITICAL(0x4242), ""), ERROR("\0\2")}, NTS_KE_ERROR_OTHER, 0x1234},
	{"malformed error record after another error", {RECORD(CRITICAL(0x4242), ""), ERROR("\0"), END}, NTS_KE_UNKNOWN_CRITICAL, 0x4242},
	/* RFC 8915 4.1.4 */
	{"warning", {GOOD, RECORD(CRITICAL(KE_WARNING), "\x01\x02"), RECORD(0x0777, ""), END}, NTS_KE_WARNING, 0x0102},

	/* chrony sends an empty record, NTPsec another protocol or no record. */
	{"empty protocol record", {RECORD(CRITICAL(KE_NEXT_PROTOCOL), ""), END}, NTS_KE_NO_PROTOCOL, 0},
	{"other protocol", {RECORD(CRITICAL(KE_NEXT_PROTOCOL), "\0\7"), AEAD, COOKIE, END}, NTS_KE_NO_PROTOCOL, 0},
	{"no protocol record", {AEAD, COOKIE, END}, NTS_KE_NO_PROTOCOL, 0},
	{"empty AEAD record", {PROTOCOL, RECORD(CRITICAL(KE_AEAD), ""), END}, NTS_KE_NO_AEAD, 0},
	{"no AEAD record", {PROTOCOL, COOKIE, END}, NTS_KE_NO_AEAD, 0},
	{"AEAD whose lower byte is offered", {PROTOCOL, RECORD(CRITICAL(KE_AEAD), "\1\x0f"), COOKIE, END}, NTS_KE_AEAD_NOT_OFFERED, 0},
	{"AEAD 0", {PROTOCOL, RECORD(CRITICAL(KE_AEAD), "\0\0"), COOKIE, END}, NTS_KE_AEAD_NOT_OFFERED, 0},
	{"no cookies", {PROTOCOL, AEAD, END}, NTS_KE_NO_COOKIES, 0},

	{"zero inside the server name", {RECORD(KE_NTP_SERVER, "good.example\0.evil.example"), GOOD, END}, NTS_KE_BAD_SERVER, 0},
	{"zero behind the server name", {RECORD(KE_NTP_SERVER, "good.example\0"), GOOD, END}, NTS_KE_BAD_SERVER, 0},
	{"empty port", {RECORD(KE_NTP_PORT, ""), GOOD, END}, NTS_KE_BAD_PORT, 0},
	{"port of one byte", {RECORD(KE_NTP_PORT, "\0"), GOOD, END}, NTS_KE_BAD_PORT, 0},
	{"port of three bytes", {RECORD(KE_NTP_PORT, "\0\x7b\0"), GOOD, END}, NTS_KE_BAD_PORT, 0},
	{"port of four bytes", {RECORD(KE_NTP_PORT, "\0\x7b\0\0"), GOOD, END}, NTS_KE_BAD_PORT, 0},
	{"port 0", {RECORD(KE_NTP_PORT, "\0\0"), GOOD, END}, NTS_KE_BAD_PORT, 0},
	{"an ignored record leaves no detail", {GOOD, RECORD(0x4000, ""), RECORD(KE_NTP_PORT, "\0\0"), END}, NTS_KE_BAD_PORT, 0},
};
/* clang-format on */

/* RFC 8915 4/7, RFC 8915 4.1.1/1, RFC 8915 4.1.2/1, RFC 8915 4.1.2/3,
 * RFC 8915 4.1.3/2, RFC 8915 4.1.4/2, RFC 8915 4.1.5/2 */
static void bad_answers_are_refused(void **state)
{
	struct ke_fixture *f = *state;
	struct ke_response before;

	memset(&f->got, 0x5a, sizeof(f->got));
	before = f->got;
	for (size_t i = 0; i < ARRAY_LEN(bad_answers); i++) {
		const struct bad_answer *a = &bad_answers[i];
		enum nts_err err;

		f->out.len = 0;
		for (size_t k = 0; a->records[k].body; k++)
			put(f, a->records[k].type, a->records[k].body,
			    a->records[k].len);
		err = parse(f);
		if (err != a->err || f->detail != a->detail)
			fail_msg("%s: %s, detail %u", a->what,
			    nts_err_text(err), f->detail);
		assert_memory_equal(&f->got, &before, sizeof(before));
	}
}

/* chrony sends an error record and closes the connection. */
/* RFC 8915 4.1.3/2 */
static void an_error_record_counts_in_a_truncated_answer(void **state)
{
	struct ke_fixture *f = *state;

	PUT(f, CRITICAL(KE_ERROR), "\0\2");
	put_u8(&f->out, 0x80);
	assert_err(parse(f), NTS_KE_ERROR_INTERNAL);
	f->out.len--;
	assert_err(parse(f), NTS_KE_ERROR_INTERNAL);
}

/* NTPsec answers with 15 if only 30 is offered. */
static void an_aead_that_was_not_offered_is_refused(void **state)
{
	struct ke_fixture *f = *state;

	put_good(f);
	put_end(f);
	assert_err(ke_response_parse(
		       &f->got, f->bytes, f->out.len, offered, 1, &f->detail),
	    NTS_KE_AEAD_NOT_OFFERED);
}

/* RFC 8915 4.1.6/1 */
static void cookies_of_any_length_are_accepted(void **state)
{
	static const size_t lengths[] = {
	    1, 2, 3, 5, 63, 64, 100, 257, NTS_COOKIE_MAX - 1, NTS_COOKIE_MAX};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct ke_fixture *f = *state;

		f->out.len = 0;
		put_protocol(f);
		put_aead(f);
		put_cookie(f, 0x77, lengths[i]);
		assert_err(finish(f), NTS_OK);
		assert_int_equal(f->got.cookie_count, 1);
		assert_int_equal(f->got.cookies[0].len, lengths[i]);
		assert_int_equal(f->got.cookies[0].bytes[lengths[i] - 1], 0x77);
	}
}

static void a_cookie_that_is_too_long_is_ignored_if_others_fit(void **state)
{
	struct ke_fixture *f = *state;

	put_protocol(f);
	put_aead(f);
	put_cookie(f, 1, NTS_COOKIE_MAX + 1);
	assert_err(finish(f), NTS_KE_COOKIE_SIZE);
	f->out.len -= 4;
	put_cookie(f, 2, NTS_COOKIE_MAX);
	put_cookie(f, 3, 20000);
	assert_err(finish(f), NTS_OK);
	assert_int_equal(f->got.cookie_count, 1);
	assert_int_equal(f->got.cookies[0].bytes[0], 2);
}

static void cookies_beyond_eight_are_dropped(void **state)
{
	struct ke_fixture *f = *state;

	put_good(f);
	put_cookie(f, 0x99, 64);
	put_cookie(f, 0x98, 64);
	assert_err(finish(f), NTS_OK);
	assert_int_equal(f->got.cookie_count, NTS_COOKIES);
	assert_int_equal(f->got.cookies[NTS_COOKIES - 1].bytes[0], 8);
}

#define SIXTY "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"

/* RFC 8915 4.1.7/1 */
static void server_names_are_checked(void **state)
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
	    "127.1",	    /* getaddrinfo() reads it as an address */
	    "1.2.3.256",
	    "192.0.2.1.",
	    "12345",
	    "a:123",
	    SIXTY "abcd.example",
	};
	struct ke_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
		bool fine = i < ARRAY_LEN(good);
		const char *name = fine ? good[i] : bad[i - ARRAY_LEN(good)];

		f->out.len = 0;
		put(f, CRITICAL(KE_NTP_SERVER), name, strlen(name));
		put_good(f);
		assert_err(finish(f), fine ? NTS_OK : NTS_KE_BAD_SERVER);
		if (fine)
			assert_string_equal(f->got.server, name);
	}
}

static void a_server_name_may_have_255_bytes(void **state)
{
	struct ke_fixture *f = *state;

	for (size_t len = 254; len <= 257; len++) {
		char name[257];

		for (size_t i = 0; i < len; i++)
			name[i] = i % 50 == 49 ? '.' : 'a';
		f->out.len = 0;
		put(f, CRITICAL(KE_NTP_SERVER), name, len);
		put_good(f);
		assert_err(finish(f), len <= 255 ? NTS_OK : NTS_KE_BAD_SERVER);
	}
}

static void the_detail_may_be_null(void **state)
{
	struct ke_fixture *f = *state;

	PUT(f, CRITICAL(KE_ERROR), "\0\7");
	put_end(f);
	assert_err(ke_response_parse(&f->got, f->bytes, f->out.len, offered,
		       ARRAY_LEN(offered), NULL),
	    NTS_KE_ERROR_OTHER);
}

static void random_bytes_are_never_accepted(void **state)
{
	struct rng d = {21};
	struct ke_fixture *f = *state;

	for (int i = 0; i < 20000; i++) {
		size_t len = 1 + rng_below(&d, 120);

		rng_bytes(&d, f->bytes, len);
		assert_int_not_equal(parse_some(f, len), NTS_OK);
	}
}

/* Flips one bit of a good answer. */
static void an_accepted_answer_is_within_its_limits(void **state)
{
	struct rng d = {22};
	struct ke_fixture *f = *state;
	unsigned good = 0;

	for (int i = 0; i < 20000; i++) {
		f->out.len = 0;
		put_protocol(f);
		PUT(f, KE_AEAD, "\0\x0f");
		put_cookie(f, 1, 1 + rng_below(&d, 20));
		PUT(f, KE_NTP_SERVER, "ntp.example.org");
		PUT(f, KE_NTP_PORT, "\0\x7b");
		put_end(f);
		f->bytes[rng_below(&d, f->out.len)] ^=
		    (uint8_t)(1u << rng_below(&d, 8));
		if (parse(f) != NTS_OK)
			continue;
		good++;
		assert_in_range(f->got.cookie_count, 1, NTS_COOKIES);
		assert_in_range(f->got.cookies[0].len, 1, NTS_COOKIE_MAX);
		assert_true(aead_key_len(f->got.aead) > 0);
		assert_true(strlen(f->got.server) < KE_SERVER_MAX);
	}
	assert_in_range(good, 1000, 19000);
}

/* RFC 8915 4/3, RFC 8915 4/4, RFC 8915 4.1.1/1, RFC 8915 4.1.2/2,
 * RFC 8915 4.1.3/1, RFC 8915 4.1.4/1, RFC 8915 4.1.5/1, RFC 8915 4.1.6/2,
 * RFC 8915 4.1.7/4, RFC 8915 4.1.8/2 */
static void a_request_has_the_expected_bytes(void **state)
{
	static const uint8_t want[] = {0x80, 1, 0, 2, 0, 0, /* NTPv4 */
	    0x80, 4, 0, 6, 0, 30, 0, 15, 0, 17,		    /* AEADs */
	    0x04, 0, 0, 0, /* record 1024, not critical */
	    0x80, 0, 0, 0};
	uint8_t bytes[KE_REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	(void)state;
	ke_request_build(offered, ARRAY_LEN(offered), &w);
	assert_true(w.ok);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
	assert_true(ke_response_complete(bytes, w.len, NULL));
}

static void a_request_without_gcm_siv_has_no_record_1024(void **state)
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

static void a_request_that_does_not_fit_fails_the_writer(void **state)
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
/* RFC 8915 5.1/1 */
static void exporter_contexts_have_the_expected_bytes(void **state)
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

#define WITH_FIXTURE(test)                                                     \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

/* chronyd without an NTP port names port 0. */
static void the_sentence_of_a_wrong_port_names_the_line(void **state)
{
	(void)state;
	assert_non_null(strstr(nts_err_text(NTS_KE_BAD_PORT), "'port 0'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FIXTURE(a_good_answer_is_accepted),
	    WITH_FIXTURE(an_answer_with_every_record_is_accepted),
	    WITH_FIXTURE(bytes_behind_the_end_record_are_ignored),
	    WITH_FIXTURE(an_empty_answer_is_refused),
	    WITH_FIXTURE(every_prefix_fails),
	    WITH_FIXTURE(an_answer_may_have_64_kib_and_no_byte_more),
	    WITH_FIXTURE(no_record_is_looked_at_twice),
	    WITH_FIXTURE(a_long_unknown_record_is_ignored),
	    WITH_FIXTURE(bad_answers_are_refused),
	    WITH_FIXTURE(an_error_record_counts_in_a_truncated_answer),
	    WITH_FIXTURE(an_aead_that_was_not_offered_is_refused),
	    WITH_FIXTURE(cookies_of_any_length_are_accepted),
	    WITH_FIXTURE(a_cookie_that_is_too_long_is_ignored_if_others_fit),
	    WITH_FIXTURE(cookies_beyond_eight_are_dropped),
	    WITH_FIXTURE(server_names_are_checked),
	    WITH_FIXTURE(a_server_name_may_have_255_bytes),
	    WITH_FIXTURE(the_detail_may_be_null),
	    WITH_FIXTURE(random_bytes_are_never_accepted),
	    WITH_FIXTURE(an_accepted_answer_is_within_its_limits),
	    cmocka_unit_test(the_sentence_of_a_wrong_port_names_the_line),
	    cmocka_unit_test(a_request_has_the_expected_bytes),
	    cmocka_unit_test(a_request_without_gcm_siv_has_no_record_1024),
	    cmocka_unit_test(a_request_that_does_not_fit_fails_the_writer),
	    cmocka_unit_test(exporter_contexts_have_the_expected_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
