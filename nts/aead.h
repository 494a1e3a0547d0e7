/*
 * The AEAD algorithms of NTS, with their numbers in the IANA registry "AEAD
 * Algorithms".
 *
 * The agent builds AES-SIV (RFC 5297) from OpenSSL's AES in ECB and CTR mode.
 * An NTS request has an empty plaintext, and the SIV of OpenSSL 3.0 returns an
 * all-zero tag for it. AES-128-GCM-SIV (RFC 8452) comes from OpenSSL 3.2 or
 * later, if the self-test passes.
 *
 * `sealed` is the ciphertext with its 16-byte tag. SIV puts the tag before
 * the ciphertext, GCM-SIV puts it after the ciphertext.
 */
#ifndef NTS_AEAD_H
#define NTS_AEAD_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aead_id {
	AEAD_NONE = 0,
	AEAD_AES_SIV_CMAC_256 = 15,
	AEAD_AES_SIV_CMAC_512 = 17,
	AEAD_AES_128_GCM_SIV = 30,
};

#define AEAD_KEY_MAX 64
#define AEAD_NONCE_MAX 16
#define AEAD_TAG_LEN 16
#define AEAD_COUNT 3

/* Returns the length of a key in bytes; 0 for an unknown algorithm. */
size_t aead_key_len(enum aead_id id);

/* Returns the length of a request's nonce in bytes: 16 for SIV, 12 for
 * GCM-SIV, 0 for an unknown algorithm. */
size_t aead_nonce_len(enum aead_id id);

/* Returns a name such as "AES-SIV-CMAC-256", or "none"; never NULL. */
const char *aead_name(enum aead_id id);

/*
 * Runs a self-test of each algorithm, with an empty plaintext among its cases.
 * Writes the algorithms that pass, in the order of preference: 30, 15, 17.
 * Returns their number; 0 means that the library is unusable. The
 * functions below keep what they have looked up in the library until the next
 * call of this one.
 */
size_t aead_available(enum aead_id out[AEAD_COUNT]);

/* Does the library use approved algorithms alone? Then it has no GCM-SIV. */
bool aead_fips_mode(void);

/*
 * Writes plain_len + AEAD_TAG_LEN bytes to `sealed`. `plain` may be NULL if
 * plain_len is 0. SIV takes a nonce of any length but 0, GCM-SIV one of 12
 * bytes. Returns false if the nonce does not fit, the algorithm is unknown or
 * the library fails; `sealed` is then undefined.
 */
bool aead_seal(enum aead_id id, const uint8_t *key, const uint8_t *nonce,
    size_t nonce_len, const uint8_t *ad, size_t ad_len, const uint8_t *plain,
    size_t plain_len, uint8_t *sealed) MUST_USE;

/*
 * Writes sealed_len - AEAD_TAG_LEN bytes to `plain`. Returns false and wipes
 * `plain` if the tag is wrong, the nonce does not fit, `sealed` is shorter
 * than a tag, the algorithm is unknown or the library fails.
 */
bool aead_open(enum aead_id id, const uint8_t *key, const uint8_t *nonce,
    size_t nonce_len, const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
    size_t sealed_len, uint8_t *plain) MUST_USE;

#endif
