#include "resolver/certificate/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* A certificate may have thousands of names; the first few are enough. */
#define NAMES_SHOWN 8

void certificate_name(const X509_NAME *name, char out[CERTIFICATE_NAME_MAX])
{
	struct sentence w = sentence_to(out, CERTIFICATE_NAME_MAX);
	BIO *bio = BIO_new(BIO_s_mem());
	char text[CERTIFICATE_NAME_MAX + 1];
	int len = 0;

	if (bio && name &&
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		len = BIO_read(bio, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	for (char *c = text; *c; c++)
		*c = *c == '"' ? '\'' : *c;
	sentence_add(&w, "%s", len > 0 ? text : "(no name)");
	BIO_free(bio);
}

void certificate_subject(const X509 *c, char out[CERTIFICATE_NAME_MAX])
{
	certificate_name(X509_get_subject_name(c), out);
}

void certificate_issuer(const X509 *c, char out[CERTIFICATE_NAME_MAX])
{
	certificate_name(X509_get_issuer_name(c), out);
}

int64_t certificate_time(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

int64_t certificate_not_before(const X509 *c)
{
	return certificate_time(X509_get0_notBefore(c));
}

int64_t certificate_not_after(const X509 *c)
{
	return certificate_time(X509_get0_notAfter(c));
}

void certificate_date(int64_t unix_s, char out[CERTIFICATE_DATE_MAX])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, CERTIFICATE_DATE_MAX,
				      "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		strcpy(out, "an unreadable date");
}

/* False: names of this kind are not those of a server. */
static bool add_name(const GENERAL_NAME *n, bool first, struct sentence *out)
{
	char address[INET6_ADDRSTRLEN];
	const char *comma = first ? "" : ", ";
	int kind, len;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(n, &kind);
	const unsigned char *bytes;

	if (kind != GEN_DNS && kind != GEN_IPADD)
		return false;
	bytes = ASN1_STRING_get0_data(value);
	len = ASN1_STRING_length(value);
	if (kind == GEN_DNS) {
		sentence_add(out, "%sDNS ", comma);
		sentence_quote(
		    out, (const char *)bytes, len > 0 ? (size_t)len : 0);
	} else if (len == 4 || len == 16) {
		sentence_add(out, "%sIP %s", comma,
		    inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, address,
			sizeof(address)));
	} else {
		return false;
	}
	return true;
}

void certificate_valid_for(X509 *c, struct sentence *out)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	int shown = 0, count = sk_GENERAL_NAME_num(names), i;

	for (i = 0; i < count && shown < NAMES_SHOWN; i++)
		shown +=
		    add_name(sk_GENERAL_NAME_value(names, i), shown == 0, out);
	if (shown == 0)
		sentence_add(out, "no DNS name and no IP address");
	else if (i < count)
		sentence_add(out, " and %d more", count - i);
	GENERAL_NAMES_free(names);
}

static bool is_text(const ASN1_STRING *s, const char *text)
{
	size_t len = strlen(text);

	return (size_t)ASN1_STRING_length(s) == len &&
	       strncasecmp((const char *)ASN1_STRING_get0_data(s), text, len) ==
		   0;
}

bool certificate_has_dns(X509 *c, const char *host)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int kind;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(
		    sk_GENERAL_NAME_value(names, i), &kind);

		found |= kind == GEN_DNS && is_text(value, host);
	}
	GENERAL_NAMES_free(names);
	return found;
}

bool certificate_has_common_name(const X509 *c, const char *host)
{
	const X509_NAME *subject = X509_get_subject_name(c);
	int i = -1;

	while (
	    (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0)
		if (is_text(X509_NAME_ENTRY_get_data(
				X509_NAME_get_entry(subject, i)),
			host))
			return true;
	return false;
}

static void hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

void certificate_key_hash(const X509 *c, char out[CERTIFICATE_HASH_MAX])
{
	X509_PUBKEY *key = X509_get_X509_PUBKEY(c);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char *der = NULL;
	int len = key ? i2d_X509_PUBKEY(key, &der) : -1;

	strcpy(out, "unknown");
	if (len > 0 &&
	    EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1)
		hex(digest, CERTIFICATE_KEY_LEN, out);
	OPENSSL_free(der);
}

void certificate_serial(const X509 *c, char out[CERTIFICATE_SERIAL_MAX])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c);
	BIGNUM *number = serial ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
	char *text = number ? BN_bn2hex(number) : NULL;
	struct sentence w = sentence_to(out, CERTIFICATE_SERIAL_MAX);

	sentence_add(&w, "%s", text ? text : "unknown");
	OPENSSL_free(text);
	BN_free(number);
}

void certificate_chain_dates(
    const STACK_OF(X509) * chain, int64_t *not_before, int64_t *not_after)
{
	int count = chain ? sk_X509_num(chain) : 0;

	*not_before = *not_after = 0;
	for (int i = 0; i < count; i++) {
		const X509 *c = sk_X509_value(chain, i);
		int64_t before = certificate_not_before(c);
		int64_t after = certificate_not_after(c);

		if (i == 0 || before > *not_before)
			*not_before = before;
		if (i == 0 || after < *not_after)
			*not_after = after;
	}
}

void certificate_chain_key(
    const STACK_OF(X509) * chain, uint8_t out[CERTIFICATE_KEY_LEN])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	unsigned len;

	if (chain && sk_X509_num(chain) > 0 &&
	    X509_pubkey_digest(
		sk_X509_value(chain, 0), EVP_sha256(), digest, &len) != 1)
		memset(digest, 0, sizeof(digest));
	memcpy(out, digest, CERTIFICATE_KEY_LEN);
}

void certificate_chain_subject(
    const STACK_OF(X509) * chain, char out[CERTIFICATE_NAME_MAX])
{
	out[0] = '\0';
	if (chain && sk_X509_num(chain) > 0)
		certificate_subject(sk_X509_value(chain, 0), out);
}

static void fingerprint(const X509 *c, char out[CERTIFICATE_HASH_MAX])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	strcpy(out, "unknown");
	if (X509_digest(c, EVP_sha256(), digest, &len) == 1 &&
	    len == CERTIFICATE_KEY_LEN)
		hex(digest, len, out);
}

void certificate_describe(
    const STACK_OF(X509) * chain, struct certificate_facts *out)
{
	struct sentence names = sentence_to(out->names, sizeof(out->names));
	X509 *c;

	memset(out, 0, sizeof(*out));
	if (!chain || sk_X509_num(chain) == 0)
		return;
	c = sk_X509_value(chain, 0);
	certificate_subject(c, out->subject);
	certificate_issuer(c, out->issuer);
	certificate_valid_for(c, &names);
	fingerprint(c, out->fingerprint);
	out->not_before = certificate_not_before(c);
	out->not_after = certificate_not_after(c);
}
