#include "nts/revocation.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

bool revocation_is_delta(const X509_CRL *list)
{
	return X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0;
}

/* RFC 5280 5.2: a list with an unknown critical extension must not be used to
 * accept a certificate. */
static bool knows_extensions(const X509_CRL *list)
{
	for (int i = 0; i < X509_CRL_get_ext_count(list); i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(list, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		if (X509_EXTENSION_get_critical(e) &&
		    nid != NID_issuing_distribution_point &&
		    nid != NID_authority_key_identifier &&
		    nid != NID_crl_number)
			return false;
	}
	return true;
}

/* RFC 5280 5.3: the same holds for the extensions of its entries. */
static bool knows_entry(const X509_REVOKED *entry)
{
	for (int i = 0; i < X509_REVOKED_get_ext_count(entry); i++) {
		X509_EXTENSION *e = X509_REVOKED_get_ext(entry, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		if (X509_EXTENSION_get_critical(e) && nid != NID_crl_reason &&
		    nid != NID_invalidity_date && nid != NID_certificate_issuer)
			return false;
	}
	return true;
}

static bool is_understood(X509_CRL *list)
{
	const STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
		if (!knows_entry(sk_X509_REVOKED_value(entries, i)))
			return false;
	return knows_extensions(list);
}

/* Do they have a name in common? Names relative to the issuer of the list,
 * which RFC 5280 4.2.1.13 advises against, never fit. */
static bool same_point(const DIST_POINT_NAME *a, const DIST_POINT_NAME *b)
{
	if (!a || !b || a->type != 0 || b->type != 0)
		return false;
	for (int i = 0; i < sk_GENERAL_NAME_num(a->name.fullname); i++)
		for (int j = 0; j < sk_GENERAL_NAME_num(b->name.fullname); j++)
			if (GENERAL_NAME_cmp(
				sk_GENERAL_NAME_value(a->name.fullname, i),
				sk_GENERAL_NAME_value(b->name.fullname, j)) ==
			    0)
				return true;
	return false;
}

static bool names_point(const X509 *c, const DIST_POINT_NAME *point)
{
	CRL_DIST_POINTS *all =
	    X509_get_ext_d2i(c, NID_crl_distribution_points, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_DIST_POINT_num(all) && !found; i++)
		found =
		    same_point(sk_DIST_POINT_value(all, i)->distpoint, point);
	CRL_DIST_POINTS_free(all);
	return found;
}

/* What a list can say about a certificate. */
enum fit {
	FIT_NONE,
	FIT_PART, /* only that the certificate is revoked */
	FIT_WHOLE,
};

/* RFC 5280 5.2.5: a list may be for some kinds of certificates, for those of
 * one distribution point, or for some reasons only. */
static enum fit fit_of_scope(const ISSUING_DIST_POINT *scope, X509 *c)
{
	bool ca = X509_check_ca(c) > 0;

	if (scope->onlyattr > 0 || (scope->onlyuser > 0 && ca) ||
	    (scope->onlyCA > 0 && !ca))
		return FIT_NONE;
	if (scope->onlysomereasons ||
	    (scope->distpoint && !names_point(c, scope->distpoint)))
		return FIT_PART;
	return FIT_WHOLE;
}

static enum fit fit_of(const X509_CRL *list, X509 *c)
{
	int found; /* -1: the list is for all */
	ISSUING_DIST_POINT *scope = X509_CRL_get_ext_d2i(
	    list, NID_issuing_distribution_point, &found, NULL);
	enum fit fit = found == -1 ? FIT_WHOLE : FIT_PART;

	if (scope)
		fit = fit_of_scope(scope, c);
	ISSUING_DIST_POINT_free(scope);
	return fit;
}

/* The search for the path has checked that the key of `issuer` signed `c`. */
static enum fit covers(X509_CRL *list, X509 *c, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	enum fit fit = FIT_NONE;

	if (key && !revocation_is_delta(list) &&
	    X509_NAME_cmp(X509_CRL_get_issuer(list),
		X509_get_subject_name(issuer)) == 0 &&
	    X509_CRL_verify(list, key) == 1)
		fit = fit_of(list, c);
	ERR_clear_error();
	return fit;
}

/* The digest of a signature, whose algorithm may have it as a parameter. */
static int digest_of(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *name;
	const void *value;
	int kind, digest = NID_undef, key;
	RSA_PSS_PARAMS *pss;

	X509_ALGOR_get0(&name, &kind, &value, algorithm);
	if (OBJ_obj2nid(name) != NID_rsassaPss) {
		(void)OBJ_find_sigid_algs(OBJ_obj2nid(name), &digest, &key);
		return digest;
	}
	pss = kind == V_ASN1_SEQUENCE
		  ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS))
		  : NULL;
	/* RFC 4055 3.1 */
	if (pss)
		digest = pss->hashAlgorithm
			     ? OBJ_obj2nid(pss->hashAlgorithm->algorithm)
			     : NID_sha1;
	RSA_PSS_PARAMS_free(pss);
	return digest;
}

/* Has the digest enough bits of security for a level of OpenSSL? */
static bool is_strong(const X509_CRL *list, int level)
{
	static const int bits_of_level[] = {0, 80, 112, 128, 192, 256};
	int highest = (int)ARRAY_LEN(bits_of_level) - 1, nid;
	const X509_ALGOR *algorithm;
	const EVP_MD *digest;

	if (level <= 0)
		return true;
	X509_CRL_get0_signature(list, NULL, &algorithm);
	nid = OBJ_obj2nid(algorithm->algorithm);
	if (nid == NID_ED25519)
		return level <= 3;
	if (nid == NID_ED448)
		return level <= 4;
	nid = digest_of(algorithm);
	digest = EVP_get_digestbynid(nid);
	/* Attacks have made SHA-1 weaker than its length. */
	return digest && nid != NID_sha1 &&
	       EVP_MD_get_size(digest) * 4 >=
		   bits_of_level[level < highest ? level : highest];
}

/* X509_cmp_current_time() returns 0 for a time that it cannot read. */
static int judge_dates(const X509_CRL *list)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
	int since = X509_cmp_current_time(X509_CRL_get0_lastUpdate(list));
	int until = next ? X509_cmp_current_time(next) : 1;

	if (since == 0)
		return X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD;
	if (until == 0)
		return X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD;
	if (since > 0)
		return X509_V_ERR_CRL_NOT_YET_VALID;
	return until < 0 ? X509_V_ERR_CRL_HAS_EXPIRED : X509_V_OK;
}

int revocation_judge(
    X509_CRL *list, X509 *issuer, const struct revocation_policy *policy)
{
	if (!is_understood(list))
		return X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION;
	/* RFC 5280 6.3.3 (f). All bits are set if there is no key usage. */
	if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
		return X509_V_ERR_KEYUSAGE_NO_CRL_SIGN;
	if (!is_strong(list, policy->level))
		return X509_V_ERR_CRL_SIGNATURE_FAILURE;
	return policy->check_dates ? judge_dates(list) : X509_V_OK;
}

static bool revokes(X509_CRL *list, X509 *c)
{
	X509_REVOKED *entry;

	/* 2: an entry that takes the certificate from a list. */
	return X509_CRL_get0_by_cert(list, &entry, c) == 1;
}

/* A list that is not current can revoke a certificate if there is no current
 * one, but it cannot say that a certificate is still good. */
static bool is_good(X509 *c, X509 *issuer, const STACK_OF(X509_CRL) * lists,
    const struct revocation_policy *policy, struct revocation *out)
{
	X509_CRL *revoking = NULL, *revoking_once = NULL;
	bool current = false;

	for (int i = 0; i < sk_X509_CRL_num(lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(lists, i);
		enum fit fit = covers(list, c, issuer);
		int error;

		if (fit == FIT_NONE)
			continue;
		error = revocation_judge(list, issuer, policy);
		current |= error == X509_V_OK && fit == FIT_WHOLE;
		if (error != X509_V_OK) {
			out->error = error;
			out->crl = list;
		}
		if (!revokes(list, c))
			continue;
		if (error == X509_V_OK)
			revoking = list;
		else
			revoking_once = list;
	}
	if (!current && !revoking)
		revoking = revoking_once;
	if (revoking) {
		out->error = X509_V_ERR_CERT_REVOKED;
		out->crl = revoking;
	}
	return !revoking && (current || !out->crl);
}

bool revocation_check(const STACK_OF(X509) * path,
    const STACK_OF(X509_CRL) * lists, const struct revocation_policy *policy,
    struct revocation *out)
{
	for (int i = 0; i + 1 < sk_X509_num(path); i++) {
		*out = (struct revocation){.depth = i};
		if (!is_good(sk_X509_value(path, i), sk_X509_value(path, i + 1),
			lists, policy, out))
			return false;
	}
	return true;
}
