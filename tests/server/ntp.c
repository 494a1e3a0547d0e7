#include "tests/server/ntp.h"

#include <string.h>

#define PRECISION_LOG2_S (-24)
#define COOKIE_NONCE_AT 4
#define NONCE_LEN 16
#define UNKNOWN_FIELD 0x2f04 /* an unknown type */

/* The fields of a request up to its authenticator. */
struct walk {
	struct ntp_request *request;
	size_t cookie_count;
	struct ntp_field authenticator;
	bool authenticated; /* the authenticator was found */
};

static void take_field(struct walk *walk, const struct ntp_field *field)
{
	struct ntp_request *q = walk->request;

	switch (field->type) {
	case NTP_EF_UNIQUE_ID:
		q->uid = field->body;
		break;
	case NTP_EF_COOKIE:
		q->cookie = field->body;
		walk->cookie_count++;
		break;
	case NTP_EF_PLACEHOLDER:
		/* RFC 8915 5.5: as long as the cookie that it requests. */
		if (field->body.left >= q->cookie.left)
			q->placeholders++;
		break;
	case NTP_EF_AUTHENTICATOR:
		walk->authenticator = *field;
		walk->authenticated = true;
		break;
	default:
		break;
	}
}

/* RFC 8915 5.7: a unique id of at least 32 bytes, one cookie, and an
 * authenticator. Ignores the fields behind it. */
static bool walk_fields(
    struct walk *walk, struct reader *r, const uint8_t *start)
{
	struct ntp_request *q = walk->request;
	struct ntp_field field;

	while (!walk->authenticated && ntp_field_take(r, start, &field))
		take_field(walk, &field);
	return r->ok && walk->authenticated && walk->cookie_count == 1 &&
	       q->uid.left >= NTS_UID_LEN && q->uid.left <= NTP_UID_MAX;
}

/* RFC 8915 5.6: nonce and ciphertext, each padded to a multiple of four. */
static bool authentic(const struct association *a,
    const struct ntp_field *field, const uint8_t *start)
{
	struct reader body = field->body;
	size_t nonce_len = take_u16(&body), sealed_len = take_u16(&body);
	const uint8_t *nonce = take_bytes(&body, (nonce_len + 3) & ~(size_t)3);
	const uint8_t *sealed = take_bytes(&body, sealed_len);
	uint8_t plain[NTP_PACKET_MAX];

	return body.ok && sealed_len <= sizeof(plain) &&
	       aead_open(a->aead, a->keys.c2s, nonce, nonce_len, start,
		   field->offset, sealed, sealed_len, plain);
}

struct ntp_request ntp_request_parse(
    const struct master_keys *m, const uint8_t *bytes, size_t len)
{
	struct ntp_request q = {.status = NTP_NOT_NTS};
	struct walk walk = {.request = &q};
	struct reader r = reader_of(bytes, len);

	if (!ntp_header_take(&r, &q.header) ||
	    q.header.version != NTP_VERSION ||
	    q.header.mode != NTP_MODE_CLIENT || !walk_fields(&walk, &r, bytes))
		return q;
	if (!server_cookie_open(m, q.cookie.at, q.cookie.left, &q.association))
		q.status = NTP_UNKNOWN_COOKIE;
	else if (!authentic(&q.association, &walk.authenticator, bytes))
		q.status = NTP_FORGED;
	else
		q.status = NTP_VALID;
	return q;
}

/* Converts to 16.16 seconds, the format of delays in NTP. */
static uint32_t short_of_ns(int64_t ns)
{
	return (uint32_t)((double)ns * 65536e-9);
}

static struct ntp_header header_of(
    const struct service *s, const struct ntp_request *q)
{
	bool primary = s->identity.stratum == 1;

	return (struct ntp_header){
	    .leap = (uint8_t)s->identity.leap,
	    .version = NTP_VERSION,
	    .mode = NTP_MODE_SERVER,
	    .stratum = s->identity.stratum,
	    .poll = q->header.poll,
	    .precision = PRECISION_LOG2_S,
	    .root_delay = short_of_ns(s->identity.root_delay_ns),
	    .root_dispersion = short_of_ns(s->identity.root_dispersion_ns),
	    .reference_id = primary ? NTP_REFID('T', 'E', 'S', 'T')
				    : NTP_REFID(127, 127, 1, 1),
	    .origin = q->header.transmit,
	};
}

static void put_times(
    struct ntp_draft *d, struct wall received, struct wall sent)
{
	struct ntp_header *h = &d->header;

	h->receive = ntp_from_wall((struct wall){received.ns + d->ahead_ns});
	h->transmit = ntp_from_wall(
	    (struct wall){sent.ns + d->ahead_ns + d->extra_processing_ns});
	h->reference = h->receive;
	if (d->times == NTP_TIMES_ZERO)
		h->receive = h->transmit = 0;
	else if (d->times == NTP_TIMES_REVERSED)
		h->transmit = h->receive - (UINT64_C(1) << 32);
}

static struct ntp_draft draft_of(const struct ntp_request *q)
{
	struct ntp_draft d = {.kind = NTP_SEALED, .cookie_len = -1};

	d.uid_len = q->uid.left;
	memcpy(d.uid, q->uid.at, q->uid.left);
	/* RFC 8915 5.7: a cookie for the cookie and for each placeholder. */
	d.cookies = 1 + q->placeholders;
	return d;
}

static struct ntp_draft answer_draft(
    const struct service *s, const struct ntp_request *q, struct mono now)
{
	struct ntp_draft d = draft_of(q);

	d.header = header_of(s, q);
	d.ahead_ns =
	    s->identity.offset_ns + ntp_fault_offset_ns(&s->faults, now);
	ntp_draft_apply_faults(&d, &s->faults);
	return d;
}

/* RFC 8915 5.7: a NAK has no authenticator. */
static struct ntp_draft nak_draft(const struct ntp_request *q)
{
	struct ntp_draft d = draft_of(q);

	d.kind = NTP_UNSEALED;
	d.header = (struct ntp_header){
	    .leap = LEAP_UNKNOWN,
	    .version = NTP_VERSION,
	    .mode = NTP_MODE_SERVER,
	    .poll = q->header.poll,
	    .reference_id = NTP_REFID('N', 'T', 'S', 'N'),
	    .origin = q->header.transmit,
	};
	return d;
}

static bool put_cookie(struct writer *w, const struct ntp_draft *d,
    const struct master_keys *m, const struct association *a)
{
	uint8_t cookie[NTP_PACKET_MAX] = {0};
	size_t mark = ntp_field_begin(w, NTP_EF_COOKIE);
	size_t len = server_cookie_len(a->aead);

	if (!server_cookie_seal(m, a, cookie))
		return false;
	put_bytes(w, cookie, d->cookie_len < 0 ? len : (size_t)d->cookie_len);
	ntp_field_end(w, mark, 0);
	return true;
}

static void put_unknown_field(struct writer *w, size_t len)
{
	size_t mark = ntp_field_begin(w, UNKNOWN_FIELD);

	put_zeros(w, len);
	ntp_field_end(w, mark, 16);
}

/* Writes the fields to encrypt: the cookies. */
static bool write_secret(struct ntp_job *job, const struct master_keys *m)
{
	struct writer w = writer_of(job->secret, sizeof(job->secret));
	const struct ntp_draft *d = &job->draft;

	for (unsigned i = 0; i < d->cookies; i++) {
		if (!put_cookie(&w, d, m, &job->request.association))
			return false;
	}
	if (d->extra_len > 0)
		put_unknown_field(&w, d->extra_len);
	job->secret_len = w.len;
	return w.ok;
}

static bool put_authenticator(struct writer *w, const struct ntp_job *job)
{
	const struct association *a = &job->request.association;
	uint8_t sealed[NTP_PACKET_MAX + AEAD_TAG_LEN], nonce[AEAD_NONCE_MAX];
	size_t nonce_len = aead_nonce_len(a->aead), mark;

	if (!random_bytes(nonce, nonce_len) ||
	    !aead_seal(a->aead, a->keys.s2c, nonce, nonce_len, w->base, w->len,
		job->secret, job->secret_len, sealed))
		return false;
	mark = ntp_field_begin(w, NTP_EF_AUTHENTICATOR);
	put_u16(w, (uint16_t)nonce_len);
	put_u16(w, (uint16_t)(job->secret_len + AEAD_TAG_LEN));
	put_bytes(w, nonce, nonce_len);
	put_zeros(w, -nonce_len & 3);
	put_bytes(w, sealed, job->secret_len + AEAD_TAG_LEN);
	ntp_field_end(w, mark, 0);
	return w->ok;
}

/* If the answer does not fit or cannot be sealed, the length is 0. */
static void write_datagram(const struct ntp_job *job, const struct ntp_draft *d,
    struct datagram *datagram)
{
	struct writer w = writer_of(datagram->bytes, sizeof(datagram->bytes));
	bool good = true;
	size_t mark;

	ntp_header_put(&w, &d->header);
	if (d->uid_len > 0 && d->kind != NTP_HEADER_ONLY) {
		mark = ntp_field_begin(&w, NTP_EF_UNIQUE_ID);
		put_bytes(&w, d->uid, d->uid_len);
		ntp_field_end(&w, mark, 0);
	}
	if (d->kind == NTP_SEALED)
		good = put_authenticator(&w, job);
	if (d->tail)
		put_unknown_field(&w, 16);
	datagram->len = good && w.ok ? w.len : 0;
	datagram->copies = 1;
	datagram->hold_ns = 0;
}

/* Counts repeated cookies: a client must not send one twice (RFC 8915 5.7). */
static void note_cookie(struct service *s, const struct ntp_request *q)
{
	struct spent_cookies *spent = &s->spent;
	const uint8_t *nonce = q->cookie.at + COOKIE_NONCE_AT;

	for (unsigned i = 0; i < spent->count; i++) {
		if (memcmp(spent->nonce[i], nonce, NONCE_LEN) == 0) {
			s->counters.cookies_reused++;
			return;
		}
	}
	memcpy(spent->nonce[spent->next], nonce, NONCE_LEN);
	spent->next = (spent->next + 1) % SPENT_MAX;
	if (spent->count < SPENT_MAX)
		spent->count++;
}

static void log_request(
    const struct service *s, const struct ntp_request *q, size_t len)
{
	static const char *const words[] = {
	    [NTP_VALID] = "valid",
	    [NTP_DROPPED] = "dropped",
	    [NTP_NOT_NTS] = "not NTS",
	    [NTP_UNKNOWN_COOKIE] = "unknown cookie",
	    [NTP_FORGED] = "forged",
	};

	if (s->verbose)
		fprintf(stderr, "ntp: %s, %zu bytes, %u placeholders\n",
		    words[q->status], len, q->placeholders);
}

static void prepare_answer(
    struct service *s, struct mono now, struct ntp_job *job)
{
	note_cookie(s, &job->request);
	job->draft = answer_draft(s, &job->request, now);
	job->answered = write_secret(job, &s->masters);
	s->counters.ntp_answered += job->answered;
}

static void prepare_nak(struct service *s, struct ntp_job *job)
{
	job->draft = nak_draft(&job->request);
	job->answered = true;
	s->counters.naks++;
}

void ntp_prepare(struct service *s, const uint8_t *bytes, size_t len,
    struct mono now, struct ntp_job *job)
{
	struct ntp_request *q = &job->request;

	job->answered = false;
	*q = ntp_request_parse(&s->masters, bytes, len);
	s->counters.ntp_received++;
	ntp_request_apply_faults(q, len, &s->faults);
	log_request(s, q, len);
	switch (q->status) {
	case NTP_VALID:
		prepare_answer(s, now, job);
		break;
	case NTP_DROPPED:
		s->counters.dropped++;
		break;
	case NTP_NOT_NTS:
		s->counters.not_nts++;
		break;
	case NTP_FORGED:
		s->counters.forged++;
		prepare_nak(s, job);
		break;
	case NTP_UNKNOWN_COOKIE:
		prepare_nak(s, job);
		break;
	}
}

static void forge_naks(const struct service *s, const struct ntp_job *job,
    struct datagram *datagram)
{
	struct ntp_draft nak;

	if (!fault_on(&s->faults, FAULT_NTP_FORGED_NAK))
		return;
	nak = nak_draft(&job->request);
	write_datagram(job, &nak, datagram);
	datagram->copies =
	    (unsigned)fault_number(&s->faults, FAULT_NTP_FORGED_NAK);
}

/* The faults that repeat the last answer. */
static void replay(struct service *s, struct datagram datagrams[NTP_DATAGRAMS])
{
	struct datagram kept = s->last_answer;

	s->last_answer = datagrams[NTP_TRUE_ANSWER];
	if (fault_on(&s->faults, FAULT_NTP_REPLAY))
		datagrams[0] = kept;
	if (fault_on(&s->faults, FAULT_NTP_STALE))
		datagrams[NTP_TRUE_ANSWER] = kept;
}

static void finish_valid(struct service *s, struct ntp_job *job,
    struct wall received, struct wall sent,
    struct datagram datagrams[NTP_DATAGRAMS])
{
	forge_naks(s, job, &datagrams[0]);
	put_times(&job->draft, received, sent);
	write_datagram(job, &job->draft, &datagrams[NTP_TRUE_ANSWER]);
	replay(s, datagrams);
	ntp_datagram_apply_faults(&datagrams[NTP_TRUE_ANSWER], &s->faults);
}

void ntp_finish(struct service *s, struct ntp_job *job, struct wall received,
    struct wall sent, struct datagram datagrams[NTP_DATAGRAMS])
{
	datagrams[0].len = datagrams[NTP_TRUE_ANSWER].len = 0;
	if (job->answered && job->request.status == NTP_VALID)
		finish_valid(s, job, received, sent, datagrams);
	else if (job->answered)
		write_datagram(job, &job->draft, &datagrams[NTP_TRUE_ANSWER]);
	explicit_bzero(
	    &job->request.association, sizeof(job->request.association));
}
