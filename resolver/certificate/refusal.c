#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* What the sentences need. */
struct refusal {
	const struct trust *trust;
	const struct tls_refusal *tls;
	X509 *certificate; /* the refused one, or that of the server */
	const char *host;
	int64_t now_unix_s;
	char subject[CERTIFICATE_NAME_MAX], issuer[CERTIFICATE_NAME_MAX];
	struct sentence *out;
};

/* "the certificate CN=x", or that of a CA. */
static void say_certificate(const struct refusal *r)
{
	if (r->tls->depth == 0)
		sentence_add(r->out, "the certificate %s", r->subject);
	else
		sentence_add(r->out,
		    "the CA certificate %s in the server's chain", r->subject);
}

/* Is a trusted certificate of the issuer's name there? If so, the CA has
 * probably a new key, and the trusted file has the old one. */
static bool issuer_name_is_trusted(const struct refusal *r)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_OBJECT *found = NULL;

	if (ctx && X509_STORE_CTX_init(ctx, r->trust->store, NULL, NULL))
		found = X509_STORE_CTX_get_obj_by_subject(
		    ctx, X509_LU_X509, X509_get_issuer_name(r->certificate));
	X509_OBJECT_free(found);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return found != NULL;
}

/* If a trusted file is unusable, that may be the reason, and is said first. */
static void lead_with_trust_problem(const struct refusal *r)
{
	if (r->trust->problem[0] != '\0')
		sentence_add(
		    r->out, "%s; this may be the reason: ", r->trust->problem);
}

static void say_other_key(const struct refusal *r)
{
	say_certificate(r);
	sentence_add(r->out,
	    " was not signed by the trusted %s but by another key of the same "
	    "name: was the CA renewed? Put its current root certificate into "
	    "trusted-certs",
	    r->issuer);
}

/* If the server has sent its own certificate alone, the issuer may be a root
 * that is not trusted, or an intermediate CA whose certificate it must send. */
static void say_issuer_unknown(const struct refusal *r)
{
	bool alone = r->tls->depth == 0;

	if (issuer_name_is_trusted(r)) {
		say_other_key(r);
		return;
	}
	lead_with_trust_problem(r);
	sentence_add(r->out,
	    "the certificate %s is issued by %s, which is not "
	    "among the trusted certificates (%s)",
	    r->subject, r->issuer, r->trust->sources);
	if (alone)
		sentence_add(r->out,
		    "; if that is an intermediate CA, configure the server to "
		    "send its certificate, too; otherwise add the root "
		    "certificate to trusted-certs");
	else
		sentence_add(
		    r->out, "; add the root certificate to trusted-certs");
}

static void say_self_signed(const struct refusal *r)
{
	lead_with_trust_problem(r);
	sentence_add(r->out,
	    "the certificate %s is self-signed and not among the trusted "
	    "certificates (%s); add it to trusted-certs, or give the server "
	    "a certificate from your CA",
	    r->subject, r->trust->sources);
}

static void say_root_unknown(const struct refusal *r)
{
	lead_with_trust_problem(r);
	sentence_add(r->out,
	    "the chain of the server's certificate ends at the root %s, which "
	    "is not among the trusted certificates (%s); add it to "
	    "trusted-certs",
	    r->subject, r->trust->sources);
}

static void say_dates(const struct refusal *r)
{
	bool expired = r->tls->error == X509_V_ERR_CERT_HAS_EXPIRED;
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char now[CERTIFICATE_DATE_MAX];

	certificate_date(certificate_not_before(r->certificate), from);
	certificate_date(certificate_not_after(r->certificate), to);
	certificate_date(r->now_unix_s, now);
	say_certificate(r);
	sentence_add(r->out,
	    " %s: it is valid from %s to %s and the local clock says %s; %s, "
	    "or correct the local clock if it is wrong",
	    expired ? "has expired" : "is not yet valid", from, to, now,
	    expired ? "renew the certificate"
		    : "wait, issue the certificate again");
}

static void say_wrong_name(const struct refusal *r)
{
	bool has_names;

	sentence_add(r->out, "the certificate %s is not for %s, it is for ",
	    r->subject, r->host);
	has_names = certificate_valid_for(r->certificate, r->out);
	sentence_add(r->out,
	    "; %sissue it again with %s as a subject alternative name",
	    has_names ? "configure one of these names, or " : "", r->host);
}

static void say_weak(const struct refusal *r)
{
	EVP_PKEY *key = X509_get0_pubkey(r->certificate);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;

	say_certificate(r);
	sentence_add(r->out,
	    " has a weak key (%s of %d bits); issue it again with an RSA key "
	    "of at least 2048 bits or an EC key of at least 224 bits",
	    type ? type : "unknown", key ? EVP_PKEY_get_bits(key) : 0);
}

static void say_weak_signature(const struct refusal *r)
{
	int nid = X509_get_signature_nid(r->certificate);

	say_certificate(r);
	sentence_add(r->out,
	    " has a weak signature (%s); issue it again with SHA-256 or better",
	    OBJ_nid2ln(nid));
}

static void say_wrong_purpose(const struct refusal *r)
{
	say_certificate(r);
	sentence_add(
	    r->out, r->tls->depth == 0
			? " is not for a TLS server; issue it again with "
			  "the extended key usage serverAuth"
			: " may not issue certificates for TLS servers");
}

static void say_not_a_ca(const struct refusal *r)
{
	sentence_add(r->out,
	    "the certificate %s in the server's chain is not that of a CA "
	    "(basic constraints), but it issued another one",
	    r->subject);
}

static void say_bad_signature(const struct refusal *r)
{
	if (issuer_name_is_trusted(r)) {
		say_other_key(r);
		return;
	}
	say_certificate(r);
	sentence_add(r->out, " has a signature that is not from its issuer %s",
	    r->issuer);
}

static void say_other(const struct refusal *r)
{
	say_certificate(r);
	sentence_add(r->out, " is refused: %s",
	    X509_verify_cert_error_string(r->tls->error));
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
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, say_bad_signature},
};
/* clang-format on */

bool trust_refused_by_date(const struct tls_refusal *refusal)
{
	return refusal->error == X509_V_ERR_CERT_HAS_EXPIRED ||
	       refusal->error == X509_V_ERR_CERT_NOT_YET_VALID;
}

void trust_explain_refusal(const struct trust *t,
    const struct tls_refusal *refusal, const char *host, int64_t now_unix_s,
    struct sentence *out)
{
	struct refusal r = {.trust = t,
	    .tls = refusal,
	    .certificate = refusal->certificate,
	    .host = host,
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
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		if (sayings[i].error == refusal->error) {
			sayings[i].say(&r);
			return;
		}
	}
	say_other(&r);
}
