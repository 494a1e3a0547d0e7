/*
 * An NTS server in memory: enough of one to test a source and the engine
 * without a socket. tests/server/ has the one with sockets.
 */
#ifndef TESTS_UNIT_AGENT_ENGINE_PEER_H
#define TESTS_UNIT_AGENT_ENGINE_PEER_H

#include "nts/fields.h"
#include "resolver/frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_COOKIE_LEN 100

struct peer {
	struct nts_keys keys;
	uint8_t stratum, leap;
	uint64_t reference;	  /* when it set its clock */
	uint32_t reference_id;	  /* with another stratum than 0 */
	uint32_t root_dispersion; /* 2^-16 s */
	uint32_t kiss;		  /* reference id; with stratum 0 */
	bool no_cookies;	  /* answers bring no new ones */
	uint32_t minted;	  /* cookies so far; each carries its number */
};

/* The last four bytes of a cookie are its number, big-endian. */
static inline void peer_mint(
    struct peer *p, uint8_t fill, uint8_t out[PEER_COOKIE_LEN])
{
	struct writer w = writer_of(&out[PEER_COOKIE_LEN - 4], 4);

	memset(out, fill, PEER_COOKIE_LEN);
	put_u32(&w, ++p->minted);
}

static inline struct peer peer_make(uint8_t key)
{
	struct peer p = {.stratum = 1, .reference_id = 0x47505300};

	memset(&p.keys, key, sizeof(p.keys));
	return p;
}

/* What a key exchange with this peer brings. `address`: IPv4 or IPv6. */
static inline struct ke_answer peer_keys(
    struct peer *p, const struct ke_request *request, const char *address)
{
	struct ke_answer a = {
	    .source = request->source,
	    .serial = request->serial,
	    .stage = KE_STAGE_DONE,
	    .aead = AEAD_AES_SIV_CMAC_256,
	    .keys = p->keys,
	    .cookie_count = NTS_COOKIES,
	    .address_count = 1,
	    .facts.not_after = INT64_C(4102444800),
	};
	bool v6;

	v6 = strchr(address, ':') != NULL;
	a.addresses[0] = (struct endpoint){.family = v6 ? 6 : 4, .port = 123};
	if (inet_pton(
		v6 ? AF_INET6 : AF_INET, address, a.addresses[0].address) != 1)
		abort();
	a.facts.peer = a.addresses[0];
	snprintf(a.facts.subject, sizeof(a.facts.subject), "CN=peer");
	for (unsigned i = 0; i < NTS_COOKIES; i++) {
		a.cookies[i].len = PEER_COOKIE_LEN;
		peer_mint(p, (uint8_t)(i + 1), a.cookies[i].bytes);
	}
	return a;
}

struct peer_request {
	uint64_t transmit;
	uint8_t uid[NTS_UID_LEN];
	unsigned cookies_wanted;
	uint32_t cookie; /* the number of the cookie that was spent */
};

static inline uint32_t peer_cookie_number(struct reader body)
{
	take_bytes(&body, PEER_COOKIE_LEN - 4);
	return take_u32(&body);
}

/* False: these bytes are not a request. */
static inline bool peer_read(
    const uint8_t *bytes, size_t len, struct peer_request *out)
{
	struct reader r = reader_of(bytes, len);
	struct ntp_header h;
	struct ntp_field f;

	*out = (struct peer_request){0};
	if (!ntp_header_take(&r, &h) || h.mode != NTP_MODE_CLIENT)
		return false;
	out->transmit = h.transmit;
	while (ntp_field_take(&r, bytes, &f)) {
		if (f.type == NTP_EF_UNIQUE_ID)
			memcpy(out->uid, f.body.at, sizeof(out->uid));
		if (f.type == NTP_EF_COOKIE)
			out->cookie = peer_cookie_number(f.body);
		if (f.type == NTP_EF_COOKIE || f.type == NTP_EF_PLACEHOLDER)
			out->cookies_wanted++;
	}
	return r.ok;
}

static inline void peer_put_head(const struct peer *p,
    const struct peer_request *q, struct wall receive, struct wall transmit,
    struct writer *w)
{
	struct ntp_header h = {
	    .leap = p->leap,
	    .version = NTP_VERSION,
	    .mode = NTP_MODE_SERVER,
	    .stratum = p->stratum,
	    .poll = 6,
	    .precision = -25,
	    .root_dispersion = p->root_dispersion,
	    .reference_id = p->stratum == 0 ? p->kiss : p->reference_id,
	    .reference = p->reference,
	    .origin = q->transmit,
	    .receive = ntp_from_wall(receive),
	    .transmit = ntp_from_wall(transmit),
	};
	size_t mark;

	ntp_header_put(w, &h);
	mark = ntp_field_begin(w, NTP_EF_UNIQUE_ID);
	put_bytes(w, q->uid, sizeof(q->uid));
	ntp_field_end(w, mark, 16);
}

static inline void peer_seal(struct peer *p, unsigned cookies, struct writer *w)
{
	uint8_t nonce[16] = {9, 9, 9}, plain[2048], sealed[2048 + AEAD_TAG_LEN];
	uint8_t cookie[PEER_COOKIE_LEN];
	struct writer inner = writer_of(plain, sizeof(plain));
	size_t mark;

	for (unsigned i = 0; i < cookies && !p->no_cookies; i++) {
		peer_mint(p, (uint8_t)(0x80 + i), cookie);
		mark = ntp_field_begin(&inner, NTP_EF_COOKIE);
		put_bytes(&inner, cookie, sizeof(cookie));
		ntp_field_end(&inner, mark, 16);
	}
	if (!aead_seal(AEAD_AES_SIV_CMAC_256, p->keys.s2c, nonce, sizeof(nonce),
		w->base, w->len, plain, inner.len, sealed))
		w->ok = false;
	mark = ntp_field_begin(w, NTP_EF_AUTHENTICATOR);
	put_u16(w, sizeof(nonce));
	put_u16(w, (uint16_t)(inner.len + AEAD_TAG_LEN));
	put_bytes(w, nonce, sizeof(nonce));
	put_bytes(w, sealed, inner.len + AEAD_TAG_LEN);
	ntp_field_end(w, mark, 28);
}

/* Writes an authentic answer. Returns its length; 0: `request` is not one. */
static inline size_t peer_answer(struct peer *p, const uint8_t *request,
    size_t len, struct wall receive, struct wall transmit, uint8_t *out,
    size_t size)
{
	struct writer w = writer_of(out, size);
	struct peer_request q;

	if (!peer_read(request, len, &q))
		return 0;
	peer_put_head(p, &q, receive, transmit, &w);
	peer_seal(p, q.cookies_wanted, &w);
	return w.ok ? w.len : 0;
}

/* Writes a kiss or NAK without an authenticator, as anybody on the path can
 * forge it. */
static inline size_t peer_forge(const uint8_t *request, size_t len,
    uint32_t kiss, uint8_t *out, size_t size)
{
	struct peer p = {.stratum = 0, .leap = LEAP_UNKNOWN, .kiss = kiss};
	struct writer w = writer_of(out, size);
	struct peer_request q;

	if (!peer_read(request, len, &q))
		return 0;
	peer_put_head(&p, &q, (struct wall){0}, (struct wall){0}, &w);
	return w.ok ? w.len : 0;
}

#endif
