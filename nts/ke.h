/*
 * NTS-KE records (RFC 8915 section 4): a request out, an answer in. Pure.
 *
 * Record 1024 is chrony's "compliant AES-128-GCM-SIV export": chrony 4.4 to
 * 4.6.0 put algorithm id 15 into the exporter context of AEAD 30. The request
 * carries the empty record when 30 is offered; a server that echoes it uses id
 * 30 as the RFC says, one that does not may use either.
 */
#ifndef NTS_KE_H
#define NTS_KE_H

#include "nts/aead.h"
#include "nts/bytes.h"
#include "nts/cookies.h"
#include "nts/error.h"

#define KE_MESSAGE_MAX 65536
#define KE_REQUEST_MAX 64
#define KE_SERVER_MAX 256 /* with the closing NUL */
#define KE_PORT 4460
#define KE_ALPN "ntske/1"
#define KE_EXPORTER_LABEL "EXPORTER-network-time-security"
#define KE_EXPORTER_CONTEXT_LEN 5

/* Record types; the critical bit is apart. Shared with the test server. */
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
	bool compliant_gcm_siv;	    /* record 1024 came back */
	char server[KE_SERVER_MAX]; /* "" when the server named none */
	uint16_t port;		    /* 0 when the server named none */
	unsigned cookie_count; /* 1..NTS_COOKIES; further ones are dropped */
	struct cookie cookies[NTS_COOKIES];
};

/* Offers `aeads` in that order. The writer needs KE_REQUEST_MAX bytes. */
void ke_request_build(
    const enum aead_id *aeads, size_t count, struct writer *out);

/* An end record is in there, so that reading may stop. Malformed counts as
 * complete: the parser then says what is wrong. */
bool ke_response_complete(const uint8_t *bytes, size_t len);

/*
 * Judges the whole answer; writes `out` only when it returns NTS_OK. `offered`
 * is what ke_request_build was given. The cookies in `out` are secrets: wipe
 * them after use. On NTS_KE_ERROR_OTHER, NTS_KE_WARNING and
 * NTS_KE_UNKNOWN_CRITICAL, `*detail` (may be NULL) gets the code or the type.
 */
enum nts_err ke_response_parse(struct ke_response *out, const uint8_t *bytes,
    size_t len, const enum aead_id *offered, size_t count,
    unsigned *detail) MUST_USE;

/* RFC 8915 5.1: protocol, AEAD id, direction (0: client to server). */
void ke_exporter_context(
    uint16_t aead, unsigned direction, uint8_t out[KE_EXPORTER_CONTEXT_LEN]);

/* Append one record; shared with the test server. */
void ke_put_record(
    struct writer *w, uint16_t type_and_critical, const void *body, size_t len);

#endif
