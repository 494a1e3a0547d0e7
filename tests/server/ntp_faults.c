/*
 * The faults of NTP, a hook for each. They apply in four stages: to the
 * request, to the served time, to the draft of the answer, to its bytes.
 */
#include "tests/server/ntp.h"

#include <string.h>

/* Faults of the request */

static bool lose_larger(struct fault_setting *s, size_t len)
{
	return len > (size_t)s->number;
}

static bool every_one(struct fault_setting *s, size_t len)
{
	(void)s;
	(void)len;
	return true;
}

static bool every_nth(struct fault_setting *s, size_t len)
{
	(void)len;
	return ++s->hits % (unsigned long)s->number == 0;
}

static bool by_chance(struct fault_setting *s, size_t len)
{
	uint32_t drawn;

	(void)len;
	return random_bytes(&drawn, sizeof(drawn)) &&
	       drawn % 100 < (uint32_t)s->number;
}

static bool first_n(struct fault_setting *s, size_t len)
{
	(void)len;
	return ++s->hits <= (unsigned long)s->number;
}

static const struct {
	enum fault fault;
	enum ntp_status status;
	bool (*applies)(struct fault_setting *, size_t len);
} request_hooks[] = {
    {FAULT_NTP_DROP, NTP_DROPPED, every_one},
    {FAULT_NTP_DROP_EVERY, NTP_DROPPED, every_nth},
    {FAULT_NTP_DROP_FIRST, NTP_DROPPED, first_n},
    {FAULT_NTP_DROP_LARGER, NTP_DROPPED, lose_larger},
    {FAULT_NTP_LOSE, NTP_DROPPED, by_chance},
    {FAULT_NTP_NAK_ALL, NTP_UNKNOWN_COOKIE, every_one},
    {FAULT_NTP_NAK_FIRST, NTP_UNKNOWN_COOKIE, first_n},
};

/* The first fault that applies decides. Only valid requests are counted. */
void ntp_request_apply_faults(
    struct ntp_request *q, size_t len, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(request_hooks); i++) {
		enum fault fault = request_hooks[i].fault;

		if (q->status == NTP_VALID && fault_on(faults, fault) &&
		    request_hooks[i].applies(&faults->set[fault], len))
			q->status = request_hooks[i].status;
	}
}

/* Faults of the served time */

int64_t ntp_fault_offset_ns(const struct faults *faults, struct mono now)
{
	const struct fault_setting *lie = &faults->set[FAULT_NTP_LIE];
	const struct fault_setting *smear = &faults->set[FAULT_NTP_SMEAR];
	int64_t ahead_ns = lie->on ? lie->number * NS_PER_MS : 0;

	if (smear->on)
		ahead_ns +=
		    (now.ns - smear->since.ns) / 1000000 * smear->number;
	return ahead_ns;
}

/* Faults of the answer */

static void kiss_code(struct ntp_header *h, const char *code)
{
	char c[4] = {0};

	memcpy(c, code, strnlen(code, sizeof(c)));
	h->leap = LEAP_UNKNOWN;
	h->stratum = 0;
	h->reference_id = NTP_REFID(
	    (uint8_t)c[0], (uint8_t)c[1], (uint8_t)c[2], (uint8_t)c[3]);
}

static void kiss(struct ntp_draft *d, const struct fault_setting *s)
{
	kiss_code(&d->header, s->text);
}

static void plain_kiss(struct ntp_draft *d, const struct fault_setting *s)
{
	kiss_code(&d->header, s->text);
	d->kind = NTP_UNSEALED;
}

static void unsynchronised(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->header.leap = LEAP_UNKNOWN;
	d->header.stratum = 0;
	d->header.reference_id = 0;
}

static void leap(struct ntp_draft *d, const struct fault_setting *s)
{
	d->header.leap = (uint8_t)s->number;
}

static void stratum(struct ntp_draft *d, const struct fault_setting *s)
{
	d->header.stratum = (uint8_t)s->number;
}

static void mode(struct ntp_draft *d, const struct fault_setting *s)
{
	d->header.mode = (uint8_t)s->number;
}

static void version(struct ntp_draft *d, const struct fault_setting *s)
{
	d->header.version = (uint8_t)s->number;
}

static void zero_times(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->times = NTP_TIMES_ZERO;
}

static void reversed_times(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->times = NTP_TIMES_REVERSED;
}

static void long_thought(struct ntp_draft *d, const struct fault_setting *s)
{
	d->extra_processing_ns = s->number * NS_PER_MS;
}

static void wrong_origin(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->header.origin ^= 1;
}

static void wrong_uid(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->uid[0] ^= 1;
}

static void no_uid(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->uid_len = 0;
}

static void plain(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->kind = NTP_HEADER_ONLY;
}

static void no_authenticator(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->kind = NTP_UNSEALED;
}

static void no_cookies(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->cookies = 0;
}

static void cookie_length(struct ntp_draft *d, const struct fault_setting *s)
{
	d->cookie_len = s->number;
}

static void big(struct ntp_draft *d, const struct fault_setting *s)
{
	d->extra_len = (size_t)s->number;
}

static void tail(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->tail = true;
}

static const struct {
	enum fault fault;
	void (*apply)(struct ntp_draft *, const struct fault_setting *);
} draft_hooks[] = {
    {FAULT_NTP_KISS, kiss},
    {FAULT_NTP_PLAIN_KISS, plain_kiss},
    {FAULT_NTP_UNSYNC, unsynchronised},
    {FAULT_NTP_LEAP, leap},
    {FAULT_NTP_STRATUM, stratum},
    {FAULT_NTP_MODE, mode},
    {FAULT_NTP_VERSION_NUMBER, version},
    {FAULT_NTP_ZERO_TIMES, zero_times},
    {FAULT_NTP_REVERSED_TIMES, reversed_times},
    {FAULT_NTP_LONG_THOUGHT, long_thought},
    {FAULT_NTP_WRONG_ORIGIN, wrong_origin},
    {FAULT_NTP_WRONG_UID, wrong_uid},
    {FAULT_NTP_NO_UID, no_uid},
    {FAULT_NTP_PLAIN, plain},
    {FAULT_NTP_NO_AUTHENTICATOR, no_authenticator},
    {FAULT_NTP_NO_COOKIES, no_cookies},
    {FAULT_NTP_COOKIE_LENGTH, cookie_length},
    {FAULT_NTP_BIG, big},
    {FAULT_NTP_TAIL, tail},
};

void ntp_draft_apply_faults(
    struct ntp_draft *draft, const struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(draft_hooks); i++) {
		enum fault fault = draft_hooks[i].fault;

		if (fault_on(faults, fault))
			draft_hooks[i].apply(draft, &faults->set[fault]);
	}
}

/* Faults of the bytes */

static void flip_bit(struct datagram *p, struct fault_setting *s)
{
	size_t byte = (size_t)s->number / 8;

	if (byte < p->len)
		p->bytes[byte] ^= (uint8_t)(1u << (s->number % 8));
}

static void truncate_to(struct datagram *p, struct fault_setting *s)
{
	if (p->len > (size_t)s->number)
		p->len = (size_t)s->number;
}

static void duplicate(struct datagram *p, struct fault_setting *s)
{
	p->copies = (unsigned)s->number;
}

static void hold(struct datagram *p, struct fault_setting *s)
{
	p->hold_ns = s->number * NS_PER_MS;
}

static void hold_second(struct datagram *p, struct fault_setting *s)
{
	if (++s->hits % 2 == 0)
		p->hold_ns = s->number * NS_PER_MS;
}

static const struct {
	enum fault fault;
	void (*apply)(struct datagram *, struct fault_setting *);
} datagram_hooks[] = {
    {FAULT_NTP_FLIP_BIT, flip_bit},
    {FAULT_NTP_TRUNCATE, truncate_to},
    {FAULT_NTP_DUPLICATE, duplicate},
    {FAULT_NTP_DELAY, hold},
    {FAULT_NTP_REORDER, hold_second},
};

void ntp_datagram_apply_faults(struct datagram *datagram, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(datagram_hooks); i++) {
		enum fault fault = datagram_hooks[i].fault;

		if (fault_on(faults, fault))
			datagram_hooks[i].apply(datagram, &faults->set[fault]);
	}
}
