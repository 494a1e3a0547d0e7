/* Certificate revocation lists (RFC 5280 section 5 and 6.3). */
#ifndef NTS_REVOCATION_H
#define NTS_REVOCATION_H

#include "base/check.h"

#include <stdbool.h>

struct stack_st_X509;
struct stack_st_X509_CRL;
struct X509_crl_st;
struct x509_st;

struct revocation {
	int error;		 /* X509_V_ERR_... */
	int depth;		 /* of the certificate in the path */
	struct X509_crl_st *crl; /* borrowed from the lists */
};

struct revocation_policy {
	bool check_dates;
	int level; /* OpenSSL's security level, for signatures of lists */
};

/*
 * Checks the certificates of a verified path, from the server's up, without the
 * trusted one at its end. A list counts for a certificate if the key of the
 * issuer signed it and it is for certificates of that kind. A certificate
 * without a list is not checked. If there are lists that are not current, and
 * none that is, the certificate is refused. A list of another distribution
 * point or for some reasons only can revoke, but does not count as current.
 * `lists` may be NULL. False: `out` tells why.
 */
bool revocation_check(const struct stack_st_X509 *path,
    const struct stack_st_X509_CRL *lists,
    const struct revocation_policy *policy, struct revocation *out) MUST_USE;

/* Can a list that the key of `issuer` signed be used now? X509_V_OK, or an
 * X509_V_ERR_... that says why not. */
int revocation_judge(struct X509_crl_st *list, struct x509_st *issuer,
    const struct revocation_policy *policy) MUST_USE;

/* Is it a list of changes to another list? Such a list is not used. */
bool revocation_is_delta(const struct X509_crl_st *list);

#endif
