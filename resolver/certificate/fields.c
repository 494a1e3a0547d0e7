#include "resolver/certificate/fields.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* What each of OpenSSL's security levels needs, SSL_CTX_set_security_level(3).
 */
static const struct level {
	int bits, rsa, ec;
	const char *hash;
} levels[] = {
    {0, 1024, 160, "SHA-256"},
    {80, 1024, 160, "SHA-256"},
    {112, 2048, 224, "SHA-256"},
    {128, 3072, 256, "SHA-256"},
    {192, 7680, 384, "SHA-384"},
    {256, 15360, 512, "SHA-512"},
};

static const struct level *level_of(const struct refusal *r)
{
	int n = r->tls->level, last = (int)ARRAY_LEN(levels) - 1;

	return &levels[n < 0 ? 0 : n > last ? last : n];
}

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 ||
	       inet_pton(AF_INET6, host, &any) == 1;
}

/* A name of another kind is the most frequent reason. The names come last: a
 * server may send so many that they fill the sentence. */
void say_wrong_name(const struct refusal *r)
{
	bool address = is_address(r->host);
	const char *cause =
	    "the name is wrong, in the certificate or in the configuration";

	if (address && certificate_has_dns(r->certificate, r->host))
		cause = "an address as a DNS name does not count";
	else if (certificate_has_common_name(r->certificate, r->host))
		cause = "the common name does not count";
	refusal_say_certificate(r);
	sentence_add(r->out, " is not for %s", r->host);
	refusal_say_interception(
	    r, cause, "if it is, issue the certificate again with ");
	sentence_add(r->out,
	    "%s:%s as a subject alternative name, or ask the operator of the "
	    "server for its right name, never this connection; the "
	    "certificate is for ",
	    address ? "IP" : "DNS", r->host);
	certificate_valid_for(r->certificate, r->out);
}

/* The curves of RFC 8446 4.2.3: a CA may have another one, a server may not. */
static const char *curves_of_server(int bits)
{
	if (bits <= 256)
		return "an EC key of P-256, P-384 or P-521";
	return bits <= 384 ? "an EC key of P-384 or P-521"
			   : "an EC key of P-521";
}

void say_weak(const struct refusal *r)
{
	EVP_PKEY *key = X509_get0_pubkey(r->certificate);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;
	const struct level *need = level_of(r);

	refusal_say_certificate(r);
	sentence_add(r->out,
	    " has a weak key (%s of %d bits) for the security level %d of this "
	    "system; ",
	    type ? type : "unknown", key ? EVP_PKEY_get_bits(key) : 0,
	    r->tls->level);
	if (refusal_provenance(r) == FROM_SERVER_ITSELF) {
		refusal_say_reissue(r, curves_of_server(need->ec));
	} else {
		refusal_say_reissue(r, "an EC key of at least ");
		sentence_add(r->out, "%d bits", need->ec);
	}
	sentence_add(r->out, " or an RSA key of at least %d bits", need->rsa);
}

bool refusal_signature_is_weak(const struct refusal *r)
{
	int bits = -1;

	return X509_get_signature_info(
		   r->certificate, NULL, NULL, &bits, NULL) == 1 &&
	       bits >= 0 && bits < level_of(r)->bits;
}

void say_weak_signature(const struct refusal *r)
{
	int nid = X509_get_signature_nid(r->certificate);

	refusal_say_certificate(r);
	sentence_add(r->out,
	    " has a weak signature (%s) for the security level %d of this "
	    "system; ",
	    OBJ_nid2ln(nid), r->tls->level);
	refusal_say_reissue(r, NULL);
	sentence_add(r->out, ", signed with %s or better", level_of(r)->hash);
}

bool refusal_signature_is_unknown(const struct refusal *r)
{
	return X509_get_signature_info(
		   r->certificate, NULL, NULL, NULL, NULL) != 1;
}

void say_unknown_signature(const struct refusal *r)
{
	const ASN1_OBJECT *algorithm;
	char name[80];

	X509_ALGOR_get0(
	    &algorithm, NULL, NULL, X509_get0_tbs_sigalg(r->certificate));
	OBJ_obj2txt(name, sizeof(name), algorithm, 0);
	refusal_say_certificate(r);
	sentence_add(
	    r->out, " has a signature that OpenSSL cannot check (%s)", name);
	refusal_say_interception(r,
	    "its CA uses a signature algorithm that OpenSSL does not know",
	    "issue the certificate again, signed with SHA-256");
}

void say_unknown_key(const struct refusal *r, X509 *issuer)
{
	ASN1_OBJECT *algorithm = NULL;
	char name[80] = "unknown";

	if (X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL,
		X509_get_X509_PUBKEY(issuer)) == 1)
		OBJ_obj2txt(name, sizeof(name), algorithm, 0);
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " cannot be checked: its issuer \"%s\" has a key that OpenSSL "
	    "cannot read (%s)",
	    r->issuer, name);
	refusal_say_interception(r,
	    "that CA has a key that OpenSSL does not support",
	    "get a certificate of a CA with an RSA key, or an EC key of P-256 "
	    "or P-384");
}

static bool has_server_auth(X509 *c)
{
	uint32_t usage = X509_get_extended_key_usage(c);

	return !(X509_get_extension_flags(c) & EXFLAG_XKUSAGE) ||
	       (usage & XKU_SSL_SERVER) != 0;
}

void say_wrong_purpose(const struct refusal *r)
{
	bool ca = refusal_provenance(r) != FROM_SERVER_ITSELF;

	refusal_say_certificate(r);
	if (!has_server_auth(r->certificate)) {
		sentence_add(r->out,
		    ca ? " may not issue certificates for TLS servers (its "
			 "extended key usage has no serverAuth); "
		       : " is not for a TLS server (its extended key usage has "
			 "no serverAuth); ");
		refusal_say_reissue(
		    r, ca ? "serverAuth in its extended key usage, or without "
			    "that "
			    "extension"
			  : "the extended key usage serverAuth");
	} else if (!ca && (X509_get_key_usage(r->certificate) &
			      KU_DIGITAL_SIGNATURE) == 0) {
		sentence_add(r->out,
		    " is not for a TLS server (its key usage has no "
		    "digitalSignature); ");
		refusal_say_reissue(r, "the key usage digitalSignature");
	} else {
		sentence_add(r->out,
		    " is not for this use (its Netscape certificate type); ");
		refusal_say_reissue(r, NULL);
		sentence_add(r->out, " without nsCertType");
	}
}

void say_no_cert_sign(const struct refusal *r)
{
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " may not sign certificates (its key usage has no keyCertSign), "
	    "but its key signed one; ");
	refusal_say_reissue(r, "the key usage keyCertSign");
}

void say_not_a_ca(const struct refusal *r)
{
	uint32_t flags = X509_get_extension_flags(r->certificate);

	if ((flags & EXFLAG_CA) && (flags & EXFLAG_KUSAGE) &&
	    !(X509_get_key_usage(r->certificate) & KU_KEY_CERT_SIGN)) {
		say_no_cert_sign(r);
		return;
	}
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " is not that of a CA (%s), but its key signed another one; if it "
	    "is a CA, ",
	    flags & EXFLAG_BCONS ? "its basic constraints say CA:FALSE"
				 : "it has no basic constraints");
	refusal_say_reissue(r, "the basic constraints CA:TRUE");
}

void say_path_too_long(const struct refusal *r)
{
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " allows %ld CAs below it (path length in its basic constraints), "
	    "and the chain has more; ",
	    X509_get_pathlen(r->certificate));
	refusal_say_reissue(r, "a larger path length");
}

/* The CA of the path whose constraints the certificate breaks; NULL: unknown.
 */
static X509 *constraining_ca(const struct refusal *r)
{
	STACK_OF(X509) *path = r->tls->path;

	for (int i = r->tls->depth + 1; i < sk_X509_num(path); i++) {
		X509 *ca = sk_X509_value(path, i);
		NAME_CONSTRAINTS *limits =
		    X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
		bool broken = limits && NAME_CONSTRAINTS_check(r->certificate,
					    limits) != X509_V_OK;

		NAME_CONSTRAINTS_free(limits);
		if (broken)
			return ca;
	}
	return NULL;
}

/* Adds ' "CN=CA" (/etc/ca.pem, line 1)'; nothing if it is not known. */
static void say_constraining_ca(const struct refusal *r)
{
	X509 *ca = constraining_ca(r);
	char name[CERTIFICATE_NAME_MAX];

	if (!ca)
		return;
	certificate_subject(ca, name);
	sentence_add(r->out, " \"%s\"", name);
	refusal_say_origin(r, trust_origin_of(r->trust, ca, NULL));
}

/* The names come last, as in say_wrong_name(). */
void say_name_constraints(const struct refusal *r)
{
	refusal_say_certificate(r);
	sentence_add(r->out, " has a name that its CA");
	say_constraining_ca(r);
	sentence_add(r->out, " may not certify (name constraints); ");
	refusal_say_reissue(r, "names within these limits, or by another CA");
	sentence_add(r->out, "; it is for ");
	certificate_valid_for(r->certificate, r->out);
}

void say_bad_constraints(const struct refusal *r)
{
	bool range = r->tls->error == X509_V_ERR_SUBTREE_MINMAX;

	if (X509_get_ext_by_NID(r->certificate, NID_name_constraints, -1) < 0) {
		refusal_say_other(r);
		return;
	}
	refusal_say_certificate(r);
	sentence_add(r->out, " has name constraints %s; ",
	    range ? "with a minimum or a maximum, which RFC 5280 forbids"
		  : "that cannot be read");
	refusal_say_reissue(r, "correct name constraints");
}

/* OpenSSL does not say which of the two it is. */
void say_bad_name(const struct refusal *r)
{
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " has a name that cannot be compared with the name constraints of "
	    "its CA");
	say_constraining_ca(r);
	sentence_add(r->out, ", because one of them has a wrong form; ");
	refusal_say_reissue(r, "correct DNS names and IP addresses");
	sentence_add(r->out, ", or that CA with correct name constraints");
}

/* RFC 5280 lets no CA mark these as critical (4.2.1.1, .2, .8 and .15; 4.2.2).
 */
static bool is_never_critical(const ASN1_OBJECT *object)
{
	switch (OBJ_obj2nid(object)) {
	case NID_authority_key_identifier:
	case NID_subject_key_identifier:
	case NID_subject_directory_attributes:
	case NID_freshest_crl:
	case NID_info_access:
	case NID_sinfo_access:
		return true;
	default:
		return false;
	}
}

/* The first critical extension that OpenSSL does not know. */
static const ASN1_OBJECT *unknown_extension(const X509 *certificate)
{
	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *e = X509_get_ext(certificate, i);

		if (X509_EXTENSION_get_critical(e) &&
		    !X509_supported_extension(e))
			return X509_EXTENSION_get_object(e);
	}
	return NULL;
}

void say_unknown_extension(const struct refusal *r)
{
	const ASN1_OBJECT *object = unknown_extension(r->certificate);
	bool known = object && is_never_critical(object);
	char oid[80] = "unknown";

	if (object)
		OBJ_obj2txt(oid, sizeof(oid), object, known ? 0 : 1);
	refusal_say_certificate(r);
	if (known) {
		sentence_add(r->out,
		    " marks the extension \"%s\" as critical, which RFC 5280 "
		    "forbids; ",
		    oid);
		refusal_say_reissue(r, NULL);
		sentence_add(r->out, " without that mark");
		return;
	}
	sentence_add(r->out,
	    " has an unknown extension that is marked as critical (%s); ", oid);
	refusal_say_reissue(r, NULL);
	sentence_add(r->out, " without it");
}

static bool is_readable(X509_EXTENSION *e)
{
	const X509V3_EXT_METHOD *method = X509V3_EXT_get(e);
	void *value = method ? X509V3_EXT_d2i(e) : NULL;

	if (value && method->it)
		ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	else if (value)
		method->ext_free(value);
	ERR_clear_error();
	return !method || value;
}

/* RFC 5280 4.2.1.3 asks for at least one bit. */
static bool is_empty_usage(X509_EXTENSION *e)
{
	ASN1_BIT_STRING *usage;
	bool empty = true;

	if (OBJ_obj2nid(X509_EXTENSION_get_object(e)) != NID_key_usage)
		return false;
	usage = X509V3_EXT_d2i(e);
	for (int i = 0; usage && i < ASN1_STRING_length(usage); i++)
		empty &= ASN1_STRING_get0_data(usage)[i] == 0;
	ASN1_BIT_STRING_free(usage);
	return empty;
}

/* The first extension that makes OpenSSL refuse the whole certificate; NULL:
 * no extension alone is wrong. */
static X509_EXTENSION *bad_extension(X509 *c)
{
	for (int i = 0; i < X509_get_ext_count(c); i++) {
		X509_EXTENSION *e = X509_get_ext(c, i);

		if (!is_readable(e) || is_empty_usage(e) ||
		    X509_get_ext_by_OBJ(c, X509_EXTENSION_get_object(e), i) >=
			0)
			return e;
	}
	return NULL;
}

void say_bad_extension(const struct refusal *r)
{
	X509_EXTENSION *e = bad_extension(r->certificate);
	char name[80] = "which one is not known";

	if (!(X509_get_extension_flags(r->certificate) & EXFLAG_INVALID)) {
		refusal_say_other(r);
		return;
	}
	if (e)
		OBJ_obj2txt(
		    name, sizeof(name), X509_EXTENSION_get_object(e), 0);
	refusal_say_certificate(r);
	sentence_add(r->out,
	    " has an extension that cannot be read, has a forbidden value or "
	    "is there twice (%s); ",
	    name);
	refusal_say_reissue(r, NULL);
	sentence_add(r->out, " with a correct one");
}
