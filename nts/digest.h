/* SHA-256: checksums of files, and comparisons of data too long to keep. MD5:
 * only for the reference identifier of an IPv6 address, RFC 5905 section 7.3.
 */
#ifndef NTS_DIGEST_H
#define NTS_DIGEST_H

#include "base/check.h"
#include "nts/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32

struct digest {
	struct evp_md_ctx_st *state; /* owned; NULL after a library failure */
};

/* Begins a digest; digest_end() must follow, because it frees the state. */
struct digest digest_begin(void);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Writes the digest and frees the state. Returns false if the library failed
 * at any step. */
bool digest_end(struct digest *d, uint8_t out[DIGEST_LEN]) MUST_USE;

/* Begins, adds and ends in one call. */
bool digest_of(const void *bytes, size_t len, uint8_t out[DIGEST_LEN]) MUST_USE;

/* Appends the digest of all that was written. If the library fails, the writer
 * fails. */
void digest_put(struct writer *w);
/* Does the digest of everything before stand at the end of these bytes? */
bool digest_ends(const uint8_t *bytes, size_t len) MUST_USE;

#define DIGEST_MD5_LEN 16

/* False: the library has no MD5, as in FIPS mode. */
bool digest_md5_of(
    const void *bytes, size_t len, uint8_t out[DIGEST_MD5_LEN]) MUST_USE;

#endif
