/*
 * What the engine and the resolver say to each other: fixed-size structs over
 * a SOCK_SEQPACKET socketpair. The receiver checks length, type and ranges;
 * a bad frame means that the sender is broken, and is treated as its death.
 */
#ifndef RESOLVER_FRAME_H
#define RESOLVER_FRAME_H

#include "base/limits.h"
#include "nts/fields.h"
#include "nts/ke.h"
#include "resolver/endpoint.h"

#define KE_ADDRESSES_MAX 8 /* of one name, both families interleaved */
#define KE_TEXT_MAX 640
#define KE_TIMEOUT_MAX_MS 600000
#define KE_CERT_TEXT_MAX 160
#define KE_CERT_KEY_LEN 32
#define KE_TLS_TEXT_MAX 48

enum family_choice { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };

/* How far a job came; also the name of what failed. */
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
const char *ke_stage_word(enum ke_stage stage);

/* What became of the dates of the certificates. */
enum ke_dates {
	KE_DATES_CHECKED,   /* as they should be, or not known to be at fault */
	KE_DATES_REFUSED,   /* the failure: they do not fit the local clock */
	KE_DATES_UNCHECKED, /* as the request wanted it */
	KE_DATES_COUNT,
};

struct ke_request {
	uint32_t source; /* the engine's slot, given back in the answer */
	uint32_t serial; /* so that a late answer to an old question is known */
	char host[HOST_MAX];
	uint16_t ke_port;
	uint16_t ntp_port; /* configured; a negotiated port beats it */
	uint8_t family;	   /* enum family_choice */
	/* 1: take a chain whatever its dates say, for a clock that is wrong at
	 * the start. Name, signatures, purpose and keys are checked in full. */
	uint8_t dates_unchecked;
	uint8_t reserved[2];
	uint32_t timeout_ms; /* for all of it; 1..KE_TIMEOUT_MAX_MS */
	/* Of the name's addresses, begin with the one behind this: keys from
	 * it have brought no answer. Family 0: none. */
	struct endpoint behind;
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
	uint8_t stage; /* KE_STAGE_DONE: success; else where it failed */
	uint8_t have_other_keys;
	uint16_t aead;
	int32_t error; /* enum nts_err of KE_STAGE_EXCHANGE, else 0 */
	uint32_t duration_ms;
	uint32_t dates; /* enum ke_dates */
	/* The reason in plain words, whole sentences without a full stop at
	 * the end, ready for the log and ntsctl; "" on success. */
	char text[KE_TEXT_MAX];

	struct ke_facts facts;
	char ntp_server[KE_SERVER_MAX]; /* negotiated name, or "" */

	/* Success only. NTP addresses with ports, best first: the family that
	 * won the KE race leads, then alternating. */
	uint32_t address_count;
	struct endpoint addresses[KE_ADDRESSES_MAX];
	struct nts_keys keys, other_keys;
	uint32_t cookie_count;
	struct cookie cookies[NTS_COOKIES];
};

/* Each checks lengths, ranges and closing NULs. */
/* True if both keys of struct ke_facts are known and equal. */
bool ke_same_key(const uint8_t a[static KE_CERT_KEY_LEN],
    const uint8_t b[static KE_CERT_KEY_LEN]);

bool ke_request_valid(const struct ke_request *r) MUST_USE;
bool ke_answer_valid(const struct ke_answer *a) MUST_USE;

/* Dates are left unchecked only when that was asked for. */
bool ke_answer_fits(
    const struct ke_answer *a, const struct ke_request *r) MUST_USE;

/* 1: done, 0: would block, -1: peer gone or broken, or a frame of another
 * length. None of them blocks. */
int frame_send(int fd, const void *frame, size_t len) MUST_USE;
int frame_receive(int fd, void *out, size_t len) MUST_USE;
int frame_receive_request(int fd, struct ke_request *out) MUST_USE;
int frame_receive_answer(int fd, struct ke_answer *out) MUST_USE;

#endif
