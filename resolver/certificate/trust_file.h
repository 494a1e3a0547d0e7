/*
 * Reads a configured file or directory of certificates or revocation lists,
 * and reports every fault with its file and line.
 */
#ifndef RESOLVER_CERTIFICATE_TRUST_FILE_H
#define RESOLVER_CERTIFICATE_TRUST_FILE_H

#include "resolver/certificate/pem.h"

#define TRUST_FAULT_MAX 640

enum trust_fault {
	TRUST_UNREADABLE,      /* a file or directory */
	TRUST_BROKEN,	       /* one block of a file; the others are taken */
	TRUST_EMPTY,	       /* a file without anything to take */
	TRUST_EMPTY_DIRECTORY, /* a directory without a file to read */
	TRUST_OUTDATED,	       /* all certificates of a file have expired */
};

/* What the reader calls for all that it finds. A function may be NULL. */
struct trust_visitor {
	void *self;
	/* Takes a certificate or a list of `path`, which may have any bytes;
	 * `line` is 0 in DER. The reader frees it: keep a reference. False: it
	 * is of no use. */
	bool (*certificate)(
	    void *self, struct x509_st *c, const char *path, unsigned line);
	bool (*list)(void *self, struct X509_crl_st *list, const char *path,
	    unsigned line);
	/* `sentence` says what is wrong and how to fix it. */
	void (*fault)(void *self, enum trust_fault fault, const char *sentence);
	/* The file `path` has been read to its end. */
	void (*file)(void *self, const char *path);
};

/* Visits `path`. Returns how many files have something in them that is not
 * outdated. */
unsigned trust_visit(
    const char *path, enum pem_kind kind, const struct trust_visitor *v);

/* A bundle of all public CAs has about 0.3 MB. */
#define TRUST_FILE_MAX (16 << 20)

/* Reads a file of certificates. Returns its contents, which the caller frees.
 * NULL: see errno; EMEDIUMTYPE: not a regular file, EFBIG: larger than
 * TRUST_FILE_MAX. */
char *trust_read(const char *path, size_t *len) MUST_USE;

#endif
