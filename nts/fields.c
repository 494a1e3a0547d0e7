#include "nts/fields.h"

#include <string.h>

/* The least length of a request's authenticator (RFC 8915 5.6): a shorter last
 * field could be mistaken for a MAC (RFC 7822 7.5.1.3). */
#define AUTHENTICATOR_MIN 28
#define FIELD_MIN 16
#define FIELD_HEAD 4
/* 2^-10 s in NTP's 32.32 format. Servers fill the bits below their precision
 * with random numbers, so that transmit may precede receive a little. */
#define TIMESTAMP_NOISE (INT64_C(1) << 22)
/* A server that claims to have held a request for no longer is believed; an
 * honest one rarely needs longer. Otherwise a distant server that lies would
 * look like the nearest one. */
#define HOLD_BELIEVED_NS NS_PER_MS
#define NAK_CODE NTP_REFID('N', 'T', 'S', 'N')

void nts_assoc_wipe(struct nts_assoc *a)
{
	explicit_bzero(a, sizeof(*a));
}

bool nts_assoc_try_other_keys(struct nts_assoc *a)
{
	if (!a->have_other_keys)
		return false;
	a->keys = a->other_keys;
	a->have_other_keys = false;
	explicit_bzero(&a->other_keys, sizeof(a->other_keys));
	return true;
}

static size_t padded(size_t body_len)
{
	size_t len = FIELD_HEAD + (body_len + 3) / 4 * 4;

	return len < FIELD_MIN ? FIELD_MIN : len;
}

/* Two lengths, nonce and tag. RFC 8915 5.6/3 demands space for a nonce of 16
 * bytes or of the algorithm's maximum, whichever is less. Our nonces have that
 * length, so that no additional padding is needed. */
static size_t authenticator_len(enum aead_id aead)
{
	return padded(4 + aead_nonce_len(aead) + AEAD_TAG_LEN);
}

/* RFC 8633 5.2/3: the header says nothing about the client but the version: no
 * poll interval, no precision, no time, and a random transmit timestamp. */
static void put_header(const struct nts_random *fresh, struct writer *w)
{
	const struct ntp_header h = {
	    .version = NTP_VERSION,
	    .mode = NTP_MODE_CLIENT,
	    .precision = 0x20,
	    .transmit = fresh->transmit,
	};
	size_t mark;

	ntp_header_put(w, &h);
	/* RFC 8915 5.3/1, RFC 8915 5.7/1 */
	mark = ntp_field_begin(w, NTP_EF_UNIQUE_ID);
	put_bytes(w, fresh->uid, sizeof(fresh->uid));
	ntp_field_end(w, mark, FIELD_MIN);
}

/* Puts the cookie (RFC 8915 5.7/2) and the placeholders; returns their number.
 */
static unsigned put_cookies(struct nts_assoc *a, const struct cookie *cookie,
    size_t limit, struct writer *w)
{
	size_t each = padded(cookie->len);
	/* The answer brings a cookie for this one and for each placeholder.
	 * RFC 8915 5.7/6: that makes eight. RFC 8915 5.7/7: or fewer. */
	unsigned wanted = NTS_COOKIES - 1 - a->jar.count, put = 0;
	size_t mark = ntp_field_begin(w, NTP_EF_COOKIE);

	put_bytes(w, cookie->bytes, cookie->len);
	ntp_field_end(w, mark, FIELD_MIN);
	while (put < wanted &&
	       w->len + each + authenticator_len(a->aead) <= limit) {
		/* RFC 8915 5.5/1, RFC 8915 5.5/2: as long as the cookie. */
		mark = ntp_field_begin(w, NTP_EF_PLACEHOLDER);
		put_zeros(w, cookie->len);
		ntp_field_end(w, mark, FIELD_MIN);
		put++;
	}
	return put;
}

static bool put_authenticator(
    const struct nts_assoc *a, const struct nts_random *fresh, struct writer *w)
{
	size_t nonce_len = aead_nonce_len(a->aead);
	uint8_t tag[AEAD_TAG_LEN];
	size_t mark;

	if (!w->ok || !aead_seal(a->aead, a->keys.c2s, fresh->nonce, nonce_len,
			  w->base, w->len, NULL, 0, tag))
		return false;
	/* RFC 8915 5.7/3 */
	mark = ntp_field_begin(w, NTP_EF_AUTHENTICATOR);
	put_u16(w, (uint16_t)nonce_len);
	put_u16(w, AEAD_TAG_LEN);
	put_bytes(w, fresh->nonce, nonce_len);
	put_zeros(w, (4 - nonce_len % 4) % 4);
	put_bytes(w, tag, sizeof(tag));
	ntp_field_end(w, mark, AUTHENTICATOR_MIN);
	return true;
}

enum nts_err nts_request_seal(struct nts_assoc *a,
    const struct nts_random *fresh, size_t size_limit,
    struct nts_pending *pending, struct writer *out)
{
	bool sealed;

	pending->open = false;
	/* RFC 8915 8.7/1: no keys, no request. */
	if (a->aead == AEAD_NONE || !cookie_jar_take(&a->jar, &pending->cookie))
		return NTS_NO_COOKIE_LEFT;
	put_header(fresh, out);
	pending->placeholders = put_cookies(a, &pending->cookie,
	    size_limit ? size_limit : NTS_REQUEST_TARGET, out);
	if (!out->ok)
		return NTS_NO_ROOM;
	sealed = put_authenticator(a, fresh, out);
	if (!out->ok)
		return NTS_NO_ROOM;
	if (!sealed)
		return NTS_CRYPTO;
	memcpy(pending->uid, fresh->uid, sizeof(pending->uid));
	pending->transmit = fresh->transmit;
	pending->open = true;
	return NTS_OK;
}

void nts_request_cancel(struct nts_assoc *a, struct nts_pending *pending)
{
	(void)cookie_jar_put_back(&a->jar, &pending->cookie);
	explicit_bzero(&pending->cookie, sizeof(pending->cookie));
}

/* The parts of an answer, borrowed from its bytes. */
struct parts {
	struct ntp_header header;
	struct reader uid, authenticator;
	size_t authenticated_len; /* bytes before the authenticator */
	bool have_uid, uid_repeated, have_authenticator;
	bool field_after_authenticator;
};

static void take_uid(struct parts *p, const struct ntp_field *f)
{
	p->uid_repeated = p->have_uid;
	p->have_uid = true;
	p->uid = f->body;
}

static enum nts_err take_parts(
    const uint8_t *bytes, size_t len, struct parts *out)
{
	struct reader r = reader_of(bytes, len);
	struct ntp_field f;

	*out = (struct parts){0};
	if (!ntp_header_take(&r, &out->header))
		return NTP_SHORT;
	while (ntp_field_take(&r, bytes, &f)) {
		/* RFC 8915 5.7/8 */
		if (out->have_authenticator) {
			out->field_after_authenticator = true;
		} else if (f.type == NTP_EF_UNIQUE_ID) {
			take_uid(out, &f);
		} else if (f.type == NTP_EF_AUTHENTICATOR) {
			out->authenticator = f.body;
			out->authenticated_len = f.offset;
			out->have_authenticator = true;
		}
	}
	return r.ok ? NTS_OK : NTP_BAD_FIELD;
}

/* Checks what needs no key. */
static enum nts_err check_header(
    const struct parts *p, const struct nts_pending *pending)
{
	if (p->header.version != NTP_VERSION)
		return NTP_BAD_VERSION;
	/* RFC 8633 5.1/2 */
	if (p->header.mode != NTP_MODE_SERVER)
		return NTP_BAD_MODE;
	/* RFC 8633 5.4/2; RFC 5905 section 8, tests 1 and 2. After the answer
	 * no packet may match the request any more. */
	if (!pending->open || p->header.origin != pending->transmit)
		return NTP_BAD_ORIGIN;
	return NTS_OK;
}

static enum nts_err check_uid(
    const struct parts *p, const struct nts_pending *pending)
{
	if (!p->have_uid)
		return NTP_NO_UNIQUE_ID;
	/* RFC 8915 5.7/9, RFC 8915 5.7/12: exactly one, with the bytes of the
	 * request. */
	if (p->uid_repeated || p->uid.left != NTS_UID_LEN ||
	    memcmp(p->uid.at, pending->uid, NTS_UID_LEN) != 0)
		return NTP_BAD_UNIQUE_ID;
	return NTS_OK;
}

static enum nts_err kiss_of(const struct ntp_header *h)
{
	switch (h->reference_id) {
	case NTP_REFID('R', 'A', 'T', 'E'):
		return NTP_KISS_RATE;
	case NTP_REFID('D', 'E', 'N', 'Y'):
		return NTP_KISS_DENY;
	case NTP_REFID('R', 'S', 'T', 'R'):
		return NTP_KISS_RSTR;
	default:
		return NTP_KISS_OTHER;
	}
}

/* RFC 5905 figure 13: INIT and STEP say that the server has no time yet. They
 * ask nothing of a client, so they do not count as kiss codes. */
static bool is_kiss(const struct ntp_header *h)
{
	return h->stratum == 0 && h->reference_id != 0 &&
	       h->reference_id != NTP_REFID('I', 'N', 'I', 'T') &&
	       h->reference_id != NTP_REFID('S', 'T', 'E', 'P');
}

/* RFC 8915 5.7/11: an answer without an authenticator is never believed. A NAK
 * and a kiss code are named, for the statistics and because a NAK may be true.
 */
static enum nts_err unauthenticated(const struct ntp_header *h)
{
	if (h->stratum == 0 && h->reference_id == NAK_CODE)
		return NTP_NAK;
	return is_kiss(h) ? kiss_of(h) : NTP_NOT_AUTHENTICATED;
}

static enum nts_err open_authenticator(const struct nts_assoc *a,
    const uint8_t *bytes, struct parts *p, uint8_t *plain, size_t *plain_len)
{
	struct reader *r = &p->authenticator;
	size_t nonce_len = take_u16(r), sealed_len = take_u16(r);
	const uint8_t *nonce = take_bytes(r, (nonce_len + 3) / 4 * 4);
	const uint8_t *sealed = take_bytes(r, sealed_len);

	if (!r->ok || sealed_len < AEAD_TAG_LEN)
		return NTP_BAD_FIELD;
	/* RFC 8915 5.6/1, RFC 8915 5.6/2, RFC 8915 5.7/10 */
	if (!aead_open(a->aead, a->keys.s2c, nonce, nonce_len, bytes,
		p->authenticated_len, sealed, sealed_len, plain))
		return NTP_BAD_TAG;
	*plain_len = sealed_len - AEAD_TAG_LEN;
	return NTS_OK;
}

/* RFC 8915 5.7: new cookies are encrypted. Cookies outside are ignored. All
 * fields are checked before the first cookie is stored. */
static enum nts_err take_cookies(struct nts_assoc *a, const uint8_t *plain,
    size_t len, unsigned *new_cookies)
{
	struct reader check = reader_of(plain, len), r = check;
	struct ntp_field f;

	/* RFC 8915 5.6/4 */
	while (ntp_field_take(&check, plain, &f))
		continue;
	if (!check.ok)
		return NTP_BAD_FIELD;
	while (a->jar.count < NTS_COOKIES && ntp_field_take(&r, plain, &f))
		if (f.type == NTP_EF_COOKIE &&
		    cookie_jar_put(&a->jar, f.body.at, f.body.left))
			(*new_cookies)++;
	return NTS_OK;
}

static enum nts_err check_content(const struct ntp_header *h)
{
	if (is_kiss(h))
		return kiss_of(h);
	/* RFC 5905 section 8, tests 6 and 7. */
	if (h->stratum == 0 || h->stratum > 15 || h->leap == LEAP_UNKNOWN)
		return NTP_UNSYNCHRONISED;
	/* Test 3; and a server cannot send before it receives. */
	if (h->receive == 0 || h->transmit == 0 ||
	    (int64_t)(h->transmit - h->receive) < -TIMESTAMP_NOISE)
		return NTP_BAD_TIMES;
	return NTS_OK;
}

/* 2^log2_s seconds in ns, from 1 ns to 1 s. */
static int64_t precision_ns(int8_t log2_s)
{
	if (log2_s >= 0)
		return NS_PER_S;
	if (log2_s <= -30)
		return 1;
	return NS_PER_S >> -log2_s;
}

static enum nts_err authenticate(struct nts_assoc *a, const uint8_t *bytes,
    struct parts *p, struct ntp_answer *out)
{
	uint8_t plain[NTS_PACKET_MAX];
	size_t len = 0;
	enum nts_err err;

	err = open_authenticator(a, bytes, p, plain, &len);
	if (err == NTS_OK)
		err = take_cookies(a, plain, len, &out->new_cookies);
	explicit_bzero(plain, len);
	out->authenticated = err == NTS_OK;
	return err;
}

enum nts_err nts_answer_open(struct nts_assoc *a, struct nts_pending *pending,
    const uint8_t *bytes, size_t len, struct ntp_answer *out)
{
	struct parts p;
	enum nts_err err;

	*out = (struct ntp_answer){0};
	if (len > NTS_PACKET_MAX)
		return NTP_BAD_FIELD;
	err = take_parts(bytes, len, &p);
	if (err == NTP_SHORT)
		return err;
	if (check_header(&p, pending) != NTS_OK)
		return check_header(&p, pending);
	if (err == NTS_OK)
		err = check_uid(&p, pending);
	if (err != NTS_OK)
		return err;
	out->header = p.header;
	if (!p.have_authenticator)
		return unauthenticated(&p.header);
	if (p.field_after_authenticator)
		return NTP_AFTER_AUTHENTICATOR;
	err = authenticate(a, bytes, &p, out);
	if (err != NTS_OK)
		return err;
	pending->open = false;
	/* These keys work: a NAK must not replace them any more. */
	a->have_other_keys = false;
	explicit_bzero(&a->other_keys, sizeof(a->other_keys));
	out->root_delay_ns = ntp_short_to_ns(p.header.root_delay);
	out->root_dispersion_ns = ntp_short_to_ns(p.header.root_dispersion);
	out->precision_ns = precision_ns(p.header.precision);
	return check_content(&p.header);
}

/* What a server claims to have held the request beyond that may be time on the
 * way. The offset is the same in both cases. */
static int64_t doubted_ns(int64_t held_ns)
{
	return held_ns > HOLD_BELIEVED_NS ? held_ns - HOLD_BELIEVED_NS : 0;
}

int64_t nts_answer_sample(const struct ntp_answer *a, struct osc sent,
    struct osc received, struct wall near, int64_t reading_error_ns,
    struct sample *out)
{
	int64_t t1 = sent.ns, t4 = received.ns;
	int64_t t2 = ntp_to_wall(a->header.receive, near).ns;
	int64_t t3 = ntp_to_wall(a->header.transmit, near).ns;
	int64_t delay_ns = (t4 - t1) - (t3 - t2);

	*out = (struct sample){
	    .at = {t1 + (t4 - t1) / 2},
	    /* Halves before the sum, which may be too large. */
	    .offset_ns = (t2 - t1) / 2 + (t3 - t4) / 2,
	    .delay_ns = (delay_ns > 1 ? delay_ns : 1) + doubted_ns(t3 - t2),
	    /* A negative round trip: some stamp is wrong by that much, as one
	     * that a server predicts. */
	    .dispersion_ns = a->precision_ns + reading_error_ns +
			     (delay_ns < 0 ? -delay_ns : 0),
	    .root_delay_ns = a->root_delay_ns,
	    .root_dispersion_ns = a->root_dispersion_ns,
	    .leap = (enum leap)a->header.leap,
	    .stratum = a->header.stratum,
	};
	return delay_ns;
}
