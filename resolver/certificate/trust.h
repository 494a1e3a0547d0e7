/*
 * The trusted certificates. Each job loads them again, so that it sees renewed
 * files. Also says why a trusted file is not usable, and why the certificate of
 * a server was refused.
 */
#ifndef RESOLVER_CERTIFICATE_TRUST_H
#define RESOLVER_CERTIFICATE_TRUST_H

#include "nts/digest.h"
#include "nts/tls.h"
#include "resolver/certificate/trust_config.h"
#include "resolver/certificate/sentence.h"

#define TRUST_TEXT_MAX 400

struct trust {
	struct x509_store_st *store; /* owned */
	bool system;		     /* has the system's certificates, too */
	unsigned files;		     /* with a usable certificate */
	bool expired; /* there are certificates, but all have expired */
	/* "the system's certificates and 1 file: /etc/pki/rootca.crt" */
	char sources[TRUST_TEXT_MAX];
	/* The first unusable path, why, and how to fix it; "" if none. */
	char problem[TRUST_TEXT_MAX];
};

/*
 * Loads the configured certificates. An unusable path goes to `problem`; the
 * others are still used. False: there is no trusted certificate, and `why` is
 * the reason; if `expired`, the store may be used without a check of dates. The
 * caller calls trust_free() in any case.
 */
bool trust_load(struct trust *t, const struct trust_config *config,
    struct sentence *why) MUST_USE;
void trust_free(struct trust *t);

#define TRUST_READ_PATHS_MAX (TRUST_PATHS_MAX + 2)

/* Lists the files and directories that trust_load() reads, with those of the
 * system. They are borrowed from `config` and the environment. Returns how
 * many. */
unsigned trust_read_paths(
    const struct trust_config *config, const char *out[TRUST_READ_PATHS_MAX]);

/*
 * Can the present user of the process use this file or directory? For
 * --check-config. False: `why` says why not and how to fix it.
 */
bool trust_check_path(const char *path, struct sentence *why) MUST_USE;

/* A bundle of all public CAs has about 0.3 MB. */
#define TRUST_FILE_MAX (16 << 20)

/* Reads a file of certificates. Returns its contents, which the caller frees.
 * NULL: see errno; EMEDIUMTYPE: not a regular file, EFBIG: larger than
 * TRUST_FILE_MAX. */
char *trust_read(const char *path, size_t *len) MUST_USE;

#define TRUST_FINGERPRINT_LEN DIGEST_LEN

/*
 * A digest of what the trust in a key exchange depends on: the contents of the
 * configured files and, if they are trusted, of the system's certificates, and
 * the ciphers on offer. If it changes, keys of earlier exchanges may no longer
 * be trusted. False: the library failed.
 */
bool trust_fingerprint(const struct trust_config *config,
    uint8_t out[TRUST_FINGERPRINT_LEN]) MUST_USE;

/* Were the dates of a certificate the first fault that was found? */
bool trust_refused_by_date(const struct tls_refusal *refusal) MUST_USE;

/* Says why a certificate was refused and what to do, with names, dates and the
 * local clock (`now_unix_s`). */
void trust_explain_refusal(const struct trust *t,
    const struct tls_refusal *refusal, const char *host, int64_t now_unix_s,
    struct sentence *out);

#endif
