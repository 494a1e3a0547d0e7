/* Which of several faults is told, and what belongs to it. */
#include "nts/path.h"

#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

struct path_world {
	struct pki_pair root, middle, leaf;
	X509 *outdated; /* the root with the same key, long ago */
	X509_STORE *store;
	X509_STORE_CTX *ctx;
	STACK_OF(X509) * sent;
	STACK_OF(X509_CRL) * lists;
	struct tls_refusal refusal;
};

/* The certificate with other dates. */
static X509 *outdated(const struct pki_pair *p)
{
	X509 *c = X509_dup(p->certificate);

	assert_non_null(c);
	assert_non_null(
	    X509_gmtime_adj(X509_getm_notBefore(c), -10 * PKI_DAY_S));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(c), -PKI_DAY_S));
	assert_true(X509_sign(c, p->key, EVP_sha256()));
	return c;
}

static int setup(void **state)
{
	struct path_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->root = pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
	w->middle =
	    pki_issue(&w->root, (struct pki_spec){.name = "M", .ca = true});
	w->leaf = pki_issue(&w->middle, (struct pki_spec){.name = "L"});
	w->outdated = outdated(&w->root);
	w->store = X509_STORE_new();
	w->ctx = X509_STORE_CTX_new();
	w->sent = sk_X509_new_null();
	w->lists = sk_X509_CRL_new_null();
	assert_true(w->store && w->ctx && w->sent && w->lists);
	assert_true(sk_X509_push(w->sent, w->leaf.certificate));
	assert_true(sk_X509_push(w->sent, w->middle.certificate));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct path_world *w = *state;

	path_refusal_free(&w->refusal);
	X509_STORE_CTX_free(w->ctx);
	X509_STORE_free(w->store);
	sk_X509_free(w->sent);
	sk_X509_CRL_pop_free(w->lists, X509_CRL_free);
	X509_free(w->outdated);
	pki_free(&w->root);
	pki_free(&w->middle);
	pki_free(&w->leaf);
	free(w);
	return 0;
}

static void trust(struct path_world *w, X509 *c)
{
	assert_int_equal(X509_STORE_add_cert(w->store, c), 1);
}

static void revoke_leaf(struct path_world *w)
{
	struct pki_list_spec spec = {.revoked = w->leaf.certificate};

	assert_true(sk_X509_CRL_push(w->lists, pki_list(&w->middle, spec)));
}

static bool is_good(struct path_world *w)
{
	path_refusal_free(&w->refusal);
	X509_STORE_CTX_cleanup(w->ctx);
	assert_int_equal(
	    X509_STORE_CTX_init(w->ctx, w->store, w->leaf.certificate, w->sent),
	    1);
	return path_check(w->ctx, w->lists, &w->refusal);
}

static void a_good_path_has_no_fault(void **state)
{
	struct path_world *w = *state;

	trust(w, w->outdated);
	trust(w, w->root.certificate);
	assert_true(is_good(w));
	assert_int_equal(w->refusal.error, 0);
	assert_null(w->refusal.path);
	assert_int_equal(sk_X509_num(X509_STORE_CTX_get0_chain(w->ctx)), 3);
}

/* The path over the outdated root has a fault of its dates alone, which is told
 * if there is no revocation. */
static void a_revocation_is_told_before_dates(void **state)
{
	struct path_world *w = *state;
	const struct tls_refusal *r = &w->refusal;

	trust(w, w->outdated);
	assert_false(is_good(w));
	assert_int_equal(r->error, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(r->depth, 2);
	assert_int_equal(X509_cmp(r->certificate, w->outdated), 0);
	assert_null(r->crl);

	trust(w, w->root.certificate);
	revoke_leaf(w);
	assert_false(is_good(w));
	assert_int_equal(r->error, X509_V_ERR_CERT_REVOKED);
	assert_int_equal(r->depth, 0);
	assert_int_equal(X509_cmp(r->certificate, w->leaf.certificate), 0);
	assert_ptr_equal(r->crl, sk_X509_CRL_value(w->lists, 0));
	assert_int_equal(sk_X509_num(r->path), 3);
	assert_int_equal(sk_X509_num(r->sent), 2);
	assert_int_equal(
	    X509_STORE_CTX_get_error(w->ctx), X509_V_ERR_CERT_REVOKED);
}

/* Of paths that reach no trusted certificate, the longest one. */
static void the_longest_path_is_told(void **state)
{
	struct path_world *w = *state;
	const struct tls_refusal *r = &w->refusal;

	assert_false(is_good(w));
	assert_int_equal(
	    r->error, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(r->depth, 1);
	assert_int_equal(X509_cmp(r->certificate, w->middle.certificate), 0);
	assert_int_equal(sk_X509_num(r->path), 2);

	assert_true(sk_X509_push(w->sent, w->root.certificate));
	assert_false(is_good(w));
	assert_int_equal(r->error, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
	assert_int_equal(r->depth, 2);
	assert_int_equal(X509_STORE_CTX_get_error_depth(w->ctx), 2);
	assert_int_equal(sk_X509_num(r->path), 3);

	sk_X509_pop(w->sent);
	sk_X509_pop(w->sent);
	assert_false(is_good(w));
	assert_int_equal(r->depth, 0);
	assert_int_equal(X509_cmp(r->certificate, w->leaf.certificate), 0);
	assert_int_equal(sk_X509_num(r->path), 1);
}

/* An RSA key with numbers of these lengths, which nobody can sign with. */
static EVP_PKEY *made_up_key(int modulus_bits, int exponent_bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *numbers = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = BN_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *all;

	assert_true(
	    ctx && numbers &&
	    BN_rand(n, modulus_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) &&
	    BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) &&
	    OSSL_PARAM_BLD_push_BN(numbers, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(numbers, OSSL_PKEY_PARAM_RSA_E, e));
	all = OSSL_PARAM_BLD_to_param(numbers);
	assert_true(EVP_PKEY_fromdata_init(ctx) == 1);
	assert_true(
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, all) == 1);
	OSSL_PARAM_free(all);
	OSSL_PARAM_BLD_free(numbers);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Sends certificates with the name of the leaf's issuer, before the true one.
 * Each of them has another key, and signatures as long as that key. */
static void send_first(
    struct path_world *w, unsigned count, int modulus_bits, int exponent_bits)
{
	for (unsigned i = 0; i < count; i++) {
		EVP_PKEY *key = made_up_key(modulus_bits, exponent_bits);
		X509 *c = X509_dup(w->middle.certificate);

		assert_true(c && X509_set_pubkey(c, key));
		assert_true(sk_X509_insert(w->sent, c, 1));
		EVP_PKEY_free(key);
	}
}

static void free_first(struct path_world *w, unsigned count)
{
	while (count-- > 0)
		X509_free(sk_X509_delete(w->sent, 1));
}

/* A server may choose keys whose signatures take long. */
static void slow_keys_of_one_name_are_not_all_tried(void **state)
{
	static const struct {
		unsigned count;
		int modulus_bits, exponent_bits;
		bool good;
	} rows[] = {
	    {150, 2048, 17, true}, /* many */
	    {50, 8192, 17, true},  /* large */
	    {2, 3072, 3072, true}, /* a strange exponent */
	    {40, 3072, 3072, false},
	    {60, 16384, 64, false},
	};
	struct path_world *w = *state;

	trust(w, w->root.certificate);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		send_first(w, rows[i].count, rows[i].modulus_bits,
		    rows[i].exponent_bits);
		assert_int_equal(is_good(w), rows[i].good);
		assert_int_equal(w->refusal.error,
		    rows[i].good ? 0 : X509_V_ERR_CERT_CHAIN_TOO_LONG);
		free_first(w, rows[i].count);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_good_path_has_no_fault),
	    TEST(a_revocation_is_told_before_dates),
	    TEST(the_longest_path_is_told),
	    TEST(slow_keys_of_one_name_are_not_all_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
