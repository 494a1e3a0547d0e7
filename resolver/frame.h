/*
 * The messages between the engine, the resolver and its jobs: structs of a
 * fixed size over a SOCK_SEQPACKET socketpair. The receiver checks the length
 * and every value. It treats a sender of a bad frame as dead.
 */
#ifndef RESOLVER_FRAME_H
#define RESOLVER_FRAME_H

#include "base/limits.h"
#include "nts/fields.h"
#include "nts/ke.h"
#include "resolver/endpoint.h"

#define KE_ADDRESSES_MAX 8 /* of one name, both families together */
#define KE_TEXT_MAX 640
#define KE_TIMEOUT_MAX_MS 600000
#define KE_CERT_TEXT_MAX 160
#define KE_CERT_KEY_LEN 32
#define KE_TLS_TEXT_MAX 48

enum family_choice { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };

/* How far a job got: the stage that failed, or KE_STAGE_DONE. */
/* clang-format off */
#define KE_STAGES(X) \
	X(KE_STAGE_START, "start") \
	X(KE_STAGE_DNS, "dns") \
	X(KE_STAGE_CONNECT, "connect") \
	X(KE_STAGE_TLS, "tls") \
	X(KE_STAGE_CERTIFICATE, "certificate") \
	X(KE_STAGE_EXCHANGE, "nts-ke") \
	X(KE_STAGE_NTP_NAME, "ntp-name") \
	X(KE_STAGE_DONE, "done")
/* clang-format on */
enum ke_stage {
#define X(name, word) name,
	KE_STAGES(X)
#undef X
	    KE_STAGE_COUNT
};
/* "dns"; "unknown" for another number. */
const char *ke_stage_word(enum ke_stage stage);

/* What was done about the dates of the certificates. */
enum ke_dates {
	KE_DATES_CHECKED,   /* checked; a failure has another reason */
	KE_DATES_REFUSED,   /* the exchange failed: the local clock is not
			       between the dates */
	KE_DATES_UNCHECKED, /* not checked, as the request asks */
	KE_DATES_COUNT,
};

struct ke_request {
	uint32_t source; /* the engine's number of the source */
	uint32_t serial; /* tells a late answer to an old request */
	char host[HOST_MAX];
	uint16_t ke_port;
	uint16_t ntp_port; /* 0: the usual one; a negotiated port overrides */
	uint8_t family;	   /* enum family_choice */
	/* 1: ignore the dates of the certificates, because the clock may be
	 * wrong at the start. All other checks are done. */
	uint8_t dates_unchecked;
	uint8_t reserved[2];
	uint32_t timeout_ms; /* for the whole job; 1..KE_TIMEOUT_MAX_MS */
	/* Try the address that follows this one first: no server answered to
	 * keys from this one. Family 0: begin with the first address. */
	struct endpoint try_after;
};

/* What a key exchange shows of the server, as far as its stage got. */
struct ke_facts {
	struct endpoint peer; /* the address that TLS was spoken with */
	/* When the whole chain is valid, seconds since 1970; 0: not known. */
	int64_t not_before, not_after;
	char subject[KE_CERT_TEXT_MAX]; /* of the server's certificate */
	/* SHA-256 of the server's public key; zeros: not known. A server shows
	 * the same key under all its names and addresses. */
	uint8_t key[KE_CERT_KEY_LEN];
	char tls[KE_TLS_TEXT_MAX]; /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
};

struct ke_answer {
	uint32_t source, serial;
	uint8_t stage; /* KE_STAGE_DONE: success; else the one that failed */
	uint8_t have_other_keys;
	uint16_t aead;
	int32_t error; /* enum nts_err, for KE_STAGE_EXCHANGE; else 0 */
	uint32_t duration_ms;
	uint32_t dates; /* enum ke_dates */
	/* The reason as a sentence without a full stop, for the log and
	 * ntsctl; "" after success. */
	char text[KE_TEXT_MAX];

	struct ke_facts facts;		/* as far as the job got */
	char ntp_server[KE_SERVER_MAX]; /* negotiated name, or "" */

	/* Only after success. The NTP addresses in the order of use: the one
	 * that connected first, then the two families in turn. */
	uint32_t address_count;
	struct endpoint addresses[KE_ADDRESSES_MAX];
	struct nts_keys keys, other_keys;
	uint32_t cookie_count;
	struct cookie cookies[NTS_COOKIES];
};

/* Checks every value: ranges, counts, and that each text ends in its field. */
bool ke_request_valid(const struct ke_request *r) MUST_USE;
bool ke_answer_valid(const struct ke_answer *a) MUST_USE;

/* May `a` be an answer to `r`? Dates are unchecked if and only if the request
 * asked for that. */
bool ke_answer_fits(
    const struct ke_answer *a, const struct ke_request *r) MUST_USE;

/* Are two keys of struct ke_facts the same? False if one is not known. */
bool ke_same_key(const uint8_t a[static KE_CERT_KEY_LEN],
    const uint8_t b[static KE_CERT_KEY_LEN]);

/* These do not block. 1: done. 0: it would block. -1: the peer is gone, or the
 * frame has another length or bad values. */
int frame_send(int fd, const void *frame, size_t len) MUST_USE;
int frame_receive(int fd, void *out, size_t len) MUST_USE;
int frame_receive_request(int fd, struct ke_request *out) MUST_USE;
int frame_receive_answer(int fd, struct ke_answer *out) MUST_USE;

#endif
