/* The sentence about every error of a certificate's verification. */
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
#include <unistd.h>

/* Which certificates are trusted. */
enum trusted { OTHER, SAME_NAME, PROBLEM };

struct refusal_world {
	char file[64];
	struct pki_pair issuer, leaf, nameless;
	struct trust other;	/* trusts a certificate of another name */
	struct trust same_name; /* trusts another key with the issuer's name */
	struct trust problem;	/* like `other`; a second file is missing */
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char text[KE_TEXT_MAX];
};

static struct trust trust_in(
    struct refusal_world *w, const char *name, const char *second)
{
	struct pki_pair ca =
	    pki_issue(NULL, (struct pki_spec){.name = name, .ca = true});
	struct trust_config config = {.path_count = second ? 2 : 1};
	struct sentence why = sentence_to(w->text, sizeof(w->text));
	struct trust t;

	pki_write(w->file, ca.certificate);
	strcpy(config.paths[0], w->file);
	if (second)
		strcpy(config.paths[1], second);
	assert_true(trust_load(&t, &config, &why));
	pki_free(&ca);
	return t;
}

static int setup(void **state)
{
	struct refusal_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	snprintf(w->file, sizeof(w->file), P_tmpdir "/ntsagent-refusal-%ld",
	    (long)getpid());
	w->issuer =
	    pki_issue(NULL, (struct pki_spec){.name = "CA", .ca = true});
	w->leaf = pki_issue(&w->issuer,
	    (struct pki_spec){.name = "ntp",
		.san = "DNS:a.example,email:root@a.example,IP:192.0.2.1"});
	w->nameless = pki_issue(
	    &w->issuer, (struct pki_spec){.name = "ntp", .san = "email:a@bc"});
	w->other = trust_in(w, "Other", NULL);
	w->same_name = trust_in(w, "CA", NULL);
	w->problem = trust_in(w, "Other", "/nonexistent");
	certificate_date(certificate_not_before(w->leaf.certificate), w->from);
	certificate_date(certificate_not_after(w->leaf.certificate), w->to);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct refusal_world *w = *state;

	unlink(w->file);
	trust_free(&w->other);
	trust_free(&w->same_name);
	trust_free(&w->problem);
	pki_free(&w->issuer);
	pki_free(&w->leaf);
	pki_free(&w->nameless);
	free(w);
	return 0;
}

/* clang-format off */
#define ISSUED_BY "the certificate CN=ntp is issued by CN=CA, which is not among the trusted certificates (1 file: FILE"
#define RENEWED " was not signed by the trusted CN=CA but by another key of the same name: was the CA renewed? Put its current root certificate into trusted-certs"
#define DATES ": it is valid from FROM to TO and the local clock says 1970-01-01 00:00:01 UTC; "
#define IF_WRONG "or correct the local clock if it is wrong"
#define IN_CHAIN "the CA certificate CN=ntp in the server's chain"

static const struct {
	int error, depth;
	enum trusted trusted;
	const char *sentence; /* FILE, FROM and TO are replaced */
} rows[] = {
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, 0, OTHER, ISSUED_BY "); if that is an intermediate CA, configure the server to send its certificate, too; otherwise add the root certificate to trusted-certs"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 1, OTHER, ISSUED_BY "); add the root certificate to trusted-certs"},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, 0, SAME_NAME, "the certificate CN=ntp" RENEWED},
	{X509_V_ERR_CERT_UNTRUSTED, 1, PROBLEM, "cannot read the trusted certificate /nonexistent: No such file or directory; this may be the reason: " ISSUED_BY ", /nonexistent); add the root certificate to trusted-certs"},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0, OTHER, "the certificate CN=ntp is self-signed and not among the trusted certificates (1 file: FILE); add it to trusted-certs, or give the server a certificate from your CA"},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1, OTHER, "the chain of the server's certificate ends at the root CN=ntp, which is not among the trusted certificates (1 file: FILE); add it to trusted-certs"},
	{X509_V_ERR_CERT_HAS_EXPIRED, 0, OTHER, "the certificate CN=ntp has expired" DATES "renew the certificate, " IF_WRONG},
	{X509_V_ERR_CERT_NOT_YET_VALID, 1, OTHER, IN_CHAIN " is not yet valid" DATES "wait, issue the certificate again, " IF_WRONG},
	{X509_V_ERR_HOSTNAME_MISMATCH, 0, OTHER, "the certificate CN=ntp is not for host, it is for DNS a.example, IP 192.0.2.1; configure one of these names, or issue it again with host as a subject alternative name"},
	{X509_V_ERR_IP_ADDRESS_MISMATCH, 0, OTHER, "the certificate CN=ntp is not for host, it is for DNS a.example, IP 192.0.2.1; configure one of these names, or issue it again with host as a subject alternative name"},
	{X509_V_ERR_EE_KEY_TOO_SMALL, 0, OTHER, "the certificate CN=ntp has a weak key (EC of 256 bits); issue it again with an RSA key of at least 2048 bits or an EC key of at least 224 bits"},
	{X509_V_ERR_CA_KEY_TOO_SMALL, 1, OTHER, IN_CHAIN " has a weak key (EC of 256 bits); issue it again with an RSA key of at least 2048 bits or an EC key of at least 224 bits"},
	{X509_V_ERR_CA_MD_TOO_WEAK, 1, OTHER, IN_CHAIN " has a weak signature (ecdsa-with-SHA256); issue it again with SHA-256 or better"},
	{X509_V_ERR_INVALID_PURPOSE, 0, OTHER, "the certificate CN=ntp is not for a TLS server; issue it again with the extended key usage serverAuth"},
	{X509_V_ERR_INVALID_PURPOSE, 1, OTHER, IN_CHAIN " may not issue certificates for TLS servers"},
	{X509_V_ERR_INVALID_CA, 1, OTHER, "the certificate CN=ntp in the server's chain is not that of a CA (basic constraints), but it issued another one"},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, 0, OTHER, "the certificate CN=ntp has a signature that is not from its issuer CN=CA"},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, 1, SAME_NAME, IN_CHAIN RENEWED},
	{X509_V_ERR_CERT_REVOKED, 0, OTHER, "the certificate CN=ntp is refused: certificate revoked"},
};
/* clang-format on */

/* `sentence` with FILE, FROM and TO replaced. */
static void expand(
    const struct refusal_world *w, const char *sentence, char out[KE_TEXT_MAX])
{
	const struct {
		const char *word, *text;
	} words[] = {{"FILE", w->file}, {"FROM", w->from}, {"TO", w->to}};
	struct sentence o = sentence_to(out, KE_TEXT_MAX);

	while (*sentence) {
		size_t i = 0;

		while (i < ARRAY_LEN(words) && strncmp(sentence, words[i].word,
						   strlen(words[i].word)) != 0)
			i++;
		if (i == ARRAY_LEN(words)) {
			sentence_add(&o, "%c", *sentence++);
			continue;
		}
		sentence_add(&o, "%s", words[i].text);
		sentence += strlen(words[i].word);
	}
}

static const char *explain(struct refusal_world *w, enum trusted trusted,
    const struct tls_refusal *refusal)
{
	const struct trust *const trusts[] = {
	    [OTHER] = &w->other,
	    [SAME_NAME] = &w->same_name,
	    [PROBLEM] = &w->problem,
	};
	struct sentence out = sentence_to(w->text, sizeof(w->text));

	trust_explain_refusal(trusts[trusted], refusal, "host", 1, &out);
	return w->text;
}

static void every_error_has_its_sentence(void **state)
{
	struct refusal_world *w = *state;
	char expected[KE_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct tls_refusal refusal = {.error = rows[i].error,
		    .depth = rows[i].depth,
		    .certificate = w->leaf.certificate};

		expand(w, rows[i].sentence, expected);
		assert_string_equal(
		    explain(w, rows[i].trusted, &refusal), expected);
	}
}

/* Also an error without a row. */
static void every_sentence_names_the_certificate(void **state)
{
	struct tls_refusal refusal = {.error = 0};
	struct refusal_world *w = *state;

	refusal.certificate = w->leaf.certificate;
	for (; refusal.error < 100; refusal.error++) {
		refusal.depth = refusal.error % 2;
		assert_non_null(strstr(explain(w, OTHER, &refusal), "CN=ntp"));
	}
}

/* A name of another kind does not name a server, even if it is as long as an
 * IPv4 address. */
static void a_certificate_without_names_has_no_name_to_configure(void **state)
{
	struct refusal_world *w = *state;
	const struct tls_refusal refusal = {
	    .error = X509_V_ERR_HOSTNAME_MISMATCH,
	    .certificate = w->nameless.certificate};

	assert_string_equal(explain(w, OTHER, &refusal),
	    "the certificate CN=ntp is not for host, it is for no name at all; "
	    "issue it again with host as a subject alternative name");
}

/* OpenSSL does not always name the certificate. */
static void the_first_certificate_stands_for_the_chain(void **state)
{
	struct refusal_world *w = *state;
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct tls_refusal refusal = {
	    .error = X509_V_ERR_UNSPECIFIED, .sent = sent};

	assert_string_equal(explain(w, OTHER, &refusal),
	    "the server's certificate is refused: unspecified certificate "
	    "verification error");
	assert_int_equal(sk_X509_push(sent, w->leaf.certificate), 1);
	assert_string_equal(explain(w, OTHER, &refusal),
	    "the certificate CN=ntp is refused: unspecified certificate "
	    "verification error");
	sk_X509_free(sent);
}

static void two_errors_are_about_dates(void **state)
{
	struct tls_refusal refusal = {.error = 0};

	(void)state;
	for (; refusal.error < 100; refusal.error++)
		assert_int_equal(trust_refused_by_date(&refusal),
		    refusal.error == X509_V_ERR_CERT_HAS_EXPIRED ||
			refusal.error == X509_V_ERR_CERT_NOT_YET_VALID);
}

/* The texts and facts of certificate.h. */

static void a_long_list_of_names_is_cut(void **state)
{
	struct pki_pair p = pki_issue(NULL,
	    (struct pki_spec){.name = "many",
		.san = "DNS:1,DNS:2,DNS:3,DNS:4,DNS:5,DNS:6,DNS:7,IP:::1,DNS:9,"
		       "DNS:10"});
	char text[200];
	struct sentence out = sentence_to(text, sizeof(text));

	(void)state;
	assert_true(certificate_valid_for(p.certificate, &out));
	assert_string_equal(text,
	    "DNS 1, DNS 2, DNS 3, DNS 4, DNS 5, DNS 6, DNS 7, IP ::1 and 2 "
	    "more");
	pki_free(&p);
}

/* Neither four nor sixteen bytes. */
static void an_address_of_another_length_is_no_name(void **state)
{
	struct pki_pair p = pki_issue(NULL, (struct pki_spec){.name = "odd"});
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_OCTET_STRING *five = ASN1_OCTET_STRING_new();
	char text[200];
	struct sentence out = sentence_to(text, sizeof(text));

	(void)state;
	assert_int_equal(
	    ASN1_OCTET_STRING_set(five, (const unsigned char *)"12345", 5), 1);
	GENERAL_NAME_set0_value(name, GEN_IPADD, five);
	assert_int_equal(sk_GENERAL_NAME_push(names, name), 1);
	assert_int_equal(
	    X509_add1_ext_i2d(p.certificate, NID_subject_alt_name, names, 0, 0),
	    1);
	assert_false(certificate_valid_for(p.certificate, &out));
	assert_string_equal(text, "no name at all");
	GENERAL_NAMES_free(names);
	pki_free(&p);
}

static void a_date_has_its_text(void **state)
{
	char text[CERTIFICATE_DATE_MAX];

	(void)state;
	certificate_date(1769860800, text);
	assert_string_equal(text, "2026-01-31 12:00:00 UTC");
	certificate_date(INT64_MAX, text);
	assert_string_equal(text, "an unreadable date");
}

static void facts_of_a_chain(void **state)
{
	struct refusal_world *w = *state;
	static const uint8_t zeros[CERTIFICATE_KEY_LEN];
	struct pki_pair ca = pki_issue(NULL, (struct pki_spec){.name = "short",
						 .ca = true,
						 .from_s = -5,
						 .to_s = PKI_DAY_S / 2});
	STACK_OF(X509) *chain = sk_X509_new_null();
	uint8_t key[CERTIFICATE_KEY_LEN], other[CERTIFICATE_KEY_LEN];
	char subject[CERTIFICATE_NAME_MAX];
	int64_t from = 1, to = 1;

	certificate_chain_dates(chain, &from, &to);
	certificate_chain_subject(chain, subject);
	certificate_chain_key(chain, key);
	assert_true(from == 0 && to == 0);
	assert_string_equal(subject, "");
	assert_memory_equal(key, zeros, sizeof(key));
	certificate_chain_dates(NULL, &from, &to);
	assert_true(from == 0 && to == 0);
	sk_X509_push(chain, w->leaf.certificate);
	certificate_chain_dates(chain, &from, &to);
	assert_int_equal(from, certificate_not_before(w->leaf.certificate));
	assert_int_equal(to, certificate_not_after(w->leaf.certificate));
	sk_X509_push(chain, ca.certificate);
	sk_X509_push(chain, w->issuer.certificate);
	certificate_chain_dates(chain, &from, &to);
	assert_int_equal(from, certificate_not_before(ca.certificate));
	assert_int_equal(to, certificate_not_after(ca.certificate));
	certificate_chain_subject(chain, subject);
	assert_string_equal(subject, "CN=ntp");
	certificate_chain_key(chain, key);
	assert_memory_not_equal(key, zeros, sizeof(key));
	sk_X509_shift(chain);
	certificate_chain_key(chain, other);
	assert_memory_not_equal(key, other, sizeof(key));
	sk_X509_free(chain);
	pki_free(&ca);
}

static void a_name_has_its_text(void **state)
{
	X509_NAME *name = X509_NAME_new();
	char text[CERTIFICATE_NAME_MAX];

	(void)state;
	certificate_name(name, text);
	assert_string_equal(text, "(no name)");
	certificate_name(NULL, text);
	assert_string_equal(text, "(no name)");
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
			(const unsigned char *)"12345678901234567890"
					       "12345678901234567890"
					       "12345678901234567890",
			-1, -1, 0),
		    1);
	certificate_name(name, text);
	assert_int_equal(strlen(text), CERTIFICATE_NAME_MAX - 1);
	assert_string_equal(text + CERTIFICATE_NAME_MAX - 4, "...");
	X509_NAME_free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_its_sentence),
	    cmocka_unit_test(every_sentence_names_the_certificate),
	    cmocka_unit_test(
		a_certificate_without_names_has_no_name_to_configure),
	    cmocka_unit_test(the_first_certificate_stands_for_the_chain),
	    cmocka_unit_test(two_errors_are_about_dates),
	    cmocka_unit_test(a_long_list_of_names_is_cut),
	    cmocka_unit_test(an_address_of_another_length_is_no_name),
	    cmocka_unit_test(a_date_has_its_text),
	    cmocka_unit_test(facts_of_a_chain),
	    cmocka_unit_test(a_name_has_its_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
