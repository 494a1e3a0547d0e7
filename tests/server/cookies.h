/*
 * The cookies of the server (RFC 8915 section 6). A cookie contains the keys of
 * one association, sealed with a key of the server, so that the server need
 * not remember its clients. Its bytes:
 *
 *	key id (2), AEAD id (2), nonce (16)
 *	sealed with AEAD 15: c2s key, s2c key
 *
 * The four bytes before the nonce are authenticated, too. Bytes behind the
 * cookie are ignored, because a field of an NTP packet is padded.
 */
#ifndef TESTS_SERVER_COOKIES_H
#define TESTS_SERVER_COOKIES_H

#include "base/check.h"
#include "nts/fields.h"

#define SERVER_COOKIE_MAX (4 + 16 + AEAD_TAG_LEN + 2 * AEAD_KEY_MAX)
#define MASTER_GENERATIONS 2

/* The content of a cookie; secret. */
struct association {
	enum aead_id aead;
	struct nts_keys keys;
};

struct master_key {
	uint16_t id;
	uint8_t key[32];
};

/* Newest first. */
struct master_keys {
	struct master_key generation[MASTER_GENERATIONS];
	unsigned count;
};

/* Makes a key for new cookies; cookies of the previous key stay valid. */
bool master_keys_rotate(struct master_keys *m) MUST_USE;

/* Makes a key for new cookies; all older cookies become invalid. */
bool master_keys_forget(struct master_keys *m) MUST_USE;

/* Returns the length of a cookie for keys of `aead`, in bytes. */
size_t server_cookie_len(enum aead_id aead);

/* Writes server_cookie_len() bytes. */
bool server_cookie_seal(const struct master_keys *m,
    const struct association *a, uint8_t out[SERVER_COOKIE_MAX]) MUST_USE;

/* Returns false if the cookie is not ours, or its key was replaced. */
bool server_cookie_open(const struct master_keys *m, const uint8_t *cookie,
    size_t len, struct association *out) MUST_USE;

/* Writes random bytes, at most 256. */
bool random_bytes(void *out, size_t len) MUST_USE;

#endif
