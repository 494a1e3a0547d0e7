/*
 * One TLS 1.3 client session for NTS-KE (RFC 8915 sections 3 and 4), over
 * memory: bytes from the network go in, bytes for the network come out. No
 * socket, no file, no deadline: those are the caller's.
 *
 *	tls_open, then
 *	handshake: tls_handshake, tls_drain -> send, receive -> tls_feed, again
 *	tls_write, tls_drain, tls_feed, tls_read ...
 *	tls_export, tls_close
 */
#ifndef NTS_TLS_H
#define NTS_TLS_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OpenSSL's X509_STORE, X509 and STACK_OF(X509), without its headers. */
struct x509_store_st;
struct x509_st;
struct stack_st_X509;

struct tls_session;

/* Why a session failed. The sentence speaks of the server as "it". */
/* clang-format off */
#define TLS_FAULTS(X) \
	X(TLS_OK, "nothing is wrong") \
	X(TLS_NOT_TLS, "it does not answer with TLS: another service listens on that port") \
	X(TLS_TOO_OLD, "it does not speak TLS 1.3, which NTS needs") \
	X(TLS_ALPN_REFUSED, "it speaks TLS but refuses the protocol ntske/1: NTS is not enabled there") \
	X(TLS_ALPN_MISSING, "it speaks TLS but does not select the protocol ntske/1: it is no NTS server") \
	X(TLS_NAME_UNKNOWN, "it serves no host of that name") \
	X(TLS_WANTS_CERTIFICATE, "it wants a client certificate, which NTS does not use") \
	X(TLS_CLOSED_EARLY, "it closed the connection during the TLS handshake: it may not speak TLS 1.3, or not serve NTS on that port, or refuse this client") \
	X(TLS_BAD_CERTIFICATE, "its certificate is refused") \
	X(TLS_ALERT, "it ended the TLS session with an alert") \
	X(TLS_CHAIN_TOO_LONG, "it sends a chain of certificates that is too long") \
	X(TLS_BROKEN, "it breaks the TLS protocol") \
	X(TLS_LIBRARY, "the TLS library failed")
/* clang-format on */
enum tls_fault {
#define X(name, sentence) name,
	TLS_FAULTS(X)
#undef X
	    TLS_FAULT_COUNT
};
const char *tls_fault_text(enum tls_fault fault);

enum tls_step {
	TLS_DONE,	/* what was asked for has happened */
	TLS_WANT_INPUT, /* drain, then feed, then call again */
	TLS_CLOSED,	/* the server closed, with or without close_notify */
	TLS_FAILED,	/* tls_fault says why; drain still: an alert is due */
};

/* Why the certificate was refused. Borrowed from the session. */
struct tls_refusal {
	int error;		     /* X509_V_ERR_..., 0: it was not */
	int depth;		     /* 0: the server's own certificate */
	struct x509_st *certificate; /* the one at that depth, or NULL */
	struct stack_st_X509 *sent;  /* all that the server sent, or NULL */
};

/*
 * `trusted` is shared, not taken over. `host` is what the certificate must be
 * for: a DNS name or an IP address (a scope as in "fe80::1%eth0" and a closing
 * dot do not count). NULL: the library failed, or the name is too long.
 */
struct tls_session *tls_open(struct x509_store_st *trusted, const char *host);

/* Before the handshake: takes a chain whatever its dates say, for a machine
 * whose clock is known to be of no use. All else is checked as ever, and what
 * the dates are is for the caller to judge when it knows the time. */
void tls_leave_dates(struct tls_session *s);

/* Wipes and frees; NULL is fine. */
void tls_free(struct tls_session *s);

/* From the network. False: out of memory. */
bool tls_feed(struct tls_session *s, const void *bytes, size_t len) MUST_USE;

/* The network will bring nothing more. */
void tls_feed_end(struct tls_session *s);

/* For the network: at most `size` bytes; 0: nothing to send now. */
size_t tls_drain(struct tls_session *s, void *out, size_t size);

/* TLS_DONE only when the certificate, its name and ALPN have been accepted. */
enum tls_step tls_handshake(struct tls_session *s) MUST_USE;

/* `len` of up to 16384 goes out as one record: NTPsec reads only one. */
bool tls_write(struct tls_session *s, const void *bytes, size_t len) MUST_USE;

/* TLS_DONE: 1 to `size` bytes were read, *got says how many. */
enum tls_step tls_read(
    struct tls_session *s, void *out, size_t size, size_t *got) MUST_USE;

/* RFC 8915 5.1: key material for `context`. After the handshake. */
bool tls_export(struct tls_session *s, const uint8_t *context,
    size_t context_len, uint8_t *out, size_t out_len) MUST_USE;

/* Queue close_notify; drain once more to send it. */
void tls_close(struct tls_session *s);

enum tls_fault tls_fault(const struct tls_session *s);

/* More on the fault: the alert's or the library's words, or "". */
const char *tls_detail(const struct tls_session *s);

const struct tls_refusal *tls_refusal(const struct tls_session *s);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384". After the handshake. */
void tls_describe(const struct tls_session *s, char *out, size_t size);

/* The accepted chain up to the trusted certificate. Borrowed; NULL before. */
struct stack_st_X509 *tls_chain(const struct tls_session *s);

#endif
