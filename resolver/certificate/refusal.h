/* What the sentences about a refused certificate need. For refusal.c and
 * fields.c only; trust.h has the public function. */
#ifndef RESOLVER_CERTIFICATE_REFUSAL_H
#define RESOLVER_CERTIFICATE_REFUSAL_H

#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"

struct refusal {
	const struct trust *trust;
	const struct tls_refusal *tls;
	struct x509_st *certificate; /* the refused one, or the server's */
	const char *host;
	int64_t now_unix_s;
	char subject[CERTIFICATE_NAME_MAX], issuer[CERTIFICATE_NAME_MAX];
	struct sentence *out;
};

/* Where a certificate of the path came from. */
enum provenance {
	FROM_SERVER_ITSELF, /* its own certificate */
	FROM_CHAIN,	    /* a CA certificate that the server sent */
	FROM_FILE,	    /* one of our files */
	FROM_SYSTEM,	    /* the certificates of the system */
};
enum provenance refusal_provenance(const struct refusal *r);

/* Adds 'the certificate "CN=ntp"', or 'the CA certificate "CN=CA" in the
 * server's chain', or 'the trusted certificate "CN=CA" (/etc/ca.pem, line 1)'.
 */
void refusal_say_certificate(const struct refusal *r);

/* Adds " (/etc/ca.pem, line 1)"; nothing if it is not from one of our files. */
void refusal_say_origin(
    const struct refusal *r, const struct trust_origin *origin);

/* Adds "issue it again", with the place that needs the new certificate, and
 * " with " if `with`. */
void refusal_say_reissue(const struct refusal *r, const char *with);

/* Sentences about a field of the certificate. */
void say_wrong_name(const struct refusal *r);
void say_weak(const struct refusal *r);
void say_weak_signature(const struct refusal *r);
void say_wrong_purpose(const struct refusal *r);
void say_not_a_ca(const struct refusal *r);
void say_no_cert_sign(const struct refusal *r);
void say_path_too_long(const struct refusal *r);
void say_name_constraints(const struct refusal *r);
void say_unknown_extension(const struct refusal *r);

/* Is the signature too weak for the security level, so that the library may
 * not even verify it? */
bool refusal_signature_is_weak(const struct refusal *r);

#endif
