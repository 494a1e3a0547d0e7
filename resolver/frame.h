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
#include "resolver/binding.h"
#include "resolver/endpoint.h"

/* Of one name, both families together: a directory domain has thirty. */
#define KE_ADDRESSES_MAX 64
#define KE_TEXT_MAX 1000
#define KE_TIMEOUT_MAX_MS 600000
/* Of each other source, the key server and the time server. */
#define KE_AVOID_MAX (2 * SOURCES_MAX)
#define KE_CERT_TEXT_MAX 160
#define KE_CERT_KEY_LEN 32
#define KE_TLS_TEXT_MAX 80

enum family_choice { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };

/* How far a job got: the stage that failed, or KE_STAGE_DONE. */
/* clang-format off */
#define KE_STAGES(X) \
	X(KE_STAGE_START, "start") \
	X(KE_STAGE_DNS, "dns") \
	X(KE_STAGE_BIND, "ke-bind") \
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
	/* 1: the clock may be wrong, so that a resolver may refuse names whose
	 * signatures do not fit it: ask again without validation. */
	uint8_t clock_unsure;
	/* 1: the source of a pool. The answer has one address: that of the key
	 * server, or one of the server that it names. */
	uint8_t alone;
	/* 1: the key servers are those of the SRV records of `host`. */
	uint8_t srv;
	/* 1: go to `known` without a lookup, which may take seconds: the server
	 * there has just shown a certificate that its dates alone forbid. */
	uint8_t at_known;
	uint8_t reserved[2];
	uint32_t timeout_ms; /* for the whole job; 1..KE_TIMEOUT_MAX_MS */
	/* Try the address that follows this one first: no server answered to
	 * keys from this one. Family 0: begin with the first address. */
	struct endpoint try_after;
	/* Where keys were last exchanged with this host, to be used if DNS
	 * fails. Family 0: not known. */
	struct endpoint known;
	/* The key server to try before all others, if the name has it. Family
	 * 0: none. */
	struct endpoint prefer;
	/* With `alone`: neither a key server nor a time server is at one of
	 * these. */
	uint32_t avoid_count;
	struct endpoint avoid[KE_AVOID_MAX];
	/* How the connection leaves this host. Name lookups do not use it. */
	struct binding binding;
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
	/* Version, suite, group: "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519" */
	char tls[KE_TLS_TEXT_MAX];
};

struct ke_answer {
	uint32_t source, serial;
	uint8_t stage; /* KE_STAGE_DONE: success; else the one that failed */
	uint8_t have_other_keys;
	uint16_t aead;
	int32_t error; /* enum nts_err, for KE_STAGE_EXCHANGE; else 0 */
	uint32_t duration_ms;
	uint32_t dates; /* enum ke_dates */
	/* The job was ended by this signal: it crashed, or was killed because
	 * it broke the protocol; 0: it was not. Only the dispatcher sets it. */
	uint32_t crash_signal;
	/* When the refused certificate becomes valid, seconds since 1970; 0:
	 * another failure. */
	int64_t valid_from;
	/* The reason as a sentence without a full stop, for the log and
	 * ntsctl; "" after success. */
	char text[KE_TEXT_MAX];

	struct ke_facts facts;		/* as far as the job got */
	char ntp_server[KE_SERVER_MAX]; /* negotiated name, or "" */

	/* Only after success. The NTP addresses in the order of use: the one
	 * that connected first, then the two families in turn. */
	uint32_t address_count;
	struct endpoint addresses[KE_ADDRESSES_MAX];
	/* No address connected, and time was up before all were tried: the
	 * last one that was. The next request goes on after it. */
	struct endpoint last_tried;
	struct nts_keys keys, other_keys;
	uint32_t cookie_count;
	struct cookie cookies[NTS_COOKIES];
};

/* Checks every value: ranges, counts, and that each text ends in its field. */
bool ke_request_valid(const struct ke_request *r) MUST_USE;
bool ke_answer_valid(const struct ke_answer *a) MUST_USE;

/* May a job answer `r` by `a`? Dates are unchecked if and only if the request
 * asked for that, and no job says that it crashed. */
bool ke_answer_fits(
    const struct ke_answer *a, const struct ke_request *r) MUST_USE;

/* Are two keys of struct ke_facts the same? False if one is not known. */
bool ke_same_key(const uint8_t a[static KE_CERT_KEY_LEN],
    const uint8_t b[static KE_CERT_KEY_LEN]);

/* These do not block. 1: done. 0: it would block. -1: the peer is gone, or the
 * frame has another length or bad values. */
int frame_send(int fd, const void *frame, size_t len) MUST_USE;
int frame_receive(int fd, void *out, size_t len) MUST_USE;
/* 2: the frame has the length `shorter`. */
int frame_receive_either(
    int fd, void *out, size_t len, size_t shorter) MUST_USE;
/* Waits for a frame of `len` bytes, whose content is not judged yet. False: the
 * peer is gone, or the frame has another length. */
bool frame_await(int fd, void *out, size_t len) MUST_USE;
int frame_receive_request(int fd, struct ke_request *out) MUST_USE;
int frame_receive_answer(int fd, struct ke_answer *out) MUST_USE;

#endif
