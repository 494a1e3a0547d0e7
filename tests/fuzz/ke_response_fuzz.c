/*
 * NTS-KE answers. An accepted answer is within the limits of nts/ke.h, and has
 * the same values after it is written and read again.
 */
#include "nts/ke.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum aead_id offered[] = {
    AEAD_AES_128_GCM_SIV, AEAD_AES_SIV_CMAC_256, AEAD_AES_SIV_CMAC_512};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void put_number(struct writer *w, unsigned type, uint16_t value)
{
	const uint8_t body[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	ke_put_record(w, (uint16_t)type, body, sizeof(body));
}

static void build(struct writer *w, const struct ke_response *a)
{
	put_number(w, KE_CRITICAL | KE_NEXT_PROTOCOL, KE_PROTOCOL_NTPV4);
	put_number(w, KE_AEAD, (uint16_t)a->aead);
	if (a->compliant_gcm_siv)
		ke_put_record(w, KE_COMPLIANT_GCM_SIV, NULL, 0);
	if (a->server[0] != '\0')
		ke_put_record(w, KE_NTP_SERVER, a->server, strlen(a->server));
	if (a->port)
		put_number(w, KE_NTP_PORT, a->port);
	for (unsigned i = 0; i < a->cookie_count; i++)
		ke_put_record(
		    w, KE_COOKIE, a->cookies[i].bytes, a->cookies[i].len);
	ke_put_record(w, KE_CRITICAL | KE_END, NULL, 0);
}

static bool same(const struct ke_response *a, const struct ke_response *b)
{
	bool cookies = a->cookie_count == b->cookie_count;

	for (unsigned i = 0; cookies && i < a->cookie_count; i++)
		cookies = a->cookies[i].len == b->cookies[i].len &&
			  memcmp(a->cookies[i].bytes, b->cookies[i].bytes,
			      a->cookies[i].len) == 0;
	return cookies && a->aead == b->aead && a->port == b->port &&
	       a->compliant_gcm_siv == b->compliant_gcm_siv &&
	       strcmp(a->server, b->server) == 0;
}

static void check_again(const struct ke_response *a)
{
	uint8_t bytes[NTS_COOKIES * (NTS_COOKIE_MAX + 4) + 512];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct ke_response b;

	build(&w, a);
	check(w.ok && ke_response_complete(bytes, w.len, NULL));
	check(ke_response_parse(&b, bytes, w.len, offered, ARRAY_LEN(offered),
		  NULL) == NTS_OK);
	check(same(a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ke_response got = {.aead = AEAD_NONE};
	bool complete = ke_response_complete(data, size, NULL);
	unsigned detail;
	enum nts_err err = ke_response_parse(
	    &got, data, size, offered, ARRAY_LEN(offered), &detail);

	check(err < NTS_ERR_COUNT);
	if (err != NTS_OK) {
		/* A bad answer does not change the result. */
		check(got.aead == AEAD_NONE && got.cookie_count == 0);
		return 0;
	}
	check(complete && detail == 0 && aead_key_len(got.aead) > 0);
	check(got.cookie_count >= 1 && got.cookie_count <= NTS_COOKIES);
	check(memchr(got.server, '\0', sizeof(got.server)) != NULL);
	check_again(&got);
	return 0;
}
