/*
 * Which certificates are trusted, built anew for each job so that a renewed
 * file is seen, and why a server's certificate was refused, in words.
 */
#ifndef RESOLVER_CERTIFICATE_TRUST_H
#define RESOLVER_CERTIFICATE_TRUST_H

#include "nts/digest.h"
#include "nts/tls.h"
#include "resolver/certificate/trust_config.h"
#include "resolver/certificate/words.h"

#define TRUST_TEXT_MAX 400

struct trust {
	struct x509_store_st *store; /* owned */
	bool system;		     /* the system's certificates too */
	unsigned files;		     /* read and used */
	bool expired; /* nothing is of use, but only for its dates */
	/* "the system's certificates and 1 file: /etc/pki/rootca.crt" */
	char sources[TRUST_TEXT_MAX];
	/* The first path that is of no use, and what mends it; "" if none. */
	char problem[TRUST_TEXT_MAX];
};

/*
 * A path that is of no use does not spoil the others: it is noted in
 * `problem`. False when nothing at all is trusted; `why` has got the reason.
 * With `expired` the store may still be used where dates do not count.
 * trust_free in either case.
 */
bool trust_load(struct trust *t, const struct trust_config *config,
    struct words *why) MUST_USE;
void trust_free(struct trust *t);

#define TRUST_PLACES_MAX (TRUST_PATHS_MAX + 2)

/* The files and directories that trust_load reads, the system's among them.
 * Borrowed from `config` and the environment. Returns how many. */
unsigned trust_places(
    const struct trust_config *config, const char *out[TRUST_PLACES_MAX]);

/*
 * Is this file or directory of use, to the process's user as it is now? For
 * --check-config. False: `why` has got the reason and what mends it.
 */
bool trust_check_path(const char *path, struct words *why) MUST_USE;

/* A whole system's bundle has about 0.3 MB. */
#define TRUST_FILE_MAX (16 << 20)

/* Opens a file that may be read as certificates, and tells its size: a regular
 * one (else -EMEDIUMTYPE) of TRUST_FILE_MAX at most (else -EFBIG). No more than
 * that size is to be read, for it may grow. The descriptor, or -errno. */
int trust_open(const char *path, size_t *size) MUST_USE;

#define TRUST_FINGERPRINT_LEN DIGEST_LEN

/*
 * A digest of all that a key exchange is judged by: the files' contents, the
 * system's certificates where they count, and the ciphers on offer. Another
 * one means that keys made before may not be trusted any more. False: the
 * library failed.
 */
bool trust_fingerprint(const struct trust_config *config,
    uint8_t out[TRUST_FINGERPRINT_LEN]) MUST_USE;

/* Was it refused for dates that do not fit the local clock, and for nothing
 * else that was found before? */
bool trust_refused_dates(const struct tls_refusal *refusal) MUST_USE;

/* One sentence on a refused certificate: names, dates, the local clock
 * (`now_unix_s`), what to do. */
void trust_verdict(const struct trust *t, const struct tls_refusal *refusal,
    const char *host, int64_t now_unix_s, struct words *out);

#endif
