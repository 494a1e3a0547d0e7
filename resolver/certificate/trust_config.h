/* What is configured about trust: which certificates, which ciphers. */
#ifndef RESOLVER_CERTIFICATE_TRUST_CONFIG_H
#define RESOLVER_CERTIFICATE_TRUST_CONFIG_H

#include "base/check.h"
#include "base/limits.h"
#include "nts/aead.h"

#define TRUST_PATHS_MAX 32

/* Read before every job, so that renewed files are seen. */
struct trust_config {
	bool system_certs; /* the library's default store as well */
	unsigned path_count;
	char paths[TRUST_PATHS_MAX][FILE_PATH_MAX]; /* PEM file or directory */
	/* AEADs to offer, in order; none: all that pass the self-test */
	unsigned aead_count;
	enum aead_id aeads[AEAD_KINDS];
};

/* Checks counts, closing NULs and algorithms. */
bool trust_config_valid(const struct trust_config *t) MUST_USE;

#endif
