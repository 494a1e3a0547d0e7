#include "nts/fields.h"
#include "tests/unit/nts/gcm_siv.h"
#include "tests/unit/nts/ntp_peer.h"
#include "tests/unit/nts/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#define COOKIE_LEN 100

/* A client, its request, and the answer under construction. */
struct ntp_fixture {
	enum aead_id aead;
	struct rng rng;
	struct nts_assoc a;
	struct nts_pending pending;
	uint8_t request[NTS_PACKET_MAX];
	size_t request_len;
	struct peer_request q;
	struct peer_answer answer;
	struct ntp_answer got;
};

static void fill_jar(struct ntp_fixture *f, unsigned count, size_t len)
{
	uint8_t cookie[NTS_COOKIE_MAX];

	f->a.jar = (struct cookie_jar){0};
	for (unsigned i = 1; i <= count; i++) {
		memset(cookie, (int)i, len);
		assert_true(cookie_jar_put(&f->a.jar, cookie, len));
	}
}

static int setup_with(void **state, enum aead_id aead)
{
	struct ntp_fixture *f = calloc(1, sizeof(*f));

	f->aead = f->a.aead = aead;
	f->rng.state = 31;
	rng_bytes(&f->rng, f->a.keys.c2s, AEAD_KEY_MAX);
	rng_bytes(&f->rng, f->a.keys.s2c, AEAD_KEY_MAX);
	fill_jar(f, NTS_COOKIES, COOKIE_LEN);
	*state = f;
	return 0;
}

static int setup_siv_256(void **state)
{
	return setup_with(state, AEAD_AES_SIV_CMAC_256);
}

static int setup_siv_512(void **state)
{
	return setup_with(state, AEAD_AES_SIV_CMAC_512);
}

static int setup_gcm_siv(void **state)
{
	return setup_with(state, AEAD_AES_128_GCM_SIV);
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void assert_err(enum nts_err got, enum nts_err want)
{
	assert_string_equal(nts_err_text(got), nts_err_text(want));
}

static enum nts_err seal(struct ntp_fixture *f, size_t size_limit)
{
	struct writer out = writer_of(f->request, sizeof(f->request));
	struct nts_random fresh;
	enum nts_err err;

	rng_bytes(&f->rng, (uint8_t *)&fresh, sizeof(fresh));
	err = nts_request_seal(&f->a, &fresh, size_limit, &f->pending, &out);
	f->request_len = out.len;
	return err;
}

/* Makes a request, checks that a server accepts it, and begins an answer. */
static void ask(struct ntp_fixture *f, size_t size_limit)
{
	assert_err(seal(f, size_limit), NTS_OK);
	assert_true(f->pending.open);
	assert_true(peer_read(
	    f->request, f->request_len, f->aead, f->a.keys.c2s, &f->q));
	assert_true(f->q.authentic);
	f->answer = peer_answer_to(&f->q, f->aead, f->a.keys.s2c);
}

static void ask_with_full_jar(struct ntp_fixture *f)
{
	fill_jar(f, NTS_COOKIES, COOKIE_LEN);
	ask(f, 0);
}

/* Copies the answer to memory of exactly its size, so that sanitizers notice a
 * read behind its end. */
static enum nts_err open_bytes(
    struct ntp_fixture *f, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum nts_err err;

	memcpy(copy, bytes, len);
	memset(&f->got, 0x5a, sizeof(f->got));
	err = nts_answer_open(&f->a, &f->pending, copy, len, &f->got);
	free(copy);
	return err;
}

static enum nts_err answer(struct ntp_fixture *f)
{
	uint8_t bytes[2 * NTS_PACKET_MAX];
	size_t len = peer_write(&f->answer, bytes, sizeof(bytes));

	assert_true(len > 0);
	return open_bytes(f, bytes, len);
}

/* The answer is not of this server, and the association is unchanged. */
static void assert_refused(struct ntp_fixture *f, enum nts_err want)
{
	struct nts_assoc before = f->a;

	assert_err(answer(f), want);
	assert_true(f->pending.open);
	assert_false(f->got.authenticated);
	assert_int_equal(f->got.new_cookies, 0);
	assert_memory_equal(&f->a, &before, sizeof(before));
}

/* The answer is authentic, even if its content is an error. */
static void assert_believed(struct ntp_fixture *f, enum nts_err want)
{
	assert_err(answer(f), want);
	assert_false(f->pending.open);
	assert_true(f->got.authenticated);
}

/* RFC 8915 5.7, RFC 7822: what a server demands, and nothing else. */
/* RFC 8915 5.3/1, RFC 8915 5.7/1, RFC 8915 5.7/2, RFC 8915 5.7/3,
 * RFC 8633 5.2/3 */
static void a_request_has_the_required_fields(void **state)
{
	struct ntp_fixture *f = *state;
	uint8_t head[40] = {0x23, 0, 0, 0x20};

	ask(f, 0);
	assert_memory_equal(f->request, head, sizeof(head));
	assert_int_equal(f->q.header.transmit, f->pending.transmit);
	assert_int_equal(f->q.uid.left, NTS_UID_LEN);
	assert_memory_equal(f->q.uid.at, f->pending.uid, NTS_UID_LEN);
	assert_int_equal(f->q.cookie.left, COOKIE_LEN);
	for (size_t i = 0; i < COOKIE_LEN; i++)
		assert_int_equal(f->q.cookie.at[i], 1);
	assert_int_equal(f->q.placeholders, 0);
	assert_true(f->request_len - f->q.authenticator_at >= 28);
	assert_int_equal(f->a.jar.count, NTS_COOKIES - 1);
}

/* RFC 8915 5.6/3 */
static void a_request_has_the_expected_size(void **state)
{
	struct ntp_fixture *f = *state;
	bool siv = f->aead != AEAD_AES_128_GCM_SIV;

	/* header, unique id, cookie, authenticator */
	ask(f, 0);
	assert_int_equal(f->request_len, 48 + 36 + 104 + (siv ? 40 : 36));
}

/* An observer cannot link two requests to one client (RFC 8915 9.1). */
/* RFC 8915 5.3/1 */
static void two_requests_have_no_random_bytes_in_common(void **state)
{
	struct ntp_fixture *f = *state;
	uint8_t first[NTS_PACKET_MAX];

	ask(f, 0);
	memcpy(first, f->request, sizeof(first));
	ask(f, 0);
	/* transmit, unique id, cookie, nonce and tag */
	assert_memory_not_equal(first + 40, f->request + 40, 8);
	assert_memory_not_equal(first + 52, f->request + 52, NTS_UID_LEN);
	assert_memory_not_equal(first + 88, f->request + 88, COOKIE_LEN);
	assert_memory_not_equal(first + 196, f->request + 196, 12);
	assert_memory_not_equal(first + 208, f->request + 208, 16);
}

/* RFC 8915 5.7/4 */
static void cookies_are_sent_once_and_oldest_first(void **state)
{
	struct ntp_fixture *f = *state;

	for (unsigned i = 1; i <= NTS_COOKIES; i++) {
		ask(f, 0);
		assert_int_equal(f->q.cookie.at[0], i);
		assert_int_equal(f->a.jar.count, NTS_COOKIES - i);
	}
	assert_err(seal(f, 0), NTS_NO_COOKIE_LEFT);
	assert_false(f->pending.open);
}

/* RFC 8915 5.5/1, RFC 8915 5.5/2, RFC 8915 5.7/6 */
static void placeholders_fill_the_jar(void **state)
{
	struct ntp_fixture *f = *state;

	for (unsigned have = 1; have <= NTS_COOKIES; have++) {
		fill_jar(f, have, COOKIE_LEN);
		ask(f, 0);
		assert_int_equal(f->q.placeholders, NTS_COOKIES - have);
		/* RFC 8915 5.5: as long as the cookie */
		if (f->q.placeholders)
			assert_int_equal(f->q.placeholder_len, COOKIE_LEN);
		peer_add_cookies(
		    &f->answer, 1 + f->q.placeholders, COOKIE_LEN, 0x80);
		assert_believed(f, NTS_OK);
		assert_int_equal(f->got.new_cookies, NTS_COOKIES - have + 1);
		assert_int_equal(f->a.jar.count, NTS_COOKIES);
	}
}

/* RFC 8915 5.7/7 */
static void placeholders_respect_the_size_limit(void **state)
{
	struct ntp_fixture *f = *state;
	size_t before = 0;

	for (size_t limit = 1; limit < 1300; limit++) {
		size_t least;

		fill_jar(f, 1, COOKIE_LEN);
		ask(f, limit);
		least = f->request_len - f->q.placeholders * (COOKIE_LEN + 4);
		assert_true(f->request_len <= (limit < least ? least : limit));
		/* There is no room for one more. */
		assert_true(f->q.placeholders == 7 ||
			    f->request_len + COOKIE_LEN + 4 > limit);
		assert_true(f->request_len >= before);
		before = f->request_len;
	}
	assert_int_equal(f->q.placeholders, 7);
}

static void the_default_size_limit_applies(void **state)
{
	struct ntp_fixture *f = *state;

	fill_jar(f, 1, 256);
	ask(f, 0);
	assert_int_equal(f->q.placeholders, 3);
	assert_in_range(f->request_len, 1, NTS_REQUEST_TARGET);
}

static void cookies_of_any_length_fit(void **state)
{
	struct ntp_fixture *f = *state;

	for (size_t len = 1; len <= NTS_COOKIE_MAX; len += len < 40 ? 1 : 67) {
		size_t body = len < 12 ? 12 : (len + 3) / 4 * 4;

		fill_jar(f, 5, len);
		ask(f, 0);
		assert_int_equal(f->q.cookie.left, body);
		assert_int_equal(f->q.cookie.at[len - 1], 1);
		if (f->q.placeholders)
			assert_int_equal(f->q.placeholder_len, body);
	}
	fill_jar(f, 5, NTS_COOKIE_MAX);
	ask(f, 0);
	assert_int_equal(f->q.placeholders, 0);
}

/* RFC 8915 8.7/1 */
static void without_keys_there_is_no_request(void **state)
{
	struct ntp_fixture *f = *state;

	f->a.aead = AEAD_NONE;
	assert_err(seal(f, 0), NTS_NO_COOKIE_LEFT);
	assert_int_equal(f->a.jar.count, NTS_COOKIES);
}

static void a_request_that_does_not_fit_is_reported(void **state)
{
	struct ntp_fixture *f = *state;
	size_t need;

	ask(f, 0);
	need = f->request_len;
	for (size_t room = 0; room <= need; room++) {
		struct writer out = writer_of(f->request, room);
		struct nts_random fresh = {.transmit = 1};
		enum nts_err err;

		fill_jar(f, NTS_COOKIES, COOKIE_LEN);
		err = nts_request_seal(&f->a, &fresh, 0, &f->pending, &out);
		assert_err(err, room == need ? NTS_OK : NTS_NO_ROOM);
		assert_int_equal(f->pending.open, room == need);
	}
}

static void a_failing_library_is_reported(void **state)
{
	struct ntp_fixture *f = *state;

	f->a.aead = (enum aead_id)99;
	assert_err(seal(f, 0), NTS_CRYPTO);
	assert_false(f->pending.open);
}

static void a_good_answer_is_accepted(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
	assert_believed(f, NTS_OK);
	assert_int_equal(f->got.new_cookies, 1);
	assert_int_equal(f->got.header.stratum, 1);
	assert_int_equal(f->got.header.receive, f->answer.header.receive);
	assert_int_equal(f->got.header.transmit, f->answer.header.transmit);
	assert_int_equal(f->got.root_delay_ns, NS_PER_S);
	assert_int_equal(f->got.root_dispersion_ns, NS_PER_S / 2);
	assert_int_equal(f->got.precision_ns, 953);
	assert_int_equal(f->a.jar.count, NTS_COOKIES);
}

/* RFC 5905 section 8, test 1. Its cookies are stored once, too. */
static void an_answer_is_accepted_once(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	ask(f, 0);
	peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
	assert_believed(f, NTS_OK);
	assert_err(answer(f), NTP_BAD_ORIGIN);
	assert_false(f->got.authenticated);
	assert_int_equal(f->a.jar.count, NTS_COOKIES - 1);
}

static void an_answer_without_a_request_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->pending = (struct nts_pending){0};
	f->answer.header.origin = 0;
	memset(f->answer.uid, 0, sizeof(f->answer.uid));
	assert_err(answer(f), NTP_BAD_ORIGIN);
	assert_false(f->got.authenticated);
}

static void an_answer_without_cookies_is_accepted(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	assert_believed(f, NTS_OK);
	assert_int_equal(f->got.new_cookies, 0);
	assert_int_equal(f->a.jar.count, NTS_COOKIES - 1);
}

static void the_jar_does_not_overflow(void **state)
{
	struct ntp_fixture *f = *state;

	fill_jar(f, 3, COOKIE_LEN);
	ask(f, 0);
	peer_add_cookies(&f->answer, 20, COOKIE_LEN, 0x80);
	assert_believed(f, NTS_OK);
	assert_int_equal(f->got.new_cookies, 6);
	assert_int_equal(f->a.jar.count, NTS_COOKIES);
	/* The older cookies stay and are sent first. */
	ask(f, 0);
	assert_int_equal(f->q.cookie.at[0], 2);
}

static void a_cookie_that_is_too_long_is_ignored(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	peer_add_cookies(&f->answer, 1, NTS_COOKIE_MAX + 4, 0x80);
	peer_add_cookies(&f->answer, 1, 104, 0x81);
	assert_believed(f, NTS_OK);
	assert_int_equal(f->got.new_cookies, 1);
	assert_int_equal(f->a.jar.count, NTS_COOKIES);
}

/* RFC 8915 5.7: anybody on the path can add them. */
static void unencrypted_cookies_are_ignored(void **state)
{
	struct ntp_fixture *f = *state;
	struct writer clear;
	size_t mark;

	ask(f, 0);
	clear = writer_of(f->answer.clear, sizeof(f->answer.clear));
	mark = ntp_field_begin(&clear, NTP_EF_COOKIE);
	put_zeros(&clear, COOKIE_LEN);
	ntp_field_end(&clear, mark, 16);
	f->answer.clear_len = clear.len;
	assert_believed(f, NTS_OK);
	assert_int_equal(f->got.new_cookies, 0);
	assert_int_equal(f->a.jar.count, NTS_COOKIES - 1);
}

static void unknown_fields_are_ignored(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	memcpy(f->answer.clear, "\x2f\x04\0\x10", 4);
	f->answer.clear_len = 16;
	memcpy(f->answer.plain, "\x2f\x04\0\x10", 4);
	f->answer.plain_len = 16;
	peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
	assert_believed(f, NTS_OK);
	assert_int_equal(f->got.new_cookies, 1);
}

static void nonces_of_any_length_open(void **state)
{
	struct ntp_fixture *f = *state;

	for (size_t len = 1; len <= 40; len++) {
		ask_with_full_jar(f);
		f->answer.nonce_len = len;
		peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
		assert_believed(f, NTS_OK);
	}
}

static void a_short_answer_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	for (size_t len = 0; len < NTP_HEADER_LEN; len++)
		assert_err(open_bytes(f, f->request, len), NTP_SHORT);
	assert_true(f->pending.open);
}

/* `header_byte` is a member of the header of the answer. */
static void assert_only(
    struct ntp_fixture *f, uint8_t *header_byte, uint8_t good, enum nts_err err)
{
	for (uint8_t value = 0; value < 8; value++) {
		*header_byte = value;
		if (value != good)
			assert_refused(f, err);
	}
	*header_byte = good;
}

/* RFC 8633 5.1/2 */
static void a_wrong_version_or_mode_is_refused(void **state)
{
	struct ntp_fixture *f = *state;
	struct ntp_header *h = &f->answer.header;

	ask(f, 0);
	assert_only(f, &h->version, NTP_VERSION, NTP_BAD_VERSION);
	assert_only(f, &h->mode, NTP_MODE_SERVER, NTP_BAD_MODE);
	assert_believed(f, NTS_OK);
}

static void a_reflected_request_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	assert_err(open_bytes(f, f->request, f->request_len), NTP_BAD_MODE);
	assert_true(f->pending.open);
}

/* RFC 8633 5.4/2 */
static void a_wrong_origin_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->answer.header.origin ^= 1;
	assert_refused(f, NTP_BAD_ORIGIN);
	/* A NAK with a wrong origin does not come from the path. */
	f->answer.unsealed = true;
	f->answer.header.stratum = 0;
	f->answer.header.reference_id = NTP_REFID('N', 'T', 'S', 'N');
	assert_refused(f, NTP_BAD_ORIGIN);
}

/* RFC 8915 5.7/9 */
static void a_missing_unique_id_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->answer.uid_len = 0;
	assert_refused(f, NTP_NO_UNIQUE_ID);
	f->answer.unsealed = true;
	assert_refused(f, NTP_NO_UNIQUE_ID);
}

/* RFC 8915 5.7/9 */
static void a_wrong_unique_id_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	for (size_t i = 0; i < NTS_UID_LEN; i++) {
		f->answer.uid[i] ^= 0x10;
		assert_refused(f, NTP_BAD_UNIQUE_ID);
		f->answer.uid[i] ^= 0x10;
	}
	f->answer.uid_len = NTS_UID_LEN - 4;
	assert_refused(f, NTP_BAD_UNIQUE_ID);
	f->answer.uid_len = NTS_UID_LEN + 4;
	assert_refused(f, NTP_BAD_UNIQUE_ID);
}

/* RFC 8915 5.7 */
static void a_repeated_unique_id_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	for (f->answer.uids = 2; f->answer.uids < 5; f->answer.uids++)
		assert_refused(f, NTP_BAD_UNIQUE_ID);
}

/* The unique id must be authenticated. */
static void a_unique_id_behind_the_authenticator_does_not_count(void **state)
{
	struct ntp_fixture *f = *state;
	struct writer tail;
	size_t mark;

	ask(f, 0);
	tail = writer_of(f->answer.tail, sizeof(f->answer.tail));
	mark = ntp_field_begin(&tail, NTP_EF_UNIQUE_ID);
	put_bytes(&tail, f->answer.uid, NTS_UID_LEN);
	ntp_field_end(&tail, mark, 16);
	f->answer.tail_len = tail.len;
	f->answer.uids = 0;
	assert_refused(f, NTP_NO_UNIQUE_ID);
}

static void a_malformed_field_is_refused(void **state)
{
	static const char *const heads[] = {"\x2f\x04\0\x0c", "\x2f\x04\0\x11",
	    "\x2f\x04\0\0", "\x2f\x04\xff\xfc", "\x2f\x04\0\x13"};
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->answer.clear_len = 16;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		memcpy(f->answer.clear, heads[i], 4);
		assert_refused(f, NTP_BAD_FIELD);
	}
}

/* RFC 7822 7.5.1.3: 20 or 24 bytes at the end may be a MAC. */
static void a_mac_behind_the_authenticator_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	memcpy(f->answer.tail, "\0\0\0\1", 4);
	f->answer.tail_len = 20;
	assert_refused(f, NTP_BAD_FIELD);
}

/* RFC 8915 5.7/8 */
static void a_field_behind_the_authenticator_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	memcpy(f->answer.tail, "\x2f\x04\0\x10", 4);
	f->answer.tail_len = 16;
	assert_refused(f, NTP_AFTER_AUTHENTICATOR);
}

static void an_authenticator_too_small_for_its_parts_is_refused(void **state)
{
	static const uint8_t heads[][4] = {{0, 16, 0, 15}, {0, 16, 0, 0},
	    {0xff, 0xff, 0, 16}, {0, 16, 0xff, 0xff}, {0, 33, 0, 16},
	    {0, 0, 0, 41}};
	struct ntp_fixture *f = *state;
	struct writer clear;

	ask(f, 0);
	f->answer.unsealed = true;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		clear = writer_of(f->answer.clear, sizeof(f->answer.clear));
		put_u16(&clear, NTP_EF_AUTHENTICATOR);
		put_u16(&clear, 48);
		put_bytes(&clear, heads[i], 4);
		put_zeros(&clear, 40);
		f->answer.clear_len = clear.len;
		assert_refused(f, NTP_BAD_FIELD);
	}
}

/* RFC 8915 5.7/11 */
static void an_answer_without_authenticator_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->answer.unsealed = true;
	assert_refused(f, NTP_NOT_AUTHENTICATED);
	f->answer.header.stratum = 0;
	f->answer.header.reference_id = 0;
	assert_refused(f, NTP_NOT_AUTHENTICATED);
}

/* RFC 8915 5.6/1 */
static void wrong_keys_give_a_bad_tag(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
	memcpy(f->answer.s2c, f->a.keys.c2s, sizeof(f->answer.s2c));
	assert_refused(f, NTP_BAD_TAG);
	rng_bytes(&f->rng, f->answer.s2c, sizeof(f->answer.s2c));
	assert_refused(f, NTP_BAD_TAG);
	/* The request still waits for the true answer. */
	memcpy(f->answer.s2c, f->a.keys.s2c, sizeof(f->answer.s2c));
	assert_believed(f, NTS_OK);
}

static void without_keys_no_answer_opens(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->a.aead = AEAD_NONE;
	assert_refused(f, NTP_BAD_TAG);
}

/* A malformed field inside comes from a faulty server. */
/* RFC 8915 5.6/4 */
static void a_malformed_encrypted_field_is_refused(void **state)
{
	static const char *const heads[] = {"\x02\x04\0\x0c", "\x02\x04\0\x11",
	    "\x02\x04\0\0", "\x02\x04\xff\xfc", "\x02\x04\0\x13"};
	struct ntp_fixture *f = *state;

	ask(f, 0);
	ask(f, 0);
	peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		memcpy(f->answer.plain + COOKIE_LEN + 4, heads[i], 4);
		f->answer.plain_len = COOKIE_LEN + 4 + 16;
		assert_refused(f, NTP_BAD_FIELD);
	}
}

static const struct kiss {
	const char *code;
	enum nts_err err;
} kiss_codes[] = {
    {"RATE", NTP_KISS_RATE},
    {"DENY", NTP_KISS_DENY},
    {"RSTR", NTP_KISS_RSTR},
    {"CRYP", NTP_KISS_OTHER},
};

static void make_kiss_code(struct ntp_fixture *f, const char *code)
{
	struct reader r = reader_of(code, 4);

	f->answer.header.stratum = 0;
	f->answer.header.leap = LEAP_UNKNOWN;
	f->answer.header.reference_id = take_u32(&r);
}

static void authentic_kiss_codes_are_believed(void **state)
{
	struct ntp_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(kiss_codes); i++) {
		ask(f, 0);
		make_kiss_code(f, kiss_codes[i].code);
		peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
		assert_believed(f, kiss_codes[i].err);
		assert_int_equal(f->got.new_cookies, 1);
	}
}

/* RFC 8915 5.7: anybody can send them. The true answer may follow. */
static void unauthenticated_kiss_codes_are_not_believed(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	f->answer.unsealed = true;
	for (size_t i = 0; i < ARRAY_LEN(kiss_codes); i++) {
		make_kiss_code(f, kiss_codes[i].code);
		assert_refused(f, kiss_codes[i].err);
	}
}

static void a_valid_answer_after_a_nak_is_accepted(void **state)
{
	struct ntp_fixture *f = *state;
	struct peer_answer good;

	ask(f, 0);
	good = f->answer;
	make_kiss_code(f, "NTSN");
	f->answer.unsealed = true;
	assert_refused(f, NTP_NAK);
	assert_refused(f, NTP_NAK);
	f->answer = good;
	assert_believed(f, NTS_OK);
}

/* RFC 8915 5.7: a NAK has the unique id of the request. */
/* RFC 8915 5.7/12 */
static void a_nak_for_another_request_is_refused(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	make_kiss_code(f, "NTSN");
	f->answer.unsealed = true;
	f->answer.uid[0] ^= 1;
	assert_refused(f, NTP_BAD_UNIQUE_ID);
	f->answer.uid_len = 0;
	assert_refused(f, NTP_NO_UNIQUE_ID);
}

/* A server that can seal an answer still has the keys. */
static void an_authentic_nak_is_an_unknown_kiss_code(void **state)
{
	struct ntp_fixture *f = *state;

	ask(f, 0);
	make_kiss_code(f, "NTSN");
	assert_believed(f, NTP_KISS_OTHER);
}

static void an_unsynchronised_server_gives_no_sample(void **state)
{
	static const struct {
		uint8_t stratum, leap;
		uint32_t reference_id;
	} cases[] = {
	    {0, 0, 0},
	    {0, 3, 0},
	    {16, 0, 0},
	    {255, 0, 0},
	    {1, 3, NTP_REFID('G', 'P', 'S', 0)},
	    {2, 3, NTP_REFID(192, 0, 2, 1)},
	    {0, 3, NTP_REFID('I', 'N', 'I', 'T')},
	    {0, 3, NTP_REFID('S', 'T', 'E', 'P')},
	};
	struct ntp_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ask_with_full_jar(f);
		f->answer.header.stratum = cases[i].stratum;
		f->answer.header.leap = cases[i].leap;
		f->answer.header.reference_id = cases[i].reference_id;
		/* Without time, the timestamps do not matter. */
		f->answer.header.receive = f->answer.header.transmit = 0;
		peer_add_cookies(&f->answer, 1, COOKIE_LEN, 0x80);
		assert_believed(f, NTP_UNSYNCHRONISED);
		assert_int_equal(f->got.new_cookies, 1);
	}
}

static void every_usable_stratum_and_leap_is_accepted(void **state)
{
	struct ntp_fixture *f = *state;

	for (uint8_t stratum = 1; stratum <= 15; stratum++) {
		ask_with_full_jar(f);
		f->answer.header.stratum = stratum;
		f->answer.header.leap = stratum % 3;
		assert_believed(f, NTS_OK);
		assert_int_equal(f->got.header.leap, stratum % 3);
	}
}

static void impossible_timestamps_are_refused(void **state)
{
	const uint64_t t = UINT64_C(0xe8000001) << 32;
	const uint64_t ms = UINT64_C(1) << 22; /* 2^-10 s */
	const struct {
		uint64_t receive, transmit;
		enum nts_err err;
	} cases[] = {
	    {0, t, NTP_BAD_TIMES},
	    {t, 0, NTP_BAD_TIMES},
	    {0, 0, NTP_BAD_TIMES},
	    /* Zero is not a time, even if the other one is close to it. */
	    {0, 5, NTP_BAD_TIMES},
	    {UINT64_MAX - 5, 0, NTP_BAD_TIMES},
	    {t, t - 2 * ms, NTP_BAD_TIMES},
	    {t, t - (UINT64_C(1) << 32), NTP_BAD_TIMES},
	    {t, t, NTS_OK},
	    {t, t + 10 * ms, NTS_OK},
	    /* Servers fill the bits below their precision at random. */
	    {t, t - ms / 2, NTS_OK},
	    /* Across the end of an era. */
	    {UINT64_MAX - 5, 5, NTS_OK},
	    {5, UINT64_MAX - (UINT64_C(1) << 32), NTP_BAD_TIMES},
	};
	struct ntp_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ask_with_full_jar(f);
		f->answer.header.receive = cases[i].receive;
		f->answer.header.transmit = cases[i].transmit;
		assert_believed(f, cases[i].err);
	}
}

static void precision_is_converted_to_nanoseconds(void **state)
{
	static const struct {
		int8_t log2_s;
		int64_t ns;
	} cases[] = {{0, NS_PER_S}, {127, NS_PER_S}, {-1, NS_PER_S / 2},
	    {-10, 976562}, {-25, 29}, {-29, 1}, {-30, 1}, {-31, 1}, {-128, 1}};
	struct ntp_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ask_with_full_jar(f);
		f->answer.header.precision = cases[i].log2_s;
		assert_believed(f, NTS_OK);
		assert_int_equal(f->got.precision_ns, cases[i].ns);
	}
}

static void the_longest_answer_is_accepted_and_a_longer_one_refused(
    void **state)
{
	struct ntp_fixture *f = *state;
	uint8_t bytes[NTS_PACKET_MAX + 200];
	size_t len;

	fill_jar(f, 1, COOKIE_LEN);
	ask(f, 0);
	len = peer_write(&f->answer, bytes, sizeof(bytes));
	/* An unknown field fills the packet. */
	f->answer.plain_len = NTS_PACKET_MAX - len;
	memcpy(f->answer.plain, "\x2f\x04", 2);
	f->answer.plain[2] = (uint8_t)(f->answer.plain_len >> 8);
	f->answer.plain[3] = (uint8_t)f->answer.plain_len;
	assert_int_equal(
	    peer_write(&f->answer, bytes, sizeof(bytes)), NTS_PACKET_MAX);
	assert_believed(f, NTS_OK);
	for (len = NTS_PACKET_MAX + 1; len <= sizeof(bytes); len++)
		assert_err(open_bytes(f, bytes, len), NTP_BAD_FIELD);
}

static size_t good_answer(struct ntp_fixture *f, uint8_t *bytes, size_t size)
{
	size_t len;

	fill_jar(f, 6, COOKIE_LEN);
	ask(f, 0);
	peer_add_cookies(&f->answer, 3, COOKIE_LEN, 0x80);
	len = peer_write(&f->answer, bytes, size);
	assert_true(len > 0);
	return len;
}

static void every_prefix_of_an_answer_fails(void **state)
{
	struct ntp_fixture *f = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = good_answer(f, bytes, sizeof(bytes));
	struct nts_assoc before = f->a;

	for (size_t n = 0; n < len; n++) {
		assert_int_not_equal(open_bytes(f, bytes, n), NTS_OK);
		assert_false(f->got.authenticated);
		assert_true(f->pending.open);
	}
	assert_memory_equal(&f->a, &before, sizeof(before));
	assert_err(open_bytes(f, bytes, len), NTS_OK);
}

/* Every bit counts: this answer has no padding behind its tag. */
/* RFC 8915 5.6/2, RFC 8915 5.7/10 */
static void every_flipped_bit_is_detected(void **state)
{
	struct ntp_fixture *f = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = good_answer(f, bytes, sizeof(bytes));
	struct nts_assoc before = f->a;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(open_bytes(f, bytes, len), NTS_OK);
		assert_false(f->got.authenticated);
		assert_true(f->pending.open);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_memory_equal(&f->a, &before, sizeof(before));
	assert_err(open_bytes(f, bytes, len), NTS_OK);
}

/* Some bytes of the answer replace others. */
static void a_mangled_answer_is_never_believed(void **state)
{
	struct ntp_fixture *f = *state;
	uint8_t good[NTS_PACKET_MAX], bytes[NTS_PACKET_MAX];
	size_t len = good_answer(f, good, sizeof(good));

	for (int i = 0; i < 5000; i++) {
		size_t n = 4 * (1 + rng_below(&f->rng, 16));
		size_t from = rng_below(&f->rng, len - n);
		size_t to = rng_below(&f->rng, len - n);

		memcpy(bytes, good, len);
		memmove(bytes + to, good + from, n);
		if (memcmp(bytes, good, len) == 0)
			continue;
		assert_int_not_equal(open_bytes(f, bytes, len), NTS_OK);
		assert_false(f->got.authenticated);
	}
	assert_true(f->pending.open);
}

static void the_jar_stays_full_over_many_requests(void **state)
{
	struct ntp_fixture *f = *state;

	for (int i = 0; i < 500; i++) {
		/* New keys bring new cookies. */
		if (f->a.jar.count == 0)
			fill_jar(f, NTS_COOKIES, COOKIE_LEN);
		ask(f, 0);
		/* One answer in four is lost, one in four is forged. */
		switch (rng_below(&f->rng, 4)) {
		case 0:
			continue;
		case 1:
			f->answer.s2c[0] ^= 1;
			assert_refused(f, NTP_BAD_TAG);
			continue;
		default:
			peer_add_cookies(&f->answer, 1 + f->q.placeholders,
			    COOKIE_LEN, (uint8_t)i);
			assert_believed(f, NTS_OK);
			assert_int_equal(f->a.jar.count, NTS_COOKIES);
		}
	}
}

static void the_other_keys_are_tried_once(void **state)
{
	static const struct nts_keys wiped;
	struct ntp_fixture *f = *state;
	struct nts_keys first = f->a.keys, second;

	assert_false(nts_assoc_try_other_keys(&f->a));
	assert_memory_equal(&f->a.keys, &first, sizeof(first));
	rng_bytes(&f->rng, (uint8_t *)&second, sizeof(second));
	f->a.other_keys = second;
	f->a.have_other_keys = true;
	assert_true(nts_assoc_try_other_keys(&f->a));
	assert_memory_equal(&f->a.keys, &second, sizeof(second));
	assert_memory_equal(&f->a.other_keys, &wiped, sizeof(wiped));
	assert_false(nts_assoc_try_other_keys(&f->a));
	assert_memory_equal(&f->a.keys, &second, sizeof(second));
	ask(f, 0);
	assert_believed(f, NTS_OK);
}

static void wiping_leaves_zeros(void **state)
{
	static const struct nts_assoc wiped;
	struct ntp_fixture *f = *state;

	nts_assoc_wipe(&f->a);
	assert_memory_equal(&f->a, &wiped, sizeof(wiped));
}

#define WITH_SIV(test)                                                         \
	cmocka_unit_test_setup_teardown(test, setup_siv_256, teardown)
#define WITH_EACH(test)                                                        \
	{#test " 15", test, setup_siv_256, teardown, NULL},                    \
	    {#test " 17", test, setup_siv_512, teardown, NULL},                \
	{                                                                      \
#test " 30", test, setup_gcm_siv, teardown, NULL               \
	}

/* A clock that is 5 ms slow, and 2 ms each way; the server needs 1 ms. */
static void a_sample_has_the_terms_of_the_rfc(void **state)
{
	const int64_t t1 = INT64_C(1790000000) * NS_PER_S;
	struct ntp_answer a = {
	    .header =
		{
		    .stratum = 2,
		    .leap = LEAP_INSERT,
		    .receive = ntp_from_wall((struct wall){t1 + 7 * NS_PER_MS}),
		    .transmit =
			ntp_from_wall((struct wall){t1 + 8 * NS_PER_MS}),
		},
	    .root_delay_ns = 11,
	    .root_dispersion_ns = 12,
	    .precision_ns = 30,
	};
	struct sample s;
	int64_t delay_ns = nts_answer_sample(&a, (struct osc){t1},
	    (struct osc){t1 + 5 * NS_PER_MS}, (struct wall){t1}, 400, &s);

	(void)state;
	assert_int_equal(delay_ns, 4 * NS_PER_MS);
	assert_int_equal(s.delay_ns, 4 * NS_PER_MS);
	assert_int_equal(s.offset_ns, 5 * NS_PER_MS);
	assert_int_equal(s.at.ns, t1 + 5 * NS_PER_MS / 2);
	assert_int_equal(s.dispersion_ns, 430);
	assert_int_equal(s.root_delay_ns, 11);
	assert_int_equal(s.root_dispersion_ns, 12);
	assert_int_equal(s.leap, LEAP_INSERT);
	assert_int_equal(s.stratum, 2);
	/* It claims that it needs 5 ms of 5 ms: all but one of them may be on
	 * the way. */
	a.header.transmit =
	    ntp_from_wall((struct wall){t1 + 12 * NS_PER_MS - 20});
	delay_ns = nts_answer_sample(&a, (struct osc){t1},
	    (struct osc){t1 + 5 * NS_PER_MS}, (struct wall){t1}, 400, &s);
	assert_int_equal(delay_ns, 20);
	assert_int_equal(s.delay_ns, 4 * NS_PER_MS);
	assert_int_equal(s.offset_ns, 7 * NS_PER_MS - 10);
	a.header.transmit = ntp_from_wall((struct wall){t1 + 8 * NS_PER_MS});
	/* The stamps tell of a round trip of -0.5 ms: one of them is wrong. */
	delay_ns = nts_answer_sample(&a, (struct osc){t1},
	    (struct osc){t1 + NS_PER_MS / 2}, (struct wall){t1}, 400, &s);
	assert_int_equal(delay_ns, -NS_PER_MS / 2);
	assert_int_equal(s.delay_ns, 1);
	assert_int_equal(s.dispersion_ns, 430 + NS_PER_MS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_EACH(a_request_has_the_required_fields),
	    WITH_EACH(a_request_has_the_expected_size),
	    WITH_EACH(two_requests_have_no_random_bytes_in_common),
	    WITH_SIV(cookies_are_sent_once_and_oldest_first),
	    WITH_EACH(placeholders_fill_the_jar),
	    WITH_EACH(placeholders_respect_the_size_limit),
	    WITH_SIV(the_default_size_limit_applies),
	    WITH_EACH(cookies_of_any_length_fit),
	    WITH_SIV(without_keys_there_is_no_request),
	    WITH_EACH(a_request_that_does_not_fit_is_reported),
	    WITH_SIV(a_failing_library_is_reported),
	    WITH_EACH(a_good_answer_is_accepted),
	    WITH_SIV(an_answer_is_accepted_once),
	    WITH_SIV(an_answer_without_a_request_is_refused),
	    WITH_EACH(an_answer_without_cookies_is_accepted),
	    WITH_SIV(the_jar_does_not_overflow),
	    WITH_SIV(a_cookie_that_is_too_long_is_ignored),
	    WITH_SIV(unencrypted_cookies_are_ignored),
	    WITH_SIV(unknown_fields_are_ignored),
	    WITH_SIV(nonces_of_any_length_open),
	    WITH_SIV(a_short_answer_is_refused),
	    WITH_SIV(a_wrong_version_or_mode_is_refused),
	    WITH_SIV(a_reflected_request_is_refused),
	    WITH_SIV(a_wrong_origin_is_refused),
	    WITH_SIV(a_missing_unique_id_is_refused),
	    WITH_SIV(a_wrong_unique_id_is_refused),
	    WITH_SIV(a_repeated_unique_id_is_refused),
	    WITH_SIV(a_unique_id_behind_the_authenticator_does_not_count),
	    WITH_SIV(a_malformed_field_is_refused),
	    WITH_SIV(a_mac_behind_the_authenticator_is_refused),
	    WITH_SIV(a_field_behind_the_authenticator_is_refused),
	    WITH_SIV(an_authenticator_too_small_for_its_parts_is_refused),
	    WITH_SIV(an_answer_without_authenticator_is_refused),
	    WITH_EACH(wrong_keys_give_a_bad_tag),
	    WITH_SIV(without_keys_no_answer_opens),
	    WITH_EACH(a_malformed_encrypted_field_is_refused),
	    WITH_SIV(authentic_kiss_codes_are_believed),
	    WITH_SIV(unauthenticated_kiss_codes_are_not_believed),
	    WITH_SIV(a_valid_answer_after_a_nak_is_accepted),
	    WITH_SIV(a_nak_for_another_request_is_refused),
	    WITH_SIV(an_authentic_nak_is_an_unknown_kiss_code),
	    WITH_SIV(an_unsynchronised_server_gives_no_sample),
	    WITH_SIV(every_usable_stratum_and_leap_is_accepted),
	    WITH_SIV(impossible_timestamps_are_refused),
	    WITH_SIV(precision_is_converted_to_nanoseconds),
	    WITH_EACH(the_longest_answer_is_accepted_and_a_longer_one_refused),
	    WITH_EACH(every_prefix_of_an_answer_fails),
	    WITH_EACH(every_flipped_bit_is_detected),
	    WITH_EACH(a_mangled_answer_is_never_believed),
	    WITH_EACH(the_jar_stays_full_over_many_requests),
	    WITH_SIV(the_other_keys_are_tried_once),
	    WITH_SIV(wiping_leaves_zeros),
	    cmocka_unit_test(a_sample_has_the_terms_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, gcm_siv_load, gcm_siv_unload);
}
