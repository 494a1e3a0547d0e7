#include "nts/tls.h"
#include "nts/ke.h"
#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#define NAME "ntp1.example.org"

enum alpn { ALPN_GOOD, ALPN_NONE, ALPN_REFUSE };

static uint64_t options; /* that were set last */

/* Comes before the function of OpenSSL. */
uint64_t SSL_CTX_set_options(SSL_CTX *ctx, uint64_t op)
{
	void *symbol = dlsym(RTLD_NEXT, "SSL_CTX_set_options");
	uint64_t (*real)(SSL_CTX *, uint64_t);

	memcpy(&real, &symbol, sizeof(real));
	return options = real(ctx, op);
}

/* A server in memory, its certificates, and its client. */
struct tls_fixture {
	struct pki_pair root, intermediate, leaf;
	X509_STORE *store;
	enum alpn alpn;
	int max_version;
	bool no_intermediate, client_certificate;
	unsigned extra_intermediates; /* more copies of it */
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
	struct tls_session *client;
};

/* Ends the connection; a new one can follow. */
static void hang_up(struct tls_fixture *f)
{
	tls_free(f->client);
	SSL_free(f->ssl);
	SSL_CTX_free(f->context);
	pki_free(&f->leaf);
	f->client = NULL;
	f->ssl = NULL;
	f->context = NULL;
}

static int setup(void **state)
{
	struct tls_fixture *f = calloc(1, sizeof(*f));

	f->root = pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
	f->intermediate =
	    pki_issue(&f->root, (struct pki_spec){.name = "I", .ca = true});
	f->store = X509_STORE_new();
	X509_STORE_add_cert(f->store, f->root.certificate);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct tls_fixture *f = *state;

	hang_up(f);
	X509_STORE_free(f->store);
	pki_free(&f->intermediate);
	pki_free(&f->root);
	free(f);
	return 0;
}

static int choose_alpn(SSL *ssl, const unsigned char **out,
    unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct tls_fixture *f = arg;

	(void)ssl;
	if (f->alpn == ALPN_REFUSE)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (f->alpn == ALPN_NONE)
		return SSL_TLSEXT_ERR_NOACK;
	assert_int_equal(in_len, 1 + strlen(KE_ALPN));
	assert_memory_equal(in + 1, KE_ALPN, strlen(KE_ALPN));
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

/* A key that has its curve in it, not only the name. */
static EVP_PKEY *key_with_its_curve(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(
	    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
		OSSL_PKEY_EC_ENCODING_EXPLICIT),
	    1);
	return key;
}

static void give_own_curve(X509 *certificate)
{
	EVP_PKEY *key = key_with_its_curve();

	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	EVP_PKEY_free(key);
}

static void start_server(struct tls_fixture *f)
{
	f->context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(f->context, 0);
	if (f->max_version)
		SSL_CTX_set_max_proto_version(f->context, f->max_version);
	if (f->client_certificate)
		SSL_CTX_set_verify(f->context,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_use_certificate(f->context, f->leaf.certificate);
	SSL_CTX_use_PrivateKey(f->context, f->leaf.key);
	if (!f->no_intermediate)
		SSL_CTX_add1_chain_cert(
		    f->context, f->intermediate.certificate);
	for (unsigned i = 0; i < f->extra_intermediates; i++)
		SSL_CTX_add1_chain_cert(
		    f->context, f->intermediate.certificate);
	SSL_CTX_set_alpn_select_cb(f->context, choose_alpn, f);
	f->ssl = SSL_new(f->context);
	f->in = BIO_new(BIO_s_mem());
	f->out = BIO_new(BIO_s_mem());
	SSL_set_bio(f->ssl, f->in, f->out);
	SSL_set_accept_state(f->ssl);
}

static void to_server(struct tls_fixture *f)
{
	uint8_t bytes[500];
	size_t n, written;

	while ((n = tls_drain(f->client, bytes, sizeof(bytes))) > 0)
		BIO_write_ex(f->in, bytes, n, &written);
}

static bool to_client(struct tls_fixture *f, size_t piece)
{
	uint8_t bytes[4096];
	size_t n = 0;
	bool any = false;

	while (BIO_read_ex(f->out, bytes, piece, &n)) {
		assert_true(tls_feed(f->client, bytes, n));
		any = true;
		if (piece == 1)
			return true;
	}
	return any;
}

/* Runs the handshake until the client is done or has failed. A side that waits
 * without cause gets the end of the connection. */
static enum tls_step shake(struct tls_fixture *f, size_t piece)
{
	enum tls_step step;

	for (;;) {
		step = tls_handshake(f->client);
		to_server(f);
		if (step != TLS_WANT_INPUT)
			return step;
		SSL_do_handshake(f->ssl);
		if (!to_client(f, piece))
			tls_feed_end(f->client);
	}
}

static void prepare(
    struct tls_fixture *f, struct pki_spec leaf, const char *host)
{
	f->leaf = pki_issue(&f->intermediate, leaf);
	start_server(f);
	f->client = tls_open(f->store, host);
	assert_non_null(f->client);
}

static enum tls_step connect_to(
    struct tls_fixture *f, struct pki_spec leaf, const char *host)
{
	prepare(f, leaf, host);
	return shake(f, 4096);
}

static enum tls_step connect_for(
    struct tls_fixture *f, const char *san, const char *host)
{
	return connect_to(
	    f, (struct pki_spec){.name = "leaf", .san = san}, host);
}

/* RFC 8915 3/3 */
static void a_good_server_is_accepted(void **state)
{
	struct tls_fixture *f = *state;
	char text[48];

	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	assert_int_equal(tls_fault(f->client), TLS_OK);
	assert_int_equal(tls_refusal(f->client)->error, 0);
	tls_describe(f->client, text, sizeof(text));
	assert_string_equal(text, "TLSv1.3 TLS_AES_256_GCM_SHA384");
	tls_group(f->client, text, sizeof(text));
	assert_string_equal(text,
	    SSL_group_to_name(f->ssl, (int)SSL_get_negotiated_group(f->ssl)));
	assert_int_equal(sk_X509_num(tls_chain(f->client)), 3);
	SSL_do_handshake(f->ssl);
	assert_string_equal(
	    SSL_get_servername(f->ssl, TLSEXT_NAMETYPE_host_name), NAME);
}

static void single_bytes_complete_the_handshake(void **state)
{
	struct tls_fixture *f = *state;

	f->leaf = pki_issue(&f->intermediate,
	    (struct pki_spec){.name = "leaf", .san = "DNS:" NAME});
	start_server(f);
	f->client = tls_open(f->store, NAME);
	assert_int_equal(shake(f, 1), TLS_DONE);
}

/* RFC 8915 4.3/1, RFC 8915 5.1/1 */
static void both_sides_export_the_same_keys(void **state)
{
	struct tls_fixture *f = *state;
	const uint8_t context[5] = {0, 0, 0, 15, 1},
		      other[5] = {0, 0, 0, 15, 0};
	uint8_t ours[32], theirs[32];

	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(f->ssl);
	assert_true(tls_export(f->client, context, 5, ours, 32));
	SSL_export_keying_material(f->ssl, theirs, 32, KE_EXPORTER_LABEL,
	    strlen(KE_EXPORTER_LABEL), context, 5, 1);
	assert_memory_equal(ours, theirs, 32);
	assert_true(tls_export(f->client, other, 5, theirs, 32));
	assert_memory_not_equal(ours, theirs, 32);
}

/* RFC 8915 4/1 */
static void the_request_is_one_record(void **state)
{
	struct tls_fixture *f = *state;
	uint8_t request[64] = {1}, record[200], got[200];
	size_t n;

	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(f->ssl);
	assert_true(tls_write(f->client, request, sizeof(request)));
	n = tls_drain(f->client, record, sizeof(record));
	assert_true(n > 5 && n < sizeof(record));
	assert_int_equal(record[0], 23);
	assert_int_equal(record[3] << 8 | record[4], n - 5);
	assert_true(BIO_write(f->in, record, (int)n) == (int)n);
	assert_int_equal(SSL_read(f->ssl, got, sizeof(got)), sizeof(request));
}

/* The client reads the pieces that the server sends, and then the end. */
static void answers_are_read_up_to_the_end(void **state)
{
	struct tls_fixture *f = *state;
	uint8_t got[100];
	size_t n = 99;

	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(f->ssl);
	assert_int_equal(
	    tls_read(f->client, got, sizeof(got), &n), TLS_WANT_INPUT);
	assert_int_equal(n, 0);
	SSL_write(f->ssl, "abc", 3);
	SSL_write(f->ssl, "de", 2);
	to_client(f, 4096);
	assert_int_equal(tls_read(f->client, got, 2, &n), TLS_DONE);
	assert_int_equal(n, 2);
	assert_int_equal(tls_read(f->client, got, sizeof(got), &n), TLS_DONE);
	assert_memory_equal(got, "c", 1);
	assert_int_equal(tls_read(f->client, got, sizeof(got), &n), TLS_DONE);
	assert_memory_equal(got, "de", 2);
	assert_int_equal(
	    tls_read(f->client, got, sizeof(got), &n), TLS_WANT_INPUT);
	SSL_shutdown(f->ssl);
	to_client(f, 4096);
	assert_int_equal(tls_read(f->client, got, sizeof(got), &n), TLS_CLOSED);
}

/* OpenSSL keeps the errors of a thread in a queue. */
static void an_error_of_another_call_does_not_count(void **state)
{
	struct tls_fixture *f = *state;
	uint8_t got[10];
	size_t n;

	prepare(f, (struct pki_spec){.name = "leaf", .san = "DNS:" NAME}, NAME);
	ERR_raise(ERR_LIB_USER, 1);
	assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
	assert_int_equal(shake(f, 4096), TLS_DONE);
	SSL_do_handshake(f->ssl);
	ERR_raise(ERR_LIB_USER, 1);
	assert_int_equal(
	    tls_read(f->client, got, sizeof(got), &n), TLS_WANT_INPUT);
	ERR_raise(ERR_LIB_USER, 1);
	assert_true(tls_write(f->client, "x", 1));
}

static void an_end_without_close_notify_closes_the_session(void **state)
{
	struct tls_fixture *f = *state;
	uint8_t got[100];
	size_t n;

	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	tls_feed_end(f->client);
	assert_int_equal(tls_read(f->client, got, sizeof(got), &n), TLS_CLOSED);
}

struct name_case {
	const char *san, *host;
	int error; /* 0: accepted */
	const char *sni;
};

/* RFC 8915 3/4 */
static void only_subject_alternative_names_are_checked(void **state)
{
	/* clang-format off */
	static const struct name_case cases[] = {
		{"DNS:ntp1.example.org", "ntp1.example.org.", 0, "ntp1.example.org"},
		{"DNS:ntp1.example.org", "NTP1.example.org", 0, "NTP1.example.org"},
		{"DNS:*.example.org", "ntp1.example.org", 0, "ntp1.example.org"},
		{"DNS:ntp*.example.org", "ntp1.example.org", X509_V_ERR_HOSTNAME_MISMATCH, NULL},
		{"DNS:other.example.org", "ntp1.example.org", X509_V_ERR_HOSTNAME_MISMATCH, NULL},
		/* "leaf" is the common name. */
		{NULL, "leaf", X509_V_ERR_HOSTNAME_MISMATCH, NULL},
		{"IP:192.0.2.1", "192.0.2.1", 0, NULL},
		{"IP:192.0.2.2", "192.0.2.1", X509_V_ERR_IP_ADDRESS_MISMATCH, NULL},
		{"DNS:192.0.2.1", "192.0.2.1", X509_V_ERR_IP_ADDRESS_MISMATCH, NULL},
		{"IP:2001:db8::1", "2001:db8::1", 0, NULL},
		{"IP:fe80::1", "fe80::1%eth0", 0, NULL},
	};
	/* clang-format on */
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct name_case *c = &cases[i];
		enum tls_step step = connect_for(f, c->san, c->host);
		const char *sni;

		assert_int_equal(step, c->error ? TLS_FAILED : TLS_DONE);
		assert_int_equal(tls_refusal(f->client)->error, c->error);
		SSL_do_handshake(f->ssl);
		sni = SSL_get_servername(f->ssl, TLSEXT_NAMETYPE_host_name);
		if (!c->error && c->sni)
			assert_string_equal(sni, c->sni);
		else if (!c->error)
			assert_null(sni);
		hang_up(f);
	}
}

static void a_name_may_have_255_bytes(void **state)
{
	struct tls_fixture *f = *state;
	char host[257] = "";

	memset(host, 'a', 255);
	f->client = tls_open(f->store, host);
	assert_non_null(f->client);
	host[255] = 'a';
	assert_null(tls_open(f->store, host));
	assert_null(tls_open(f->store, ""));
	assert_null(tls_open(f->store, "."));
}

/* Without a provider the library has no algorithm. */
static void a_failing_library_gives_no_session(void **state)
{
	struct tls_fixture *f = *state;

	assert_true(EVP_set_default_properties(NULL, "provider=nobody"));
	f->client = tls_open(f->store, NAME);
	assert_true(EVP_set_default_properties(NULL, ""));
	assert_null(f->client);
}

static void every_fault_has_a_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TLS_FAULT_COUNT; i++)
		assert_true(strlen(tls_fault_text((enum tls_fault)i)) > 5);
	assert_string_equal(tls_fault_text(TLS_FAULT_COUNT), "unknown");
}

static void a_refusal_has_the_certificates(void **state)
{
	struct tls_fixture *f = *state;
	const struct tls_refusal *r;

	assert_int_equal(connect_to(f,
			     (struct pki_spec){.name = "leaf",
				 .san = "DNS:" NAME,
				 .from_s = -10 * PKI_DAY_S,
				 .to_s = -PKI_DAY_S},
			     NAME),
	    TLS_FAILED);
	assert_int_equal(tls_fault(f->client), TLS_BAD_CERTIFICATE);
	r = tls_refusal(f->client);
	assert_int_equal(r->error, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(r->depth, 0);
	assert_int_equal(X509_cmp(r->certificate, f->leaf.certificate), 0);
	assert_int_equal(sk_X509_num(r->sent), 2);
	/* The server gets an alert. */
	SSL_do_handshake(f->ssl);
	assert_int_equal(SSL_get_error(f->ssl, -1), SSL_ERROR_SSL);
}

static void a_missing_intermediate_is_refused(void **state)
{
	struct tls_fixture *f = *state;

	f->no_intermediate = true;
	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_refusal(f->client)->error,
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(sk_X509_num(tls_refusal(f->client)->sent), 1);
}

static void a_trusted_intermediate_is_enough(void **state)
{
	struct tls_fixture *f = *state;

	X509_STORE_free(f->store);
	f->store = X509_STORE_new();
	X509_STORE_add_cert(f->store, f->intermediate.certificate);
	f->no_intermediate = true;
	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
}

static void bad_certificates_are_refused(void **state)
{
	static const struct {
		struct pki_spec leaf;
		int error;
	} cases[] = {
	    {{.from_s = -10 * PKI_DAY_S, .to_s = -PKI_DAY_S},
		X509_V_ERR_CERT_HAS_EXPIRED},
	    {{.from_s = PKI_DAY_S, .to_s = 10 * PKI_DAY_S},
		X509_V_ERR_CERT_NOT_YET_VALID},
	    {{.rsa_bits = 1024}, X509_V_ERR_EE_KEY_TOO_SMALL},
	    {{.purpose = "clientAuth"}, X509_V_ERR_INVALID_PURPOSE},
	};
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pki_spec leaf = cases[i].leaf;

		leaf.name = "leaf";
		leaf.san = "DNS:" NAME;
		assert_int_equal(connect_to(f, leaf, NAME), TLS_FAILED);
		assert_int_equal(tls_fault(f->client), TLS_BAD_CERTIFICATE);
		assert_int_equal(tls_refusal(f->client)->error, cases[i].error);
		hang_up(f);
	}
}

/* Dates do not count after tls_ignore_dates(), everything else does. */
static void dates_can_be_ignored(void **state)
{
	static const struct {
		const char *san;
		int error;
	} cases[] = {{"DNS:" NAME, 0},
	    {"DNS:other.example.org", X509_V_ERR_HOSTNAME_MISMATCH}};
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		prepare(f,
		    (struct pki_spec){.name = "leaf",
			.san = cases[i].san,
			.from_s = -10 * PKI_DAY_S,
			.to_s = -PKI_DAY_S},
		    NAME);
		tls_ignore_dates(f->client);
		assert_int_equal(
		    shake(f, 4096), cases[i].error ? TLS_FAILED : TLS_DONE);
		assert_int_equal(tls_refusal(f->client)->error, cases[i].error);
		hang_up(f);
	}
}

/* RFC 8915 3/2 */
static void unsuitable_servers_are_named(void **state)
{
	static const struct {
		int max_version;
		enum alpn alpn;
		enum tls_fault fault;
		const char *detail;
	} cases[] = {
	    {TLS1_2_VERSION, ALPN_GOOD, TLS_TOO_OLD,
		"alert 70, protocol version"},
	    {0, ALPN_NONE, TLS_ALPN_MISSING, ""},
	    {0, ALPN_REFUSE, TLS_ALPN_REFUSED,
		"alert 120, no application protocol"},
	};
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->max_version = cases[i].max_version;
		f->alpn = cases[i].alpn;
		assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_FAILED);
		assert_int_equal(tls_fault(f->client), cases[i].fault);
		assert_string_equal(tls_detail(f->client), cases[i].detail);
		hang_up(f);
	}
}

/* In TLS 1.3 the client completes the handshake before the server refuses. */
static void a_request_for_a_client_certificate_is_named(void **state)
{
	struct tls_fixture *f = *state;
	uint8_t got[10];
	size_t n;

	f->client_certificate = true;
	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(f->ssl);
	to_client(f, 4096);
	assert_int_equal(tls_read(f->client, got, sizeof(got), &n), TLS_FAILED);
	assert_int_equal(tls_fault(f->client), TLS_WANTS_CERTIFICATE);
}

static void other_protocols_are_distinguished_from_tls(void **state)
{
	static const char *const greetings[] = {
	    "HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n"};
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
		f->client = tls_open(f->store, NAME);
		assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
		assert_true(
		    tls_feed(f->client, greetings[i], strlen(greetings[i])));
		assert_int_equal(tls_handshake(f->client), TLS_FAILED);
		assert_int_equal(tls_fault(f->client), TLS_NOT_TLS);
		tls_free(f->client);
		f->client = NULL;
	}
}

/* A record cannot begin with 0, even if the rest comes later. */
static void the_first_byte_decides_what_is_tls(void **state)
{
	static const uint8_t rest[] = {22, 3, 3, 0, 4, 0xff, 0, 0, 0};
	struct tls_fixture *f = *state;

	f->client = tls_open(f->store, NAME);
	assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
	assert_true(tls_feed(f->client, "x", 0));
	assert_true(tls_feed(f->client, "", 1));
	assert_true(tls_feed(f->client, rest, sizeof(rest)));
	assert_int_equal(tls_handshake(f->client), TLS_FAILED);
	assert_int_equal(tls_fault(f->client), TLS_NOT_TLS);
}

static void an_alert_of_the_server_is_named(void **state)
{
	static const struct {
		uint8_t alert;
		enum tls_fault fault;
	} cases[] = {
	    {0, TLS_ALERT},
	    {40, TLS_ALERT},
	    {70, TLS_TOO_OLD},
	    {112, TLS_NAME_UNKNOWN},
	    {116, TLS_WANTS_CERTIFICATE},
	    {120, TLS_ALPN_REFUSED},
	};
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const uint8_t record[] = {21, 3, 3, 0, 2, 2, cases[i].alert};
		char detail[16];

		f->client = tls_open(f->store, NAME);
		assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
		assert_true(tls_feed(f->client, record, sizeof(record)));
		assert_int_equal(tls_handshake(f->client), TLS_FAILED);
		assert_int_equal(tls_fault(f->client), cases[i].fault);
		snprintf(detail, sizeof(detail), "alert %u, ", cases[i].alert);
		assert_ptr_equal(strstr(tls_detail(f->client), detail),
		    tls_detail(f->client));
		assert_int_equal(strstr(tls_detail(f->client), "curve") != NULL,
		    cases[i].alert == SSL_AD_HANDSHAKE_FAILURE);
		hang_up(f);
	}
	assert_non_null(strstr(tls_fault_text(TLS_TOO_OLD), "on a curve "));
}

/* RFC 8915 4/2 */
static void nothing_is_written_after_the_close(void **state)
{
	struct tls_fixture *f = *state;

	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_DONE);
	SSL_do_handshake(f->ssl);
	tls_close(f->client);
	to_server(f);
	assert_int_equal(SSL_read(f->ssl, &(char){0}, 1), 0);
	assert_int_equal(SSL_get_error(f->ssl, 0), SSL_ERROR_ZERO_RETURN);
	assert_false(tls_write(f->client, "x", 1));
	assert_int_equal(tls_fault(f->client), TLS_PROTOCOL_ERROR);
}

static void a_short_greeting_before_the_end_is_not_tls(void **state)
{
	static const char greetings[2][2] = {{'n', 'o'}, {0}};
	struct tls_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
		f->client = tls_open(f->store, NAME);
		assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
		assert_true(tls_feed(f->client, greetings[i], 2));
		tls_feed_end(f->client);
		assert_int_equal(tls_handshake(f->client), TLS_CLOSED);
		assert_int_equal(tls_fault(f->client), TLS_NOT_TLS);
		hang_up(f);
	}
}

static void an_end_during_the_handshake_is_named(void **state)
{
	struct tls_fixture *f = *state;

	f->client = tls_open(f->store, NAME);
	assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
	tls_feed_end(f->client);
	assert_int_equal(tls_handshake(f->client), TLS_CLOSED);
	assert_int_equal(tls_fault(f->client), TLS_CLOSED_EARLY);
}

static void a_chain_that_is_too_long_is_named(void **state)
{
	struct tls_fixture *f = *state;

	f->extra_intermediates = 1000;
	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_fault(f->client), TLS_CHAIN_TOO_LONG);
}

/* RFC 5480 2.1.1: OpenSSL does not even read such a key, which can be made to
 * take long. */
static void a_key_with_its_own_curve_ends_the_handshake(void **state)
{
	struct tls_fixture *f = *state;

	give_own_curve(f->intermediate.certificate);
	assert_int_equal(connect_for(f, "DNS:" NAME, NAME), TLS_FAILED);
	assert_int_equal(tls_fault(f->client), TLS_PROTOCOL_ERROR);
	assert_int_equal(tls_refusal(f->client)->error, 0);
	assert_string_equal(tls_detail(f->client),
	    "a key of its chain has a curve of its own, which RFC 5480 "
	    "forbids");
}

static void garbage_in_a_record_is_a_protocol_error(void **state)
{
	static const uint8_t garbage[] = {22, 3, 3, 0, 4, 0xff, 0, 0, 0};
	struct tls_fixture *f = *state;

	f->client = tls_open(f->store, NAME);
	assert_int_equal(tls_handshake(f->client), TLS_WANT_INPUT);
	assert_true(tls_feed(f->client, garbage, sizeof(garbage)));
	assert_int_equal(tls_handshake(f->client), TLS_FAILED);
	assert_int_equal(tls_fault(f->client), TLS_PROTOCOL_ERROR);
	assert_true(strlen(tls_detail(f->client)) > 0);
}

/* Bit 33 is the option of OpenSSL 3.2; a program built with 3.0 sets it, too.
 */
static void certificates_never_come_compressed(void **state)
{
	struct tls_fixture *f = *state;

	options = 0;
	f->client = tls_open(f->store, NAME);
	assert_true(options & UINT64_C(1) << 33);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FIXTURE(a_good_server_is_accepted),
	    WITH_FIXTURE(single_bytes_complete_the_handshake),
	    WITH_FIXTURE(both_sides_export_the_same_keys),
	    WITH_FIXTURE(the_request_is_one_record),
	    WITH_FIXTURE(answers_are_read_up_to_the_end),
	    WITH_FIXTURE(an_error_of_another_call_does_not_count),
	    WITH_FIXTURE(an_end_without_close_notify_closes_the_session),
	    WITH_FIXTURE(only_subject_alternative_names_are_checked),
	    WITH_FIXTURE(a_name_may_have_255_bytes),
	    WITH_FIXTURE(a_failing_library_gives_no_session),
	    cmocka_unit_test(every_fault_has_a_sentence),
	    WITH_FIXTURE(a_refusal_has_the_certificates),
	    WITH_FIXTURE(a_missing_intermediate_is_refused),
	    WITH_FIXTURE(a_trusted_intermediate_is_enough),
	    WITH_FIXTURE(bad_certificates_are_refused),
	    WITH_FIXTURE(dates_can_be_ignored),
	    WITH_FIXTURE(unsuitable_servers_are_named),
	    WITH_FIXTURE(a_request_for_a_client_certificate_is_named),
	    WITH_FIXTURE(other_protocols_are_distinguished_from_tls),
	    WITH_FIXTURE(the_first_byte_decides_what_is_tls),
	    WITH_FIXTURE(an_alert_of_the_server_is_named),
	    WITH_FIXTURE(nothing_is_written_after_the_close),
	    WITH_FIXTURE(a_short_greeting_before_the_end_is_not_tls),
	    WITH_FIXTURE(an_end_during_the_handshake_is_named),
	    WITH_FIXTURE(a_chain_that_is_too_long_is_named),
	    WITH_FIXTURE(garbage_in_a_record_is_a_protocol_error),
	    WITH_FIXTURE(a_key_with_its_own_curve_ends_the_handshake),
	    WITH_FIXTURE(certificates_never_come_compressed),
	};

	/* As in each process that exchanges keys. */
	tls_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
