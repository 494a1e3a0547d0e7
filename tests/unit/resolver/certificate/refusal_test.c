/* The sentence about every error of a certificate's verification. */
#include "resolver/certificate/certificate.h"
#include "resolver/certificate/refused.h"
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
#include <time.h>
#include <unistd.h>

/* Which certificates are trusted. */
enum trusted { OTHER, SAME_NAME, PROBLEM };
/* Where the refused certificate comes from. */
enum place { LEAF, CHAIN, TRUSTED, ELSEWHERE };

struct refusal_world {
	char file[64];
	struct pki_pair issuer, leaf, nameless;
	struct trust other;	/* trusts a certificate of another name */
	struct trust same_name; /* trusts another key with the issuer's name */
	struct trust problem;	/* like `other`; a second file is missing */
	STACK_OF(X509) * sent;	/* the leaf and its issuer */
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char hash[CERTIFICATE_HASH_MAX];
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
	certificate_key_hash(w->leaf.certificate, w->hash);
	w->sent = sk_X509_new_null();
	assert_int_equal(sk_X509_push(w->sent, w->leaf.certificate), 1);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct refusal_world *w = *state;

	unlink(w->file);
	sk_X509_free(w->sent);
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
#define INTERCEPTED(cause, fix) ": somebody else may be intercepting the connection, or " cause "; see on the server itself whether the SHA-256 of its key is HASH; " fix
#define FROM_CA "get the root certificate from the CA itself, never from this connection"
#define ISSUED_BY(files) " is issued by \"CN=CA\", which is not among the trusted certificates" files
#define NOT_SENT INTERCEPTED("the server does not send the certificate of an intermediate CA, or trusted-certs lacks the root", "if that issuer is an intermediate CA, let the server send its certificate, else " FROM_CA)
#define OTHER_KEY " names the trusted \"CN=CA\" (FILE, line 1) as its issuer, but another key signed it" INTERCEPTED("that CA has a new key", "get its current root certificate from the CA itself, never from this connection")
#define DATES ": it is valid from FROM to TO and the local clock says 1970-01-01 00:00:01 UTC; "
#define IF_WRONG ", or correct the local clock if it is wrong"
#define NOT_FOR(cause, name) " is not for host" INTERCEPTED(cause, "if it is, issue the certificate again with " name " as a subject alternative name, or ask the operator of the server for its right name, never this connection; the certificate is for ")
#define WRONG_NAME "the name is wrong, in the certificate or in the configuration"
#define ITSELF "the certificate \"CN=ntp\""
#define IN_CHAIN "the CA certificate \"CN=ntp\" in the server's chain"
#define IN_FILE "the trusted certificate \"CN=Other\" (FILE, line 1)"
#define IN_SYSTEM "the trusted certificate \"CN=ntp\" of this system"
#define WEAK " has a weak key (EC of 256 bits) for the security level 2 of this system; issue it again with an EC key of "

static const struct {
	int error;
	enum place place;
	enum trusted trusted;
	const char *sentence; /* FILE, FROM, TO and HASH are replaced */
} rows[] = {
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, LEAF, OTHER, ITSELF ISSUED_BY(" (1 file: FILE)") NOT_SENT},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CHAIN, OTHER, IN_CHAIN ISSUED_BY(" (1 file: FILE)") NOT_SENT},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, LEAF, SAME_NAME, ITSELF OTHER_KEY},
	{X509_V_ERR_CERT_UNTRUSTED, CHAIN, PROBLEM, "cannot read the trusted certificate /nonexistent: No such file or directory; this may be the reason: " IN_CHAIN ISSUED_BY("") NOT_SENT},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, LEAF, OTHER, ITSELF " is self-signed and not among the trusted certificates (1 file: FILE)" INTERCEPTED("the server has no certificate of a CA", "give it one, or copy its own from its disk to trusted-certs, never from this connection")},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CHAIN, OTHER, "the chain of the server's certificate ends at the root \"CN=ntp\", which is not among the trusted certificates (1 file: FILE)" INTERCEPTED("trusted-certs lacks that root", FROM_CA)},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CHAIN, SAME_NAME, IN_CHAIN OTHER_KEY},
	{X509_V_ERR_CERT_HAS_EXPIRED, LEAF, OTHER, ITSELF " has expired" DATES "renew the certificate" IF_WRONG},
	{X509_V_ERR_CERT_HAS_EXPIRED, CHAIN, OTHER, IN_CHAIN " has expired" DATES "let the server send the renewed CA certificate" IF_WRONG},
	{X509_V_ERR_CERT_HAS_EXPIRED, TRUSTED, OTHER, IN_FILE " has expired" DATES "replace it in that file by the renewed one of that CA" IF_WRONG},
	{X509_V_ERR_CERT_HAS_EXPIRED, ELSEWHERE, OTHER, IN_SYSTEM " has expired" DATES "update the system's package ca-certificates" IF_WRONG},
	{X509_V_ERR_CERT_NOT_YET_VALID, LEAF, OTHER, ITSELF " is not yet valid" DATES "wait, issue the certificate again" IF_WRONG},
	{X509_V_ERR_CERT_NOT_YET_VALID, CHAIN, OTHER, IN_CHAIN " is not yet valid" DATES "wait, issue the certificate again" IF_WRONG},
	{X509_V_ERR_CERT_NOT_YET_VALID, TRUSTED, OTHER, IN_FILE " is not yet valid" DATES "wait, replace it in that file" IF_WRONG},
	{X509_V_ERR_HOSTNAME_MISMATCH, LEAF, OTHER, ITSELF NOT_FOR(WRONG_NAME, "DNS:host") "DNS \"a.example\", IP 192.0.2.1"},
	{X509_V_ERR_IP_ADDRESS_MISMATCH, LEAF, OTHER, ITSELF NOT_FOR(WRONG_NAME, "DNS:host") "DNS \"a.example\", IP 192.0.2.1"},
	{X509_V_ERR_EE_KEY_TOO_SMALL, LEAF, OTHER, ITSELF WEAK "P-256, P-384 or P-521 or an RSA key of at least 2048 bits"},
	{X509_V_ERR_CA_KEY_TOO_SMALL, CHAIN, OTHER, IN_CHAIN WEAK "at least 224 bits or an RSA key of at least 2048 bits"},
	{X509_V_ERR_CA_KEY_TOO_SMALL, TRUSTED, OTHER, IN_FILE " has a weak key (EC of 256 bits) for the security level 2 of this system; its CA must issue it again with an EC key of at least 224 bits or an RSA key of at least 2048 bits"},
	{X509_V_ERR_CA_MD_TOO_WEAK, CHAIN, OTHER, IN_CHAIN " has a weak signature (ecdsa-with-SHA256) for the security level 2 of this system; issue it again, signed with SHA-256 or better"},
	{X509_V_ERR_INVALID_CA, CHAIN, OTHER, IN_CHAIN " is not that of a CA (its basic constraints say CA:FALSE), but its key signed another one; if it is a CA, issue it again with the basic constraints CA:TRUE"},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, CHAIN, SAME_NAME, IN_CHAIN OTHER_KEY},
	{X509_V_ERR_CERT_CHAIN_TOO_LONG, LEAF, OTHER, "the chain of the certificate \"CN=ntp\" is too long: more than 32 certificates up to a trusted one, too many of one name, or keys of unusual sizes; let the server send only its own chain"},
	{X509_V_ERR_CERT_REJECTED, LEAF, OTHER, ITSELF " is refused: certificate rejected"},
};
/* clang-format on */

/* `sentence` with FILE, FROM, TO and HASH replaced. */
static void expand(
    const struct refusal_world *w, const char *sentence, char out[KE_TEXT_MAX])
{
	const struct {
		const char *word, *text;
	} words[] = {{"FILE", w->file}, {"FROM", w->from}, {"TO", w->to},
	    {"HASH", w->hash}};
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

/* The refusal of the certificate at a place. The dates of all are alike. */
static struct tls_refusal refusal_at(
    const struct refusal_world *w, enum place place, int error)
{
	return (struct tls_refusal){.error = error,
	    .depth = place == LEAF ? 0 : 1,
	    .level = 2,
	    .certificate =
		place == TRUSTED ? w->other.origins[0].c : w->leaf.certificate,
	    .sent = place == ELSEWHERE ? NULL : w->sent};
}

static void every_error_has_its_sentence(void **state)
{
	struct refusal_world *w = *state;
	char expected[KE_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct tls_refusal refusal =
		    refusal_at(w, rows[i].place, rows[i].error);

		certificate_date(
		    certificate_not_before(refusal.certificate), w->from);
		certificate_date(
		    certificate_not_after(refusal.certificate), w->to);
		expand(w, rows[i].sentence, expected);
		assert_string_equal(
		    explain(w, rows[i].trusted, &refusal), expected);
	}
}

/* The others have no remedy that is simpler than the sentence. */
static void some_errors_are_of_a_kind(void **state)
{
	static const struct {
		int error;
		enum certificate_fault kind;
	} kinds[] = {
	    {X509_V_OK, CERTIFICATE_ACCEPTED},
	    {X509_V_ERR_CERT_HAS_EXPIRED, CERTIFICATE_EXPIRED},
	    {X509_V_ERR_CERT_NOT_YET_VALID, CERTIFICATE_EARLY},
	    {X509_V_ERR_HOSTNAME_MISMATCH, CERTIFICATE_WRONG_NAME},
	    {X509_V_ERR_IP_ADDRESS_MISMATCH, CERTIFICATE_WRONG_NAME},
	    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		CERTIFICATE_UNKNOWN_ISSUER},
	    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
		CERTIFICATE_UNKNOWN_ISSUER},
	    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERTIFICATE_UNKNOWN_ISSUER},
	    {X509_V_ERR_CERT_REVOKED, CERTIFICATE_OTHER_FAULT},
	    {X509_V_ERR_CRL_HAS_EXPIRED, CERTIFICATE_OTHER_FAULT},
	    {X509_V_ERR_INVALID_PURPOSE, CERTIFICATE_OTHER_FAULT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct tls_refusal refusal = {.error = kinds[i].error};

		assert_int_equal(
		    trust_refusal_kind(NULL, &refusal), kinds[i].kind);
	}
}

/* Renewing a certificate on the server does not help against our own. */
static void dates_of_trusted_certificates_are_a_kind_of_their_own(void **state)
{
	static const struct {
		enum place place;
		enum certificate_fault expired, early;
	} kinds[] = {
	    {LEAF, CERTIFICATE_EXPIRED, CERTIFICATE_EARLY},
	    {CHAIN, CERTIFICATE_EXPIRED, CERTIFICATE_EARLY},
	    {TRUSTED, CERTIFICATE_TRUSTED_DATES, CERTIFICATE_TRUSTED_DATES},
	    {ELSEWHERE, CERTIFICATE_TRUSTED_DATES, CERTIFICATE_TRUSTED_DATES},
	};
	struct refusal_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct tls_refusal refusal =
		    refusal_at(w, kinds[i].place, X509_V_ERR_CERT_HAS_EXPIRED);

		assert_int_equal(
		    trust_refusal_kind(&w->other, &refusal), kinds[i].expired);
		refusal.error = X509_V_ERR_CERT_NOT_YET_VALID;
		assert_int_equal(
		    trust_refusal_kind(&w->other, &refusal), kinds[i].early);
	}
}

/* A root of the system that the server sends, too, is not the server's. */
static void a_trusted_certificate_that_was_sent_is_ours(void **state)
{
	struct refusal_world *w = *state;
	struct trust system = {.store = X509_STORE_new(), .system = true};
	struct tls_refusal refusal =
	    refusal_at(w, CHAIN, X509_V_ERR_CERT_HAS_EXPIRED);
	struct sentence out = sentence_to(w->text, sizeof(w->text));

	assert_int_equal(
	    X509_STORE_add_cert(system.store, w->leaf.certificate), 1);
	trust_explain_refusal(&system, &refusal, "host", 1, &out);
	assert_non_null(strstr(w->text, IN_SYSTEM " has expired: "));
	assert_non_null(
	    strstr(w->text, "update the system's package ca-certificates"));
	assert_int_equal(
	    trust_refusal_kind(&system, &refusal), CERTIFICATE_TRUSTED_DATES);
	trust_free(&system);
}

/* The certificate of the server stays below the revoked one. */
static void a_new_key_does_not_help_below_a_revoked_ca(void **state)
{
	static const struct {
		enum place place;
		const char *cure;
	} cases[] = {
	    {CHAIN, "; give the server a certificate of another CA, or let it "
		    "send the new certificate of that CA, and find out why "},
	    {TRUSTED, "; give the server a certificate of another CA, or "
		      "replace that one by the new certificate of its CA, "},
	    {ELSEWHERE, "; give the server a certificate of another CA, or "
			"replace that one by the new certificate of its CA, "},
	};
	struct refusal_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tls_refusal refusal =
		    refusal_at(w, cases[i].place, X509_V_ERR_CERT_REVOKED);

		assert_non_null(
		    strstr(explain(w, OTHER, &refusal), cases[i].cure));
	}
}

/* A copy with an algorithm that does not exist: wherever the object identifier
 * stands, its last byte differs. The caller frees it. */
static X509 *with_odd_algorithm(X509 *c, const unsigned char *oid, size_t len)
{
	unsigned char *der = NULL, *at;
	const unsigned char *next;
	size_t size = (size_t)i2d_X509(c, &der);
	X509 *changed;

	for (at = der; (at = memmem(at, size - (size_t)(at - der), oid, len));)
		at[len - 1] = 0x7f;
	next = der;
	changed = d2i_X509(NULL, &next, (long)size);
	assert_non_null(changed);
	OPENSSL_free(der);
	return changed;
}

/* Nobody can say that another key signed it. */
static void an_unknown_algorithm_is_told(void **state)
{
	static const unsigned char signature[] = {
	    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	static const unsigned char key[] = {
	    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	struct refusal_world *w = *state;
	struct tls_refusal refusal =
	    refusal_at(w, LEAF, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	X509 *leaf = with_odd_algorithm(
	    w->leaf.certificate, signature, sizeof(signature));
	X509 *issuer =
	    with_odd_algorithm(w->issuer.certificate, key, sizeof(key));

	refusal.sent = sk_X509_dup(w->sent);
	assert_true(sk_X509_push(refusal.sent, issuer) > 0);
	assert_non_null(strstr(explain(w, OTHER, &refusal),
	    ITSELF " cannot be checked: its issuer \"CN=CA\" has a key that "
		   "OpenSSL cannot read (1.2.840.10045.2.127): somebody else "
		   "may be intercepting"));
	refusal.certificate = leaf;
	assert_non_null(strstr(explain(w, SAME_NAME, &refusal),
	    ITSELF " has a signature that OpenSSL cannot check "
		   "(1.2.840.10045.4.3.127): somebody else may be "
		   "intercepting"));
	assert_non_null(strstr(
	    w->text, "issue the certificate again, signed with SHA-256"));
	sk_X509_free(refusal.sent);
	X509_free(leaf);
	X509_free(issuer);
}

/* Nothing that is done on the server alone helps. */
static void a_trusted_leaf_is_replaced_at_both_ends(void **state)
{
	static const int with[] = {X509_V_ERR_CERT_HAS_EXPIRED,
	    X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_HOSTNAME_MISMATCH,
	    X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_INVALID_PURPOSE,
	    X509_V_ERR_CERT_REVOKED};
	struct refusal_world *w = *state;
	struct tls_refusal refusal = refusal_at(w, TRUSTED, 0);
	char copy[KE_TEXT_MAX];

	refusal.depth = 0;
	expand(w,
	    "; a new one must also replace the trusted copy (FILE, line 1)",
	    copy);
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		refusal.error = with[i];
		assert_non_null(strstr(explain(w, OTHER, &refusal), copy));
		assert_null(strstr(explain(w, SAME_NAME, &refusal), copy));
	}
	refusal.error = X509_V_ERR_CERT_CHAIN_TOO_LONG;
	assert_null(strstr(explain(w, OTHER, &refusal), copy));
	refusal.error = X509_V_ERR_CRL_HAS_EXPIRED;
	refusal.crl = pki_list(&w->issuer, (struct pki_list_spec){0});
	assert_null(strstr(explain(w, OTHER, &refusal), copy));
	X509_CRL_free(refusal.crl);
}

/* What to do stands at the end of a sentence of a limited size. */
static void long_lists_leave_room_for_the_cure(void **state)
{
	static const char name[] =
	    "a name that is as long as the standard allows for a common name";
	struct refusal_world *w = *state;
	struct trust_config *config = calloc(1, sizeof(*config));
	struct pki_pair ca =
	    pki_issue(NULL, (struct pki_spec){.name = name, .ca = true});
	struct pki_pair leaf =
	    pki_issue(&ca, (struct pki_spec){.name = name, .ca = true});
	struct sentence out = sentence_to(w->text, sizeof(w->text));
	struct tls_refusal refusal = {
	    .error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	    .depth = 1,
	    .sent = w->sent,
	    .certificate = leaf.certificate};
	struct trust t;

	assert_non_null(config);
	pki_write(w->file, w->issuer.certificate);
	while (config->path_count < TRUST_PATHS_MAX)
		strcpy(config->paths[config->path_count++], w->file);
	assert_true(trust_load(&t, config, &out));
	trust_explain_refusal(&t, &refusal, "host", 1, &out);
	assert_non_null(strstr(w->text, w->hash));
	assert_non_null(strstr(w->text, FROM_CA));
	trust_free(&t);
	pki_free(&leaf);
	pki_free(&ca);
	free(config);
}

/* RSA 2048 is not enough everywhere. */
static void the_level_of_the_system_counts(void **state)
{
	struct refusal_world *w = *state;
	struct tls_refusal refusal =
	    refusal_at(w, LEAF, X509_V_ERR_EE_KEY_TOO_SMALL);

	refusal.level = 3;
	assert_string_equal(explain(w, OTHER, &refusal),
	    "the certificate \"CN=ntp\" has a weak key (EC of 256 bits) for "
	    "the "
	    "security level 3 of this system; issue it again with an EC key of "
	    "P-256, P-384 or P-521 or an RSA key of at least 3072 bits");
	refusal.level = 4;
	assert_non_null(strstr(explain(w, OTHER, &refusal),
	    "an EC key of P-384 or P-521 or an RSA key of at least 7680 "
	    "bits"));
	refusal.level = 5;
	assert_non_null(strstr(
	    explain(w, OTHER, &refusal), "an EC key of P-521 or an RSA key"));
	refusal.level = 9;
	refusal.error = X509_V_ERR_CA_MD_TOO_WEAK;
	assert_non_null(strstr(
	    explain(w, OTHER, &refusal), "signed with SHA-512 or better"));
}

/* The sentences about revocation lists. */

struct list_case {
	int error;
	struct pki_list_spec spec;
	const char *sentence; /* SERIAL, WHEN, FROM, TO and NOW are cut out */
};

/* The text with all dates and serial numbers as "*". */
static const char *without_numbers(const char *text, const char *serial)
{
	static char out[KE_TEXT_MAX];
	char *o = out;

	while (*text) {
		if (strncmp(text, serial, strlen(serial)) == 0) {
			text += strlen(serial);
			*o++ = '#';
		} else if (strncmp(text, "20", 2) == 0 && text[4] == '-') {
			text += strlen("2026-01-31 12:00:00 UTC");
			*o++ = '*';
		} else {
			*o++ = *text++;
		}
	}
	*o = '\0';
	return out;
}

static void each_list_has_its_sentence(void **state)
{
	/* clang-format off */
	static const struct list_case cases[] = {
		{X509_V_ERR_CERT_REVOKED, {.reason = 1}, ITSELF " with the serial number # was revoked on * (key compromise), says the revocation list of \"CN=CA\"; give the server a new certificate with a new key, and find out why it was revoked"},
		{X509_V_ERR_CERT_REVOKED, {.reason = 0}, ITSELF " with the serial number # was revoked on *, says the revocation list of \"CN=CA\"; give the server a new certificate with a new key, and find out why it was revoked"},
		{X509_V_ERR_CRL_HAS_EXPIRED, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" has expired: it is from *, and a new one was due on *; the local clock says *; get the current list from the CA, or correct the local clock if it is wrong"},
		{X509_V_ERR_CRL_NOT_YET_VALID, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" is not yet valid: it is from *; the local clock says *; get the current list from the CA, or correct the local clock if it is wrong"},
		{X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" has an unknown extension that is marked as critical; let the CA issue a list without it, or remove it from crl-files"},
		{X509_V_ERR_CRL_SIGNATURE_FAILURE, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" has a signature with a digest that is too weak; let the CA correct that, or remove the list from crl-files"},
		{X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" is from a CA that may not sign lists (its key usage has no cRLSign); let the CA correct that, or remove the list from crl-files"},
		{X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" has a date that cannot be read; let the CA correct that, or remove the list from crl-files"},
		{X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, {0}, ITSELF " cannot be checked: the revocation list of \"CN=CA\" has a date that cannot be read; let the CA correct that, or remove the list from crl-files"},
	};
	/* clang-format on */
	struct refusal_world *w = *state;
	char serial[CERTIFICATE_SERIAL_MAX];

	certificate_serial(w->leaf.certificate, serial);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_refusal refusal =
		    refusal_at(w, LEAF, cases[i].error);
		struct pki_list_spec spec = cases[i].spec;
		struct sentence out = sentence_to(w->text, sizeof(w->text));

		spec.revoked = w->leaf.certificate;
		refusal.crl = pki_list(&w->issuer, spec);
		trust_explain_refusal(
		    &w->other, &refusal, "host", (int64_t)time(NULL), &out);
		assert_string_equal(
		    without_numbers(w->text, serial), cases[i].sentence);
		X509_CRL_free(refusal.crl);
	}
}

static void the_moment_of_a_later_try_is_known(void **state)
{
	struct refusal_world *w = *state;
	struct tls_refusal refusal =
	    refusal_at(w, LEAF, X509_V_ERR_CERT_NOT_YET_VALID);

	assert_int_equal(trust_refused_until(&refusal),
	    certificate_not_before(w->leaf.certificate));
	refusal.error = X509_V_ERR_CERT_HAS_EXPIRED;
	assert_int_equal(trust_refused_until(&refusal), 0);
	refusal.error = X509_V_ERR_CRL_NOT_YET_VALID;
	assert_int_equal(trust_refused_until(&refusal), 0);
	refusal.crl = pki_list(&w->issuer, (struct pki_list_spec){0});
	assert_int_equal(trust_refused_until(&refusal),
	    certificate_time(X509_CRL_get0_lastUpdate(refusal.crl)));
	X509_CRL_free(refusal.crl);
}

/* As the command in certificate.h prints it. */
static void an_origin_is_a_file_and_its_line(void **state)
{
	static char path[] = "/etc/ca.pem";
	static const struct {
		struct trust_origin origin;
		const char *text;
	} cases[] = {
	    {{.path = path, .line = 3}, " (/etc/ca.pem, line 3)"},
	    {{.path = path, .line = 1}, " (/etc/ca.pem, line 1)"},
	    {{.path = path}, " (/etc/ca.pem)"},
	    {{.line = 3}, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[100] = "";
		struct sentence out = sentence_to(text, sizeof(text));
		const struct refusal r = {.out = &out};

		refusal_say_origin(&r, &cases[i].origin);
		assert_string_equal(text, cases[i].text);
		refusal_say_origin(&r, NULL);
		assert_string_equal(text, cases[i].text);
	}
}

static void a_key_has_its_hash(void **state)
{
	struct refusal_world *w = *state;
	EVP_PKEY *key = X509_get0_pubkey(w->leaf.certificate);
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	int len = i2d_PUBKEY(key, &der);
	char want[CERTIFICATE_HASH_MAX];

	assert_true(len > 0);
	assert_int_equal(
	    EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
	for (int i = 0; i < 32; i++)
		snprintf(want + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(w->hash, want);
	OPENSSL_free(der);
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
	char want[KE_TEXT_MAX];

	certificate_key_hash(w->nameless.certificate, w->hash);
	expand(w,
	    ITSELF NOT_FOR(
		WRONG_NAME, "DNS:host") "no DNS name and no IP address",
	    want);
	assert_string_equal(explain(w, OTHER, &refusal), want);
}

/* A certificate with the host of the configuration would be refused, too. */
static void the_name_to_issue_has_neither_zone_nor_final_dot(void **state)
{
	static const char *const cases[][2] = {
	    {"ntp.example.", "again with DNS:ntp.example as "},
	    {"fe80::1%eth0", "again with IP:fe80::1 as "},
	};
	struct refusal_world *w = *state;
	const struct tls_refusal refusal =
	    refusal_at(w, LEAF, X509_V_ERR_HOSTNAME_MISMATCH);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sentence out = sentence_to(w->text, sizeof(w->text));

		trust_explain_refusal(
		    &w->other, &refusal, cases[i][0], 1, &out);
		assert_non_null(strstr(w->text, cases[i][1]));
	}
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
	    "the certificate \"CN=ntp\" is refused: unspecified certificate "
	    "verification error");
	sk_X509_free(sent);
}

static void four_errors_are_about_dates(void **state)
{
	struct tls_refusal refusal = {.error = 0};

	(void)state;
	for (; refusal.error < 100; refusal.error++)
		assert_int_equal(trust_refused_by_date(&refusal),
		    refusal.error == X509_V_ERR_CERT_HAS_EXPIRED ||
			refusal.error == X509_V_ERR_CERT_NOT_YET_VALID ||
			refusal.error == X509_V_ERR_CRL_HAS_EXPIRED ||
			refusal.error == X509_V_ERR_CRL_NOT_YET_VALID);
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
	certificate_valid_for(p.certificate, &out);
	assert_string_equal(text,
	    "DNS \"1\", DNS \"2\", DNS \"3\", DNS \"4\", DNS \"5\", DNS "
	    "\"6\", DNS \"7\", IP ::1 and 2 more");
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
	certificate_valid_for(p.certificate, &out);
	assert_string_equal(text, "no DNS name and no IP address");
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

/* A root may well live so long; a time of 32 bits ends on 2038-01-19. */
static void a_date_after_2038_keeps_its_value(void **state)
{
	ASN1_TIME *t = ASN1_TIME_new();
	char text[CERTIFICATE_DATE_MAX];

	(void)state;
	assert_int_equal(ASN1_TIME_set_string_X509(t, "460101000000Z"), 1);
	assert_int_equal(certificate_time(t), INT64_C(2398377600));
	certificate_date(certificate_time(t), text);
	assert_string_equal(text, "2046-01-01 00:00:00 UTC");
	ASN1_TIME_free(t);
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
	    cmocka_unit_test(some_errors_are_of_a_kind),
	    cmocka_unit_test(
		dates_of_trusted_certificates_are_a_kind_of_their_own),
	    cmocka_unit_test(a_trusted_certificate_that_was_sent_is_ours),
	    cmocka_unit_test(a_new_key_does_not_help_below_a_revoked_ca),
	    cmocka_unit_test(an_unknown_algorithm_is_told),
	    cmocka_unit_test(a_trusted_leaf_is_replaced_at_both_ends),
	    cmocka_unit_test(long_lists_leave_room_for_the_cure),
	    cmocka_unit_test(every_error_has_its_sentence),
	    cmocka_unit_test(every_sentence_names_the_certificate),
	    cmocka_unit_test(the_level_of_the_system_counts),
	    cmocka_unit_test(each_list_has_its_sentence),
	    cmocka_unit_test(the_moment_of_a_later_try_is_known),
	    cmocka_unit_test(an_origin_is_a_file_and_its_line),
	    cmocka_unit_test(a_key_has_its_hash),
	    cmocka_unit_test(
		a_certificate_without_names_has_no_name_to_configure),
	    cmocka_unit_test(the_name_to_issue_has_neither_zone_nor_final_dot),
	    cmocka_unit_test(the_first_certificate_stands_for_the_chain),
	    cmocka_unit_test(four_errors_are_about_dates),
	    cmocka_unit_test(a_long_list_of_names_is_cut),
	    cmocka_unit_test(an_address_of_another_length_is_no_name),
	    cmocka_unit_test(a_date_has_its_text),
	    cmocka_unit_test(a_date_after_2038_keeps_its_value),
	    cmocka_unit_test(facts_of_a_chain),
	    cmocka_unit_test(a_name_has_its_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
