/*
 * Which chains are accepted: by us, by GnuTLS as chronyd uses it, and by
 * OpenSSL alone. All three speak TLS with one server in memory. Each shape
 * where ours and GnuTLS differ has its reason in chains.h.
 */
#include "nts/ke.h"
#include "nts/tls.h"
#include "resolver/certificate/trust.h"
#include "resolver/frame.h"
#include "tests/unit/resolver/certificate/chain_maker.h"
#include "tests/unit/resolver/certificate/chains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

struct court {
	struct chain_maker maker;
	const struct chain_row *row;
	char file[64];
	struct trust trust;
	char why[KE_TEXT_MAX]; /* our sentence */
	SSL_CTX *context;
	SSL *server;
	BIO *in, *out; /* of the server */
};

static int setup(void **state)
{
	struct court *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	snprintf(c->file, sizeof(c->file), P_tmpdir "/ntsagent-chains-%ld",
	    (long)getpid());
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct court *c = *state;

	unlink(c->file);
	chain_free(&c->maker);
	free(c);
	return 0;
}

static int take_alpn(SSL *ssl, const unsigned char **out,
    unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl;
	(void)in_len;
	(void)arg;
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static void start_server(struct court *c)
{
	STACK_OF(X509) *sent = chain_stack(&c->maker, c->row->sent);
	char leaf[8];

	snprintf(leaf, sizeof(leaf), "%.*s", (int)strcspn(c->row->sent, " "),
	    c->row->sent);
	c->context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(c->context, 0);
	SSL_CTX_set_mode(c->context, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_alpn_select_cb(c->context, take_alpn, NULL);
	PKI_MUST(SSL_CTX_use_certificate(c->context, sk_X509_value(sent, 0)));
	PKI_MUST(SSL_CTX_use_PrivateKey(
	    c->context, chain_find(&c->maker, leaf)->key));
	for (int i = 1; i < sk_X509_num(sent); i++)
		PKI_MUST(SSL_CTX_add1_chain_cert(
		    c->context, sk_X509_value(sent, i)));
	sk_X509_free(sent);
	c->server = SSL_new(c->context);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	SSL_set_bio(c->server, c->in, c->out);
	SSL_set_accept_state(c->server);
}

static void stop_server(struct court *c)
{
	SSL_free(c->server);
	SSL_CTX_free(c->context);
	ERR_clear_error();
}

/* Ours. */

static void feed_each_other(struct court *c, struct tls_session *client)
{
	uint8_t bytes[8192];
	size_t n, written;

	while ((n = tls_drain(client, bytes, sizeof(bytes))) > 0)
		BIO_write_ex(c->in, bytes, n, &written);
	SSL_do_handshake(c->server);
	n = 0;
	while (BIO_read_ex(c->out, bytes, sizeof(bytes), &n))
		assert_true(tls_feed(client, bytes, n));
}

static bool we_accept(struct court *c)
{
	struct tls_session *client;
	struct sentence why = sentence_to(c->why, sizeof(c->why));
	enum tls_step step;

	start_server(c);
	client = tls_open(c->trust.store, c->row->host);
	assert_non_null(client);
	for (int i = 0; i < 5; i++) {
		step = tls_handshake(client);
		if (step != TLS_WANT_INPUT)
			break;
		feed_each_other(c, client);
	}
	if (step == TLS_FAILED && tls_fault(client) == TLS_BAD_CERTIFICATE)
		trust_explain_refusal(
		    &c->trust, tls_refusal(client), c->row->host, 1, &why);
	else if (step != TLS_DONE)
		fail_msg(
		    "%s: %s", c->row->name, tls_fault_text(tls_fault(client)));
	tls_free(client);
	stop_server(c);
	return step == TLS_DONE;
}

/* GnuTLS, with the calls of chronyd. */

static ssize_t push(gnutls_transport_ptr_t court, const void *bytes, size_t len)
{
	struct court *c = court;
	size_t written = 0;

	BIO_write_ex(c->in, bytes, len, &written);
	return (ssize_t)written;
}

static ssize_t pull(gnutls_transport_ptr_t court, void *bytes, size_t len)
{
	struct court *c = court;
	size_t n = 0;

	SSL_do_handshake(c->server);
	if (BIO_read_ex(c->out, bytes, len, &n))
		return (ssize_t)n;
	errno = EIO;
	return -1;
}

static int has_input(gnutls_transport_ptr_t court, unsigned ms)
{
	(void)court;
	(void)ms;
	return 1;
}

static bool gnutls_accepts(struct court *c)
{
	gnutls_certificate_credentials_t trusted;
	gnutls_session_t client;
	gnutls_datum_t alpn = {(unsigned char *)(uintptr_t)KE_ALPN, 7};
	int result;

	start_server(c);
	PKI_MUST(gnutls_certificate_allocate_credentials(&trusted) == 0);
	(void)gnutls_certificate_set_x509_trust_file(
	    trusted, c->file, GNUTLS_X509_FMT_PEM);
	PKI_MUST(gnutls_init(&client, GNUTLS_CLIENT) == 0);
	gnutls_set_default_priority(client);
	gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, trusted);
	gnutls_alpn_set_protocols(client, &alpn, 1, 0);
	gnutls_session_set_verify_cert(client, c->row->host, 0);
	gnutls_transport_set_ptr(client, c);
	gnutls_transport_set_push_function(client, push);
	gnutls_transport_set_pull_function(client, pull);
	gnutls_transport_set_pull_timeout_function(client, has_input);
	do
		result = gnutls_handshake(client);
	while (result < 0 && !gnutls_error_is_fatal(result));
	gnutls_deinit(client);
	gnutls_certificate_free_credentials(trusted);
	stop_server(c);
	return result == 0;
}

/* OpenSSL without our search of paths. */
static bool openssl_accepts(struct court *c)
{
	STACK_OF(X509) *sent = chain_stack(&c->maker, c->row->sent);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *p;
	bool good;

	PKI_MUST(X509_STORE_CTX_init(
	    ctx, c->trust.store, sk_X509_value(sent, 0), sent));
	X509_STORE_CTX_set_default(ctx, "ssl_server");
	p = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(p, 2);
	X509_VERIFY_PARAM_set_hostflags(
	    p, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!X509_VERIFY_PARAM_set1_ip_asc(p, c->row->host))
		X509_VERIFY_PARAM_set1_host(p, c->row->host, 0);
	good = X509_verify_cert(ctx) > 0;
	X509_STORE_CTX_free(ctx);
	sk_X509_free(sent);
	ERR_clear_error();
	return good;
}

static void trust_the_row(struct court *c)
{
	STACK_OF(X509) *trusted = chain_stack(&c->maker, c->row->trusted);
	struct trust_config config = {.path_count = 1};
	struct sentence why = sentence_to(c->why, sizeof(c->why));
	FILE *f = fopen(c->file, "w");

	assert_non_null(f);
	for (int i = 0; i < sk_X509_num(trusted); i++)
		PKI_MUST(PEM_write_X509(f, sk_X509_value(trusted, i)));
	fclose(f);
	sk_X509_free(trusted);
	strcpy(config.paths[0], c->file);
	/* A file whose certificates have all expired is refused later. */
	if (!trust_load(&c->trust, &config, &why))
		assert_true(c->trust.expired);
}

static bool as_expected(
    const char *who, const struct chain_row *row, bool accepted, char expected)
{
	if (expected == '?' || (expected == 'y') == accepted)
		return true;
	print_error(
	    "%s: %s %s it\n", row->name, who, accepted ? "accepts" : "refuses");
	return false;
}

static bool server_may_sign(struct court *c)
{
	STACK_OF(X509) *sent = chain_stack(&c->maker, c->row->sent);
	uint32_t usage = X509_get_key_usage(sk_X509_value(sent, 0));

	sk_X509_free(sent);
	return usage & KU_DIGITAL_SIGNATURE;
}

/* Returns the number of surprises. */
static unsigned try_row(struct court *c, const struct chain_row *row)
{
	bool ours, others, good;

	c->row = row;
	chain_make_all(&c->maker, row->certificates);
	trust_the_row(c);
	ours = we_accept(c);
	good = as_expected("ours", row, ours, row->ours);
	others = gnutls_accepts(c);
	good &= as_expected("gnutls", row, others, row->gnutls);
	if (getenv("CHAINS_SHOWN"))
		printf("%c%c%c %-50s %s\n", ours ? 'y' : 'n',
		    openssl_accepts(c) ? 'y' : 'n', others ? 'y' : 'n',
		    row->name, ours ? "" : c->why);
	/* Whatever OpenSSL accepts, the search accepts, but for a key that may
	 * not sign. */
	if (openssl_accepts(c) && server_may_sign(c) && !ours) {
		print_error("%s: OpenSSL accepts it\n", row->name);
		good = false;
	}
	if (row->says && !strstr(c->why, row->says)) {
		print_error("%s: says %s\n", row->name, c->why);
		good = false;
	}
	trust_free(&c->trust);
	chain_clear(&c->maker);
	return !good;
}

static void every_shape_is_judged_as_listed(void **state)
{
	unsigned surprises = 0;

	for (size_t i = 0; i < ARRAY_LEN(chain_rows); i++)
		surprises += try_row(*state, &chain_rows[i]);
	assert_int_equal(surprises, 0);
}

static void every_difference_has_its_reason(void **state)
{
	(void)state;
	assert_true(ARRAY_LEN(chain_rows) >= 120);
	for (size_t i = 0; i < ARRAY_LEN(chain_rows); i++) {
		const struct chain_row *r = &chain_rows[i];

		if ((r->ours != r->gnutls) != (r->reason != NULL))
			fail_msg("%s: %s", r->name,
			    r->reason ? "a reason without a difference"
				      : "a difference without a reason");
		for (size_t j = 0; j < i; j++)
			if (strcmp(r->name, chain_rows[j].name) == 0)
				fail_msg("%s is there twice", r->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		every_shape_is_judged_as_listed, setup, teardown),
	    cmocka_unit_test(every_difference_has_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
