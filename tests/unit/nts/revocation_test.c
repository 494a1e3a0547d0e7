/* What each kind of revocation list does to a path. */
#include "nts/revocation.h"
#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509_vfy.h>

struct revocation_world {
	struct pki_pair root, middle, leaf, other;
	struct pki_pair namesake; /* another key with the name of `middle` */
	STACK_OF(X509) * path;
};

static int setup(void **state)
{
	struct revocation_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->root = pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
	w->middle =
	    pki_issue(&w->root, (struct pki_spec){.name = "I", .ca = true});
	w->leaf = pki_issue(
	    &w->middle, (struct pki_spec){.name = "L",
			    .points = "URI:http://ca/0,URI:http://ca/1"});
	w->other = pki_issue(&w->middle, (struct pki_spec){.name = "M"});
	w->namesake =
	    pki_issue(&w->root, (struct pki_spec){.name = "I", .ca = true});
	w->path = sk_X509_new_null();
	sk_X509_push(w->path, w->leaf.certificate);
	sk_X509_push(w->path, w->middle.certificate);
	sk_X509_push(w->path, w->root.certificate);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct revocation_world *w = *state;

	sk_X509_free(w->path);
	pki_free(&w->root);
	pki_free(&w->middle);
	pki_free(&w->leaf);
	pki_free(&w->other);
	pki_free(&w->namesake);
	free(w);
	return 0;
}

enum who { NOBODY, LEAF, MIDDLE, ROOT, OTHER, NAMESAKE };

static const struct pki_pair *pair_of(
    const struct revocation_world *w, enum who who)
{
	const struct pki_pair *const pairs[] = {
	    NULL, &w->leaf, &w->middle, &w->root, &w->other, &w->namesake};

	return pairs[who];
}

static const struct revocation_policy usual = {true, 2}, dateless = {false, 2};

struct list_row {
	enum who by, revokes;
	struct pki_list_spec spec;
};

#define YEAR_S (365 * PKI_DAY_S)
#define PAST .from_s = -YEAR_S, .to_s = -PKI_DAY_S
#define FUTURE .from_s = PKI_DAY_S, .to_s = YEAR_S

#define PART(n) .scope = "critical,fullname:URI:http://ca/" #n
#define REASONS .scope = "critical,onlysomereasons:CACompromise"

static const struct {
	const char *what;
	struct list_row lists[2];
	bool dates_unchecked;
	int error, depth, list; /* 0: accepted */
} rows[] = {
    {"no list", {{0}}, false, 0, 0, 0},
    {"a list without entries", {{MIDDLE, NOBODY, {0}}}, false, 0, 0, 0},
    {"the leaf is revoked", {{MIDDLE, LEAF, {0}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 0},
    {"another leaf is revoked", {{MIDDLE, OTHER, {0}}}, false, 0, 0, 0},
    {"the CA is revoked", {{ROOT, MIDDLE, {0}}}, false, X509_V_ERR_CERT_REVOKED,
	1, 0},
    {"the root revokes itself", {{ROOT, ROOT, {0}}}, false, 0, 0, 0},
    {"the list is of the wrong issuer", {{ROOT, LEAF, {0}}}, false, 0, 0, 0},
    {"a namesake revokes", {{NAMESAKE, LEAF, {0}}}, false, 0, 0, 0},
    {"the list has expired", {{MIDDLE, NOBODY, {PAST}}}, false,
	X509_V_ERR_CRL_HAS_EXPIRED, 0, 0},
    {"the list is of the future", {{MIDDLE, NOBODY, {FUTURE}}}, false,
	X509_V_ERR_CRL_NOT_YET_VALID, 0, 0},
    {"the list of the root has expired", {{ROOT, NOBODY, {PAST}}}, false,
	X509_V_ERR_CRL_HAS_EXPIRED, 1, 0},
    {"an expired list of others", {{NAMESAKE, NOBODY, {PAST}}}, false, 0, 0, 0},
    {"the list has no end",
	{{MIDDLE, NOBODY, {.from_s = -YEAR_S, .to_s = 1, .endless = true}}},
	false, 0, 0, 0},
    {"an expired list revokes", {{MIDDLE, LEAF, {PAST}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 0},
    {"an expired list next to a current one",
	{{MIDDLE, NOBODY, {PAST}}, {MIDDLE, NOBODY, {0}}}, false, 0, 0, 0},
    {"a current list next to an expired one",
	{{MIDDLE, NOBODY, {0}}, {MIDDLE, NOBODY, {PAST}}}, false, 0, 0, 0},
    {"the newer list took it back",
	{{MIDDLE, LEAF, {PAST}}, {MIDDLE, NOBODY, {0}}}, false, 0, 0, 0},
    {"the newer list took it back, the other order",
	{{MIDDLE, NOBODY, {0}}, {MIDDLE, LEAF, {PAST}}}, false, 0, 0, 0},
    {"the second list revokes", {{MIDDLE, NOBODY, {0}}, {MIDDLE, LEAF, {0}}},
	false, X509_V_ERR_CERT_REVOKED, 0, 1},
    {"an expired list, dates unchecked", {{MIDDLE, NOBODY, {PAST}}}, true, 0, 0,
	0},
    {"a future list revokes, dates unchecked", {{MIDDLE, LEAF, {FUTURE}}}, true,
	X509_V_ERR_CERT_REVOKED, 0, 0},
    {"a list of changes", {{MIDDLE, LEAF, {.delta = 1}}}, false, 0, 0, 0},
    {"a list for CAs", {{MIDDLE, LEAF, {.scope = "critical,onlyCA:TRUE"}}},
	false, 0, 0, 0},
    {"a list for CAs, of a CA",
	{{ROOT, MIDDLE, {.scope = "critical,onlyCA:TRUE"}}}, false,
	X509_V_ERR_CERT_REVOKED, 1, 0},
    {"a list for others than CAs",
	{{MIDDLE, LEAF, {.scope = "critical,onlyuser:TRUE"}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 0},
    {"a list for others than CAs, of a CA",
	{{ROOT, MIDDLE, {.scope = "critical,onlyuser:TRUE"}}}, false, 0, 0, 0},
    {"the part of the leaf", {{MIDDLE, NOBODY, {PART(1)}}}, false, 0, 0, 0},
    {"the part of the leaf revokes", {{MIDDLE, LEAF, {PART(1)}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 0},
    {"the part of the leaf is newer",
	{{MIDDLE, NOBODY, {PART(1)}}, {MIDDLE, LEAF, {PAST}}}, false, 0, 0, 0},
    {"another part", {{MIDDLE, NOBODY, {PART(2)}}}, false, 0, 0, 0},
    {"another part revokes",
	{{MIDDLE, NOBODY, {PART(1)}}, {MIDDLE, LEAF, {PART(2)}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 1},
    {"another part next to an expired one that revokes",
	{{MIDDLE, NOBODY, {PART(2)}}, {MIDDLE, LEAF, {PART(1), PAST}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 1},
    {"another part next to an expired one",
	{{MIDDLE, NOBODY, {PART(2)}}, {MIDDLE, NOBODY, {PART(1), PAST}}}, false,
	X509_V_ERR_CRL_HAS_EXPIRED, 0, 1},
    {"a part of a certificate without points",
	{{ROOT, NOBODY, {PART(1)}}, {ROOT, MIDDLE, {PAST}}}, false,
	X509_V_ERR_CERT_REVOKED, 1, 1},
    {"some reasons", {{MIDDLE, NOBODY, {REASONS}}}, false, 0, 0, 0},
    {"some reasons revoke", {{MIDDLE, LEAF, {REASONS}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 0},
    {"some reasons next to an expired list that revokes",
	{{MIDDLE, NOBODY, {REASONS}}, {MIDDLE, LEAF, {PAST}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 1},
    {"some reasons next to an expired list",
	{{MIDDLE, NOBODY, {PAST}}, {MIDDLE, NOBODY, {REASONS}}}, false,
	X509_V_ERR_CRL_HAS_EXPIRED, 0, 0},
    {"the list names its CA by serial number",
	{{MIDDLE, LEAF, {.authority = "issuer:always"}}}, false,
	X509_V_ERR_CERT_REVOKED, 0, 0},
};

/* Makes the lists of a row. */
static STACK_OF(X509_CRL) *
    lists_of(const struct revocation_world *w, const struct list_row all[2])
{
	STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();

	for (int i = 0; i < 2 && all[i].by != NOBODY; i++) {
		struct pki_list_spec spec = all[i].spec;

		if (all[i].revokes != NOBODY)
			spec.revoked = pair_of(w, all[i].revokes)->certificate;
		assert_true(sk_X509_CRL_push(
		    lists, pki_list(pair_of(w, all[i].by), spec)));
	}
	return lists;
}

static void each_list_does_what_it_must(void **state)
{
	const struct revocation_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		STACK_OF(X509_CRL) *lists = lists_of(w, rows[i].lists);
		struct revocation r = {0};
		bool good = revocation_check(w->path, lists,
		    rows[i].dates_unchecked ? &dateless : &usual, &r);

		if (good != (rows[i].error == 0) ||
		    (!good &&
			(r.error != rows[i].error || r.depth != rows[i].depth ||
			    r.crl != sk_X509_CRL_value(lists, rows[i].list))))
			fail_msg("%s: error %d at %d", rows[i].what,
			    good ? 0 : r.error, r.depth);
		sk_X509_CRL_pop_free(lists, X509_CRL_free);
	}
}

static void without_lists_all_is_accepted(void **state)
{
	const struct revocation_world *w = *state;
	struct revocation r;

	assert_true(revocation_check(w->path, NULL, &usual, &r));
}

static X509_EXTENSION *unknown_extension(bool critical)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e =
	    X509_EXTENSION_create_by_OBJ(NULL, oid, critical, bytes);

	assert_non_null(e);
	ASN1_OCTET_STRING_free(bytes);
	ASN1_OBJECT_free(oid);
	return e;
}

static void extend(X509_CRL *list, bool critical)
{
	X509_EXTENSION *e = unknown_extension(critical);

	assert_int_equal(X509_CRL_add_ext(list, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void extend_entry(X509_CRL *list, bool critical)
{
	X509_REVOKED *entry =
	    sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), 0);
	X509_EXTENSION *e = unknown_extension(critical);

	assert_int_equal(X509_REVOKED_add_ext(entry, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* `bad`: the month 99. */
static void set_date(X509_CRL *list, bool next, bool bad)
{
	ASN1_TIME *t = ASN1_TIME_new();
	const char *text = bad	  ? "999999999999Z"
			   : next ? "20490101000000Z"
				  : "20200101000000Z";

	ASN1_STRING_set(t, text, -1);
	t->type = bad ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME;
	assert_int_equal(next ? X509_CRL_set1_nextUpdate(list, t)
			      : X509_CRL_set1_lastUpdate(list, t),
	    1);
	ASN1_TIME_free(t);
}

static void set_last(X509_CRL *list, bool bad)
{
	set_date(list, false, bad);
}

static void set_next(X509_CRL *list, bool bad)
{
	set_date(list, true, bad);
}

/* The current list of the CA, which revokes another certificate. */
static void a_list_that_cannot_be_judged_is_refused(void **state)
{
	static const struct {
		void (*change)(X509_CRL *list, bool bad);
		int error;
	} cases[] = {
	    {extend, X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION},
	    {extend_entry, X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION},
	    {set_last, X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD},
	    {set_next, X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD},
	};
	const struct revocation_world *w = *state;
	const struct list_row all[2] = {{MIDDLE, OTHER, {0}}};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		STACK_OF(X509_CRL) *lists = lists_of(w, all);
		X509_CRL *list = sk_X509_CRL_value(lists, 0);
		bool bad = i % 2 == 1;
		struct revocation r;

		cases[i / 2].change(list, bad);
		assert_true(
		    X509_CRL_sign(list, w->middle.key, EVP_sha256()) > 0);
		assert_int_equal(
		    revocation_check(w->path, lists, &usual, &r), !bad);
		assert_int_equal(r.error, bad ? cases[i / 2].error : 0);
		sk_X509_CRL_pop_free(lists, X509_CRL_free);
	}
}

enum signer { EC, ED25519, ED448, RSA_2048, PSS };
static const struct {
	enum signer key;
	const char *digest;
	int level;
	bool strong;
} signatures[] = {
    {EC, "SHA1", 0, true},
    {EC, "SHA1", 1, false},
    {EC, "SHA1", 2, false},
    {EC, "SHA224", 2, true},
    {EC, "SHA224", 3, false},
    {EC, "SHA256", 3, true},
    {EC, "SHA256", 4, false},
    {EC, "SHA512", 5, true},
    {EC, "SHA512", 6, true},
    {RSA_2048, "MD5", 1, false},
    {RSA_2048, "SHA256", 2, true},
    {PSS, "SHA1", 1, false},
    {PSS, "SHA256", 2, true},
    {PSS, "SHA256", 4, false},
    {ED25519, NULL, 3, true},
    {ED25519, NULL, 4, false},
    {ED448, NULL, 4, true},
    {ED448, NULL, 5, false},
};

static void sign_with_pss(X509_CRL *list, EVP_PKEY *key, const EVP_MD *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *by;

	assert_int_equal(EVP_DigestSignInit(ctx, &by, digest, NULL, key), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(by, RSA_PKCS1_PSS_PADDING), 1);
	assert_true(X509_CRL_sign_ctx(list, ctx) > 0);
	EVP_MD_CTX_free(ctx);
}

static EVP_PKEY *key_of(enum signer signer)
{
	if (signer == ED25519 || signer == ED448)
		return EVP_PKEY_Q_keygen(
		    NULL, NULL, signer == ED448 ? "ED448" : "ED25519");
	return pki_key(signer == EC ? 0 : 2048);
}

/* A list of the root, which gets a new key for it. */
static X509_CRL *list_signed_by(
    struct pki_pair *root, enum signer signer, const char *name)
{
	const EVP_MD *digest = name ? EVP_get_digestbyname(name) : NULL;
	X509_CRL *list = pki_list(root, (struct pki_list_spec){0});

	EVP_PKEY_free(root->key);
	root->key = key_of(signer);
	X509_set_pubkey(root->certificate, root->key);
	if (signer == PSS)
		sign_with_pss(list, root->key, digest);
	else
		assert_true(X509_CRL_sign(list, root->key, digest) > 0);
	return list;
}

static void a_weak_signature_of_a_list_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
		struct pki_pair root =
		    pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
		struct pki_pair leaf =
		    pki_issue(&root, (struct pki_spec){.name = "L"});
		const struct revocation_policy policy = {
		    true, signatures[i].level};
		STACK_OF(X509) *path = sk_X509_new_null();
		STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
		struct revocation r;

		sk_X509_CRL_push(lists, list_signed_by(&root, signatures[i].key,
					    signatures[i].digest));
		sk_X509_push(path, leaf.certificate);
		sk_X509_push(path, root.certificate);
		if (revocation_check(path, lists, &policy, &r) !=
		    signatures[i].strong)
			fail_msg("signature %zu", i);
		assert_int_equal(r.error,
		    signatures[i].strong ? 0
					 : X509_V_ERR_CRL_SIGNATURE_FAILURE);
		sk_X509_CRL_pop_free(lists, X509_CRL_free);
		sk_X509_free(path);
		pki_free(&leaf);
		pki_free(&root);
	}
}

/* RFC 5280 6.3.3 (f) */
static void a_ca_that_may_not_sign_lists(void **state)
{
	static const struct {
		const char *usage;
		bool revoked;
		int error;
	} cases[] = {
	    {"critical,keyCertSign,cRLSign", false, 0},
	    {"critical,keyCertSign", false, X509_V_ERR_KEYUSAGE_NO_CRL_SIGN},
	    {"critical,keyCertSign", true, X509_V_ERR_CERT_REVOKED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pki_pair ca = pki_issue(NULL,
		    (struct pki_spec){
			.name = "R", .ca = true, .usage = cases[i].usage});
		struct pki_pair leaf =
		    pki_issue(&ca, (struct pki_spec){.name = "L"});
		STACK_OF(X509) *path = sk_X509_new_null();
		STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
		struct revocation r;

		sk_X509_push(path, leaf.certificate);
		sk_X509_push(path, ca.certificate);
		sk_X509_CRL_push(lists,
		    pki_list(&ca,
			(struct pki_list_spec){.revoked = cases[i].revoked
							      ? leaf.certificate
							      : NULL}));
		assert_int_equal(revocation_check(path, lists, &usual, &r),
		    cases[i].error == 0);
		assert_int_equal(r.error, cases[i].error);
		sk_X509_CRL_pop_free(lists, X509_CRL_free);
		sk_X509_free(path);
		pki_free(&leaf);
		pki_free(&ca);
	}
}

/* Gives a current list this scope, next to an expired list that revokes. False:
 * the current one does not count for the leaf. */
static bool counts_with_scope(
    const struct revocation_world *w, const unsigned char *scope, int len)
{
	const struct list_row all[2] = {
	    {MIDDLE, NOBODY, {0}}, {MIDDLE, LEAF, {PAST}}};
	STACK_OF(X509_CRL) *lists = lists_of(w, all);
	X509_CRL *list = sk_X509_CRL_value(lists, 0);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	struct revocation r;
	bool good;

	assert_true(revocation_check(w->path, lists, &usual, &r));
	ASN1_OCTET_STRING_set(bytes, scope, len);
	e = X509_EXTENSION_create_by_NID(
	    NULL, NID_issuing_distribution_point, 1, bytes);
	assert_int_equal(X509_CRL_add_ext(list, e, -1), 1);
	assert_true(X509_CRL_sign(list, w->middle.key, EVP_sha256()) > 0);
	good = revocation_check(w->path, lists, &usual, &r);
	assert_int_equal(r.error, good ? 0 : X509_V_ERR_CERT_REVOKED);
	sk_X509_CRL_pop_free(lists, X509_CRL_free);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(bytes);
	return good;
}

/* Such a list is for some certificates, but nobody knows for which. */
static void a_scope_that_cannot_be_read_is_not_for_all(void **state)
{
	const unsigned char rubbish = '?';

	assert_false(counts_with_scope(*state, &rubbish, 1));
}

static void a_relative_name_fits_no_certificate(void **state)
{
	/* The distribution point is CN=p, below the name of the issuer. */
	static const unsigned char scope[] = {0x30, 0x0e, 0xa0, 0x0c, 0xa1,
	    0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'p'};

	assert_false(counts_with_scope(*state, scope, sizeof(scope)));
}

static void one_of_two_names_is_enough(void **state)
{
	static const unsigned char scope[] = "\x30\x1e\xa0\x1c\xa0\x1a"
					     "\x86\x0bhttp://ca/2"
					     "\x86\x0bhttp://ca/1";

	assert_true(counts_with_scope(*state, scope, sizeof(scope) - 1));
}

static void a_list_of_changes_is_known(void **state)
{
	const struct revocation_world *w = *state;
	X509_CRL *whole = pki_list(&w->root, (struct pki_list_spec){0});
	X509_CRL *changes =
	    pki_list(&w->root, (struct pki_list_spec){.delta = 7});

	assert_false(revocation_is_delta(whole));
	assert_true(revocation_is_delta(changes));
	X509_CRL_free(whole);
	X509_CRL_free(changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_list_does_what_it_must),
	    cmocka_unit_test(without_lists_all_is_accepted),
	    cmocka_unit_test(a_list_that_cannot_be_judged_is_refused),
	    cmocka_unit_test(a_weak_signature_of_a_list_is_refused),
	    cmocka_unit_test(a_ca_that_may_not_sign_lists),
	    cmocka_unit_test(a_scope_that_cannot_be_read_is_not_for_all),
	    cmocka_unit_test(a_relative_name_fits_no_certificate),
	    cmocka_unit_test(one_of_two_names_is_enough),
	    cmocka_unit_test(a_list_of_changes_is_known),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
