#include "tests/server/ke_answer.h"

#include <string.h>

#define KE_ERROR_UNKNOWN_CRITICAL 0
#define KE_ERROR_BAD_REQUEST 1

static void take_protocols(struct ke_request *q, struct reader body)
{
	q->protocols = true;
	while (body.ok && body.left > 0) {
		uint16_t protocol = take_u16(&body);

		if (body.ok && protocol == KE_PROTOCOL_NTPV4)
			q->ntpv4 = true;
	}
	q->bad |= !body.ok;
}

static bool we_have(uint16_t aead)
{
	enum aead_id ours[AEAD_COUNT];
	size_t count = aead_available(ours);

	for (size_t i = 0; i < count; i++) {
		if (ours[i] == (enum aead_id)aead)
			return true;
	}
	return false;
}

/* Takes the client's first choice; RFC 8915 4.1.5 prescribes no order. */
static void take_aeads(struct ke_request *q, struct reader body)
{
	q->aeads = true;
	while (body.ok && body.left > 0) {
		uint16_t aead = take_u16(&body);

		if (body.ok && q->aead == AEAD_NONE && we_have(aead))
			q->aead = (enum aead_id)aead;
	}
	q->bad |= !body.ok;
}

static void take_record(struct ke_request *q, uint16_t head, struct reader body)
{
	switch (head & ~KE_CRITICAL) {
	case KE_NEXT_PROTOCOL:
		take_protocols(q, body);
		break;
	case KE_AEAD:
		take_aeads(q, body);
		break;
	case KE_COMPLIANT_GCM_SIV:
		q->compliant_gcm_siv = true;
		break;
	case KE_NTP_SERVER:
	case KE_NTP_PORT:
	case KE_END:
		break;
	default:
		/* RFC 8915 4: ignore an unknown record unless it is critical.
		 */
		q->unknown_critical |= (head & KE_CRITICAL) != 0;
	}
}

struct ke_request ke_request_parse(const uint8_t *bytes, size_t len)
{
	struct ke_request q = {0};
	struct reader r = reader_of(bytes, len);

	while (r.ok && r.left > 0) {
		uint16_t head = take_u16(&r);
		struct reader body = take_sub(&r, take_u16(&r));

		if (r.ok)
			take_record(&q, head, body);
	}
	/* RFC 8915 4.1.2, 4.1.5: a request for NTPv4 has both records. */
	q.bad |= !r.ok || !q.protocols || (q.ntpv4 && !q.aeads);
	return q;
}

static long error_of(const struct ke_request *q)
{
	if (q->unknown_critical)
		return KE_ERROR_UNKNOWN_CRITICAL;
	return q->bad ? KE_ERROR_BAD_REQUEST : KE_NONE;
}

struct ke_draft ke_draft_of(const struct ke_request *q, uint16_t port)
{
	bool agreed = q->ntpv4 && q->aead != AEAD_NONE;

	return (struct ke_draft){
	    .error = error_of(q),
	    .warning = KE_NONE,
	    .unknown_critical = KE_NONE,
	    .has_protocol = true,
	    .protocol_count = q->ntpv4,
	    .protocol = KE_PROTOCOL_NTPV4,
	    .has_aead = q->ntpv4,
	    .aead_count = agreed,
	    .aeads = {(uint16_t)q->aead, AEAD_AES_SIV_CMAC_512},
	    .compliant_gcm_siv =
		q->compliant_gcm_siv && q->aead == AEAD_AES_128_GCM_SIV,
	    .exporter_aead = (uint16_t)q->aead,
	    .port = port,
	    .end = true,
	    .cookies = agreed ? NTS_COOKIES : 0,
	    .cookie_len = KE_UNCHANGED,
	    .cut = KE_ANSWER_MAX,
	};
}

static void put_number(struct writer *w, uint16_t head, uint16_t value)
{
	uint8_t body[2];
	struct writer b = writer_of(body, sizeof(body));

	put_u16(&b, value);
	ke_put_record(w, head, body, sizeof(body));
}

static void put_choice(struct writer *w, const struct ke_draft *d)
{
	uint8_t body[4];
	struct writer b = writer_of(body, sizeof(body));

	if (d->has_protocol)
		ke_put_record(w, KE_CRITICAL | KE_NEXT_PROTOCOL,
		    (uint8_t[]){
			(uint8_t)(d->protocol >> 8), (uint8_t)d->protocol},
		    2 * d->protocol_count);
	for (unsigned i = 0; i < d->aead_count; i++)
		put_u16(&b, d->aeads[i]);
	if (d->has_aead)
		ke_put_record(w, KE_CRITICAL | KE_AEAD, body, b.len);
	if (d->compliant_gcm_siv)
		ke_put_record(w, KE_COMPLIANT_GCM_SIV, NULL, 0);
}

static void put_address(struct writer *w, const struct ke_draft *d)
{
	static const uint8_t odd[3] = {0, 123, 0};

	if (d->server)
		ke_put_record(w, KE_CRITICAL | KE_NTP_SERVER, d->server,
		    strlen(d->server));
	if (d->odd_port)
		ke_put_record(w, KE_CRITICAL | KE_NTP_PORT, odd, sizeof(odd));
	else if (d->port != 0)
		put_number(w, KE_CRITICAL | KE_NTP_PORT, (uint16_t)d->port);
}

static bool put_cookie(struct writer *w, const struct ke_draft *d,
    const struct association *a, const struct master_keys *m)
{
	uint8_t cookie[UINT16_MAX] = {0};
	size_t len = server_cookie_len(a->aead);

	if (!server_cookie_seal(m, a, cookie))
		return false;
	if (d->cookie_len != KE_UNCHANGED)
		len = (size_t)d->cookie_len;
	ke_put_record(w, KE_COOKIE, cookie, len);
	return true;
}

bool ke_draft_write(const struct ke_draft *d, const struct association *a,
    const struct master_keys *m, struct writer *w)
{
	/* IANA has not assigned this type. */
	const uint16_t junk = 0x5a5a;

	if (d->warning != KE_NONE)
		put_number(w, KE_CRITICAL | KE_WARNING, (uint16_t)d->warning);
	if (d->unknown_critical != KE_NONE)
		ke_put_record(w,
		    (uint16_t)(KE_CRITICAL | (unsigned)d->unknown_critical),
		    NULL, 0);
	if (d->error != KE_NONE) {
		put_number(w, KE_CRITICAL | KE_ERROR, (uint16_t)d->error);
	} else {
		put_choice(w, d);
		put_address(w, d);
		for (unsigned i = 0; i < d->junk; i++)
			put_number(w, junk, (uint16_t)i);
		for (unsigned i = 0; i < d->cookies; i++) {
			if (!put_cookie(w, d, a, m))
				return false;
		}
	}
	if (d->end)
		ke_put_record(w, KE_CRITICAL | KE_END, NULL, 0);
	return w->ok;
}
