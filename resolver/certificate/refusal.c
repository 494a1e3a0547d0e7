#include "base/host.h"
#include "resolver/certificate/fields.h"
#include "resolver/certificate/lists.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

/* A trusted certificate with the name of the issuer, which has another key;
 * NULL: none. The caller frees it. */
static X509 *trusted_namesake(const struct refusal *r)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_OBJECT *found = NULL;
	X509 *c = NULL;

	if (ctx && X509_STORE_CTX_init(ctx, r->trust->store, NULL, NULL))
		found = X509_STORE_CTX_get_obj_by_subject(
		    ctx, X509_LU_X509, X509_get_issuer_name(r->certificate));
	if (found)
		c = X509_OBJECT_get0_X509(found);
	if (c && !X509_up_ref(c))
		c = NULL;
	X509_OBJECT_free(found);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return c;
}

/* A certificate with the name of the issuer in the server's chain, borrowed;
 * NULL: none. */
static X509 *sent_namesake(const struct refusal *r)
{
	STACK_OF(X509) *sent = r->tls->sent;

	for (int i = 1; i < sk_X509_num(sent); i++)
		if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(sent, i)),
			X509_get_issuer_name(r->certificate)) == 0)
			return sk_X509_value(sent, i);
	return NULL;
}

/* A trusted file that we cannot read may have the missing certificate. */
static void lead_with_hidden(const struct refusal *r)
{
	if (r->trust->hidden[0] != '\0')
		sentence_add(
		    r->out, "%s; this may be the reason: ", r->trust->hidden);
}

#define FROM_CA                                                                \
	"get the root certificate from the CA itself, never from this "        \
	"connection"

/* An interceptor can copy the name of a CA, but not its key. */
static void say_other_key(const struct refusal *r, X509 *namesake)
{
	refusal_say_certificate(r);
	sentence_add(r->out, " names the trusted \"%s\"", r->issuer);
	refusal_say_origin(r, trust_origin_of(r->trust, namesake, NULL));
	sentence_add(r->out, " as its issuer, but another key signed it");
	refusal_say_interception(r, "that CA has a new key",
	    "get its current root certificate from the CA itself, never from "
	    "this connection");
}

/* Behind lead_with_hidden() there is no room for the list. */
static void say_sources(const struct refusal *r)
{
	if (r->trust->hidden[0] == '\0')
		sentence_add(r->out, " (%s)", r->trust->sources);
}

static void say_not_trusted(const struct refusal *r)
{
	sentence_add(r->out, ", which is not among the trusted certificates");
	say_sources(r);
}

/* The chain has a certificate with the issuer's name, but another key. */
static void say_bad_signature(const struct refusal *r)
{
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " has a signature that is not from the key of its issuer \"%s\" in "
	    "the server's chain",
	    r->issuer);
	refusal_say_interception(r, "the server sends a wrong CA certificate",
	    "let it send the certificate of the CA that issued its own");
}

/* Nobody can see whether the issuer is a root that is not trusted, or an
 * intermediate CA whose certificate the server must send. */
static void say_issuer_unknown(const struct refusal *r)
{
	X509 *namesake = trusted_namesake(r), *sent = sent_namesake(r);
	X509 *issuer = namesake ? namesake : sent;

	if (issuer && refusal_signature_is_weak(r)) {
		say_weak_signature(r);
	} else if (issuer && refusal_signature_is_unknown(r)) {
		say_unknown_signature(r);
	} else if (issuer && !X509_get0_pubkey(issuer)) {
		say_unknown_key(r, issuer);
	} else if (namesake) {
		say_other_key(r, namesake);
	} else if (sent) {
		say_bad_signature(r);
	} else {
		lead_with_hidden(r);
		refusal_say_certificate(r);
		sentence_add(r->out, " is issued by \"%s\"", r->issuer);
		say_not_trusted(r);
		refusal_say_interception(r,
		    "the server does not send the certificate of an "
		    "intermediate CA, or trusted-certs lacks the root",
		    "if that issuer is an intermediate CA, let the server send "
		    "its certificate, else " FROM_CA);
	}
	X509_free(namesake);
}

static void say_self_signed(const struct refusal *r)
{
	lead_with_hidden(r);
	sentence_add(r->out,
	    "the certificate \"%s\" is self-signed and not among the trusted "
	    "certificates",
	    r->subject);
	say_sources(r);
	refusal_say_interception(r, "the server has no certificate of a CA",
	    "give it one, or copy its own from its disk to trusted-certs, "
	    "never from this connection");
}

static void say_root_unknown(const struct refusal *r)
{
	X509 *namesake = trusted_namesake(r);

	if (namesake) {
		say_other_key(r, namesake);
	} else {
		lead_with_hidden(r);
		sentence_add(r->out,
		    "the chain of the server's certificate ends at the root "
		    "\"%s\"",
		    r->subject);
		say_not_trusted(r);
		refusal_say_interception(
		    r, "trusted-certs lacks that root", FROM_CA);
	}
	X509_free(namesake);
}

static void say_date_fix(const struct refusal *r, bool expired)
{
	switch (refusal_provenance(r)) {
	case FROM_SERVER_ITSELF:
		sentence_add(r->out, "%s",
		    expired ? "renew the certificate"
			    : "wait, issue the certificate again");
		break;
	case FROM_CHAIN:
		sentence_add(r->out, "%s",
		    expired ? "let the server send the renewed CA certificate"
			    : "wait, issue the certificate again");
		break;
	case FROM_FILE:
		sentence_add(r->out, "%s",
		    expired ? "replace it in that file by the renewed one of "
			      "that CA"
			    : "wait, replace it in that file");
		break;
	case FROM_SYSTEM:
		sentence_add(
		    r->out, "update the system's package ca-certificates");
		break;
	}
}

static void say_dates(const struct refusal *r)
{
	bool expired = r->tls->error == X509_V_ERR_CERT_HAS_EXPIRED;
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char now[CERTIFICATE_DATE_MAX];

	certificate_date(certificate_not_before(r->certificate), from);
	certificate_date(certificate_not_after(r->certificate), to);
	certificate_date(r->now_unix_s, now);
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " %s: it is valid from %s to %s and the local clock says %s; ",
	    expired ? "has expired" : "is not yet valid", from, to, now);
	say_date_fix(r, expired);
	sentence_add(r->out, ", or correct the local clock if it is wrong");
}

static void say_too_long(const struct refusal *r)
{
	sentence_add(r->out,
	    "the chain of the certificate \"%s\" is too long: more than %d "
	    "certificates up to a trusted one, too many of one name, or keys "
	    "of unusual sizes; let the server send only its own chain",
	    r->subject, PATH_LENGTH_MAX);
}

/* clang-format off */
static const struct {
	int error;
	void (*say)(const struct refusal *r);
} sayings[] = {
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, say_issuer_unknown},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, say_issuer_unknown},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, say_issuer_unknown},
	{X509_V_ERR_CERT_UNTRUSTED, say_issuer_unknown},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, say_issuer_unknown},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, say_self_signed},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, say_root_unknown},
	{X509_V_ERR_CERT_HAS_EXPIRED, say_dates},
	{X509_V_ERR_CERT_NOT_YET_VALID, say_dates},
	{X509_V_ERR_HOSTNAME_MISMATCH, say_wrong_name},
	{X509_V_ERR_IP_ADDRESS_MISMATCH, say_wrong_name},
	{X509_V_ERR_EE_KEY_TOO_SMALL, say_weak},
	{X509_V_ERR_CA_KEY_TOO_SMALL, say_weak},
	{X509_V_ERR_CA_MD_TOO_WEAK, say_weak_signature},
	{X509_V_ERR_INVALID_PURPOSE, say_wrong_purpose},
	{X509_V_ERR_INVALID_CA, say_not_a_ca},
	{X509_V_ERR_KEYUSAGE_NO_CERTSIGN, say_no_cert_sign},
	{X509_V_ERR_PATH_LENGTH_EXCEEDED, say_path_too_long},
	{X509_V_ERR_CERT_CHAIN_TOO_LONG, say_too_long},
	{X509_V_ERR_PERMITTED_VIOLATION, say_name_constraints},
	{X509_V_ERR_EXCLUDED_VIOLATION, say_name_constraints},
	{X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, say_name_constraints},
	{X509_V_ERR_SUBTREE_MINMAX, say_bad_constraints},
	{X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, say_bad_constraints},
	{X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, say_bad_name},
	{X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, say_unknown_extension},
	{X509_V_ERR_UNSPECIFIED, say_bad_extension},
	{X509_V_ERR_CERT_REVOKED, say_revoked},
	{X509_V_ERR_CRL_HAS_EXPIRED, say_list_dates},
	{X509_V_ERR_CRL_NOT_YET_VALID, say_list_dates},
	{X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, say_list_unknown},
	{X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, say_list_unusable},
	{X509_V_ERR_CRL_SIGNATURE_FAILURE, say_list_unusable},
	{X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, say_list_unusable},
	{X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, say_list_unusable},
};
/* clang-format on */

bool trust_refused_by_date(const struct tls_refusal *refusal)
{
	return path_error_is_date(refusal->error);
}

int64_t trust_refused_until(const struct tls_refusal *refusal)
{
	if (refusal->error == X509_V_ERR_CERT_NOT_YET_VALID &&
	    refusal->certificate)
		return certificate_not_before(refusal->certificate);
	if (refusal->error == X509_V_ERR_CRL_NOT_YET_VALID && refusal->crl)
		return certificate_time(X509_CRL_get0_lastUpdate(refusal->crl));
	return 0;
}

/* Nothing that is done on the server helps against those. */
static bool is_of_this_machine(
    const struct trust *t, const struct tls_refusal *refusal)
{
	const struct refusal r = {
	    .trust = t, .tls = refusal, .certificate = refusal->certificate};

	return r.certificate && refusal_provenance(&r) >= FROM_FILE;
}

enum certificate_fault trust_refusal_kind(
    const struct trust *t, const struct tls_refusal *refusal)
{
	switch (refusal->error) {
	case X509_V_OK:
		return CERTIFICATE_ACCEPTED;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return is_of_this_machine(t, refusal)
			   ? CERTIFICATE_TRUSTED_DATES
			   : CERTIFICATE_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return is_of_this_machine(t, refusal)
			   ? CERTIFICATE_TRUSTED_DATES
			   : CERTIFICATE_EARLY;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return CERTIFICATE_WRONG_NAME;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return CERTIFICATE_UNKNOWN_ISSUER;
	default:
		return CERTIFICATE_OTHER_FAULT;
	}
}

static bool asks_for_new_certificate(const struct refusal *r)
{
	return r->tls->error != X509_V_ERR_CERT_CHAIN_TOO_LONG &&
	       (!r->tls->crl || r->tls->error == X509_V_ERR_CERT_REVOKED);
}

/* Somebody trusts the server's own certificate: the next one is a stranger. */
static void say_trusted_copy(const struct refusal *r)
{
	const struct trust_origin *origin =
	    trust_origin_of(r->trust, r->certificate, NULL);

	if (r->tls->depth > 0 || !origin || !origin->path ||
	    !asks_for_new_certificate(r))
		return;
	sentence_add(r->out, "; a new one must also replace the trusted copy");
	refusal_say_origin(r, origin);
}

static void say_error(const struct refusal *r)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		if (sayings[i].error == r->tls->error) {
			sayings[i].say(r);
			return;
		}
	}
	refusal_say_other(r);
}

void trust_explain_refusal(const struct trust *t,
    const struct tls_refusal *refusal, const char *host, int64_t now_unix_s,
    struct sentence *out)
{
	char name[HOST_MAX];
	struct refusal r = {.trust = t,
	    .tls = refusal,
	    .certificate = refusal->certificate,
	    .host = host_in_certificate(host, name) ? name : host,
	    .now_unix_s = now_unix_s,
	    .out = out};

	if (!r.certificate && sk_X509_num(refusal->sent) > 0)
		r.certificate = sk_X509_value(refusal->sent, 0);
	if (!r.certificate) {
		sentence_add(out, "the server's certificate is refused: %s",
		    X509_verify_cert_error_string(refusal->error));
		return;
	}
	certificate_subject(r.certificate, r.subject);
	certificate_issuer(r.certificate, r.issuer);
	say_error(&r);
	say_trusted_copy(&r);
}
