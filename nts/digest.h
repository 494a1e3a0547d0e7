/* SHA-256, for checksums and for comparing what is too long to keep. */
#ifndef NTS_DIGEST_H
#define NTS_DIGEST_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32

struct digest {
	struct evp_md_ctx_st *state; /* owned; NULL: the library failed */
};

/* digest_end must follow. */
struct digest digest_begin(void);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* False: the library failed at any step. Frees in either case. */
bool digest_end(struct digest *d, uint8_t out[DIGEST_LEN]) MUST_USE;

/* All in one. */
bool digest_of(const void *bytes, size_t len, uint8_t out[DIGEST_LEN]) MUST_USE;

#endif
