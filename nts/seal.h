/*
 * Seals what the agent keeps on disk: encrypts and authenticates bytes with
 * AES-SIV-CMAC-512 (RFC 5297), so that only a process that has the key can
 * write or read them. Pure: nonces come as arguments.
 */
#ifndef NTS_SEAL_H
#define NTS_SEAL_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY_LEN 64
#define SEAL_NONCE_LEN 16
#define SEAL_TAG_LEN 16
/* Bytes that a seal adds: magic, version, nonce, tag. */
#define SEAL_EXTRA (8 + 2 + SEAL_NONCE_LEN + SEAL_TAG_LEN)

struct seal_key {
	uint32_t there; /* 1; 0: there is no key, and nothing can be sealed */
	uint8_t bytes[SEAL_KEY_LEN];
};

/* For a key that came in a message. */
bool seal_key_valid(const struct seal_key *key) MUST_USE;

/* Who a sealed file belongs to. A file that is moved to another name, or taken
 * for another kind, has a broken seal. */
struct seal_label {
	const char *kind; /* "keys" */
	const char *name; /* of the source; "" if there is one file */
};

enum seal_result {
	SEAL_GOOD,
	SEAL_MISSING, /* the bytes are not sealed */
	SEAL_OTHER,   /* sealed by another version of the program */
	SEAL_BROKEN,  /* changed, of another label, or with another key */
	SEAL_NO_KEY,
};

/* Writes len + SEAL_EXTRA bytes to `out`. The nonce is random. False: there is
 * no key, or the library fails; `out` is then undefined. */
bool seal_close(const struct seal_key *key, struct seal_label label,
    const uint8_t nonce[SEAL_NONCE_LEN], const uint8_t *plain, size_t len,
    uint8_t *out) MUST_USE;

/* Writes len - SEAL_EXTRA bytes to `plain`; all zeros if the result is not
 * SEAL_GOOD. */
enum seal_result seal_open(const struct seal_key *key, struct seal_label label,
    const uint8_t *sealed, size_t len, uint8_t *plain) MUST_USE;

/* A tag that only the key can make, for a text that stays readable. */
bool seal_text(const struct seal_key *key, struct seal_label label,
    const char *text, uint8_t out[SEAL_TAG_LEN]) MUST_USE;

#endif
