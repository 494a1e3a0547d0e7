/* The certificate that is refused: which it is, and where it came from. For
 * refusal.c and the files of its sentences only; trust.h has the public
 * function. */
#ifndef RESOLVER_CERTIFICATE_REFUSED_H
#define RESOLVER_CERTIFICATE_REFUSED_H

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

/* Adds that somebody else may answer, or that `cause`; the hash of the key that
 * tells which, and `fix`. An attacker may answer: no sentence may advise to
 * trust what the network shows. */
void refusal_say_interception(
    const struct refusal *r, const char *cause, const char *fix);

/* The sentence of the library, for what has no sentence of ours. */
void refusal_say_other(const struct refusal *r);

#endif
