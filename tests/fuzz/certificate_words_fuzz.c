/*
 * Any bytes as the certificate of a server, or as a revocation list, in DER.
 * Whatever its names are, they stand between double quotes in every sentence.
 */
#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"
#include "resolver/frame.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More than OpenSSL has. */
#define ERRORS 100
/* What our own words are made of. */
#define OWN_BYTES                                                              \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"       \
	" ,.:;()'/=_-"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_sentence(const char *text)
{
	bool quoted = false;

	for (const char *c = text; *c; c++) {
		check(*c >= 0x20 && *c < 0x7f);
		quoted ^= *c == '"';
		check(quoted || *c == '"' || strchr(OWN_BYTES, *c));
	}
	check(!quoted);
}

static void check_name(const char text[CERTIFICATE_NAME_MAX])
{
	check(memchr(text, '\0', CERTIFICATE_NAME_MAX) != NULL);
	check(strchr(text, '"') == NULL);
	for (const char *c = text; *c; c++)
		check(*c >= 0x20 && *c < 0x7f);
}

static void check_facts(X509 *c)
{
	char text[CERTIFICATE_NAME_MAX], hash[CERTIFICATE_HASH_MAX];
	char serial[CERTIFICATE_SERIAL_MAX], date[CERTIFICATE_DATE_MAX];

	certificate_subject(c, text);
	check_name(text);
	certificate_issuer(c, text);
	check_name(text);
	certificate_key_hash(c, hash);
	check_sentence(hash);
	certificate_serial(c, serial);
	check_sentence(serial);
	certificate_date(certificate_not_before(c), date);
	check_sentence(date);
	(void)certificate_has_dns(c, "ntp.example");
	(void)certificate_has_common_name(c, "ntp.example");
}

static void explain(const struct trust *trust, X509 *c, X509_CRL *list,
    STACK_OF(X509) * sent, size_t room)
{
	char text[KE_TEXT_MAX];

	for (int error = 0; error < ERRORS; error++) {
		for (int depth = 0; depth < 2; depth++) {
			const struct tls_refusal refusal = {.error = error,
			    .depth = depth,
			    .level = error % 6,
			    .certificate = c,
			    .sent = sent,
			    .path = sent,
			    .crl = list};
			struct sentence out = sentence_to(text, room);

			trust_explain_refusal(
			    trust, &refusal, "ntp.example", 1, &out);
			check_sentence(text);
			(void)trust_refused_until(&refusal);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *c = d2i_X509(NULL, &at, (long)size);
	X509_CRL *list;
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct trust trust = {.store = X509_STORE_new()};

	/* A list may follow the certificate. */
	if (!c)
		at = data;
	list = d2i_X509_CRL(NULL, &at, (long)(size - (size_t)(at - data)));
	if (!c && list)
		c = X509_new();
	check(sent && trust.store);
	if (c) {
		check(sk_X509_push(sent, c) && sk_X509_push(sent, c));
		check_facts(c);
		explain(&trust, c, list, sent, KE_TEXT_MAX);
		explain(&trust, c, list, sent, 4 + size % 300);
	}
	sk_X509_free(sent);
	X509_CRL_free(list);
	X509_free(c);
	trust_free(&trust);
	ERR_clear_error();
	return 0;
}
