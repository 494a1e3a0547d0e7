/* The configuration of trust: certificates and ciphers. */
#ifndef RESOLVER_CERTIFICATE_TRUST_CONFIG_H
#define RESOLVER_CERTIFICATE_TRUST_CONFIG_H

#include "base/check.h"
#include "base/limits.h"
#include "nts/aead.h"

#define TRUST_PATHS_MAX 32
#define CRL_PATHS_MAX 16

/* Each job reads the files again, so a renewed file counts at once. */
struct trust_config {
	bool system_certs; /* trust the system's certificates, too */
	unsigned path_count;
	char paths[TRUST_PATHS_MAX][FILE_PATH_MAX]; /* files, directories */
	unsigned crl_count;
	char crls[CRL_PATHS_MAX][FILE_PATH_MAX]; /* of revocation lists */
	/* AEADs to offer, in this order; none: all that pass the self-test. */
	unsigned aead_count;
	enum aead_id aeads[AEAD_COUNT];
};

/* Checks the counts, the algorithms, and that each path ends in its field. */
bool trust_config_valid(const struct trust_config *t) MUST_USE;

#endif
