/*
 * An OpenSSL provider with AES-128-GCM-SIV, written from RFC 8452 with AES
 * alone. OpenSSL before 3.2 has no GCM-SIV, so that the tests could not run
 * the code that calls it. On request the provider has one of the faults that
 * the self-test of nts/aead must detect.
 */
#ifndef TESTS_UNIT_NTS_GCM_SIV_H
#define TESTS_UNIT_NTS_GCM_SIV_H

#include "nts/aead.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum gcm_siv_fault {
	GCM_SIV_CORRECT,
	GCM_SIV_NO_TAG,	   /* an empty plaintext gets an all-zero tag */
	GCM_SIV_ANY_TAG,   /* accepts every tag */
	GCM_SIV_WRONG_TAG, /* accepts no tag of a plaintext */
	GCM_SIV_WRONG_TEXT /* decrypts to a wrong plaintext */
};

static enum gcm_siv_fault gcm_siv_fault;

#define GCM_SIV_MUST(condition)                                                \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "GCM-SIV: %s failed\n", #condition);   \
			abort();                                               \
		}                                                              \
	} while (0)

#define GCM_SIV_AD_MAX 4096
#define GCM_SIV_BLOCK 16
#define GCM_SIV_NONCE 12

struct gcm_siv {
	bool sealing, have_tag;
	uint8_t key[16], nonce[GCM_SIV_NONCE], ad[GCM_SIV_AD_MAX];
	uint8_t given_tag[16], tag[16];
	size_t ad_len, plain_len;
};

/* 128 bits; not every compiler has a type for them. */
struct gcm_siv_number {
	uint64_t high, low;
};

/* All numbers of GCM-SIV are little-endian. */
static inline struct gcm_siv_number gcm_siv_number(
    const uint8_t *bytes, size_t len)
{
	struct gcm_siv_number n = {0, 0};

	while (len-- > 0) {
		n.high = n.high << 8 | n.low >> 56;
		n.low = n.low << 8 | bytes[len];
	}
	return n;
}

static inline void gcm_siv_bytes(
    struct gcm_siv_number n, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		out[i] = (uint8_t)n.low;
		n.low = n.low >> 8 | n.high << 56;
		n.high >>= 8;
	}
}

static inline struct gcm_siv_number gcm_siv_add(
    struct gcm_siv_number a, struct gcm_siv_number b)
{
	return (struct gcm_siv_number){a.high ^ b.high, a.low ^ b.low};
}

static inline struct gcm_siv_number gcm_siv_halve(struct gcm_siv_number n)
{
	return (struct gcm_siv_number){n.high >> 1, n.low >> 1 | n.high << 63};
}

static inline void gcm_siv_aes(const uint8_t key[16],
    const uint8_t in[GCM_SIV_BLOCK], uint8_t out[GCM_SIV_BLOCK])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	GCM_SIV_MUST(ctx && EVP_EncryptInit_ex2(
				ctx, EVP_aes_128_ecb(), key, NULL, NULL));
	GCM_SIV_MUST(EVP_EncryptUpdate(ctx, out, &n, in, GCM_SIV_BLOCK));
	EVP_CIPHER_CTX_free(ctx);
}

/* RFC 8452 section 4: `which` 0 is the key of the tag, 1 that of the text. */
static inline void gcm_siv_derive(
    const struct gcm_siv *s, uint8_t which, uint8_t out[16])
{
	for (uint8_t half = 0; half < 2; half++) {
		uint8_t in[GCM_SIV_BLOCK] = {(uint8_t)(2 * which + half)};
		uint8_t block[GCM_SIV_BLOCK];

		memcpy(in + 4, s->nonce, sizeof(s->nonce));
		gcm_siv_aes(s->key, in, block);
		memcpy(out + 8 * half, block, 8);
	}
}

/* RFC 8452 section 3: a * b * x^-128. */
static inline struct gcm_siv_number gcm_siv_dot(
    struct gcm_siv_number a, struct gcm_siv_number b)
{
	const struct gcm_siv_number reduction = {UINT64_C(0xe1) << 56, 0};
	struct gcm_siv_number product = {0, 0};

	for (int i = 0; i < 128; i++, a = gcm_siv_halve(a)) {
		bool odd;

		if (a.low & 1)
			product = gcm_siv_add(product, b);
		odd = product.low & 1;
		product = gcm_siv_halve(product);
		if (odd)
			product = gcm_siv_add(product, reduction);
	}
	return product;
}

static inline struct gcm_siv_number gcm_siv_polyval(struct gcm_siv_number sum,
    struct gcm_siv_number key, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += GCM_SIV_BLOCK) {
		size_t left = len - i;

		sum = gcm_siv_add(
		    sum, gcm_siv_number(bytes + i,
			     left < GCM_SIV_BLOCK ? left : GCM_SIV_BLOCK));
		sum = gcm_siv_dot(sum, key);
	}
	return sum;
}

static inline void gcm_siv_make_tag(
    struct gcm_siv *s, const uint8_t *plain, size_t len)
{
	uint8_t key[16], block[GCM_SIV_BLOCK];
	const struct gcm_siv_number bits = {
	    8 * (uint64_t)len, 8 * (uint64_t)s->ad_len};
	struct gcm_siv_number sum = {0, 0}, h;

	gcm_siv_derive(s, 0, key);
	h = gcm_siv_number(key, sizeof(key));
	sum = gcm_siv_polyval(sum, h, s->ad, s->ad_len);
	sum = gcm_siv_polyval(sum, h, plain, len);
	sum = gcm_siv_dot(gcm_siv_add(sum, bits), h);
	sum = gcm_siv_add(sum, gcm_siv_number(s->nonce, GCM_SIV_NONCE));
	gcm_siv_bytes(sum, block, sizeof(block));
	block[15] &= 0x7f;
	gcm_siv_derive(s, 1, key);
	gcm_siv_aes(key, block, s->tag);
	if (gcm_siv_fault == GCM_SIV_NO_TAG && len == 0)
		memset(s->tag, 0, sizeof(s->tag));
}

/* Both directions: the counter begins with the tag. */
static inline void gcm_siv_ctr(struct gcm_siv *s, const uint8_t tag[16],
    const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t key[16], counter[GCM_SIV_BLOCK], pad[GCM_SIV_BLOCK];
	struct gcm_siv_number n;

	gcm_siv_derive(s, 1, key);
	memcpy(counter, tag, sizeof(counter));
	counter[15] |= 0x80;
	for (size_t i = 0; i < len; i++) {
		if (i % GCM_SIV_BLOCK == 0) {
			gcm_siv_aes(key, counter, pad);
			n = gcm_siv_number(counter, 4);
			n.low++;
			gcm_siv_bytes(n, counter, 4);
		}
		out[i] = in[i] ^ pad[i % GCM_SIV_BLOCK];
	}
}

static inline void *gcm_siv_new(void *provider)
{
	(void)provider;
	return calloc(1, sizeof(struct gcm_siv));
}

static inline void gcm_siv_free(void *ctx)
{
	free(ctx);
}

static inline int gcm_siv_start(struct gcm_siv *s, bool sealing,
    const unsigned char *key, const unsigned char *nonce)
{
	*s = (struct gcm_siv){.sealing = sealing};
	memcpy(s->key, key, sizeof(s->key));
	memcpy(s->nonce, nonce, sizeof(s->nonce));
	return 1;
}

static inline int gcm_siv_encrypt_init(void *ctx, const unsigned char *key,
    size_t key_len, const unsigned char *nonce, size_t nonce_len,
    const OSSL_PARAM params[])
{
	(void)params;
	return key_len == 16 && nonce_len == GCM_SIV_NONCE &&
	       gcm_siv_start(ctx, true, key, nonce);
}

static inline int gcm_siv_decrypt_init(void *ctx, const unsigned char *key,
    size_t key_len, const unsigned char *nonce, size_t nonce_len,
    const OSSL_PARAM params[])
{
	(void)params;
	return key_len == 16 && nonce_len == GCM_SIV_NONCE &&
	       gcm_siv_start(ctx, false, key, nonce);
}

/* As OpenSSL's: no output means associated data; the text comes whole, and in
 * decryption the tag has to come before it. */
static inline int gcm_siv_update(void *ctx, unsigned char *out, size_t *out_len,
    size_t out_size, const unsigned char *in, size_t len)
{
	struct gcm_siv *s = ctx;

	if (!in || (out && out_size < len) || (!out && len > sizeof(s->ad)))
		return 0;
	*out_len = len;
	if (!out) {
		memcpy(s->ad, in, len);
		s->ad_len = len;
	} else if (s->sealing) {
		gcm_siv_make_tag(s, in, len);
		gcm_siv_ctr(s, s->tag, in, len, out);
	} else if (s->have_tag) {
		gcm_siv_ctr(s, s->given_tag, in, len, out);
		gcm_siv_make_tag(s, out, len);
		if (gcm_siv_fault == GCM_SIV_WRONG_TEXT && len > 0)
			out[0] ^= 1;
	}
	s->plain_len = out ? len : 0;
	return 1;
}

static inline int gcm_siv_final(
    void *ctx, unsigned char *out, size_t *out_len, size_t out_size)
{
	struct gcm_siv *s = ctx;

	(void)out;
	(void)out_size;
	*out_len = 0;
	if (s->sealing || gcm_siv_fault == GCM_SIV_ANY_TAG)
		return 1;
	if (gcm_siv_fault == GCM_SIV_WRONG_TAG && s->plain_len > 0)
		return 0;
	return s->have_tag && memcmp(s->tag, s->given_tag, 16) == 0;
}

static inline int gcm_siv_get_ctx(void *ctx, OSSL_PARAM params[])
{
	struct gcm_siv *s = ctx;
	OSSL_PARAM *p;

	p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_KEYLEN);
	if (p && !OSSL_PARAM_set_size_t(p, sizeof(s->key)))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_IVLEN);
	if (p && !OSSL_PARAM_set_size_t(p, sizeof(s->nonce)))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD_TAG);
	return !p || OSSL_PARAM_set_octet_string(p, s->tag, sizeof(s->tag));
}

static inline int gcm_siv_set_ctx(void *ctx, const OSSL_PARAM params[])
{
	struct gcm_siv *s = ctx;
	const OSSL_PARAM *p =
	    OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TAG);

	if (p && p->data_size == sizeof(s->given_tag)) {
		memcpy(s->given_tag, p->data, sizeof(s->given_tag));
		s->have_tag = true;
	}
	return 1;
}

static inline int gcm_siv_get(OSSL_PARAM params[])
{
	static const struct {
		const char *name;
		size_t value;
	} sizes[] = {
	    {OSSL_CIPHER_PARAM_KEYLEN, 16},
	    {OSSL_CIPHER_PARAM_IVLEN, GCM_SIV_NONCE},
	    {OSSL_CIPHER_PARAM_BLOCK_SIZE, 1},
	};
	OSSL_PARAM *p;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		p = OSSL_PARAM_locate(params, sizes[i].name);
		if (p && !OSSL_PARAM_set_size_t(p, sizes[i].value))
			return 0;
	}
	p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD);
	return !p || OSSL_PARAM_set_int(p, 1);
}

static inline const OSSL_ALGORITHM *gcm_siv_query(
    void *provider, int operation, int *no_store)
{
	/* clang-format off */
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_CIPHER_NEWCTX, (void (*)(void))gcm_siv_new},
		{OSSL_FUNC_CIPHER_FREECTX, (void (*)(void))gcm_siv_free},
		{OSSL_FUNC_CIPHER_ENCRYPT_INIT, (void (*)(void))gcm_siv_encrypt_init},
		{OSSL_FUNC_CIPHER_DECRYPT_INIT, (void (*)(void))gcm_siv_decrypt_init},
		{OSSL_FUNC_CIPHER_UPDATE, (void (*)(void))gcm_siv_update},
		{OSSL_FUNC_CIPHER_FINAL, (void (*)(void))gcm_siv_final},
		{OSSL_FUNC_CIPHER_GET_PARAMS, (void (*)(void))gcm_siv_get},
		{OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))gcm_siv_get_ctx},
		{OSSL_FUNC_CIPHER_SET_CTX_PARAMS, (void (*)(void))gcm_siv_set_ctx},
		{0, NULL},
	};
	static const OSSL_ALGORITHM ciphers[] = {
		{"AES-128-GCM-SIV", "provider=test", functions, NULL},
		{NULL, NULL, NULL, NULL},
	};
	/* clang-format on */

	(void)provider;
	*no_store = 0;
	return operation == OSSL_OP_CIPHER ? ciphers : NULL;
}

static inline int gcm_siv_provider(const OSSL_CORE_HANDLE *core,
    const OSSL_DISPATCH *from_core, const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH functions[] = {
	    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))gcm_siv_query},
	    {0, NULL},
	};

	(void)core;
	(void)from_core;
	*out = functions;
	*provider = NULL;
	return 1;
}

static OSSL_PROVIDER *gcm_siv_default, *gcm_siv_test;
static const char *gcm_siv_choice;

static inline void gcm_siv_prefer(const char *properties)
{
	GCM_SIV_MUST(EVP_set_default_properties(NULL, properties));
}

/* A setup function for a group of tests. Loads the provider, but chooses the
 * library's own GCM-SIV if it has one that passes the self-test. */
static inline int gcm_siv_load(void **state)
{
	enum aead_id ids[AEAD_COUNT];

	(void)state;
	GCM_SIV_MUST(OSSL_PROVIDER_add_builtin(NULL, "test", gcm_siv_provider));
	gcm_siv_default = OSSL_PROVIDER_load(NULL, "default");
	gcm_siv_test = OSSL_PROVIDER_load(NULL, "test");
	GCM_SIV_MUST(gcm_siv_default && gcm_siv_test);
	gcm_siv_choice = "?provider=default";
	gcm_siv_prefer(gcm_siv_choice);
	if (aead_available(ids) < AEAD_COUNT)
		gcm_siv_choice = "?provider=test";
	gcm_siv_prefer(gcm_siv_choice);
	return 0;
}

/* The teardown function of the group. */
static inline int gcm_siv_unload(void **state)
{
	(void)state;
	OSSL_PROVIDER_unload(gcm_siv_test);
	OSSL_PROVIDER_unload(gcm_siv_default);
	return 0;
}

/* Gives GCM-SIV a fault, or repairs it. */
static inline void gcm_siv_break(enum gcm_siv_fault fault)
{
	gcm_siv_fault = fault;
	gcm_siv_prefer(
	    fault == GCM_SIV_CORRECT ? gcm_siv_choice : "?provider=test");
}

#endif
