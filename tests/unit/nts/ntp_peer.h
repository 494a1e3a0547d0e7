/*
 * The server's side of one NTP exchange with NTS: reads a request and seals an
 * answer. A test can change each part of the answer.
 */
#ifndef TESTS_UNIT_NTS_NTP_PEER_H
#define TESTS_UNIT_NTS_NTP_PEER_H

#include "nts/fields.h"

#include <string.h>

struct peer_request {
	struct ntp_header header;
	struct reader uid, cookie;
	unsigned placeholders;
	size_t placeholder_len, cookie_at, authenticator_at;
	bool authentic; /* and the authenticator is the last field */
};

static inline bool peer_authentic(const struct ntp_field *f,
    const uint8_t *start, enum aead_id aead, const uint8_t *c2s)
{
	struct reader r = f->body;
	size_t nonce_len = take_u16(&r), sealed_len = take_u16(&r);
	const uint8_t *nonce = take_bytes(&r, (nonce_len + 3) / 4 * 4);
	const uint8_t *sealed = take_bytes(&r, sealed_len);
	uint8_t none[1];

	return r.ok && sealed_len == AEAD_TAG_LEN &&
	       aead_open(aead, c2s, nonce, nonce_len, start, f->offset, sealed,
		   sealed_len, none);
}

/* Returns false if the request is malformed. */
static inline bool peer_read(const uint8_t *bytes, size_t len,
    enum aead_id aead, const uint8_t *c2s, struct peer_request *out)
{
	struct reader r = reader_of(bytes, len);
	struct ntp_field f;

	*out = (struct peer_request){0};
	if (!ntp_header_take(&r, &out->header))
		return false;
	while (ntp_field_take(&r, bytes, &f)) {
		out->authentic = false;
		if (f.type == NTP_EF_UNIQUE_ID) {
			out->uid = f.body;
		} else if (f.type == NTP_EF_COOKIE) {
			out->cookie = f.body;
			out->cookie_at = f.offset;
		} else if (f.type == NTP_EF_PLACEHOLDER) {
			out->placeholders++;
			out->placeholder_len = f.body.left;
		} else if (f.type == NTP_EF_AUTHENTICATOR) {
			out->authenticator_at = f.offset;
			out->authentic = peer_authentic(&f, bytes, aead, c2s);
		}
	}
	return r.ok;
}

struct peer_answer {
	enum aead_id aead;
	uint8_t s2c[AEAD_KEY_MAX];
	struct ntp_header header;
	uint8_t uid[64], nonce[64];
	size_t uid_len, nonce_len; /* uid_len 0: no field */
	unsigned uids;
	uint8_t clear[256]; /* fields between the uid and the authenticator */
	size_t clear_len;
	uint8_t plain[NTS_PACKET_MAX]; /* the encrypted fields */
	size_t plain_len;
	bool unsealed;
	uint8_t tail[64]; /* behind the authenticator */
	size_t tail_len;
};

/* Adds encrypted cookies of `len` bytes. All bytes of the first are `fill`, all
 * bytes of the second are `fill` + 1, and so on. */
static inline void peer_add_cookies(
    struct peer_answer *a, unsigned count, size_t len, uint8_t fill)
{
	struct writer w = writer_of(a->plain, sizeof(a->plain));

	w.len = a->plain_len;
	for (unsigned i = 0; i < count; i++, fill++) {
		size_t mark = ntp_field_begin(&w, NTP_EF_COOKIE);

		for (size_t k = 0; k < len; k++)
			put_u8(&w, fill);
		ntp_field_end(&w, mark, 16);
	}
	if (w.ok)
		a->plain_len = w.len;
}

/* Returns a good answer of a synchronised server, without cookies. */
static inline struct peer_answer peer_answer_to(
    const struct peer_request *q, enum aead_id aead, const uint8_t *s2c)
{
	struct peer_answer a = {
	    .aead = aead,
	    .header =
		{
		    .version = NTP_VERSION,
		    .mode = NTP_MODE_SERVER,
		    .stratum = 1,
		    .precision = -20,
		    .root_delay = 0x00010000,
		    .root_dispersion = 0x00008000,
		    .reference_id = NTP_REFID('G', 'P', 'S', 0),
		    .reference = UINT64_C(0xe8000000) << 32,
		    .origin = q->header.transmit,
		    .receive = UINT64_C(0xe8000001) << 32,
		    .transmit = (UINT64_C(0xe8000001) << 32) + 1000,
		},
	    .uid_len = q->uid.left < 64 ? q->uid.left : 64,
	    .uids = 1,
	    .nonce = {0x4e},
	    .nonce_len = aead_nonce_len(aead),
	};

	memcpy(a.s2c, s2c, sizeof(a.s2c));
	if (a.uid_len > 0)
		memcpy(a.uid, q->uid.at, a.uid_len);
	return a;
}

static inline void peer_seal(const struct peer_answer *a, struct writer *w)
{
	uint8_t sealed[NTS_PACKET_MAX + AEAD_TAG_LEN];
	size_t sealed_len = a->plain_len + AEAD_TAG_LEN, mark;

	if (!aead_seal(a->aead, a->s2c, a->nonce, a->nonce_len, w->base, w->len,
		a->plain, a->plain_len, sealed))
		w->ok = false;
	mark = ntp_field_begin(w, NTP_EF_AUTHENTICATOR);
	put_u16(w, (uint16_t)a->nonce_len);
	put_u16(w, (uint16_t)sealed_len);
	put_bytes(w, a->nonce, a->nonce_len);
	put_zeros(w, (4 - a->nonce_len % 4) % 4);
	put_bytes(w, sealed, sealed_len);
	ntp_field_end(w, mark, 28);
}

/* Writes the answer. Returns its length; 0 if it does not fit or cannot be
 * sealed. */
static inline size_t peer_write(
    const struct peer_answer *a, uint8_t *out, size_t size)
{
	struct writer w = writer_of(out, size);

	ntp_header_put(&w, &a->header);
	for (unsigned i = 0; i < a->uids && a->uid_len > 0; i++) {
		size_t mark = ntp_field_begin(&w, NTP_EF_UNIQUE_ID);

		put_bytes(&w, a->uid, a->uid_len);
		ntp_field_end(&w, mark, 16);
	}
	put_bytes(&w, a->clear, a->clear_len);
	if (!a->unsealed)
		peer_seal(a, &w);
	put_bytes(&w, a->tail, a->tail_len);
	return w.ok ? w.len : 0;
}

#endif
