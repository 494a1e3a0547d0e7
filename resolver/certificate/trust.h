/*
 * The trusted certificates and the revocation lists. Each job loads them again,
 * so that it sees renewed files. Also says why the certificate of a server was
 * refused.
 */
#ifndef RESOLVER_CERTIFICATE_TRUST_H
#define RESOLVER_CERTIFICATE_TRUST_H

#include "nts/digest.h"
#include "nts/path.h"
#include "resolver/certificate/trust_config.h"
#include "resolver/certificate/sentence.h"

#include <stdint.h>

#define TRUST_TEXT_MAX 400

/* Where a certificate or a revocation list came from; one of them is set. */
struct trust_origin {
	struct x509_st *c;	 /* with a reference of its own */
	struct X509_crl_st *crl; /* borrowed from the lists */
	char *path;		 /* NULL: out of memory */
	unsigned line;		 /* 0: the file is in DER */
};

struct trust {
	struct x509_store_st *store;	/* owned */
	struct stack_st_X509_CRL *crls; /* owned; the revocation lists */
	struct trust_origin *origins;	/* of all that came from our files */
	unsigned origin_count;
	bool system;	/* has the system's certificates, too */
	unsigned files; /* with a usable certificate */
	bool expired;	/* there are certificates, but all have expired */
	/* "the system's certificates and 2 files: /etc/a.crt and 1 more" */
	char sources[TRUST_TEXT_MAX];
	/* The first fault of a file, and how to fix it; "" if none. */
	char problem[TRUST_TEXT_MAX];
	/* The first fault that may hide a certificate from us; "" if none. */
	char hidden[TRUST_TEXT_MAX];
};

/*
 * Loads the configured certificates and revocation lists. A fault of a file of
 * certificates goes to `problem`; the rest is still used. False: there is no
 * trusted certificate, or a list cannot be read, and `why` is the reason; if
 * `expired`, the store may be used without a check of dates. The caller calls
 * trust_free() in any case.
 */
bool trust_load(struct trust *t, const struct trust_config *config,
    struct sentence *why) MUST_USE;
void trust_free(struct trust *t);

/* The file of a certificate, or of a list if `c` is NULL. NULL: it came from
 * the system or from the network. */
const struct trust_origin *trust_origin_of(const struct trust *t,
    const struct x509_st *c, const struct X509_crl_st *crl);

/* The trusted certificate that has signed this revocation list, which the
 * caller frees; NULL: none has. */
struct x509_st *trust_signer_of(
    const struct trust *t, struct X509_crl_st *list) MUST_USE;

#define TRUST_READ_PATHS_MAX (TRUST_PATHS_MAX + CRL_PATHS_MAX + 2)

/* Lists the files and directories that trust_load() reads, with those of the
 * system. They are borrowed from `config` and the environment. Returns how
 * many. */
unsigned trust_read_paths(
    const struct trust_config *config, const char *out[TRUST_READ_PATHS_MAX]);

#define TRUST_FINGERPRINT_LEN DIGEST_LEN

/*
 * A digest of what the trust in a key exchange depends on: the contents of the
 * configured files, revocation lists included, and, if they are trusted, of the
 * system's certificates, and the ciphers on offer. If it changes, keys of
 * earlier exchanges may no longer be trusted. False: the library failed.
 */
bool trust_fingerprint(const struct trust_config *config,
    uint8_t out[TRUST_FINGERPRINT_LEN]) MUST_USE;

/* Were the dates of a certificate the first fault that was found? */
bool trust_refused_by_date(const struct tls_refusal *refusal) MUST_USE;

/* The kinds of refusal that have a remedy each. */
enum certificate_fault {
	CERTIFICATE_ACCEPTED,
	CERTIFICATE_EXPIRED,
	CERTIFICATE_EARLY,
	CERTIFICATE_TRUSTED_DATES, /* of one of this machine */
	CERTIFICATE_WRONG_NAME,
	CERTIFICATE_UNKNOWN_ISSUER,
	CERTIFICATE_OTHER_FAULT,
	CERTIFICATE_FAULT_COUNT,
};
enum certificate_fault trust_refusal_kind(
    const struct trust *t, const struct tls_refusal *refusal);

/* When a certificate or list that is not yet valid becomes valid, in seconds
 * since 1970; 0: that is not the fault. */
int64_t trust_refused_until(const struct tls_refusal *refusal);

/* Says why a certificate was refused and what to do, with names, dates and the
 * local clock (`now_unix_s`). */
void trust_explain_refusal(const struct trust *t,
    const struct tls_refusal *refusal, const char *host, int64_t now_unix_s,
    struct sentence *out);

#endif
