#include "nts/tls.h"
#include "nts/ke.h"
#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/ssl.h>
#include <string.h>

#define NAME "ntp1.example.org"

enum alpn { ALPN_GOOD, ALPN_NONE, ALPN_REFUSE };

/* A server in memory, and the certificates around it. */
struct world {
	struct pki_pair root, middle, leaf;
	X509_STORE *store;
	enum alpn alpn;
	int max_version;
	bool no_middle, client_certificate;
	unsigned more_middles; /* the same once more and again */
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
	struct tls_session *client;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->root = pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
	w->middle =
	    pki_issue(&w->root, (struct pki_spec){.name = "I", .ca = true});
	w->store = X509_STORE_new();
	X509_STORE_add_cert(w->store, w->root.certificate);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	tls_free(w->client);
	SSL_free(w->ssl);
	SSL_CTX_free(w->context);
	X509_STORE_free(w->store);
	pki_free(&w->leaf);
	pki_free(&w->middle);
	pki_free(&w->root);
	free(w);
	return 0;
}

static int choose_alpn(SSL *ssl, const unsigned char **out,
    unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct world *w = arg;

	(void)ssl;
	if (w->alpn == ALPN_REFUSE)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (w->alpn == ALPN_NONE)
		return SSL_TLSEXT_ERR_NOACK;
	assert_int_equal(in_len, 1 + strlen(KE_ALPN));
	assert_memory_equal(in + 1, KE_ALPN, strlen(KE_ALPN));
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static void start_server(struct world *w)
{
	w->context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(w->context, 0);
	if (w->max_version)
		SSL_CTX_set_max_proto_version(w->context, w->max_version);
	if (w->client_certificate)
		SSL_CTX_set_verify(w->context,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_use_certificate(w->context, w->leaf.certificate);
	SSL_CTX_use_PrivateKey(w->context, w->leaf.key);
	if (!w->no_middle)
		SSL_CTX_add1_chain_cert(w->context, w->middle.certificate);
	for (unsigned i = 0; i < w->more_middles; i++)
		SSL_CTX_add1_chain_cert(w->context, w->middle.certificate);
	SSL_CTX_set_alpn_select_cb(w->context, choose_alpn, w);
	w->ssl = SSL_new(w->context);
	w->in = BIO_new(BIO_s_mem());
	w->out = BIO_new(BIO_s_mem());
	SSL_set_bio(w->ssl, w->in, w->out);
	SSL_set_accept_state(w->ssl);
}

static void to_server(struct world *w)
{
	uint8_t bytes[500];
	size_t n, written;

	while ((n = tls_drain(w->client, bytes, sizeof(bytes))) > 0)
		BIO_write_ex(w->in, bytes, n, &written);
}

static bool to_client(struct world *w, size_t piece)
{
	uint8_t bytes[4096];
	size_t n = 0;
	bool any = false;

	while (BIO_read_ex(w->out, bytes, piece, &n)) {
		assert_true(tls_feed(w->client, bytes, n));
		any = true;
		if (piece == 1)
			return true;
	}
	return any;
}

/* Until the client is content, has failed, or nothing moves any more. */
static enum tls_step shake(struct world *w, size_t piece)
{
	enum tls_step step;

	for (;;) {
		step = tls_handshake(w->client);
		to_server(w);
		if (step != TLS_WANT_INPUT)
			return step;
		SSL_do_handshake(w->ssl);
		if (!to_client(w, piece))
			tls_feed_end(w->client);
	}
}

static enum tls_step connect_to(
    struct world *w, struct pki_spec leaf, const char *host)
{
	w->leaf = pki_issue(&w->middle, leaf);
	start_server(w);
	w->client = tls_open(w->store, host);
	assert_non_null(w->client);
	return shake(w, 4096);
}

static enum tls_step connect_for(
    struct world *w, const char *san, const char *host)
{
	return connect_to(
	    w, (struct pki_spec){.name = "leaf", .san = san}, host);
}

static void a_good_server_is_accepted(void **state)
{
	struct world *w = *state;
	char text[48];

	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
	assert_int_equal(tls_fault(w->client), TLS_OK);
	assert_int_equal(tls_refusal(w->client)->error, 0);
	tls_describe(w->client, text, sizeof(text));
	assert_string_equal(text, "TLSv1.3 TLS_AES_256_GCM_SHA384");
	assert_int_equal(sk_X509_num(tls_chain(w->client)), 3);
	SSL_do_handshake(w->ssl);
	assert_string_equal(
	    SSL_get_servername(w->ssl, TLSEXT_NAMETYPE_host_name), NAME);
}

static void single_bytes_are_enough(void **state)
{
	struct world *w = *state;

	w->leaf = pki_issue(
	    &w->middle, (struct pki_spec){.name = "leaf", .san = "DNS:" NAME});
	start_server(w);
	w->client = tls_open(w->store, NAME);
	assert_int_equal(shake(w, 1), TLS_DONE);
}

static void both_sides_export_the_same_keys(void **state)
{
	struct world *w = *state;
	const uint8_t context[5] = {0, 0, 0, 15, 1},
		      other[5] = {0, 0, 0, 15, 0};
	uint8_t ours[32], theirs[32];

	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(w->ssl);
	assert_true(tls_export(w->client, context, 5, ours, 32));
	SSL_export_keying_material(w->ssl, theirs, 32, KE_EXPORTER_LABEL,
	    strlen(KE_EXPORTER_LABEL), context, 5, 1);
	assert_memory_equal(ours, theirs, 32);
	assert_true(tls_export(w->client, other, 5, theirs, 32));
	assert_memory_not_equal(ours, theirs, 32);
}

static void the_request_is_one_record(void **state)
{
	struct world *w = *state;
	uint8_t request[64] = {1}, record[200], got[200];
	size_t n;

	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(w->ssl);
	assert_true(tls_write(w->client, request, sizeof(request)));
	n = tls_drain(w->client, record, sizeof(record));
	assert_true(n > 5 && n < sizeof(record));
	assert_int_equal(record[0], 23);
	assert_int_equal(record[3] << 8 | record[4], n - 5);
	assert_true(BIO_write(w->in, record, (int)n) == (int)n);
	assert_int_equal(SSL_read(w->ssl, got, sizeof(got)), sizeof(request));
}

/* What a server sends comes out in pieces, and then its end. */
static void answers_are_read_up_to_the_end(void **state)
{
	struct world *w = *state;
	uint8_t got[100];
	size_t n;

	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(w->ssl);
	assert_int_equal(
	    tls_read(w->client, got, sizeof(got), &n), TLS_WANT_INPUT);
	SSL_write(w->ssl, "abc", 3);
	SSL_write(w->ssl, "de", 2);
	to_client(w, 4096);
	assert_int_equal(tls_read(w->client, got, 2, &n), TLS_DONE);
	assert_int_equal(n, 2);
	assert_int_equal(tls_read(w->client, got, sizeof(got), &n), TLS_DONE);
	assert_memory_equal(got, "c", 1);
	assert_int_equal(tls_read(w->client, got, sizeof(got), &n), TLS_DONE);
	assert_memory_equal(got, "de", 2);
	assert_int_equal(
	    tls_read(w->client, got, sizeof(got), &n), TLS_WANT_INPUT);
	SSL_shutdown(w->ssl);
	to_client(w, 4096);
	assert_int_equal(tls_read(w->client, got, sizeof(got), &n), TLS_CLOSED);
}

static void an_end_without_close_notify_is_an_end(void **state)
{
	struct world *w = *state;
	uint8_t got[100];
	size_t n;

	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
	tls_feed_end(w->client);
	assert_int_equal(tls_read(w->client, got, sizeof(got), &n), TLS_CLOSED);
}

struct name_case {
	const char *san, *host;
	int error; /* 0: accepted */
	const char *sni;
};

static void names_are_checked_against_the_san_alone(void **state)
{
	/* clang-format off */
	static const struct name_case cases[] = {
		{"DNS:ntp1.example.org", "ntp1.example.org.", 0, "ntp1.example.org"},
		{"DNS:ntp1.example.org", "NTP1.example.org", 0, "NTP1.example.org"},
		{"DNS:*.example.org", "ntp1.example.org", 0, "ntp1.example.org"},
		{"DNS:ntp*.example.org", "ntp1.example.org", X509_V_ERR_HOSTNAME_MISMATCH, NULL},
		{"DNS:other.example.org", "ntp1.example.org", X509_V_ERR_HOSTNAME_MISMATCH, NULL},
		/* The common name is "leaf". */
		{NULL, "leaf", X509_V_ERR_HOSTNAME_MISMATCH, NULL},
		{"IP:192.0.2.1", "192.0.2.1", 0, NULL},
		{"IP:192.0.2.2", "192.0.2.1", X509_V_ERR_IP_ADDRESS_MISMATCH, NULL},
		{"DNS:192.0.2.1", "192.0.2.1", X509_V_ERR_IP_ADDRESS_MISMATCH, NULL},
		{"IP:2001:db8::1", "2001:db8::1", 0, NULL},
		{"IP:fe80::1", "fe80::1%eth0", 0, NULL},
	};
	/* clang-format on */
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct name_case *c = &cases[i];
		enum tls_step step = connect_for(w, c->san, c->host);
		const char *sni;

		assert_int_equal(step, c->error ? TLS_FAILED : TLS_DONE);
		assert_int_equal(tls_refusal(w->client)->error, c->error);
		SSL_do_handshake(w->ssl);
		sni = SSL_get_servername(w->ssl, TLSEXT_NAMETYPE_host_name);
		if (!c->error && c->sni)
			assert_string_equal(sni, c->sni);
		else if (!c->error)
			assert_null(sni);
		tls_free(w->client);
		SSL_free(w->ssl);
		SSL_CTX_free(w->context);
		pki_free(&w->leaf);
		w->client = NULL;
		w->ssl = NULL;
		w->context = NULL;
	}
}

static void a_name_that_is_too_long_cannot_be_opened(void **state)
{
	struct world *w = *state;
	char host[300];

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	assert_null(tls_open(w->store, host));
	assert_null(tls_open(w->store, ""));
	assert_null(tls_open(w->store, "."));
}

static void a_refusal_keeps_the_certificates(void **state)
{
	struct world *w = *state;
	const struct tls_refusal *r;

	assert_int_equal(connect_to(w,
			     (struct pki_spec){.name = "leaf",
				 .san = "DNS:" NAME,
				 .from_s = -10 * PKI_DAY_S,
				 .to_s = -PKI_DAY_S},
			     NAME),
	    TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_BAD_CERTIFICATE);
	r = tls_refusal(w->client);
	assert_int_equal(r->error, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(r->depth, 0);
	assert_int_equal(X509_cmp(r->certificate, w->leaf.certificate), 0);
	assert_int_equal(sk_X509_num(r->sent), 2);
	/* The server is told. */
	SSL_do_handshake(w->ssl);
	assert_int_equal(SSL_get_error(w->ssl, -1), SSL_ERROR_SSL);
}

static void a_missing_intermediate_is_refused(void **state)
{
	struct world *w = *state;

	w->no_middle = true;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_refusal(w->client)->error,
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(sk_X509_num(tls_refusal(w->client)->sent), 1);
}

static void a_trusted_intermediate_is_enough(void **state)
{
	struct world *w = *state;

	X509_STORE_free(w->store);
	w->store = X509_STORE_new();
	X509_STORE_add_cert(w->store, w->middle.certificate);
	w->no_middle = true;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
}

static void a_weak_key_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    connect_to(w,
		(struct pki_spec){
		    .name = "leaf", .san = "DNS:" NAME, .rsa_bits = 1024},
		NAME),
	    TLS_FAILED);
	assert_int_equal(
	    tls_refusal(w->client)->error, X509_V_ERR_EE_KEY_TOO_SMALL);
}

static void a_certificate_for_clients_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(connect_to(w,
			     (struct pki_spec){.name = "leaf",
				 .san = "DNS:" NAME,
				 .purpose = "clientAuth"},
			     NAME),
	    TLS_FAILED);
	assert_int_equal(
	    tls_refusal(w->client)->error, X509_V_ERR_INVALID_PURPOSE);
}

static void tls_1_2_is_too_old(void **state)
{
	struct world *w = *state;

	w->max_version = TLS1_2_VERSION;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_TOO_OLD);
}

static void alpn_is_demanded(void **state)
{
	struct world *w = *state;

	w->alpn = ALPN_NONE;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_ALPN_MISSING);
}

static void a_refused_alpn_is_named(void **state)
{
	struct world *w = *state;

	w->alpn = ALPN_REFUSE;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_ALPN_REFUSED);
	assert_string_equal(
	    tls_detail(w->client), "alert 120, no application protocol");
}

/* TLS 1.3: the client believes it is done before the server objects. */
static void a_demand_for_a_client_certificate_is_named(void **state)
{
	struct world *w = *state;
	uint8_t got[10];
	size_t n;

	w->client_certificate = true;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(w->ssl);
	to_client(w, 4096);
	assert_int_equal(tls_read(w->client, got, sizeof(got), &n), TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_WANTS_CERTIFICATE);
}

static void other_protocols_are_told_from_tls(void **state)
{
	static const char *const greetings[] = {
	    "HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
		w->client = tls_open(w->store, NAME);
		assert_int_equal(tls_handshake(w->client), TLS_WANT_INPUT);
		assert_true(
		    tls_feed(w->client, greetings[i], strlen(greetings[i])));
		assert_int_equal(tls_handshake(w->client), TLS_FAILED);
		assert_int_equal(tls_fault(w->client), TLS_NOT_TLS);
		tls_free(w->client);
		w->client = NULL;
	}
}

static void a_short_greeting_before_the_end_is_not_tls(void **state)
{
	struct world *w = *state;

	w->client = tls_open(w->store, NAME);
	assert_int_equal(tls_handshake(w->client), TLS_WANT_INPUT);
	assert_true(tls_feed(w->client, "no", 2));
	tls_feed_end(w->client);
	assert_int_equal(tls_handshake(w->client), TLS_CLOSED);
	assert_int_equal(tls_fault(w->client), TLS_NOT_TLS);
}

static void an_end_in_the_handshake_is_named(void **state)
{
	struct world *w = *state;

	w->client = tls_open(w->store, NAME);
	assert_int_equal(tls_handshake(w->client), TLS_WANT_INPUT);
	tls_feed_end(w->client);
	assert_int_equal(tls_handshake(w->client), TLS_CLOSED);
	assert_int_equal(tls_fault(w->client), TLS_CLOSED_EARLY);
}

static void a_chain_without_end_is_named(void **state)
{
	struct world *w = *state;

	w->more_middles = 1000;
	assert_int_equal(connect_for(w, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_CHAIN_TOO_LONG);
}

static void garbage_in_a_record_breaks_the_protocol(void **state)
{
	static const uint8_t garbage[] = {22, 3, 3, 0, 4, 0xff, 0, 0, 0};
	struct world *w = *state;

	w->client = tls_open(w->store, NAME);
	assert_int_equal(tls_handshake(w->client), TLS_WANT_INPUT);
	assert_true(tls_feed(w->client, garbage, sizeof(garbage)));
	assert_int_equal(tls_handshake(w->client), TLS_FAILED);
	assert_int_equal(tls_fault(w->client), TLS_BROKEN);
	assert_true(strlen(tls_detail(w->client)) > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_good_server_is_accepted),
	    TEST(single_bytes_are_enough),
	    TEST(both_sides_export_the_same_keys),
	    TEST(the_request_is_one_record),
	    TEST(answers_are_read_up_to_the_end),
	    TEST(an_end_without_close_notify_is_an_end),
	    TEST(names_are_checked_against_the_san_alone),
	    TEST(a_name_that_is_too_long_cannot_be_opened),
	    TEST(a_refusal_keeps_the_certificates),
	    TEST(a_missing_intermediate_is_refused),
	    TEST(a_trusted_intermediate_is_enough),
	    TEST(a_weak_key_is_refused),
	    TEST(a_certificate_for_clients_is_refused),
	    TEST(tls_1_2_is_too_old),
	    TEST(alpn_is_demanded),
	    TEST(a_refused_alpn_is_named),
	    TEST(a_demand_for_a_client_certificate_is_named),
	    TEST(other_protocols_are_told_from_tls),
	    TEST(a_short_greeting_before_the_end_is_not_tls),
	    TEST(an_end_in_the_handshake_is_named),
	    TEST(a_chain_without_end_is_named),
	    TEST(garbage_in_a_record_breaks_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
