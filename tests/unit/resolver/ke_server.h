/*
 * An NTS-KE server in its own process on the loopback, with faults that real
 * servers have. Include it in one file.
 */
#ifndef TESTS_UNIT_RESOLVER_KE_SERVER_H
#define TESTS_UNIT_RESOLVER_KE_SERVER_H

#include "nts/ke.h"
#include "resolver/endpoint.h"
#include "tests/unit/nts/pki.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the server does with a connection. */
enum ke_manner {
	KE_ANSWER,     /* answers and closes properly */
	KE_IN_PIECES,  /* answers with one byte in a TLS record */
	KE_NO_NOTIFY,  /* closes without close_notify */
	KE_KEEPS_OPEN, /* answers and does not close */
	KE_NOTHING,    /* closes after the handshake without a byte */
	KE_SILENT,     /* handshake, then silence */
	KE_STOPS,      /* sends its answer but for the last byte */
	KE_MUTE,       /* accepts, then silence */
	KE_BEGINS,     /* sends the begin of a handshake record, then silence */
	KE_HANGS_UP,   /* accepts and closes */
	KE_GIVES_UP,   /* closes two seconds after the first bytes */
	KE_HTTP,       /* answers in another protocol */
	KE_64K,	       /* sends more than 64 KiB of valid records */
	KE_GARBAGE,    /* handshake, then bytes that are no TLS record */
	KE_RESETS,     /* handshake, then the connection is reset */
	KE_TICKETS,    /* sends tickets for other sessions without end */
	KE_PADDED,     /* pads each byte of its answer with 16 KiB */
};

struct ke_server_spec {
	const char *address; /* NULL: 127.0.0.1 */
	enum ke_manner manner;
	const struct pki_pair *leaf, *middle; /* middle NULL: do not send it */
	uint16_t aead;			      /* 0: AES-SIV-CMAC-256 */
	uint16_t exporter_aead; /* in the exporter's context; 0: aead */
	bool echo_1024;
	const char *ntp_server; /* negotiated, or NULL */
	uint16_t ntp_port;	/* negotiated, or 0 */
	int max_version;	/* 0: any */
	bool no_alpn;
	int error_code; /* an NTS-KE error instead, when > 0 */
};

struct ke_server {
	pid_t pid;
	int fd;
	struct endpoint at;
};

static inline int ke_server_alpn(SSL *ssl, const unsigned char **out,
    unsigned char *len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct ke_server_spec *spec = arg;

	(void)ssl;
	(void)in_len;
	if (spec->no_alpn)
		return SSL_TLSEXT_ERR_NOACK;
	*out = in + 1;
	*len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static inline void ke_server_record(
    struct writer *w, uint16_t type, uint16_t value)
{
	uint8_t body[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	ke_put_record(w, type | KE_CRITICAL, body, sizeof(body));
}

/* The cookie contains the keys that the server exports, so a test can compare
 * them. */
static inline void ke_server_cookie(
    struct writer *w, SSL *ssl, const struct ke_server_spec *spec)
{
	uint16_t aead = spec->aead ? spec->aead : AEAD_AES_SIV_CMAC_256;
	size_t len = aead_key_len((enum aead_id)aead);
	uint8_t context[KE_EXPORTER_CONTEXT_LEN], cookie[2 * AEAD_KEY_MAX];

	for (unsigned direction = 0; direction < 2; direction++) {
		ke_exporter_context(
		    spec->exporter_aead ? spec->exporter_aead : aead, direction,
		    context);
		PKI_MUST(SSL_export_keying_material(ssl,
		    cookie + direction * len, len, KE_EXPORTER_LABEL,
		    strlen(KE_EXPORTER_LABEL), context, sizeof(context), 1));
	}
	ke_put_record(w, KE_COOKIE, cookie, 2 * len);
}

static inline size_t ke_server_message(
    uint8_t *out, size_t size, SSL *ssl, const struct ke_server_spec *spec)
{
	struct writer w = writer_of(out, size);

	if (spec->error_code > 0) {
		ke_server_record(&w, KE_ERROR, (uint16_t)spec->error_code);
	} else {
		ke_server_record(&w, KE_NEXT_PROTOCOL, KE_PROTOCOL_NTPV4);
		ke_server_record(&w, KE_AEAD,
		    spec->aead ? spec->aead : AEAD_AES_SIV_CMAC_256);
		if (spec->echo_1024)
			ke_put_record(&w, KE_COMPLIANT_GCM_SIV, NULL, 0);
		if (spec->ntp_server)
			ke_put_record(&w, KE_NTP_SERVER | KE_CRITICAL,
			    spec->ntp_server, strlen(spec->ntp_server));
		if (spec->ntp_port)
			ke_server_record(&w, KE_NTP_PORT, spec->ntp_port);
		ke_server_cookie(&w, ssl, spec);
	}
	ke_put_record(&w, KE_END | KE_CRITICAL, NULL, 0);
	PKI_MUST(w.ok);
	return w.len;
}

/* 80 KiB of records of a type that the client skips. */
static inline void ke_server_flood(SSL *ssl)
{
	static const uint8_t record[1024] = {0x40, 0x00, 0x03, 0xfc};

	for (int i = 0; i < 80; i++)
		if (SSL_write(ssl, record, sizeof(record)) <= 0)
			return;
}

/* Sends what has no byte of an answer, until the client hangs up. */
static inline void ke_server_tickets(SSL *ssl)
{
	while (SSL_new_session_ticket(ssl) == 1 && SSL_do_handshake(ssl) == 1)
		continue;
}

/* Ends the session in a way that TLS does not allow. */
static inline void ke_server_break(int fd, enum ke_manner manner)
{
	const struct linger no_delay = {.l_onoff = 1};

	if (manner == KE_GARBAGE)
		PKI_MUST(write(fd, "HTTP/1.1 400 Bad Request\r\n", 26) == 26);
	else
		setsockopt(
		    fd, SOL_SOCKET, SO_LINGER, &no_delay, sizeof(no_delay));
}

static inline void ke_server_answer(SSL *ssl, const struct ke_server_spec *spec)
{
	uint8_t request[KE_REQUEST_MAX], message[1024];
	size_t len;

	/* Like NTPsec: takes the result of the first read for the request. */
	if (SSL_read(ssl, request, sizeof(request)) <= 0 ||
	    spec->manner == KE_NOTHING)
		return;
	if (spec->manner == KE_SILENT)
		for (;;)
			pause();
	if (spec->manner == KE_64K)
		ke_server_flood(ssl);
	if (spec->manner == KE_TICKETS)
		ke_server_tickets(ssl);
	if (spec->manner == KE_PADDED) {
		static const uint8_t record[1024] = {0x40, 0x00, 0x03, 0xfc};

		SSL_set_block_padding(ssl, SSL3_RT_MAX_PLAIN_LENGTH);
		for (size_t i = 0;
		     SSL_write(ssl, record + i % sizeof(record), 1) > 0; i++)
			continue;
	}
	if (spec->manner == KE_GARBAGE || spec->manner == KE_RESETS) {
		ke_server_break(SSL_get_fd(ssl), spec->manner);
		return;
	}
	len = ke_server_message(message, sizeof(message), ssl, spec);
	if (spec->manner == KE_STOPS)
		len--;
	for (size_t i = 0; spec->manner == KE_IN_PIECES && i < len; i++)
		SSL_write(ssl, message + i, 1);
	if (spec->manner != KE_IN_PIECES)
		SSL_write(ssl, message, (int)len);
	if (spec->manner == KE_KEEPS_OPEN || spec->manner == KE_STOPS)
		for (;;)
			pause();
	if (spec->manner != KE_NO_NOTIFY)
		SSL_shutdown(ssl);
}

static inline void ke_server_tls(
    int fd, SSL_CTX *ctx, const struct ke_server_spec *spec)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		ke_server_answer(ssl, spec);
	SSL_free(ssl);
}

static inline void ke_server_http(int fd)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	char request[2000];

	if (read(fd, request, sizeof(request)) > 0)
		PKI_MUST(write(fd, text, sizeof(text) - 1) > 0);
}

static inline void ke_server_give_up(int fd)
{
	char bytes[4096];

	if (recv(fd, bytes, 1, MSG_PEEK) > 0)
		sleep(2);
	/* With bytes that nobody reads, the end would be a reset. */
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
}

static inline SSL_CTX *ke_server_context(struct ke_server_spec *spec)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(ctx, 0);
	if (spec->max_version)
		SSL_CTX_set_max_proto_version(ctx, spec->max_version);
	SSL_CTX_set_alpn_select_cb(ctx, ke_server_alpn, spec);
	if (spec->leaf) {
		SSL_CTX_use_certificate(ctx, spec->leaf->certificate);
		SSL_CTX_use_PrivateKey(ctx, spec->leaf->key);
	}
	if (spec->middle)
		SSL_CTX_add1_chain_cert(ctx, spec->middle->certificate);
	return ctx;
}

_Noreturn static inline void ke_server_run(int fd, struct ke_server_spec spec)
{
	SSL_CTX *ctx = ke_server_context(&spec);

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			_exit(1);
		if (spec.manner == KE_MUTE)
			continue;
		if (spec.manner == KE_BEGINS) {
			(void)!write(peer, "\x16\x03\x03\x0f", 4);
			continue;
		}
		if (spec.manner == KE_HTTP)
			ke_server_http(peer);
		else if (spec.manner == KE_GIVES_UP)
			ke_server_give_up(peer);
		else if (spec.manner != KE_HANGS_UP)
			ke_server_tls(peer, ctx, &spec);
		close(peer);
	}
}

/* `port` 0: any free one. */
static inline struct ke_server ke_server_start(
    struct ke_server_spec spec, uint16_t port)
{
	const char *address = spec.address ? spec.address : "127.0.0.1";
	struct ke_server s = {.at = {.port = port}};
	struct sockaddr_storage sa;
	socklen_t len;
	int on = 1;

	s.at.family = strchr(address, ':') ? 6 : 4;
	PKI_MUST(inet_pton(endpoint_af(&s.at), address, s.at.address) == 1);
	len = endpoint_to_sockaddr(&s.at, &sa);
	s.fd = socket(endpoint_af(&s.at), SOCK_STREAM, 0);
	setsockopt(s.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	PKI_MUST(bind(s.fd, (struct sockaddr *)&sa, len) == 0);
	PKI_MUST(listen(s.fd, 16) == 0);
	len = sizeof(sa);
	PKI_MUST(getsockname(s.fd, (struct sockaddr *)&sa, &len) == 0);
	PKI_MUST(endpoint_from_sockaddr(&s.at, (struct sockaddr *)&sa));
	s.pid = fork();
	if (s.pid == 0)
		ke_server_run(s.fd, spec);
	close(s.fd);
	return s;
}

static inline void ke_server_stop(struct ke_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

#endif
