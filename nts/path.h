/*
 * Finds a path from the certificate of a server to a trusted one, over all
 * certificates that were sent and all that are trusted (RFC 4158). A path
 * follows names and keys: authority key identifiers are hints, and a CA that
 * was renewed with the same key fits certificates that name the old one.
 * OpenSSL then checks each complete path; the first good one is taken.
 */
#ifndef NTS_PATH_H
#define NTS_PATH_H

#include "base/check.h"

#include <stdbool.h>

struct x509_st;
struct x509_store_ctx_st;
struct stack_st_X509;
struct stack_st_X509_CRL;
struct X509_crl_st;

/* The most certificates in a path. */
#define PATH_LENGTH_MAX 32

/* Why a certificate was refused. */
struct tls_refusal {
	int error;		     /* X509_V_ERR_...; 0: not refused */
	int depth;		     /* 0: the server's own certificate */
	int level;		     /* OpenSSL's security level */
	struct x509_st *certificate; /* at that depth, or NULL */
	struct stack_st_X509 *sent;  /* all certificates sent, or NULL */
	/* From the server's certificate as far as it got, or NULL. */
	struct stack_st_X509 *path;
	struct X509_crl_st *crl; /* that revokes it or is not usable, or NULL */
};

void path_refusal_free(struct tls_refusal *r);

/*
 * Judges the chain in `ctx`, with its parameters and its trusted certificates,
 * in place of X509_verify_cert(). `crls` are revocation lists, or NULL. True:
 * the path is the verified chain of `ctx`. False: `refusal`, which must be
 * empty, tells why; the caller frees it.
 *
 * Of several faults, the one on the most promising path is told: a revocation,
 * then dates alone, then another fault of a complete path, then the longest
 * path that does not reach a trusted certificate.
 */
bool path_check(struct x509_store_ctx_st *ctx,
    const struct stack_st_X509_CRL *crls, struct tls_refusal *refusal) MUST_USE;

/* Is the fault about dates alone, so that another clock may accept it? */
bool path_error_is_date(int error);

#endif
