/*
 * One TLS 1.3 client session for NTS-KE (RFC 8915 sections 3 and 4) in memory:
 * bytes from the network go in, bytes for the network come out. The caller has
 * the socket and the deadline. The order of calls:
 *
 *	tls_open
 *	repeat: tls_handshake, tls_drain and send, receive and tls_feed
 *	tls_write, tls_drain and send
 *	repeat: receive and tls_feed, tls_read
 *	tls_export, tls_close, tls_drain and send, tls_free
 */
#ifndef NTS_TLS_H
#define NTS_TLS_H

#include "base/check.h"
#include "nts/path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OpenSSL's X509_STORE and STACK_OF(X509), without its headers. */
struct x509_store_st;
struct stack_st_X509;

struct tls_session;

/* The security level of OpenSSL that certificates and revocation lists are
 * checked by: that of the system, but at least 2. */
int tls_security_level(void);

/* Why a session failed. In the sentence, "it" is the server. */
/* clang-format off */
#define TLS_FAULTS(X) \
	X(TLS_OK, "nothing is wrong") \
	X(TLS_NOT_TLS, "it does not answer with TLS: another service listens on that port") \
	X(TLS_TOO_OLD, "it does not speak TLS 1.3, which NTS needs, or its certificate has a key on a curve that TLS 1.3 does not have") \
	X(TLS_ALPN_REFUSED, "it speaks TLS but refuses the protocol ntske/1: NTS is not enabled there") \
	X(TLS_ALPN_MISSING, "it speaks TLS but does not select the protocol ntske/1: it is not an NTS server") \
	X(TLS_NAME_UNKNOWN, "it serves no host of that name") \
	X(TLS_WANTS_CERTIFICATE, "it wants a client certificate, which NTS does not use") \
	X(TLS_CLOSED_EARLY, "it closed the connection during the TLS handshake: it may not speak TLS 1.3, or not serve NTS on that port, or refuse this client") \
	X(TLS_BAD_CERTIFICATE, "its certificate is refused") \
	X(TLS_ALERT, "it ended the TLS session with an alert") \
	X(TLS_CHAIN_TOO_LONG, "it sends a chain of certificates that is too long") \
	X(TLS_PROTOCOL_ERROR, "it breaks the TLS protocol") \
	X(TLS_LIBRARY, "the TLS library failed")
/* clang-format on */
enum tls_fault {
#define X(name, sentence) name,
	TLS_FAULTS(X)
#undef X
	    TLS_FAULT_COUNT
};

/*
 * Before any other use of OpenSSL in a process that needs nothing but what
 * nts/ uses: the library leaves out work that costs such a process more than a
 * tenth of a key exchange. It does not fill its old table of ciphers by name,
 * and at the end of the process it does not free what the kernel frees anyway.
 */
void tls_begin(void);

/* Returns name and version of the library that is loaded; never NULL. */
const char *tls_library(void);

/* Returns the sentence, without a full stop; never NULL. */
const char *tls_fault_text(enum tls_fault fault);

enum tls_step {
	TLS_DONE,	/* the call has done its work */
	TLS_WANT_INPUT, /* drain, feed, then call again */
	TLS_CLOSED,	/* the server closed, with or without close_notify */
	TLS_FAILED,	/* tls_fault() says why; drain: an alert may be due */
};

/*
 * Creates a session. The caller keeps its reference to `trusted`. The
 * certificate must be valid for `host`, a DNS name or an IP address; a scope
 * as in "fe80::1%eth0" and a dot at the end do not count. Returns NULL if the
 * library fails or the name is empty or too long.
 */
struct tls_session *tls_open(struct x509_store_st *trusted, const char *host);

/* Call it before the handshake to accept a chain outside its dates, on a
 * machine whose clock is known to be wrong. Everything else is still checked.
 * The caller must check the dates later, when it knows the time. */
void tls_ignore_dates(struct tls_session *s);

/* Call it before the handshake to refuse revoked certificates (nts/revocation.h
 * says how). The session borrows `lists`; NULL: none. */
void tls_use_crls(struct tls_session *s, const struct stack_st_X509_CRL *lists);

/* Wipes and frees the session; NULL is allowed. */
void tls_free(struct tls_session *s);

/* Takes bytes from the network. Returns false if out of memory. */
bool tls_feed(struct tls_session *s, const void *bytes, size_t len) MUST_USE;

/* Says that the network brings no more bytes. */
void tls_feed_end(struct tls_session *s);

/* Writes at most `size` bytes for the network to `out`. Returns their number;
 * 0: nothing to send now. */
size_t tls_drain(struct tls_session *s, void *out, size_t size);

/* Returns TLS_DONE only if certificate, host name and ALPN are accepted. */
enum tls_step tls_handshake(struct tls_session *s) MUST_USE;

/* Sends up to 16384 bytes as one record, because NTPsec reads only one. */
bool tls_write(struct tls_session *s, const void *bytes, size_t len) MUST_USE;

/* On TLS_DONE, *got says how many bytes were read: 1 to `size`. */
enum tls_step tls_read(
    struct tls_session *s, void *out, size_t size, size_t *got) MUST_USE;

/* Exports keying material for `context` (RFC 8915 section 5.1). Call it after
 * the handshake. */
bool tls_export(struct tls_session *s, const uint8_t *context,
    size_t context_len, uint8_t *out, size_t out_len) MUST_USE;

/* Queues close_notify; drain once more to send it. */
void tls_close(struct tls_session *s);

enum tls_fault tls_fault(const struct tls_session *s);

/* Returns details of the fault: the name of the alert or the message of the
 * library, or "". */
const char *tls_detail(const struct tls_session *s);

/* Why the certificate was refused. Borrowed from the session. */
const struct tls_refusal *tls_refusal(const struct tls_session *s);

/* Writes version and cipher, as in "TLSv1.3 TLS_AES_256_GCM_SHA384". Call it
 * after the handshake. */
void tls_describe(const struct tls_session *s, char *out, size_t size);

/* Writes the group of the key exchange, as in "X25519", or "" if it is not
 * known yet. */
void tls_group(const struct tls_session *s, char *out, size_t size);

/* Returns the accepted chain up to the trusted certificate, borrowed; NULL
 * before the handshake is done. */
struct stack_st_X509 *tls_chain(const struct tls_session *s);

#endif
