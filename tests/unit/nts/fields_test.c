#include "nts/fields.h"
#include "tests/unit/nts/draw.h"
#include "tests/unit/nts/ntp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#define COOKIE_LEN 100

/* One client, its request, the answer that is being made to it. */
struct world {
	enum aead_id aead;
	struct draw draw;
	struct nts_assoc a;
	struct nts_pending pending;
	uint8_t request[NTS_PACKET_MAX];
	size_t request_len;
	struct peer_request q;
	struct peer_answer answer;
	struct ntp_answer got;
};

static bool available(enum aead_id id)
{
	enum aead_id ids[AEAD_KINDS];
	size_t count = aead_available(ids);

	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void fill_jar(struct world *w, unsigned count, size_t len)
{
	uint8_t cookie[NTS_COOKIE_MAX];

	cookie_jar_wipe(&w->a.jar);
	for (unsigned i = 1; i <= count; i++) {
		memset(cookie, (int)i, len);
		assert_true(cookie_jar_put(&w->a.jar, cookie, len));
	}
}

static int setup_with(void **state, enum aead_id aead)
{
	struct world *w = calloc(1, sizeof(*w));

	w->aead = w->a.aead = aead;
	w->draw.state = 31;
	draw_bytes(&w->draw, w->a.keys.c2s, AEAD_KEY_MAX);
	draw_bytes(&w->draw, w->a.keys.s2c, AEAD_KEY_MAX);
	fill_jar(w, NTS_COOKIES, COOKIE_LEN);
	*state = w;
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

/* OpenSSL before 3.2 has no GCM-SIV. */
static struct world *world(void **state)
{
	struct world *w = *state;

	if (w->aead == AEAD_AES_128_GCM_SIV && !available(w->aead))
		skip();
	return w;
}

static void assert_err(enum nts_err got, enum nts_err want)
{
	assert_string_equal(nts_err_name(got), nts_err_name(want));
}

static enum nts_err seal(struct world *w, size_t size_limit)
{
	struct writer out = writer_of(w->request, sizeof(w->request));
	struct nts_fresh fresh;
	enum nts_err err;

	draw_bytes(&w->draw, (uint8_t *)&fresh, sizeof(fresh));
	err = nts_request_seal(&w->a, &fresh, size_limit, &w->pending, &out);
	w->request_len = out.len;
	return err;
}

/* A request that the server accepts, and the start of an answer to it. */
static void ask(struct world *w, size_t size_limit)
{
	assert_err(seal(w, size_limit), NTS_OK);
	assert_true(w->pending.open);
	assert_true(peer_read(
	    w->request, w->request_len, w->aead, w->a.keys.c2s, &w->q));
	assert_true(w->q.authentic);
	w->answer = peer_answer_to(&w->q, w->aead, w->a.keys.s2c);
}

/* From memory of exactly that size, for the sanitizers' sake. */
static enum nts_err open_bytes(
    struct world *w, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum nts_err err;

	memcpy(copy, bytes, len);
	memset(&w->got, 0x5a, sizeof(w->got));
	err = nts_answer_open(&w->a, &w->pending, copy, len, &w->got);
	free(copy);
	return err;
}

static enum nts_err answer(struct world *w)
{
	uint8_t bytes[2 * NTS_PACKET_MAX];
	size_t len = peer_write(&w->answer, bytes, sizeof(bytes));

	assert_true(len > 0);
	return open_bytes(w, bytes, len);
}

/* The answer is refused as somebody else's: nothing has changed. */
static void assert_refused(struct world *w, enum nts_err want)
{
	struct nts_assoc before = w->a;

	assert_err(answer(w), want);
	assert_true(w->pending.open);
	assert_false(w->got.authenticated);
	assert_int_equal(w->got.new_cookies, 0);
	assert_memory_equal(&w->a, &before, sizeof(before));
}

/* The answer is the server's, whatever it says. */
static void assert_believed(struct world *w, enum nts_err want)
{
	assert_err(answer(w), want);
	assert_false(w->pending.open);
	assert_true(w->got.authenticated);
}

/* RFC 8915 5.7, RFC 7822: what a server wants to see, and no more. */
static void a_request(void **state)
{
	struct world *w = world(state);
	uint8_t head[40] = {0x23, 0, 0, 0x20};

	ask(w, 0);
	assert_memory_equal(w->request, head, sizeof(head));
	assert_int_equal(w->q.header.transmit, w->pending.transmit);
	assert_int_equal(w->q.uid.left, NTS_UID_LEN);
	assert_memory_equal(w->q.uid.at, w->pending.uid, NTS_UID_LEN);
	assert_int_equal(w->q.cookie.left, COOKIE_LEN);
	for (size_t i = 0; i < COOKIE_LEN; i++)
		assert_int_equal(w->q.cookie.at[i], 1);
	assert_int_equal(w->q.placeholders, 0);
	assert_true(w->request_len - w->q.authenticator_at >= 28);
	assert_int_equal(w->a.jar.count, NTS_COOKIES - 1);
}

static void the_size_of_a_request(void **state)
{
	struct world *w = world(state);
	bool siv = w->aead != AEAD_AES_128_GCM_SIV;

	/* header, unique id, cookie, authenticator */
	ask(w, 0);
	assert_int_equal(w->request_len, 48 + 36 + 104 + (siv ? 40 : 36));
}

/* Requests cannot be told to be of one client (RFC 8915 9.1). */
static void two_requests_share_nothing(void **state)
{
	struct world *w = world(state);
	uint8_t first[NTS_PACKET_MAX];

	ask(w, 0);
	memcpy(first, w->request, sizeof(first));
	ask(w, 0);
	/* transmit, unique id, cookie, nonce and tag */
	assert_memory_not_equal(first + 40, w->request + 40, 8);
	assert_memory_not_equal(first + 52, w->request + 52, NTS_UID_LEN);
	assert_memory_not_equal(first + 88, w->request + 88, COOKIE_LEN);
	assert_memory_not_equal(first + 196, w->request + 196, 12);
	assert_memory_not_equal(first + 208, w->request + 208, 16);
}

static void cookies_are_spent_once_and_oldest_first(void **state)
{
	struct world *w = world(state);

	for (unsigned i = 1; i <= NTS_COOKIES; i++) {
		ask(w, 0);
		assert_int_equal(w->q.cookie.at[0], i);
		assert_int_equal(w->a.jar.count, NTS_COOKIES - i);
	}
	assert_err(seal(w, 0), NTS_NO_COOKIE_LEFT);
	assert_false(w->pending.open);
}

static void placeholders_fill_the_jar(void **state)
{
	struct world *w = world(state);

	for (unsigned have = 1; have <= NTS_COOKIES; have++) {
		fill_jar(w, have, COOKIE_LEN);
		ask(w, 0);
		assert_int_equal(w->q.placeholders, NTS_COOKIES - have);
		/* RFC 8915 5.5: as long as the cookie */
		if (w->q.placeholders)
			assert_int_equal(w->q.placeholder_len, COOKIE_LEN);
		peer_add_cookies(
		    &w->answer, 1 + w->q.placeholders, COOKIE_LEN, 0x80);
		assert_believed(w, NTS_OK);
		assert_int_equal(w->got.new_cookies, NTS_COOKIES - have + 1);
		assert_int_equal(w->a.jar.count, NTS_COOKIES);
	}
}

static void placeholders_keep_to_the_limit(void **state)
{
	struct world *w = world(state);
	size_t before = 0;

	for (size_t limit = 1; limit < 1300; limit++) {
		size_t least;

		fill_jar(w, 1, COOKIE_LEN);
		ask(w, limit);
		least = w->request_len - w->q.placeholders * (COOKIE_LEN + 4);
		assert_true(w->request_len <= (limit < least ? least : limit));
		/* and use it: one more would not fit */
		assert_true(w->q.placeholders == 7 ||
			    w->request_len + COOKIE_LEN + 4 > limit);
		assert_true(w->request_len >= before);
		before = w->request_len;
	}
	assert_int_equal(w->q.placeholders, 7);
}

static void the_usual_limit(void **state)
{
	struct world *w = world(state);

	fill_jar(w, 1, 256);
	ask(w, 0);
	assert_int_equal(w->q.placeholders, 3);
	assert_in_range(w->request_len, 1, NTS_REQUEST_TARGET);
}

static void cookies_of_any_length_fit(void **state)
{
	struct world *w = world(state);

	for (size_t len = 1; len <= NTS_COOKIE_MAX; len += len < 40 ? 1 : 67) {
		size_t body = len < 12 ? 12 : (len + 3) / 4 * 4;

		fill_jar(w, 5, len);
		ask(w, 0);
		assert_int_equal(w->q.cookie.left, body);
		assert_int_equal(w->q.cookie.at[len - 1], 1);
		if (w->q.placeholders)
			assert_int_equal(w->q.placeholder_len, body);
	}
	fill_jar(w, 5, NTS_COOKIE_MAX);
	ask(w, 0);
	assert_int_equal(w->q.placeholders, 0);
}

static void no_keys_is_no_request(void **state)
{
	struct world *w = world(state);

	w->a.aead = AEAD_NONE;
	assert_err(seal(w, 0), NTS_NO_COOKIE_LEFT);
	assert_int_equal(w->a.jar.count, NTS_COOKIES);
}

static void a_request_that_does_not_fit(void **state)
{
	struct world *w = world(state);
	size_t need;

	ask(w, 0);
	need = w->request_len;
	for (size_t room = 0; room <= need; room++) {
		struct writer out = writer_of(w->request, room);
		struct nts_fresh fresh = {.transmit = 1};
		enum nts_err err;

		fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		err = nts_request_seal(&w->a, &fresh, 0, &w->pending, &out);
		assert_err(err, room == need ? NTS_OK : NTS_NO_ROOM);
		assert_int_equal(w->pending.open, room == need);
	}
}

static void a_library_that_fails(void **state)
{
	struct world *w = world(state);

	w->a.aead = (enum aead_id)99;
	assert_err(seal(w, 0), NTS_CRYPTO);
	assert_false(w->pending.open);
}

static void a_good_answer(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
	assert_believed(w, NTS_OK);
	assert_int_equal(w->got.new_cookies, 1);
	assert_int_equal(w->got.header.stratum, 1);
	assert_int_equal(w->got.header.receive, w->answer.header.receive);
	assert_int_equal(w->got.header.transmit, w->answer.header.transmit);
	assert_int_equal(w->got.root_delay_ns, NS_PER_S);
	assert_int_equal(w->got.root_dispersion_ns, NS_PER_S / 2);
	assert_int_equal(w->got.precision_ns, 953);
	assert_int_equal(w->a.jar.count, NTS_COOKIES);
}

/* RFC 5905 section 8, test 1; and its cookies are not new any more. */
static void an_answer_counts_once(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	ask(w, 0);
	peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
	assert_believed(w, NTS_OK);
	assert_err(answer(w), NTP_BAD_ORIGIN);
	assert_false(w->got.authenticated);
	assert_int_equal(w->a.jar.count, NTS_COOKIES - 1);
}

static void an_answer_to_nothing(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	w->pending = (struct nts_pending){0};
	w->answer.header.origin = 0;
	memset(w->answer.uid, 0, sizeof(w->answer.uid));
	assert_err(answer(w), NTP_BAD_ORIGIN);
	assert_false(w->got.authenticated);
}

static void an_answer_without_cookies_is_good(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	assert_believed(w, NTS_OK);
	assert_int_equal(w->got.new_cookies, 0);
	assert_int_equal(w->a.jar.count, NTS_COOKIES - 1);
}

static void the_jar_does_not_overflow(void **state)
{
	struct world *w = world(state);

	fill_jar(w, 3, COOKIE_LEN);
	ask(w, 0);
	peer_add_cookies(&w->answer, 20, COOKIE_LEN, 0x80);
	assert_believed(w, NTS_OK);
	assert_int_equal(w->got.new_cookies, 6);
	assert_int_equal(w->a.jar.count, NTS_COOKIES);
	/* The older ones stay and are next. */
	ask(w, 0);
	assert_int_equal(w->q.cookie.at[0], 2);
}

static void a_cookie_too_long_is_left(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	peer_add_cookies(&w->answer, 1, NTS_COOKIE_MAX + 4, 0x80);
	peer_add_cookies(&w->answer, 1, 104, 0x81);
	assert_believed(w, NTS_OK);
	assert_int_equal(w->got.new_cookies, 1);
	assert_int_equal(w->a.jar.count, NTS_COOKIES);
}

/* RFC 8915 5.7: anybody can add those. */
static void cookies_in_the_clear_are_not_taken(void **state)
{
	struct world *w = world(state);
	struct writer clear;
	size_t mark;

	ask(w, 0);
	clear = writer_of(w->answer.clear, sizeof(w->answer.clear));
	mark = ntp_field_begin(&clear, NTP_EF_COOKIE);
	put_zeros(&clear, COOKIE_LEN);
	ntp_field_end(&clear, mark, 16);
	w->answer.clear_len = clear.len;
	assert_believed(w, NTS_OK);
	assert_int_equal(w->got.new_cookies, 0);
	assert_int_equal(w->a.jar.count, NTS_COOKIES - 1);
}

static void fields_of_others_are_skipped(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	memcpy(w->answer.clear, "\x2f\x04\0\x10", 4);
	w->answer.clear_len = 16;
	memcpy(w->answer.plain, "\x2f\x04\0\x10", 4);
	w->answer.plain_len = 16;
	peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
	assert_believed(w, NTS_OK);
	assert_int_equal(w->got.new_cookies, 1);
}

static void nonces_of_any_length_open(void **state)
{
	struct world *w = world(state);

	for (size_t len = 1; len <= 40; len++) {
		fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		ask(w, 0);
		w->answer.nonce_len = len;
		peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
		assert_believed(w, NTS_OK);
	}
}

static void a_short_answer(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	for (size_t len = 0; len < NTP_HEADER_LEN; len++)
		assert_err(open_bytes(w, w->request, len), NTP_SHORT);
	assert_true(w->pending.open);
}

static void another_version(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	for (uint8_t version = 0; version < 8; version++) {
		if (version == NTP_VERSION)
			continue;
		w->answer.header.version = version;
		assert_refused(w, NTP_BAD_VERSION);
	}
}

static void another_mode(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	for (uint8_t mode = 0; mode < 8; mode++) {
		if (mode == NTP_MODE_SERVER)
			continue;
		w->answer.header.mode = mode;
		assert_refused(w, NTP_BAD_MODE);
	}
}

static void our_own_request_comes_back(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	assert_err(open_bytes(w, w->request, w->request_len), NTP_BAD_MODE);
	assert_true(w->pending.open);
}

static void another_origin(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	w->answer.header.origin ^= 1;
	assert_refused(w, NTP_BAD_ORIGIN);
	/* Not even a NAK: it would come from nowhere near the path. */
	w->answer.unsealed = true;
	w->answer.header.stratum = 0;
	w->answer.header.reference_id = NTP_REFID('N', 'T', 'S', 'N');
	assert_refused(w, NTP_BAD_ORIGIN);
}

static void no_unique_id(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	w->answer.uid_len = 0;
	assert_refused(w, NTP_NO_UNIQUE_ID);
	w->answer.unsealed = true;
	assert_refused(w, NTP_NO_UNIQUE_ID);
}

static void another_unique_id(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	for (size_t i = 0; i < NTS_UID_LEN; i++) {
		w->answer.uid[i] ^= 0x10;
		assert_refused(w, NTP_BAD_UNIQUE_ID);
		w->answer.uid[i] ^= 0x10;
	}
	w->answer.uid_len = NTS_UID_LEN - 4;
	assert_refused(w, NTP_BAD_UNIQUE_ID);
	w->answer.uid_len = NTS_UID_LEN + 4;
	assert_refused(w, NTP_BAD_UNIQUE_ID);
}

/* RFC 8915 5.7 */
static void a_unique_id_twice(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	for (w->answer.uids = 2; w->answer.uids < 5; w->answer.uids++)
		assert_refused(w, NTP_BAD_UNIQUE_ID);
}

/* A unique id that is not authenticated does not count. */
static void a_unique_id_behind_the_authenticator(void **state)
{
	struct world *w = world(state);
	struct writer tail;
	size_t mark;

	ask(w, 0);
	tail = writer_of(w->answer.tail, sizeof(w->answer.tail));
	mark = ntp_field_begin(&tail, NTP_EF_UNIQUE_ID);
	put_bytes(&tail, w->answer.uid, NTS_UID_LEN);
	ntp_field_end(&tail, mark, 16);
	w->answer.tail_len = tail.len;
	w->answer.uids = 0;
	assert_refused(w, NTP_NO_UNIQUE_ID);
}

static void a_malformed_field(void **state)
{
	static const char *const heads[] = {"\x2f\x04\0\x0c", "\x2f\x04\0\x11",
	    "\x2f\x04\0\0", "\x2f\x04\xff\xfc", "\x2f\x04\0\x13"};
	struct world *w = world(state);

	ask(w, 0);
	w->answer.clear_len = 16;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		memcpy(w->answer.clear, heads[i], 4);
		assert_refused(w, NTP_BAD_FIELD);
	}
}

/* RFC 7822 7.5.1.3: 20 or 24 bytes at the end may be a MAC. */
static void a_mac_behind_the_authenticator(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	memcpy(w->answer.tail, "\0\0\0\1", 4);
	w->answer.tail_len = 20;
	assert_refused(w, NTP_BAD_FIELD);
}

static void a_field_behind_the_authenticator(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	memcpy(w->answer.tail, "\x2f\x04\0\x10", 4);
	w->answer.tail_len = 16;
	assert_refused(w, NTP_AFTER_AUTHENTICATOR);
}

static void an_authenticator_too_small_for_its_parts(void **state)
{
	static const uint8_t heads[][4] = {{0, 16, 0, 15}, {0, 16, 0, 0},
	    {0xff, 0xff, 0, 16}, {0, 16, 0xff, 0xff}, {0, 33, 0, 16},
	    {0, 0, 0, 41}};
	struct world *w = world(state);
	struct writer clear;

	ask(w, 0);
	w->answer.unsealed = true;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		clear = writer_of(w->answer.clear, sizeof(w->answer.clear));
		put_u16(&clear, NTP_EF_AUTHENTICATOR);
		put_u16(&clear, 48);
		put_bytes(&clear, heads[i], 4);
		put_zeros(&clear, 40);
		w->answer.clear_len = clear.len;
		assert_refused(w, NTP_BAD_FIELD);
	}
}

static void not_authenticated(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	w->answer.unsealed = true;
	assert_refused(w, NTP_NOT_AUTHENTICATED);
	w->answer.header.stratum = 0;
	w->answer.header.reference_id = 0;
	assert_refused(w, NTP_NOT_AUTHENTICATED);
}

static void other_keys_give_a_bad_tag(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
	memcpy(w->answer.s2c, w->a.keys.c2s, sizeof(w->answer.s2c));
	assert_refused(w, NTP_BAD_TAG);
	draw_bytes(&w->draw, w->answer.s2c, sizeof(w->answer.s2c));
	assert_refused(w, NTP_BAD_TAG);
	/* The right one is still waited for. */
	memcpy(w->answer.s2c, w->a.keys.s2c, sizeof(w->answer.s2c));
	assert_believed(w, NTS_OK);
}

static void without_keys_nothing_opens(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	w->a.aead = AEAD_NONE;
	assert_refused(w, NTP_BAD_TAG);
}

/* A good tag over nonsense is a broken server, not a sample. */
static void malformed_fields_inside(void **state)
{
	static const char *const heads[] = {"\x02\x04\0\x0c", "\x02\x04\0\x11",
	    "\x02\x04\0\0", "\x02\x04\xff\xfc", "\x02\x04\0\x13"};
	struct world *w = world(state);

	ask(w, 0);
	ask(w, 0);
	peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		memcpy(w->answer.plain + COOKIE_LEN + 4, heads[i], 4);
		w->answer.plain_len = COOKIE_LEN + 4 + 16;
		assert_refused(w, NTP_BAD_FIELD);
	}
}

static const struct kiss {
	const char *code;
	enum nts_err err;
} kisses[] = {
    {"RATE", NTP_KISS_RATE},
    {"DENY", NTP_KISS_DENY},
    {"RSTR", NTP_KISS_RSTR},
    {"CRYP", NTP_KISS_OTHER},
};

static void make_kiss(struct world *w, const char *code)
{
	struct reader r = reader_of(code, 4);

	w->answer.header.stratum = 0;
	w->answer.header.leap = LEAP_UNKNOWN;
	w->answer.header.reference_id = take_u32(&r);
}

static void authentic_kisses_are_believed(void **state)
{
	struct world *w = world(state);

	for (size_t i = 0; i < ARRAY_LEN(kisses); i++) {
		ask(w, 0);
		make_kiss(w, kisses[i].code);
		peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
		assert_believed(w, kisses[i].err);
		assert_int_equal(w->got.new_cookies, 1);
	}
}

/* RFC 8915 5.7: anybody can send those. The true answer may still come. */
static void other_kisses_are_not(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	w->answer.unsealed = true;
	for (size_t i = 0; i < ARRAY_LEN(kisses); i++) {
		make_kiss(w, kisses[i].code);
		assert_refused(w, kisses[i].err);
	}
}

static void a_valid_answer_beats_a_nak(void **state)
{
	struct world *w = world(state);
	struct peer_answer good;

	ask(w, 0);
	good = w->answer;
	make_kiss(w, "NTSN");
	w->answer.unsealed = true;
	assert_refused(w, NTP_NAK);
	assert_refused(w, NTP_NAK);
	w->answer = good;
	assert_believed(w, NTS_OK);
}

/* RFC 8915 5.7: a NAK has the request's unique id, too. */
static void a_nak_for_another_request(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	make_kiss(w, "NTSN");
	w->answer.unsealed = true;
	w->answer.uid[0] ^= 1;
	assert_refused(w, NTP_BAD_UNIQUE_ID);
	w->answer.uid_len = 0;
	assert_refused(w, NTP_NO_UNIQUE_ID);
}

/* Whoever can seal it has not lost the keys. */
static void an_authentic_nak_is_no_nak(void **state)
{
	struct world *w = world(state);

	ask(w, 0);
	make_kiss(w, "NTSN");
	assert_believed(w, NTP_KISS_OTHER);
}

static void servers_without_time(void **state)
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
	struct world *w = world(state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		ask(w, 0);
		w->answer.header.stratum = cases[i].stratum;
		w->answer.header.leap = cases[i].leap;
		w->answer.header.reference_id = cases[i].reference_id;
		/* Of no importance without time. */
		w->answer.header.receive = w->answer.header.transmit = 0;
		peer_add_cookies(&w->answer, 1, COOKIE_LEN, 0x80);
		assert_believed(w, NTP_UNSYNCHRONISED);
		assert_int_equal(w->got.new_cookies, 1);
	}
}

static void every_stratum_and_leap_that_counts(void **state)
{
	struct world *w = world(state);

	for (uint8_t stratum = 1; stratum <= 15; stratum++) {
		fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		ask(w, 0);
		w->answer.header.stratum = stratum;
		w->answer.header.leap = stratum % 3;
		assert_believed(w, NTS_OK);
		assert_int_equal(w->got.header.leap, stratum % 3);
	}
}

static void times_that_cannot_be(void **state)
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
	    /* Zero is no time, be the other right behind or before it. */
	    {0, 5, NTP_BAD_TIMES},
	    {UINT64_MAX - 5, 0, NTP_BAD_TIMES},
	    {t, t - 2 * ms, NTP_BAD_TIMES},
	    {t, t - (UINT64_C(1) << 32), NTP_BAD_TIMES},
	    {t, t, NTS_OK},
	    {t, t + 10 * ms, NTS_OK},
	    /* The noise of servers below their precision. */
	    {t, t - ms / 2, NTS_OK},
	    /* Across the end of an era. */
	    {UINT64_MAX - 5, 5, NTS_OK},
	    {5, UINT64_MAX - (UINT64_C(1) << 32), NTP_BAD_TIMES},
	};
	struct world *w = world(state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		ask(w, 0);
		w->answer.header.receive = cases[i].receive;
		w->answer.header.transmit = cases[i].transmit;
		assert_believed(w, cases[i].err);
	}
}

static void precisions(void **state)
{
	static const struct {
		int8_t log2_s;
		int64_t ns;
	} cases[] = {{0, NS_PER_S}, {127, NS_PER_S}, {-1, NS_PER_S / 2},
	    {-10, 976562}, {-25, 29}, {-29, 1}, {-30, 1}, {-31, 1}, {-128, 1}};
	struct world *w = world(state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		ask(w, 0);
		w->answer.header.precision = cases[i].log2_s;
		assert_believed(w, NTS_OK);
		assert_int_equal(w->got.precision_ns, cases[i].ns);
	}
}

static void the_longest_answer_and_one_longer(void **state)
{
	struct world *w = world(state);
	uint8_t bytes[NTS_PACKET_MAX + 200];
	size_t len;

	fill_jar(w, 1, COOKIE_LEN);
	ask(w, 0);
	len = peer_write(&w->answer, bytes, sizeof(bytes));
	/* One field of somebody's fills the packet. */
	w->answer.plain_len = NTS_PACKET_MAX - len;
	memcpy(w->answer.plain, "\x2f\x04", 2);
	w->answer.plain[2] = (uint8_t)(w->answer.plain_len >> 8);
	w->answer.plain[3] = (uint8_t)w->answer.plain_len;
	assert_int_equal(
	    peer_write(&w->answer, bytes, sizeof(bytes)), NTS_PACKET_MAX);
	assert_believed(w, NTS_OK);
	for (len = NTS_PACKET_MAX + 1; len <= sizeof(bytes); len++)
		assert_err(open_bytes(w, bytes, len), NTP_BAD_FIELD);
}

static size_t good_answer(struct world *w, uint8_t *bytes, size_t size)
{
	size_t len;

	fill_jar(w, 6, COOKIE_LEN);
	ask(w, 0);
	peer_add_cookies(&w->answer, 3, COOKIE_LEN, 0x80);
	len = peer_write(&w->answer, bytes, size);
	assert_true(len > 0);
	return len;
}

static void every_prefix_of_an_answer_fails(void **state)
{
	struct world *w = world(state);
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = good_answer(w, bytes, sizeof(bytes));
	struct nts_assoc before = w->a;

	for (size_t n = 0; n < len; n++) {
		assert_int_not_equal(open_bytes(w, bytes, n), NTS_OK);
		assert_false(w->got.authenticated);
		assert_true(w->pending.open);
	}
	assert_memory_equal(&w->a, &before, sizeof(before));
	assert_err(open_bytes(w, bytes, len), NTS_OK);
}

/* This answer has no padding behind its tag, so that every bit counts. */
static void every_flipped_bit_is_found(void **state)
{
	struct world *w = world(state);
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = good_answer(w, bytes, sizeof(bytes));
	struct nts_assoc before = w->a;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(open_bytes(w, bytes, len), NTS_OK);
		assert_false(w->got.authenticated);
		assert_true(w->pending.open);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_memory_equal(&w->a, &before, sizeof(before));
	assert_err(open_bytes(w, bytes, len), NTS_OK);
}

/* Bytes lost, doubled, swapped: none of it is ever believed. */
static void a_mangled_answer_is_never_believed(void **state)
{
	struct world *w = world(state);
	uint8_t good[NTS_PACKET_MAX], bytes[NTS_PACKET_MAX];
	size_t len = good_answer(w, good, sizeof(good));

	for (int i = 0; i < 5000; i++) {
		size_t n = 4 * (1 + draw_below(&w->draw, 16));
		size_t from = draw_below(&w->draw, len - n);
		size_t to = draw_below(&w->draw, len - n);

		memcpy(bytes, good, len);
		memmove(bytes + to, good + from, n);
		if (memcmp(bytes, good, len) == 0)
			continue;
		assert_int_not_equal(open_bytes(w, bytes, len), NTS_OK);
		assert_false(w->got.authenticated);
	}
	assert_true(w->pending.open);
}

static void a_long_life(void **state)
{
	struct world *w = world(state);

	for (int i = 0; i < 500; i++) {
		/* After a long silence come new keys. */
		if (w->a.jar.count == 0)
			fill_jar(w, NTS_COOKIES, COOKIE_LEN);
		ask(w, 0);
		/* One answer in four is lost, one is a forgery. */
		switch (draw_below(&w->draw, 4)) {
		case 0:
			continue;
		case 1:
			w->answer.s2c[0] ^= 1;
			assert_refused(w, NTP_BAD_TAG);
			continue;
		default:
			peer_add_cookies(&w->answer, 1 + w->q.placeholders,
			    COOKIE_LEN, (uint8_t)i);
			assert_believed(w, NTS_OK);
			assert_int_equal(w->a.jar.count, NTS_COOKIES);
		}
	}
}

static void the_other_keys_are_tried_once(void **state)
{
	static const struct nts_keys wiped;
	struct world *w = world(state);
	struct nts_keys first = w->a.keys, second;

	assert_false(nts_assoc_try_other_keys(&w->a));
	assert_memory_equal(&w->a.keys, &first, sizeof(first));
	draw_bytes(&w->draw, (uint8_t *)&second, sizeof(second));
	w->a.other_keys = second;
	w->a.have_other_keys = true;
	assert_true(nts_assoc_try_other_keys(&w->a));
	assert_memory_equal(&w->a.keys, &second, sizeof(second));
	assert_memory_equal(&w->a.other_keys, &wiped, sizeof(wiped));
	assert_false(nts_assoc_try_other_keys(&w->a));
	assert_memory_equal(&w->a.keys, &second, sizeof(second));
	ask(w, 0);
	assert_believed(w, NTS_OK);
}

static void wiping_leaves_zeros(void **state)
{
	static const struct nts_assoc wiped;
	struct world *w = world(state);

	nts_assoc_wipe(&w->a);
	assert_memory_equal(&w->a, &wiped, sizeof(wiped));
}

#define SIV(test) cmocka_unit_test_setup_teardown(test, setup_siv_256, teardown)
#define EACH(test)                                                             \
	{#test " 15", test, setup_siv_256, teardown, NULL},                    \
	    {#test " 17", test, setup_siv_512, teardown, NULL},                \
	{                                                                      \
#test " 30", test, setup_gcm_siv, teardown, NULL               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EACH(a_request),
	    EACH(the_size_of_a_request),
	    EACH(two_requests_share_nothing),
	    SIV(cookies_are_spent_once_and_oldest_first),
	    EACH(placeholders_fill_the_jar),
	    EACH(placeholders_keep_to_the_limit),
	    SIV(the_usual_limit),
	    EACH(cookies_of_any_length_fit),
	    SIV(no_keys_is_no_request),
	    EACH(a_request_that_does_not_fit),
	    SIV(a_library_that_fails),
	    EACH(a_good_answer),
	    SIV(an_answer_counts_once),
	    SIV(an_answer_to_nothing),
	    EACH(an_answer_without_cookies_is_good),
	    SIV(the_jar_does_not_overflow),
	    SIV(a_cookie_too_long_is_left),
	    SIV(cookies_in_the_clear_are_not_taken),
	    SIV(fields_of_others_are_skipped),
	    SIV(nonces_of_any_length_open),
	    SIV(a_short_answer),
	    SIV(another_version),
	    SIV(another_mode),
	    SIV(our_own_request_comes_back),
	    SIV(another_origin),
	    SIV(no_unique_id),
	    SIV(another_unique_id),
	    SIV(a_unique_id_twice),
	    SIV(a_unique_id_behind_the_authenticator),
	    SIV(a_malformed_field),
	    SIV(a_mac_behind_the_authenticator),
	    SIV(a_field_behind_the_authenticator),
	    SIV(an_authenticator_too_small_for_its_parts),
	    SIV(not_authenticated),
	    EACH(other_keys_give_a_bad_tag),
	    SIV(without_keys_nothing_opens),
	    EACH(malformed_fields_inside),
	    SIV(authentic_kisses_are_believed),
	    SIV(other_kisses_are_not),
	    SIV(a_valid_answer_beats_a_nak),
	    SIV(a_nak_for_another_request),
	    SIV(an_authentic_nak_is_no_nak),
	    SIV(servers_without_time),
	    SIV(every_stratum_and_leap_that_counts),
	    SIV(times_that_cannot_be),
	    SIV(precisions),
	    EACH(the_longest_answer_and_one_longer),
	    EACH(every_prefix_of_an_answer_fails),
	    EACH(every_flipped_bit_is_found),
	    EACH(a_mangled_answer_is_never_believed),
	    EACH(a_long_life),
	    SIV(the_other_keys_are_tried_once),
	    SIV(wiping_leaves_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
