#include "tests/server/ke.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a step means for its connection. */
enum progress {
	GO_ON, /* try the next step */
	WAIT,  /* wait for the network or for a time */
	CLOSE,
};

static const unsigned char our_alpn[] = "\x07" KE_ALPN;
static const unsigned char other_alpn[] = "http/1.1";

static int select_alpn(SSL *ssl, const unsigned char **out,
    unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct faults *faults = arg;
	unsigned char *chosen;

	(void)ssl;
	if (fault_on(faults, FAULT_TLS_NO_ALPN))
		return SSL_TLSEXT_ERR_NOACK;
	if (fault_on(faults, FAULT_TLS_WRONG_ALPN)) {
		*out = other_alpn;
		*out_len = sizeof(other_alpn) - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	if (fault_on(faults, FAULT_TLS_REFUSE_ALPN) ||
	    SSL_select_next_proto(&chosen, out_len, our_alpn,
		sizeof(our_alpn) - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int check_name(SSL *ssl, int *alert, void *arg)
{
	const struct faults *faults = arg;

	(void)ssl;
	if (!fault_on(faults, FAULT_TLS_REFUSE_NAME))
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool configure(
    SSL_CTX *tls, struct faults *faults, const char *chain, const char *key)
{
	SSL_CTX_set_alpn_select_cb(tls, select_alpn, faults);
	SSL_CTX_set_tlsext_servername_callback(tls, check_name);
	SSL_CTX_set_tlsext_servername_arg(tls, faults);
	/* Weak keys are allowed: the client must refuse them. */
	SSL_CTX_set_security_level(tls, 0);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return SSL_CTX_set_num_tickets(tls, 0) == 1 &&
	       SSL_CTX_use_certificate_chain_file(tls, chain) == 1 &&
	       SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(tls) == 1;
}

bool ke_take_certificate(struct ke *ke, const char *chain, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_method());

	if (tls && configure(tls, &ke->service->faults, chain, key)) {
		SSL_CTX_free(ke->tls);
		ke->tls = tls;
		return true;
	}
	fprintf(stderr, "cannot use %s with %s:\n", chain, key);
	ERR_print_errors_fp(stderr);
	SSL_CTX_free(tls);
	return false;
}

bool ke_open(
    struct ke *ke, struct service *service, const char *chain, const char *key)
{
	*ke = (struct ke){.service = service};
	return ke_take_certificate(ke, chain, key);
}

static void hang_up(struct ke_connection *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	free(c->answer);
	explicit_bzero(c, sizeof(*c));
}

void ke_close(struct ke *ke)
{
	for (unsigned i = 0; i < KE_CONNECTIONS; i++) {
		if (ke->connections[i].state != KE_FREE)
			hang_up(&ke->connections[i]);
	}
	SSL_CTX_free(ke->tls);
}

static struct ke_connection *free_connection(struct ke *ke)
{
	for (unsigned i = 0; i < KE_CONNECTIONS; i++) {
		if (ke->connections[i].state == KE_FREE)
			return &ke->connections[i];
	}
	return NULL;
}

/* The session writes into memory; trickle() sends it byte by byte. */
static bool slow_down(struct ke_connection *c)
{
	c->trickle = BIO_new(BIO_s_mem());
	if (!c->trickle)
		return false;
	SSL_set0_wbio(c->ssl, c->trickle);
	return true;
}

/* RFC 8446 does not limit the length of a chain. */
static bool lengthen_chain(SSL_CTX *tls, SSL *ssl, long times)
{
	STACK_OF(X509) *chain = NULL;

	if (SSL_CTX_get0_chain_certs(tls, &chain) != 1 ||
	    sk_X509_num(chain) < 1)
		return false;
	while (times-- > 0)
		if (SSL_add1_chain_cert(ssl, sk_X509_value(chain, 0)) != 1)
			return false;
	return true;
}

static bool start_tls(const struct ke *ke, struct ke_connection *c)
{
	const struct faults *faults = &ke->service->faults;
	int version =
	    fault_on(faults, FAULT_TLS_12) ? TLS1_2_VERSION : TLS1_3_VERSION;

	c->ssl = SSL_new(ke->tls);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
		return false;
	SSL_set_accept_state(c->ssl);
	if (fault_on(faults, FAULT_TLS_SLOW) && !slow_down(c))
		return false;
	if (fault_on(faults, FAULT_TLS_LONG_CHAIN) &&
	    !lengthen_chain(
		ke->tls, c->ssl, fault_number(faults, FAULT_TLS_LONG_CHAIN)))
		return false;
	if (fault_on(faults, FAULT_TLS_WANT_CERTIFICATE))
		SSL_set_verify(c->ssl,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return SSL_set_min_proto_version(c->ssl, version) == 1 &&
	       SSL_set_max_proto_version(c->ssl, version) == 1;
}

/* Returns the state of a new connection, which depends on the faults. */
static enum ke_state first_state(const struct faults *faults, int fd)
{
	static const char greeting[] = "220 mail.example.net ESMTP\r\n";

	if (fault_on(faults, FAULT_TLS_NOT_TLS)) {
		if (send(fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL) < 0)
			return KE_FREE;
		return KE_SILENT;
	}
	if (fault_on(faults, FAULT_TLS_SILENT))
		return KE_SILENT;
	return fault_on(faults, FAULT_TLS_CLOSE) ? KE_FREE : KE_HANDSHAKE;
}

void ke_accept(struct ke *ke, int listener, struct mono now)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct ke_connection *c = free_connection(ke);
	enum ke_state state;

	if (fd < 0)
		return;
	ke->service->counters.ke_accepted++;
	state = first_state(&ke->service->faults, fd);
	if (!c || state == KE_FREE) {
		close(fd);
		return;
	}
	*c = (struct ke_connection){
	    .fd = fd,
	    .state = state,
	    .wants = POLLIN,
	    .deadline = mono_after(now, KE_DEADLINE_NS),
	    .pause = now,
	};
	if (!start_tls(ke, c))
		hang_up(c);
}

/* Stores what OpenSSL waits for; CLOSE if the connection has failed. */
static enum progress wait_for(struct ke_connection *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ)
		c->wants = POLLIN;
	else if (error == SSL_ERROR_WANT_WRITE)
		c->wants = POLLOUT;
	else
		return CLOSE;
	return WAIT;
}

static enum progress trickle(struct ke *ke, struct ke_connection *c)
{
	const struct fault_setting *slow =
	    &ke->service->faults.set[FAULT_TLS_SLOW];
	char byte;

	if (BIO_read(c->trickle, &byte, 1) != 1 ||
	    send(c->fd, &byte, 1, MSG_NOSIGNAL) != 1)
		return CLOSE;
	c->wants = POLLOUT;
	if (slow->on)
		c->pause = mono_after(c->pause, slow->number * NS_PER_MS);
	return slow->on ? WAIT : GO_ON;
}

/* Only the handshake is slow: the session gets its socket back. */
static bool end_trickle(struct ke_connection *c)
{
	BIO *socket_bio;

	if (!c->trickle)
		return true;
	c->trickle = NULL;
	socket_bio = BIO_new_socket(c->fd, BIO_NOCLOSE);
	if (socket_bio)
		SSL_set0_wbio(c->ssl, socket_bio);
	return socket_bio;
}

static enum progress handshake(struct ke *ke, struct ke_connection *c)
{
	uint8_t hello[4096];
	int result;

	/* Read first, or the kernel sends a reset. */
	if (fault_on(&ke->service->faults, FAULT_TLS_HANGUP))
		return recv(c->fd, hello, sizeof(hello), 0) < 0 ? WAIT : CLOSE;
	if (c->trickle && BIO_ctrl_pending(c->trickle) > 0)
		return trickle(ke, c);
	result = SSL_accept(c->ssl);
	if (result == 1) {
		c->state = KE_REQUEST;
		return end_trickle(c) ? GO_ON : CLOSE;
	}
	if (wait_for(c, result) == WAIT)
		return c->trickle && BIO_ctrl_pending(c->trickle) > 0 ? GO_ON
								      : WAIT;
	/* Do not close the socket now: a reset could overtake the alert. */
	shutdown(c->fd, SHUT_WR);
	c->state = KE_SILENT;
	return GO_ON;
}

/* RFC 8915 5.1. Without a common AEAD algorithm the key is empty. */
static bool export_key(
    SSL *ssl, uint16_t aead, unsigned direction, uint8_t *out, size_t len)
{
	uint8_t context[KE_EXPORTER_CONTEXT_LEN];

	if (len == 0)
		return true;
	ke_exporter_context(aead, direction, context);
	return SSL_export_keying_material(ssl, out, len, KE_EXPORTER_LABEL,
		   strlen(KE_EXPORTER_LABEL), context, sizeof(context), 1) == 1;
}

static bool compose(struct ke *ke, struct ke_connection *c)
{
	struct service *service = ke->service;
	struct ke_request request =
	    ke_request_parse(c->request, c->request_len);
	struct ke_draft draft = ke_draft_of(&request, service->ntp_port);
	struct association a = {.aead = request.aead};
	size_t key_len = aead_key_len(a.aead);
	struct writer w;
	bool good;

	ke_draft_apply_faults(&draft, &service->faults);
	c->answer = malloc(KE_ANSWER_MAX);
	if (!c->answer)
		return false;
	w = writer_of(c->answer, KE_ANSWER_MAX);
	good =
	    export_key(c->ssl, draft.exporter_aead, 0, a.keys.c2s, key_len) &&
	    export_key(c->ssl, draft.exporter_aead, 1, a.keys.s2c, key_len) &&
	    ke_draft_write(&draft, &a, &service->masters, &w);
	explicit_bzero(&a, sizeof(a));
	c->answer_len = w.len < draft.cut ? w.len : draft.cut;
	if (service->verbose)
		fprintf(stderr, "ke: asked %zu bytes, answers %zu, AEAD %u\n",
		    c->request_len, c->answer_len, (unsigned)request.aead);
	return good;
}

static enum progress read_request(struct ke *ke, struct ke_connection *c)
{
	const struct faults *faults = &ke->service->faults;
	int got = SSL_read(c->ssl, c->request + c->request_len,
	    (int)(sizeof(c->request) - c->request_len));

	if (got <= 0)
		return wait_for(c, got);
	c->request_len += (size_t)got;
	if (!ke_response_complete(c->request, c->request_len, NULL))
		return c->request_len < sizeof(c->request) ? GO_ON : CLOSE;
	if (fault_on(faults, FAULT_KE_CLOSE))
		return CLOSE;
	c->state = fault_on(faults, FAULT_KE_SILENT) ? KE_SILENT : KE_ANSWER;
	if (c->state == KE_ANSWER && !compose(ke, c))
		return CLOSE;
	return GO_ON;
}

static enum progress send_answer(struct ke *ke, struct ke_connection *c)
{
	const struct faults *faults = &ke->service->faults;
	bool slow = fault_on(faults, FAULT_KE_SLOW);
	size_t left = c->answer_len - c->answer_sent;
	int sent;

	if (left == 0) {
		ke->service->counters.ke_answered++;
		SSL_shutdown(c->ssl);
		return CLOSE;
	}
	sent =
	    SSL_write(c->ssl, c->answer + c->answer_sent, slow ? 1 : (int)left);
	if (sent <= 0)
		return wait_for(c, sent);
	c->answer_sent += (size_t)sent;
	if (!slow)
		return GO_ON;
	c->wants = POLLOUT;
	c->pause = mono_after(
	    c->pause, fault_number(faults, FAULT_KE_SLOW) * NS_PER_MS);
	return WAIT;
}

static enum progress stay_silent(struct ke *ke, struct ke_connection *c)
{
	uint8_t ignored[512];
	ssize_t got = recv(c->fd, ignored, sizeof(ignored), 0);

	(void)ke;
	if (got > 0)
		return GO_ON;
	return got < 0 && errno == EAGAIN ? WAIT : CLOSE;
}

static enum progress step(struct ke *ke, struct ke_connection *c)
{
	static enum progress (*const steps[])(
	    struct ke *, struct ke_connection *) = {
	    [KE_HANDSHAKE] = handshake,
	    [KE_REQUEST] = read_request,
	    [KE_ANSWER] = send_answer,
	    [KE_SILENT] = stay_silent,
	};

	return steps[c->state](ke, c);
}

static void work(struct ke *ke, struct ke_connection *c, struct mono now)
{
	enum progress progress = GO_ON;

	if (mono_due(c->deadline, now)) {
		hang_up(c);
		return;
	}
	/* A pause begins when the last byte was sent. */
	c->pause = now;
	while (progress == GO_ON)
		progress = step(ke, c);
	if (progress == CLOSE)
		hang_up(c);
}

static bool pausing(const struct ke_connection *c, struct mono now)
{
	return !mono_due(c->pause, now);
}

struct mono ke_poll(const struct ke *ke, struct pollfd *fds, struct mono now)
{
	struct mono due = MONO_NEVER;

	for (unsigned i = 0; i < KE_CONNECTIONS; i++) {
		const struct ke_connection *c = &ke->connections[i];

		fds[i] = (struct pollfd){.fd = -1};
		if (c->state == KE_FREE)
			continue;
		due = mono_earlier(due, c->deadline);
		if (pausing(c, now))
			due = mono_earlier(due, c->pause);
		else
			fds[i] = (struct pollfd){c->fd, c->wants, 0};
	}
	return due;
}

void ke_work(struct ke *ke, const struct pollfd *fds, struct mono now)
{
	for (unsigned i = 0; i < KE_CONNECTIONS; i++) {
		struct ke_connection *c = &ke->connections[i];

		if (c->state == KE_FREE || pausing(c, now))
			continue;
		if (fds[i].fd != c->fd || fds[i].revents ||
		    mono_due(c->deadline, now))
			work(ke, c, now);
	}
}
