#include "nts/tls.h"

#include "base/host.h"
#include "nts/ke.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 112 bits: RSA with 2048 bits, no SHA-1; see SSL_CTX_set_security_level(3). */
#define SECURITY_LEVEL 2
/* The longest chain in bytes. RFC 8446 4.4.2 sets no limit; usual chains have
 * a few kB. */
#define CHAIN_MAX 65536
/* RFC 8446 5.1: the content types with which a server can begin. */
#define CONTENT_ALERT 21
#define CONTENT_HANDSHAKE 22

/* A program that was built with OpenSSL 3.0 may run with 3.2 or later, which
 * has this option. An older one ignores it. */
#ifndef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
#define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION SSL_OP_BIT(33)
#endif

struct tls_session {
	SSL_CTX *context;
	SSL *ssl;
	BIO *from_net, *to_net; /* owned by ssl */
	int first_byte;		/* the first byte received; -1: none yet */
	int alert;		/* the last fatal alert received; -1: none */
	bool ended;		/* the network brings no more bytes */
	bool own_curve;		/* a key of the chain has one */
	enum tls_fault fault;
	char detail[128];
	const STACK_OF(X509_CRL) * crls; /* borrowed, or NULL */
	struct tls_refusal refusal;
};

void tls_begin(void)
{
	const uint64_t less =
	    OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_ADD_ALL_CIPHERS;

	(void)OPENSSL_init_crypto(less, NULL);
}

const char *tls_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

const char *tls_fault_text(enum tls_fault fault)
{
	static const char *const text[] = {
#define X(name, sentence) [name] = sentence,
	    TLS_FAULTS(X)
#undef X
	};

	return (unsigned)fault < ARRAY_LEN(text) ? text[fault] : "unknown";
}

static int verify(X509_STORE_CTX *ctx, void *session)
{
	struct tls_session *s = session;

	path_refusal_free(&s->refusal);
	return path_check(ctx, s->crls, &s->refusal);
}

static void on_info(const SSL *ssl, int where, int value)
{
	struct tls_session *s = SSL_get_app_data(ssl);

	if ((where & SSL_CB_ALERT) && (where & SSL_CB_READ) &&
	    value >> 8 == SSL3_AL_FATAL)
		s->alert = value & 0xff;
}

/*
 * RFC 5480 2.1.1: a key names its curve. OpenSSL also reads keys with a curve
 * of their own, and a server can choose one for which that takes a fifth of a
 * second for each key, a hundred of them in a chain. So we look before OpenSSL
 * does: such a curve begins with the kind of its field, ansi-x962 1. The bytes
 * are those that OpenSSL reads next; a context that TLS 1.3 does not allow here
 * (RFC 8446 4.4.2) makes it refuse the message at once.
 */
static void on_message(int sent, int version, int type, const void *bytes,
    size_t len, SSL *ssl, void *session)
{
	static const uint8_t field[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x01};
	struct tls_session *s = session;
	uint8_t *message = (uint8_t *)(uintptr_t)bytes;

	(void)version;
	(void)ssl;
	if (sent || type != SSL3_RT_HANDSHAKE || len <= SSL3_HM_HEADER_LENGTH ||
	    message[0] != SSL3_MT_CERTIFICATE ||
	    !memmem(message, len, field, sizeof(field)))
		return;
	s->own_curve = true;
	message[SSL3_HM_HEADER_LENGTH] = 0xff;
}

static void raise_security_level(SSL_CTX *ctx)
{
	if (SSL_CTX_get_security_level(ctx) < SECURITY_LEVEL)
		SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
}

int tls_security_level(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int level = SECURITY_LEVEL;

	if (ctx) {
		raise_security_level(ctx);
		level = SSL_CTX_get_security_level(ctx);
	}
	SSL_CTX_free(ctx);
	return level;
}

static SSL_CTX *context_new(X509_STORE *trusted, struct tls_session *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx)
		return NULL;
	/* RFC 8915 3/2: TLS 1.3 or later. */
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx, 0)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
	/* No resumption: each exchange authenticates the server again. And
	 * on_message() reads certificates as they are. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
				     SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* RFC 8915 3/1 */
	raise_security_level(ctx);
	SSL_CTX_set1_cert_store(ctx, trusted);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, s);
	SSL_CTX_set_info_callback(ctx, on_info);
	SSL_CTX_set_msg_callback(ctx, on_message);
	SSL_CTX_set_msg_callback_arg(ctx, s);
	return ctx;
}

static bool demand_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char name[HOST_MAX];

	if (!host_in_certificate(host, name))
		return false;
	/* A trusted certificate need not be a root: some administrators trust
	 * the intermediate certificate, or the server's own. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	/* RFC 8915 3/4 and RFC 8915 3/5; RFC 6125 6.4.4: ignore the common
	 * name of the subject. */
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
		return true;
	ERR_clear_error();
	/* RFC 6066 3: a server name indication must not be an address. */
	return X509_VERIFY_PARAM_set1_host(param, name, 0) &&
	       SSL_set_tlsext_host_name(ssl, name);
}

static bool offer_alpn(SSL *ssl)
{
	static const unsigned char list[] = "\x07" KE_ALPN;

	/* RFC 8915 3/3: the client must offer ntske/1. 0 means success. */
	return SSL_set_alpn_protos(ssl, list, sizeof(list) - 1) == 0;
}

static bool attach_memory(struct tls_session *s)
{
	s->from_net = BIO_new(BIO_s_mem());
	s->to_net = BIO_new(BIO_s_mem());
	if (!s->from_net || !s->to_net) {
		BIO_free(s->from_net);
		BIO_free(s->to_net);
		return false;
	}
	SSL_set_bio(s->ssl, s->from_net, s->to_net);
	return true;
}

static bool session_start(
    struct tls_session *s, X509_STORE *trusted, const char *host)
{
	s->first_byte = s->alert = -1;
	s->context = context_new(trusted, s);
	if (!s->context)
		return false;
	s->ssl = SSL_new(s->context);
	if (!s->ssl || !SSL_set_app_data(s->ssl, s))
		return false;
	SSL_set_connect_state(s->ssl);
	return attach_memory(s) && offer_alpn(s->ssl) &&
	       demand_host(s->ssl, host);
}

struct tls_session *tls_open(struct x509_store_st *trusted, const char *host)
{
	struct tls_session *s = calloc(1, sizeof(*s));

	if (s && !session_start(s, trusted, host)) {
		tls_free(s);
		return NULL;
	}
	return s;
}

void tls_ignore_dates(struct tls_session *s)
{
	X509_VERIFY_PARAM_set_flags(
	    SSL_get0_param(s->ssl), X509_V_FLAG_NO_CHECK_TIME);
}

void tls_use_crls(struct tls_session *s, const STACK_OF(X509_CRL) * lists)
{
	s->crls = lists;
}

void tls_free(struct tls_session *s)
{
	if (!s)
		return;
	path_refusal_free(&s->refusal);
	SSL_free(s->ssl);
	SSL_CTX_free(s->context);
	free(s);
}

bool tls_feed(struct tls_session *s, const void *bytes, size_t len)
{
	size_t written;

	if (len == 0)
		return true;
	if (s->first_byte < 0)
		s->first_byte = *(const uint8_t *)bytes;
	return BIO_write_ex(s->from_net, bytes, len, &written) &&
	       written == len;
}

void tls_feed_end(struct tls_session *s)
{
	s->ended = true;
}

size_t tls_drain(struct tls_session *s, void *out, size_t size)
{
	size_t got = 0;

	return BIO_read_ex(s->to_net, out, size, &got) ? got : 0;
}

/* OpenSSL does not name those that TLS 1.3 has added. */
static const char *alert_name(int alert)
{
	switch (alert) {
	case SSL_AD_HANDSHAKE_FAILURE:
		/* A server also sends it for want of a signature scheme. */
		return "handshake failure: the key of its certificate may be "
		       "on a curve that TLS 1.3 does not have";
	case SSL_AD_MISSING_EXTENSION:
		return "missing extension";
	case SSL_AD_CERTIFICATE_REQUIRED:
		return "certificate required";
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		return "no application protocol";
	default:
		return SSL_alert_desc_string_long(alert);
	}
}

static void note_detail(struct tls_session *s, unsigned long library_error)
{
	const char *reason = ERR_reason_error_string(library_error);

	if (s->own_curve)
		reason = "a key of its chain has a curve of its own, which RFC "
			 "5480 forbids";
	if (s->alert >= 0)
		snprintf(s->detail, sizeof(s->detail), "alert %d, %s", s->alert,
		    alert_name(s->alert));
	else if (library_error && reason)
		snprintf(s->detail, sizeof(s->detail), "%s", reason);
}

static enum tls_fault fault_of_alert(int alert)
{
	switch (alert) {
	case SSL_AD_PROTOCOL_VERSION:
		return TLS_TOO_OLD;
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		return TLS_ALPN_REFUSED;
	case SSL_AD_UNRECOGNIZED_NAME:
		return TLS_NAME_UNKNOWN;
	case SSL_AD_CERTIFICATE_REQUIRED:
		return TLS_WANTS_CERTIFICATE;
	default:
		return TLS_ALERT;
	}
}

static enum tls_fault fault_of_error(unsigned long library_error)
{
	switch (ERR_GET_REASON(library_error)) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
		return TLS_TOO_OLD;
	case SSL_R_EXCESSIVE_MESSAGE_SIZE:
		return TLS_CHAIN_TOO_LONG;
	case ERR_R_MALLOC_FAILURE:
		return TLS_LIBRARY;
	default:
		return TLS_PROTOCOL_ERROR;
	}
}

static enum tls_step fail(struct tls_session *s)
{
	unsigned long error = ERR_peek_error();

	note_detail(s, error);
	if (s->refusal.error)
		s->fault = TLS_BAD_CERTIFICATE;
	else if (s->first_byte >= 0 && s->first_byte != CONTENT_HANDSHAKE &&
		 s->first_byte != CONTENT_ALERT)
		s->fault = TLS_NOT_TLS;
	else if (s->alert >= 0)
		s->fault = fault_of_alert(s->alert);
	else
		s->fault = fault_of_error(error);
	ERR_clear_error();
	return TLS_FAILED;
}

/* RFC 8915 4: a server that does not select ntske/1 is not an NTS-KE server.
 * At least one server completes the handshake without it. */
static bool alpn_selected(const SSL *ssl)
{
	const unsigned char *protocol;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &protocol, &len);
	return len == strlen(KE_ALPN) && memcmp(protocol, KE_ALPN, len) == 0;
}

enum tls_step tls_handshake(struct tls_session *s)
{
	int r, error;

	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	if (r == 1) {
		if (alpn_selected(s->ssl))
			return TLS_DONE;
		s->fault = TLS_ALPN_MISSING;
		return TLS_FAILED;
	}
	error = SSL_get_error(s->ssl, r);
	if (error != SSL_ERROR_WANT_READ)
		return fail(s);
	if (!s->ended)
		return TLS_WANT_INPUT;
	s->fault = s->first_byte < 0 || s->first_byte == CONTENT_HANDSHAKE ||
			   s->first_byte == CONTENT_ALERT
		       ? TLS_CLOSED_EARLY
		       : TLS_NOT_TLS;
	return TLS_CLOSED;
}

bool tls_write(struct tls_session *s, const void *bytes, size_t len)
{
	size_t written;

	ERR_clear_error();
	if (SSL_write_ex(s->ssl, bytes, len, &written) && written == len)
		return true;
	(void)fail(s);
	return false;
}

enum tls_step tls_read(
    struct tls_session *s, void *out, size_t size, size_t *got)
{
	*got = 0;
	ERR_clear_error();
	if (SSL_read_ex(s->ssl, out, size, got))
		return TLS_DONE;
	switch (SSL_get_error(s->ssl, 0)) {
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	case SSL_ERROR_WANT_READ:
		return s->ended ? TLS_CLOSED : TLS_WANT_INPUT;
	default:
		return fail(s);
	}
}

bool tls_export(struct tls_session *s, const uint8_t *context,
    size_t context_len, uint8_t *out, size_t out_len)
{
	/* RFC 8915 4.3/1 */
	return SSL_export_keying_material(s->ssl, out, out_len,
		   KE_EXPORTER_LABEL, strlen(KE_EXPORTER_LABEL), context,
		   context_len, 1) == 1;
}

void tls_close(struct tls_session *s)
{
	/* Nobody waits for the server's close_notify; ignore a failure. */
	(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
}

enum tls_fault tls_fault(const struct tls_session *s)
{
	return s->fault;
}

const char *tls_detail(const struct tls_session *s)
{
	return s->detail;
}

const struct tls_refusal *tls_refusal(const struct tls_session *s)
{
	return &s->refusal;
}

void tls_describe(const struct tls_session *s, char *out, size_t size)
{
	snprintf(out, size, "%s %s", SSL_get_version(s->ssl),
	    SSL_get_cipher_name(s->ssl));
}

void tls_group(const struct tls_session *s, char *out, size_t size)
{
	int group = (int)SSL_get_negotiated_group(s->ssl);
	const char *name = group ? SSL_group_to_name(s->ssl, group) : NULL;

	snprintf(out, size, "%s", name ? name : "");
}

struct stack_st_X509 *tls_chain(const struct tls_session *s)
{
	return SSL_get0_verified_chain(s->ssl);
}
