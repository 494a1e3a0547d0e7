/*
 * The faults of NTP, one hook each. Four stages: the request, the served time,
 * the draft of the answer, its bytes.
 */
#include "tests/server/ntp.h"

#include <string.h>

/* The request */

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
	return fresh_bytes(&drawn, sizeof(drawn)) &&
	       drawn % 100 < (uint32_t)s->number;
}

static bool first_n(struct fault_setting *s, size_t len)
{
	(void)len;
	return ++s->hits <= (unsigned long)s->number;
}

static const struct {
	enum fault fault;
	enum ntp_verdict verdict;
	bool (*applies)(struct fault_setting *, size_t len);
} request_hooks[] = {
    {FAULT_NTP_DROP, NTP_LOST, every_one},
    {FAULT_NTP_DROP_EVERY, NTP_LOST, every_nth},
    {FAULT_NTP_DROP_FIRST, NTP_LOST, first_n},
    {FAULT_NTP_DROP_LARGER, NTP_LOST, lose_larger},
    {FAULT_NTP_LOSE, NTP_LOST, by_chance},
    {FAULT_NTP_NAK_ALL, NTP_FOREIGN_COOKIE, every_one},
    {FAULT_NTP_NAK_FIRST, NTP_FOREIGN_COOKIE, first_n},
};

/* The first fault that applies decides; only genuine requests count. */
void ntp_request_spoil(struct ntp_request *q, size_t len, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(request_hooks); i++) {
		enum fault fault = request_hooks[i].fault;

		if (q->verdict == NTP_GENUINE && fault_on(faults, fault) &&
		    request_hooks[i].applies(&faults->set[fault], len))
			q->verdict = request_hooks[i].verdict;
	}
}

/* The served time */

int64_t ntp_lie_ns(const struct faults *faults, struct mono now)
{
	const struct fault_setting *lie = &faults->set[FAULT_NTP_LIE];
	const struct fault_setting *smear = &faults->set[FAULT_NTP_SMEAR];
	int64_t ahead_ns = lie->on ? lie->number * NS_PER_MS : 0;

	if (smear->on)
		ahead_ns +=
		    (now.ns - smear->since.ns) / 1000000 * smear->number;
	return ahead_ns;
}

/* The answer */

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
	d->times = NTP_TIMES_OF_ZERO;
}

static void reversed_times(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->times = NTP_TIMES_REVERSED;
}

static void long_thought(struct ntp_draft *d, const struct fault_setting *s)
{
	d->thought_ns = s->number * NS_PER_MS;
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
	d->kind = NTP_BARE;
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
	d->filling = (size_t)s->number;
}

static void tail(struct ntp_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->tail = true;
}

static const struct {
	enum fault fault;
	void (*spoil)(struct ntp_draft *, const struct fault_setting *);
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

void ntp_draft_spoil(struct ntp_draft *draft, const struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(draft_hooks); i++) {
		enum fault fault = draft_hooks[i].fault;

		if (fault_on(faults, fault))
			draft_hooks[i].spoil(draft, &faults->set[fault]);
	}
}

/* The bytes */

static void flip_bit(struct parcel *p, struct fault_setting *s)
{
	size_t byte = (size_t)s->number / 8;

	if (byte < p->len)
		p->bytes[byte] ^= (uint8_t)(1u << (s->number % 8));
}

static void truncate_to(struct parcel *p, struct fault_setting *s)
{
	if (p->len > (size_t)s->number)
		p->len = (size_t)s->number;
}

static void duplicate(struct parcel *p, struct fault_setting *s)
{
	p->copies = (unsigned)s->number;
}

static void hold(struct parcel *p, struct fault_setting *s)
{
	p->hold_ns = s->number * NS_PER_MS;
}

static void hold_second(struct parcel *p, struct fault_setting *s)
{
	if (++s->hits % 2 == 0)
		p->hold_ns = s->number * NS_PER_MS;
}

static const struct {
	enum fault fault;
	void (*spoil)(struct parcel *, struct fault_setting *);
} parcel_hooks[] = {
    {FAULT_NTP_FLIP_BIT, flip_bit},
    {FAULT_NTP_TRUNCATE, truncate_to},
    {FAULT_NTP_DUPLICATE, duplicate},
    {FAULT_NTP_DELAY, hold},
    {FAULT_NTP_REORDER, hold_second},
};

void ntp_parcel_spoil(struct parcel *parcel, struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(parcel_hooks); i++) {
		enum fault fault = parcel_hooks[i].fault;

		if (fault_on(faults, fault))
			parcel_hooks[i].spoil(parcel, &faults->set[fault]);
	}
}
