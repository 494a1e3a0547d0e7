/*
 * The AEAD algorithms that NTS uses (IANA "AEAD Algorithms" registry numbers).
 *
 * AES-SIV (RFC 5297) is built here from OpenSSL's CMAC and CTR, because
 * OpenSSL 3.0 cannot seal an empty plaintext with its own SIV and hands out an
 * all-zero tag; an NTS request has an empty plaintext. AES-128-GCM-SIV (RFC
 * 8452) is OpenSSL's, where it has it (3.2) and the self-test passes.
 *
 * Wire order of `sealed`: SIV puts the 16-byte tag before the ciphertext,
 * GCM-SIV behind it.
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
#define AEAD_KINDS 3

/* Bytes of one key; 0 for an algorithm that is not known. */
size_t aead_key_len(enum aead_id id);

/* Bytes of the nonce that requests carry: 16 for SIV, 12 for GCM-SIV. */
size_t aead_nonce_len(enum aead_id id);

/* "AES-SIV-CMAC-256", ...; never NULL. */
const char *aead_name(enum aead_id id);

/*
 * The algorithms that pass a known-answer test here and now, with an empty
 * plaintext among the cases, in the order of preference 30, 15, 17.
 * Returns how many; 0 means that the library is unusable.
 */
size_t aead_available(enum aead_id out[AEAD_KINDS]);

/*
 * Writes plain_len + AEAD_TAG_LEN bytes to `sealed`. `plain` may be NULL when
 * plain_len is 0. False on a library failure; `sealed` is then undefined.
 */
bool aead_seal(enum aead_id id, const uint8_t *key, const uint8_t *nonce,
    size_t nonce_len, const uint8_t *ad, size_t ad_len, const uint8_t *plain,
    size_t plain_len, uint8_t *sealed) MUST_USE;

/*
 * Writes sealed_len - AEAD_TAG_LEN bytes to `plain`. False when the tag is
 * wrong, the nonce length is not one the algorithm takes, or `sealed` is
 * shorter than a tag; `plain` is then wiped.
 */
bool aead_open(enum aead_id id, const uint8_t *key, const uint8_t *nonce,
    size_t nonce_len, const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
    size_t sealed_len, uint8_t *plain) MUST_USE;

#endif
