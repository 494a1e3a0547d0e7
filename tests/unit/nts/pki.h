/*
 * Certificates that the tests make, so that no certificate in the tree can
 * expire.
 */
#ifndef TESTS_UNIT_NTS_PKI_H
#define TESTS_UNIT_NTS_PKI_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PKI_DAY_S 86400L

struct pki_pair {
	X509 *certificate;
	EVP_PKEY *key;
};

struct pki_spec {
	const char *name; /* common name */
	const char *san;  /* "DNS:a,IP:192.0.2.1", NULL: none */
	bool ca;
	long from_s, to_s;   /* from now; both 0: one day before and after */
	const char *purpose; /* extended key usage, NULL: none */
	const char *usage;   /* key usage, NULL: none */
	const char *points;  /* CRL distribution points, NULL: none */
	unsigned rsa_bits;   /* 0: EC P-256 */
};

#define PKI_MUST(condition)                                                    \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "pki: %s failed\n", #condition);       \
			abort();                                               \
		}                                                              \
	} while (0)

static inline void pki_extend(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	PKI_MUST(extension && X509_add_ext(c, extension, -1));
	X509_EXTENSION_free(extension);
}

static inline void pki_name(X509 *c, const char *name)
{
	PKI_MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN",
	    MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0));
}

static inline void pki_dates(X509 *c, const struct pki_spec *spec)
{
	bool usual = spec->from_s == 0 && spec->to_s == 0;

	PKI_MUST(X509_gmtime_adj(
	    X509_getm_notBefore(c), usual ? -PKI_DAY_S : spec->from_s));
	PKI_MUST(X509_gmtime_adj(
	    X509_getm_notAfter(c), usual ? PKI_DAY_S : spec->to_s));
}

static inline EVP_PKEY *pki_key(unsigned rsa_bits)
{
	return rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
}

/* Issues a certificate. If `issuer` is NULL, it signs itself. */
static inline struct pki_pair pki_issue(
    const struct pki_pair *issuer, struct pki_spec spec)
{
	static long serial = 1;
	struct pki_pair p = {X509_new(), pki_key(spec.rsa_bits)};
	const struct pki_pair *by = issuer ? issuer : &p;

	PKI_MUST(p.certificate && p.key);
	PKI_MUST(X509_set_version(p.certificate, X509_VERSION_3));
	ASN1_INTEGER_set(X509_get_serialNumber(p.certificate), serial++);
	pki_name(p.certificate, spec.name);
	pki_dates(p.certificate, &spec);
	X509_set_pubkey(p.certificate, p.key);
	X509_set_issuer_name(
	    p.certificate, X509_get_subject_name(by->certificate));
	pki_extend(p.certificate, by->certificate, NID_basic_constraints,
	    spec.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	pki_extend(
	    p.certificate, by->certificate, NID_subject_key_identifier, "hash");
	if (issuer)
		pki_extend(p.certificate, by->certificate,
		    NID_authority_key_identifier, "keyid:always");
	if (spec.san)
		pki_extend(p.certificate, by->certificate, NID_subject_alt_name,
		    spec.san);
	if (spec.purpose)
		pki_extend(p.certificate, by->certificate, NID_ext_key_usage,
		    spec.purpose);
	if (spec.usage)
		pki_extend(
		    p.certificate, by->certificate, NID_key_usage, spec.usage);
	if (spec.points)
		pki_extend(p.certificate, by->certificate,
		    NID_crl_distribution_points, spec.points);
	PKI_MUST(X509_sign(p.certificate, by->key, EVP_sha256()));
	return p;
}

/* A revocation list of `issuer`. */
struct pki_list_spec {
	X509 *revoked, *also;  /* or NULL */
	long from_s, to_s;     /* from now; both 0: one day before and after */
	bool endless;	       /* no next update */
	int reason;	       /* 0: none */
	const char *scope;     /* issuing distribution point, NULL: none */
	int delta;	       /* of the list of this number; 0: complete */
	const char *authority; /* authorityKeyIdentifier, NULL: keyid:always */
};

static inline void pki_revoke(X509_CRL *list, X509 *c, int reason)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *at = X509_gmtime_adj(NULL, -3600);

	PKI_MUST(entry && at);
	X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(c));
	X509_REVOKED_set_revocationDate(entry, at);
	if (reason) {
		ASN1_ENUMERATED *n = ASN1_ENUMERATED_new();

		PKI_MUST(n && ASN1_ENUMERATED_set(n, reason) &&
			 X509_REVOKED_add1_ext_i2d(
			     entry, NID_crl_reason, n, 0, 0) == 1);
		ASN1_ENUMERATED_free(n);
	}
	PKI_MUST(X509_CRL_add0_revoked(list, entry));
	ASN1_TIME_free(at);
}

static inline void pki_list_extend(
    X509_CRL *list, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, list, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	PKI_MUST(extension && X509_CRL_add_ext(list, extension, -1));
	X509_EXTENSION_free(extension);
}

static inline X509_CRL *pki_list(
    const struct pki_pair *issuer, struct pki_list_spec spec)
{
	bool usual = spec.from_s == 0 && spec.to_s == 0;
	ASN1_TIME *from =
	    X509_gmtime_adj(NULL, usual ? -PKI_DAY_S : spec.from_s);
	ASN1_TIME *to = X509_gmtime_adj(NULL, usual ? PKI_DAY_S : spec.to_s);
	ASN1_INTEGER *base = ASN1_INTEGER_new();
	X509_CRL *list = X509_CRL_new();

	PKI_MUST(list && from && to && base);
	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(
	    list, X509_get_subject_name(issuer->certificate));
	X509_CRL_set1_lastUpdate(list, from);
	if (!spec.endless)
		X509_CRL_set1_nextUpdate(list, to);
	pki_list_extend(list, issuer->certificate, NID_authority_key_identifier,
	    spec.authority ? spec.authority : "keyid:always");
	if (spec.scope)
		pki_list_extend(list, issuer->certificate,
		    NID_issuing_distribution_point, spec.scope);
	if (spec.delta) {
		ASN1_INTEGER_set(base, spec.delta);
		PKI_MUST(X509_CRL_add1_ext_i2d(
			     list, NID_delta_crl, base, 1, 0) == 1);
	}
	if (spec.revoked)
		pki_revoke(list, spec.revoked, spec.reason);
	if (spec.also)
		pki_revoke(list, spec.also, spec.reason);
	X509_CRL_sort(list);
	PKI_MUST(X509_CRL_sign(list, issuer->key, EVP_sha256()));
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_INTEGER_free(base);
	return list;
}

static inline void pki_write_list(const char *path, X509_CRL *list)
{
	FILE *f = fopen(path, "w");

	PKI_MUST(f && PEM_write_X509_CRL(f, list));
	fclose(f);
}

static inline void pki_free(struct pki_pair *p)
{
	X509_free(p->certificate);
	EVP_PKEY_free(p->key);
	*p = (struct pki_pair){NULL, NULL};
}

static inline void pki_write(const char *path, X509 *certificate)
{
	FILE *f = fopen(path, "w");

	PKI_MUST(f && PEM_write_X509(f, certificate));
	fclose(f);
}

#endif
