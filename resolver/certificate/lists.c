#include "resolver/certificate/lists.h"

#include <openssl/x509_vfy.h>

static void say_list(const struct refusal *r)
{
	char issuer[CERTIFICATE_NAME_MAX];

	certificate_name(X509_CRL_get_issuer(r->tls->crl), issuer);
	sentence_add(r->out, "the revocation list of \"%s\"", issuer);
	refusal_say_origin(r, trust_origin_of(r->trust, NULL, r->tls->crl));
}

/* RFC 5280 5.3.1 */
static const char *reason_of(const X509_REVOKED *entry)
{
	static const char *const reasons[] = {
	    [0] = "unspecified",
	    [1] = "key compromise",
	    [2] = "CA compromise",
	    [3] = "affiliation changed",
	    [4] = "superseded",
	    [5] = "cessation of operation",
	    [6] = "certificate hold",
	    [9] = "privilege withdrawn",
	    [10] = "AA compromise",
	};
	ASN1_ENUMERATED *value =
	    X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long n = value ? ASN1_ENUMERATED_get(value) : -1;

	ASN1_ENUMERATED_free(value);
	return n >= 0 && n < (long)ARRAY_LEN(reasons) ? reasons[n] : NULL;
}

/* A new certificate of the same CA would have the revoked one above it. */
static const char *cure_of_revoked(const struct refusal *r)
{
	switch (refusal_provenance(r)) {
	case FROM_SERVER_ITSELF:
		return "give the server a new certificate with a new key";
	case FROM_CHAIN:
		return "give the server a certificate of another CA, or let it "
		       "send the new certificate of that CA";
	case FROM_FILE:
	case FROM_SYSTEM:
		break;
	}
	return "give the server a certificate of another CA, or replace that "
	       "one by the new certificate of its CA";
}

void say_revoked(const struct refusal *r)
{
	char serial[CERTIFICATE_SERIAL_MAX], date[CERTIFICATE_DATE_MAX];
	X509_REVOKED *entry = NULL;
	const char *reason;

	certificate_serial(r->certificate, serial);
	refusal_say_certificate(r);
	sentence_add(r->out, " with the serial number %s was revoked", serial);
	if (r->tls->crl &&
	    X509_CRL_get0_by_cert(r->tls->crl, &entry, r->certificate) == 1) {
		certificate_date(
		    certificate_time(X509_REVOKED_get0_revocationDate(entry)),
		    date);
		sentence_add(r->out, " on %s", date);
		reason = reason_of(entry);
		if (reason)
			sentence_add(r->out, " (%s)", reason);
	}
	if (r->tls->crl) {
		sentence_add(r->out, ", says ");
		say_list(r);
	}
	sentence_add(r->out, "; %s, and find out why it was revoked",
	    cure_of_revoked(r));
}

/* Begins the sentence on a list that cannot be judged. False: the refusal has
 * no list, and the sentence is another one. */
static bool blames_list(const struct refusal *r)
{
	if (!r->tls->crl) {
		refusal_say_other(r);
		return false;
	}
	refusal_say_certificate(r);
	sentence_add(r->out, " cannot be checked: ");
	say_list(r);
	return true;
}

void say_list_dates(const struct refusal *r)
{
	bool expired = r->tls->error == X509_V_ERR_CRL_HAS_EXPIRED;
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char now[CERTIFICATE_DATE_MAX];

	if (!blames_list(r))
		return;
	certificate_date(
	    certificate_time(X509_CRL_get0_lastUpdate(r->tls->crl)), from);
	certificate_date(
	    certificate_time(X509_CRL_get0_nextUpdate(r->tls->crl)), to);
	certificate_date(r->now_unix_s, now);
	if (expired)
		sentence_add(r->out,
		    " has expired: it is from %s, and a new "
		    "one was due on %s",
		    from, to);
	else
		sentence_add(r->out, " is not yet valid: it is from %s", from);
	sentence_add(r->out,
	    "; the local clock says %s; get the current list from the CA, or "
	    "correct the local clock if it is wrong",
	    now);
}

void say_list_unknown(const struct refusal *r)
{
	if (!blames_list(r))
		return;
	sentence_add(r->out,
	    " has an unknown extension that is marked as critical; let the CA "
	    "issue a list without it, or remove it from crl-files");
}

void say_list_unusable(const struct refusal *r)
{
	if (!blames_list(r))
		return;
	sentence_add(r->out,
	    r->tls->error == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN
		? " is from a CA that may not sign lists (its key usage has no "
		  "cRLSign)"
	    : r->tls->error == X509_V_ERR_CRL_SIGNATURE_FAILURE
		? " has a signature with a digest that is too weak"
		: " has a date that cannot be read");
	sentence_add(r->out,
	    "; let the CA correct that, or remove the list from crl-files");
}
