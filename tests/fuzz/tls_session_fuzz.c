/*
 * A TLS session with a server that breaks the rules. The first bytes say which
 * server it is and what happens to the bytes that it sends; the rest is the
 * answer that it gives inside of the session, or, for a server that speaks no
 * TLS, all that it sends. A session is accepted only from the right server, and
 * hands over what that server has sent.
 */
#include "nts/ke.h"
#include "nts/tls.h"
#include "tests/fuzz/target.h"
#include "tests/unit/nts/pki.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#define NAME "ntp1.example.org"
#define CHANGES_MAX 8
#define ANSWER_MAX 2048

/* What the first byte says. */
enum server {
	NO_TLS = 0x01, /* the bytes of the input are all that it sends */
	NO_ALPN = 0x02,
	WRONG_NAME = 0x04,
	OLD_VERSION = 0x08,
	CLIENT_CERTIFICATE = 0x10,
	NO_INTERMEDIATE = 0x20,
	EXPIRED = 0x40,
	IGNORE_DATES = 0x80, /* the client does */
};

/* One byte of all that the server sends. */
struct change {
	size_t at;
	enum { FLIP, DROP, DOUBLE, CUT, CHANGES } kind;
	uint8_t value;
};

struct play {
	uint8_t server;
	size_t piece;
	unsigned change_count;
	struct change changes[CHANGES_MAX];
	struct reader answer;
	size_t sent; /* bytes that the server has sent */
	bool cut, altered;
	SSL *ssl;
	BIO *in, *out;
	struct tls_session *client;
};

/* Made once: keys cost more than sessions. */
static struct {
	struct pki_pair root, intermediate, leaf, wrong_leaf, expired_leaf;
	X509_STORE *store;
} pki;

static void make_pki(void)
{
	if (pki.store)
		return;
	pki.root = pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
	pki.intermediate =
	    pki_issue(&pki.root, (struct pki_spec){.name = "I", .ca = true});
	pki.leaf = pki_issue(&pki.intermediate,
	    (struct pki_spec){.name = "L", .san = "DNS:" NAME});
	pki.wrong_leaf = pki_issue(&pki.intermediate,
	    (struct pki_spec){.name = NAME, .san = "DNS:other.example"});
	pki.expired_leaf =
	    pki_issue(&pki.intermediate, (struct pki_spec){.name = "L",
					     .san = "DNS:" NAME,
					     .from_s = -2 * PKI_DAY_S,
					     .to_s = -PKI_DAY_S});
	pki.store = X509_STORE_new();
	MUST(pki.store && X509_STORE_add_cert(pki.store, pki.root.certificate));
}

static int choose_alpn(SSL *ssl, const unsigned char **out,
    unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct play *p = arg;

	(void)ssl;
	MUST(in_len == 1 + strlen(KE_ALPN));
	if (p->server & NO_ALPN)
		return SSL_TLSEXT_ERR_NOACK;
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static void start_server(struct play *p)
{
	const struct pki_pair *leaf = p->server & WRONG_NAME ? &pki.wrong_leaf
				      : p->server & EXPIRED  ? &pki.expired_leaf
							     : &pki.leaf;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	MUST(ctx != NULL);
	if (p->server & OLD_VERSION)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (p->server & CLIENT_CERTIFICATE)
		SSL_CTX_set_verify(ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_use_certificate(ctx, leaf->certificate);
	SSL_CTX_use_PrivateKey(ctx, leaf->key);
	if (!(p->server & NO_INTERMEDIATE))
		SSL_CTX_add1_chain_cert(ctx, pki.intermediate.certificate);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, p);
	p->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	MUST(p->ssl && p->in && p->out);
	SSL_set_bio(p->ssl, p->in, p->out);
	SSL_set_accept_state(p->ssl);
}

/* Feeds one byte of the server to the client, as the changes make it. */
static void feed_byte(struct play *p, uint8_t byte)
{
	unsigned copies = 1;

	for (unsigned i = 0; i < p->change_count; i++) {
		const struct change *c = &p->changes[i];

		if (c->at != p->sent)
			continue;
		p->altered = true;
		if (c->kind == FLIP)
			byte ^= c->value | 1;
		if (c->kind == DROP)
			copies = 0;
		if (c->kind == DOUBLE)
			copies = 1 + c->value % 3u;
		if (c->kind == CUT)
			p->cut = true;
	}
	p->sent++;
	while (!p->cut && copies-- > 0)
		MUST(tls_feed(p->client, &byte, 1));
}

/* True: the client has got something. */
static bool to_client(struct play *p)
{
	uint8_t bytes[4096];
	size_t before = p->sent, n = 0;

	if (p->server & NO_TLS) {
		while (p->answer.left > 0 && p->sent - before < p->piece)
			feed_byte(p, take_u8(&p->answer));
	} else if (BIO_read_ex(p->out, bytes,
		       p->piece < sizeof(bytes) ? p->piece : sizeof(bytes),
		       &n)) {
		for (size_t i = 0; i < n; i++)
			feed_byte(p, bytes[i]);
	}
	return p->sent > before && !p->cut;
}

static void to_server(struct play *p)
{
	uint8_t bytes[1400];
	size_t n, written;

	while ((n = tls_drain(p->client, bytes, sizeof(bytes))) > 0)
		if (p->in)
			BIO_write_ex(p->in, bytes, n, &written);
}

/* Runs the handshake. A side that waits without cause gets the end of the
 * connection. */
static enum tls_step shake(struct play *p)
{
	for (;;) {
		enum tls_step step = tls_handshake(p->client);

		to_server(p);
		if (step != TLS_WANT_INPUT)
			return step;
		if (p->ssl)
			SSL_do_handshake(p->ssl);
		if (!to_client(p))
			tls_feed_end(p->client);
	}
}

static void check_failure(const struct play *p)
{
	enum tls_fault fault = tls_fault(p->client);
	const struct tls_refusal *refusal = tls_refusal(p->client);

	MUST(fault > TLS_OK && fault < TLS_FAULT_COUNT);
	MUST(is_one_line(tls_detail(p->client)));
	MUST((fault == TLS_BAD_CERTIFICATE) == (refusal->error != 0));
}

/* Only an honest server gets so far. */
static void check_accepted(const struct play *p)
{
	uint8_t key[32];
	char text[48];

	MUST(!(p->server & (NO_TLS | NO_ALPN | WRONG_NAME | OLD_VERSION |
			       NO_INTERMEDIATE)));
	MUST(!(p->server & EXPIRED) || (p->server & IGNORE_DATES));
	MUST(tls_chain(p->client) != NULL);
	tls_describe(p->client, text, sizeof(text));
	MUST(strncmp(text, "TLSv1.3 ", 8) == 0);
	MUST(tls_export(p->client, (const uint8_t *)"\0\0\0\17\0", 5, key, 32));
}

/* The server writes its answer in records of `piece` bytes. */
static void answer(struct play *p)
{
	struct reader rest = p->answer;
	size_t written;

	SSL_do_handshake(p->ssl);
	while (rest.left > 0) {
		size_t n = p->piece < rest.left ? p->piece : rest.left;
		const uint8_t *bytes = take_bytes(&rest, n);

		if (!SSL_write_ex(p->ssl, bytes, n, &written))
			break;
	}
	if (p->server & IGNORE_DATES)
		SSL_shutdown(p->ssl);
}

/* All that the client reads is what the server wrote, from its start. */
static void read_answer(struct play *p)
{
	uint8_t got[ANSWER_MAX + 1];
	size_t len = 0, n;

	answer(p);
	for (;;) {
		enum tls_step step =
		    tls_read(p->client, got + len, sizeof(got) - len, &n);

		len += n;
		MUST(len <= p->answer.left);
		to_server(p);
		if (step == TLS_FAILED)
			check_failure(p);
		if (step == TLS_CLOSED || step == TLS_FAILED)
			break;
		if (step == TLS_WANT_INPUT && !to_client(p))
			tls_feed_end(p->client);
	}
	MUST(len == 0 || memcmp(got, p->answer.at, len) == 0);
	MUST(p->altered || (p->server & CLIENT_CERTIFICATE) ||
	     len == p->answer.left);
}

static bool take_play(struct play *p, struct reader *r)
{
	p->server = take_u8(r);
	p->piece = take_u8(r) * 4u + 1;
	p->change_count = take_u8(r) % (CHANGES_MAX + 1);
	for (unsigned i = 0; i < p->change_count; i++) {
		p->changes[i].at = take_u16(r) % 4096u;
		p->changes[i].kind = take_u8(r) % CHANGES;
		p->changes[i].value = take_u8(r);
	}
	p->answer = *r;
	return r->ok && r->left <= ANSWER_MAX;
}

static void run(struct play *p)
{
	enum tls_step step = shake(p);

	if (step != TLS_DONE) {
		MUST(step == TLS_FAILED || step == TLS_CLOSED);
		check_failure(p);
		return;
	}
	check_accepted(p);
	MUST(tls_write(p->client, "request", 7));
	to_server(p);
	read_answer(p);
	tls_close(p->client);
	to_server(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	struct play p = {.sent = 0};

	if (!take_play(&p, &r))
		return 0;
	make_pki();
	p.client = tls_open(pki.store, NAME);
	MUST(p.client != NULL);
	if (p.server & IGNORE_DATES)
		tls_ignore_dates(p.client);
	if (!(p.server & NO_TLS))
		start_server(&p);
	run(&p);
	tls_free(p.client);
	SSL_free(p.ssl);
	ERR_clear_error();
	return 0;
}
