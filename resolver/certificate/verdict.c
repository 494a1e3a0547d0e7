#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* All that the sentences are made of. */
struct verdict {
	const struct trust *trust;
	const struct tls_refusal *refusal;
	X509 *certificate; /* the faulty one, or the server's own */
	const char *host;
	int64_t now_unix_s;
	char subject[CERTIFICATE_NAME_MAX], issuer[CERTIFICATE_NAME_MAX];
	struct words *out;
};

/* "the certificate CN=x", and of a CA's its place in the chain. */
static void say_certificate(const struct verdict *v)
{
	if (v->refusal->depth == 0)
		words_add(v->out, "the certificate %s", v->subject);
	else
		words_add(v->out, "the CA certificate %s in the server's chain",
		    v->subject);
}

/* A CA that was renewed with a new key leaves its old root behind. */
static bool issuer_name_is_trusted(const struct verdict *v)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_OBJECT *found = NULL;

	if (ctx && X509_STORE_CTX_init(ctx, v->trust->store, NULL, NULL))
		found = X509_STORE_CTX_get_obj_by_subject(
		    ctx, X509_LU_X509, X509_get_issuer_name(v->certificate));
	X509_OBJECT_free(found);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return found != NULL;
}

/* Where the reason may well be a trust file that could not be used, that is
 * said first: it is what has to be mended. */
static void lead_with_trust_problem(const struct verdict *v)
{
	if (v->trust->problem[0] != '\0')
		words_add(v->out, "%s; without it, ", v->trust->problem);
}

static void say_other_key(const struct verdict *v)
{
	say_certificate(v);
	words_add(v->out,
	    " was not signed by the trusted %s but by another key of that "
	    "name: was the CA renewed? Put its present root certificate into "
	    "trusted-certs",
	    v->issuer);
}

/* Only the server's own certificate came: is its issuer a root that is not
 * trusted, or an intermediate that the server fails to send? */
static void say_issuer_unknown(const struct verdict *v)
{
	bool alone = v->refusal->depth == 0;

	if (issuer_name_is_trusted(v)) {
		say_other_key(v);
		return;
	}
	lead_with_trust_problem(v);
	words_add(v->out,
	    "the certificate %s is issued by %s, which is not "
	    "among the trusted certificates (%s)",
	    v->subject, v->issuer, v->trust->sources);
	if (alone)
		words_add(v->out,
		    "; if that is an intermediate CA, let the server send its "
		    "certificate too, else add the root certificate to "
		    "trusted-certs");
	else
		words_add(
		    v->out, "; add the root certificate to trusted-certs");
}

static void say_self_signed(const struct verdict *v)
{
	lead_with_trust_problem(v);
	words_add(v->out,
	    "the certificate %s is self-signed and not among the trusted "
	    "certificates (%s); add it to trusted-certs, or give the server "
	    "a certificate of your CA",
	    v->subject, v->trust->sources);
}

static void say_root_unknown(const struct verdict *v)
{
	lead_with_trust_problem(v);
	words_add(v->out,
	    "the server's certificate leads to the root %s, which is not among "
	    "the trusted certificates (%s); add it to trusted-certs",
	    v->subject, v->trust->sources);
}

static void say_dates(const struct verdict *v)
{
	bool expired = v->refusal->error == X509_V_ERR_CERT_HAS_EXPIRED;
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char now[CERTIFICATE_DATE_MAX];

	certificate_date(certificate_not_before(v->certificate), from);
	certificate_date(certificate_not_after(v->certificate), to);
	certificate_date(v->now_unix_s, now);
	say_certificate(v);
	words_add(v->out,
	    " %s: it is valid from %s to %s and the local clock says %s; %s, "
	    "or correct the local clock if that is wrong",
	    expired ? "has expired" : "is not yet valid", from, to, now,
	    expired ? "renew the certificate"
		    : "wait or issue the certificate anew");
}

static void say_wrong_name(const struct verdict *v)
{
	words_add(v->out, "the certificate %s is not for %s, it is for ",
	    v->subject, v->host);
	certificate_valid_for(v->certificate, v->out);
	words_add(v->out,
	    "; configure a name it is for, or have it issued with %s as "
	    "subject alternative name",
	    v->host);
}

static void say_weak(const struct verdict *v)
{
	EVP_PKEY *key = X509_get0_pubkey(v->certificate);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;

	say_certificate(v);
	words_add(v->out,
	    " has a weak key (%s of %d bits); issue it anew with RSA of 2048 "
	    "bits or more, or EC of 224 or more",
	    type ? type : "unknown", key ? EVP_PKEY_get_bits(key) : 0);
}

static void say_weak_signature(const struct verdict *v)
{
	int nid = X509_get_signature_nid(v->certificate);

	say_certificate(v);
	words_add(v->out,
	    " has a weak signature (%s); issue it anew with SHA-256 or better",
	    OBJ_nid2ln(nid));
}

static void say_wrong_purpose(const struct verdict *v)
{
	say_certificate(v);
	words_add(v->out, v->refusal->depth == 0
			      ? " is not for a TLS server; issue it with the "
				"extended key usage serverAuth"
			      : " may not issue certificates for TLS servers");
}

static void say_not_a_ca(const struct verdict *v)
{
	words_add(v->out,
	    "%s in the server's chain is not a CA certificate (basic "
	    "constraints), yet it issued one",
	    v->subject);
}

static void say_bad_signature(const struct verdict *v)
{
	if (issuer_name_is_trusted(v)) {
		say_other_key(v);
		return;
	}
	say_certificate(v);
	words_add(v->out, " has a signature that its issuer %s did not make",
	    v->issuer);
}

static void say_other(const struct verdict *v)
{
	say_certificate(v);
	words_add(v->out, " is refused: %s",
	    X509_verify_cert_error_string(v->refusal->error));
}

/* clang-format off */
static const struct {
	int error;
	void (*say)(const struct verdict *v);
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

bool trust_refused_dates(const struct tls_refusal *refusal)
{
	return refusal->error == X509_V_ERR_CERT_HAS_EXPIRED ||
	       refusal->error == X509_V_ERR_CERT_NOT_YET_VALID;
}

void trust_verdict(const struct trust *t, const struct tls_refusal *refusal,
    const char *host, int64_t now_unix_s, struct words *out)
{
	struct verdict v = {.trust = t,
	    .refusal = refusal,
	    .certificate = refusal->certificate,
	    .host = host,
	    .now_unix_s = now_unix_s,
	    .out = out};

	if (!v.certificate && sk_X509_num(refusal->sent) > 0)
		v.certificate = sk_X509_value(refusal->sent, 0);
	if (!v.certificate) {
		words_add(out, "the server's certificate is refused: %s",
		    X509_verify_cert_error_string(refusal->error));
		return;
	}
	certificate_subject(v.certificate, v.subject);
	certificate_issuer(v.certificate, v.issuer);
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		if (sayings[i].error == refusal->error) {
			sayings[i].say(&v);
			return;
		}
	}
	say_other(&v);
}
