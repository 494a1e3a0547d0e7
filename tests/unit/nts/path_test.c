/* Which of several faults is told, and what belongs to it. */
#include "nts/path.h"

#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_good_path_has_no_fault),
	    TEST(a_revocation_is_told_before_dates),
	    TEST(the_longest_path_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
