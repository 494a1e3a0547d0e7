#include "resolver/certificate/refused.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

static bool was_sent(const struct refusal *r)
{
	STACK_OF(X509) *sent = r->tls->sent;

	for (int i = 0; i < sk_X509_num(sent); i++)
		if (X509_cmp(sk_X509_value(sent, i), r->certificate) == 0)
			return true;
	return false;
}

static bool is_trusted(const struct refusal *r)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *found = NULL;
	bool trusted = false;

	if (ctx && X509_STORE_CTX_init(ctx, r->trust->store, NULL, NULL))
		found = X509_STORE_CTX_get1_certs(
		    ctx, X509_get_subject_name(r->certificate));
	for (int i = 0; i < sk_X509_num(found) && !trusted; i++)
		trusted =
		    X509_cmp(sk_X509_value(found, i), r->certificate) == 0;
	sk_X509_pop_free(found, X509_free);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return trusted;
}

/* Many servers also send the root. If we trust it, our copy is the one to
 * replace. */
enum provenance refusal_provenance(const struct refusal *r)
{
	if (r->tls->depth == 0)
		return FROM_SERVER_ITSELF;
	if (trust_origin_of(r->trust, r->certificate, NULL))
		return FROM_FILE;
	return was_sent(r) && !is_trusted(r) ? FROM_CHAIN : FROM_SYSTEM;
}

void refusal_say_origin(
    const struct refusal *r, const struct trust_origin *origin)
{
	if (!origin || !origin->path)
		return;
	sentence_add(r->out, " (%s", origin->path);
	if (origin->line > 0)
		sentence_add(r->out, ", line %u", origin->line);
	sentence_add(r->out, ")");
}

void refusal_say_certificate(const struct refusal *r)
{
	switch (refusal_provenance(r)) {
	case FROM_SERVER_ITSELF:
		sentence_add(r->out, "the certificate \"%s\"", r->subject);
		break;
	case FROM_CHAIN:
		sentence_add(r->out,
		    "the CA certificate \"%s\" in the server's chain",
		    r->subject);
		break;
	case FROM_FILE:
		sentence_add(
		    r->out, "the trusted certificate \"%s\"", r->subject);
		refusal_say_origin(
		    r, trust_origin_of(r->trust, r->certificate, NULL));
		break;
	case FROM_SYSTEM:
		sentence_add(r->out,
		    "the trusted certificate \"%s\" of this system",
		    r->subject);
		break;
	}
}

void refusal_say_reissue(const struct refusal *r, const char *with)
{
	switch (refusal_provenance(r)) {
	case FROM_SERVER_ITSELF:
	case FROM_CHAIN:
		sentence_add(r->out, "issue it again");
		break;
	case FROM_FILE:
	case FROM_SYSTEM:
		sentence_add(r->out, "its CA must issue it again");
		break;
	}
	if (with)
		sentence_add(r->out, " with %s", with);
}

void refusal_say_interception(
    const struct refusal *r, const char *cause, const char *fix)
{
	char hash[CERTIFICATE_HASH_MAX] = "unknown";
	X509 *server = sk_X509_num(r->tls->sent) > 0
			   ? sk_X509_value(r->tls->sent, 0)
			   : r->certificate;

	certificate_key_hash(server, hash);
	sentence_add(r->out,
	    ": somebody else may be intercepting the connection, or %s; see on "
	    "the server itself whether the SHA-256 of its key is %s; %s",
	    cause, hash, fix);
}

void refusal_say_other(const struct refusal *r)
{
	refusal_say_certificate(r);
	sentence_add(r->out, " is refused: %s",
	    X509_verify_cert_error_string(r->tls->error));
}
