/*
 * NTS-KE records (RFC 8915 section 4): builds a request and parses an answer.
 * No function here does I/O or allocates.
 *
 * Record 1024 is chrony's "compliant AES-128-GCM-SIV export". chrony 4.4 to
 * 4.6.0 put algorithm id 15 into the exporter context of AEAD 30. A request
 * that offers AEAD 30 has the record, which is empty. A server that returns it
 * uses id 30, as the RFC says; a server that does not may use either id.
 */
#ifndef NTS_KE_H
#define NTS_KE_H

#include "nts/aead.h"
#include "nts/bytes.h"
#include "nts/cookies.h"
#include "nts/error.h"

#define KE_MESSAGE_MAX 65536 /* RFC 8915 4/5 */
#define KE_REQUEST_MAX 64
#define KE_SERVER_MAX 256 /* with the terminating NUL */
#define KE_PORT 4460
#define KE_ALPN "ntske/1"
#define KE_EXPORTER_LABEL "EXPORTER-network-time-security"
#define KE_EXPORTER_CONTEXT_LEN 5

/* Record types, without the critical bit. The test server uses them, too. */
enum ke_record {
	KE_END = 0,
	KE_NEXT_PROTOCOL = 1,
	KE_ERROR = 2,
	KE_WARNING = 3,
	KE_AEAD = 4,
	KE_COOKIE = 5,
	KE_NTP_SERVER = 6,
	KE_NTP_PORT = 7,
	KE_COMPLIANT_GCM_SIV = 1024,
};
#define KE_CRITICAL 0x8000u
#define KE_PROTOCOL_NTPV4 0

struct ke_response {
	enum aead_id aead;
	bool compliant_gcm_siv;	    /* the answer has record 1024 */
	char server[KE_SERVER_MAX]; /* "" if the server named none */
	uint16_t port;		    /* 0 if the server named none */
	unsigned cookie_count; /* 1..NTS_COOKIES; further ones are dropped */
	struct cookie cookies[NTS_COOKIES];
};

/* Writes a request that offers `aeads` in that order. The writer needs room
 * for KE_REQUEST_MAX bytes. */
void ke_request_build(
    const enum aead_id *aeads, size_t count, struct writer *out);

/* True if the bytes contain an end record or have reached KE_MESSAGE_MAX, so
 * that the caller need not read more. A malformed end record counts, too: the
 * parser says what is wrong with it. `from`: where the look at fewer of these
 * bytes stopped, at first 0; then many small pieces cost no more than a large
 * one. NULL: looks at all. */
bool ke_response_complete(const uint8_t *bytes, size_t len, size_t *from);

/*
 * Checks the whole answer and writes `out` only if it returns NTS_OK. `offered`
 * is the list that ke_request_build() got. The cookies in `out` are secret:
 * wipe them after use. `detail` may be NULL; it gets the code of an error or
 * a warning record, the type of an unknown critical record, and 0 otherwise.
 */
enum nts_err ke_response_parse(struct ke_response *out, const uint8_t *bytes,
    size_t len, const enum aead_id *offered, size_t count,
    unsigned *detail) MUST_USE;

/* Writes protocol, AEAD id and direction (RFC 8915 section 5.1). Direction 0 is
 * from client to server, 1 from server to client. */
void ke_exporter_context(
    uint16_t aead, unsigned direction, uint8_t out[KE_EXPORTER_CONTEXT_LEN]);

/* Appends one record. The test server uses it, too. */
void ke_put_record(
    struct writer *w, uint16_t type_and_critical, const void *body, size_t len);

#endif
