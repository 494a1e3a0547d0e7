/*
 * Finds certificates and revocation lists in the bytes of a file: PEM blocks
 * (RFC 7468), or one object in DER. A broken block costs that block only, and
 * two blocks may be joined without a line feed between them. DER that is not
 * such an object is a broken block, too.
 */
#ifndef RESOLVER_CERTIFICATE_PEM_H
#define RESOLVER_CERTIFICATE_PEM_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

struct x509_st;
struct X509_crl_st;

enum pem_kind { PEM_CERTIFICATE, PEM_CRL };

struct pem_reader {
	const char *bytes; /* borrowed */
	size_t len, at;
	enum pem_kind kind; /* what to look for; other blocks are skipped */
	unsigned line;	    /* of `at`, from 1 */
	bool der;	    /* one in DER ends at `at` */
	/* Blocks that were skipped: with a line END, and without one. */
	unsigned whole, torn;
};

/* One of the three is set. */
struct pem_block {
	unsigned line;		 /* where it begins; 0: the file is in DER */
	struct x509_st *c;	 /* the caller frees it */
	struct X509_crl_st *crl; /* the caller frees it */
	const char *fault;	 /* "the line END is missing" */
};

struct pem_reader pem_of(const char *bytes, size_t len, enum pem_kind kind);

/* Writes what the first block of the bytes is called, as in "PRIVATE KEY".
 * False: no block begins there. */
#define PEM_LABEL_MAX 40
bool pem_first_label(const char *bytes, size_t len, char out[PEM_LABEL_MAX]);

/* Takes the next block of that kind, good or broken. False: there is none. */
bool pem_next(struct pem_reader *r, struct pem_block *out) MUST_USE;

#endif
