/*
 * The server's cookies (RFC 8915 section 6): everything about one association,
 * sealed with a key that only the server has, so that it need not remember
 * its clients.
 *
 *	key id (2) AEAD id (2) nonce (16) | sealed with AEAD 15: c2s key, s2c
 *key
 *
 * The four bytes before the nonce are authenticated, too. Bytes behind the
 * cookie do not count: a field of an NTP packet is padded to four.
 */
#ifndef TESTS_SERVER_COOKIES_H
#define TESTS_SERVER_COOKIES_H

#include "base/check.h"
#include "nts/fields.h"

#define SERVER_COOKIE_MAX (4 + 16 + AEAD_TAG_LEN + 2 * AEAD_KEY_MAX)
#define MASTER_GENERATIONS 2

/* What a cookie stands for; secret. */
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

/* A new key for new cookies; cookies of the last one stay good. */
bool master_keys_rotate(struct master_keys *m) MUST_USE;

/* The same, but every cookie that was given out becomes worthless. */
bool master_keys_forget(struct master_keys *m) MUST_USE;

/* Length of a cookie for that algorithm. */
size_t server_cookie_len(enum aead_id aead);

/* Writes server_cookie_len() bytes. */
bool server_cookie_seal(const struct master_keys *m,
    const struct association *a, uint8_t out[SERVER_COOKIE_MAX]) MUST_USE;

/* False: not a cookie of ours, or its key is gone. */
bool server_cookie_open(const struct master_keys *m, const uint8_t *cookie,
    size_t len, struct association *out) MUST_USE;

/* Random bytes, at most 256. */
bool fresh_bytes(void *out, size_t len) MUST_USE;

#endif
