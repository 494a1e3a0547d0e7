/*
 * NTPv4 with NTS, server side (RFC 8915 section 5.7). Takes the bytes of a
 * request and returns datagrams; the caller has the sockets and the clocks.
 */
#ifndef TESTS_SERVER_NTP_H
#define TESTS_SERVER_NTP_H

#include "nts/ntp.h"
#include "tests/server/service.h"

#define NTP_UID_MAX 512

enum ntp_status {
	NTP_VALID,
	NTP_DROPPED,	    /* dropped by a fault */
	NTP_NOT_NTS,	    /* ignored: this server answers NTS only */
	NTP_UNKNOWN_COOKIE, /* not ours, or its key was replaced: NAK */
	NTP_FORGED,	    /* the authenticator is wrong: NAK */
};

struct ntp_request {
	enum ntp_status status;
	struct ntp_header header;
	struct reader uid, cookie;	/* borrowed from the packet */
	unsigned placeholders;		/* those as long as the cookie */
	struct association association; /* secret; only if valid */
};

struct ntp_request ntp_request_parse(
    const struct master_keys *m, const uint8_t *bytes, size_t len);

/* The kind of an answer. */
enum ntp_kind {
	NTP_SEALED,	 /* with NTS fields and an authenticator */
	NTP_UNSEALED,	 /* without the authenticator */
	NTP_HEADER_ONLY, /* the header alone */
};

enum ntp_times {
	NTP_TIMES_TRUE,
	NTP_TIMES_ZERO,
	NTP_TIMES_REVERSED, /* transmit is a second before receive */
};

struct ntp_draft {
	enum ntp_kind kind;
	enum ntp_times times;
	int64_t ahead_ns;	     /* served time minus CLOCK_REALTIME */
	int64_t extra_processing_ns; /* added to the transmit timestamp */
	struct ntp_header header;
	uint8_t uid[NTP_UID_MAX];
	size_t uid_len; /* 0: no unique identifier */
	unsigned cookies;
	long cookie_len;  /* -1: unchanged */
	size_t extra_len; /* of an unknown field behind the cookies */
	bool tail;	  /* an unknown field behind the authenticator */
};

/* A parsed request, and its answer without the time. */
struct ntp_job {
	struct ntp_request request;
	struct ntp_draft draft;
	bool answered;			/* the draft is valid */
	uint8_t secret[NTP_PACKET_MAX]; /* the fields to encrypt */
	size_t secret_len;
};

/*
 * An answer takes two steps, so that the clock is read as late as possible:
 * ntp_prepare() does everything that does not depend on the time. `bytes` must
 * outlive the job.
 */
void ntp_prepare(struct service *service, const uint8_t *bytes, size_t len,
    struct mono now, struct ntp_job *job);

/* The datagram that a fault sends before the answer, and the answer. */
#define NTP_DATAGRAMS 2
#define NTP_TRUE_ANSWER 1

/* Writes the datagrams in the order of sending. The times are of
 * CLOCK_REALTIME. Wipes the keys in the job. */
void ntp_finish(struct service *service, struct ntp_job *job,
    struct wall received, struct wall sent,
    struct datagram datagrams[NTP_DATAGRAMS]);

/*
 * ntp_faults.c applies the faults of each stage. Some faults count requests, so
 * `faults` is not const.
 */

/* Faults of the request: it is dropped, or its cookie is unknown. */
void ntp_request_apply_faults(
    struct ntp_request *request, size_t len, struct faults *faults);

/* Faults of the time: returns served minus true time. */
int64_t ntp_fault_offset_ns(const struct faults *faults, struct mono now);

/* Faults of the answer. */
void ntp_draft_apply_faults(
    struct ntp_draft *draft, const struct faults *faults);

/* Faults of the bytes and of sending them. */
void ntp_datagram_apply_faults(
    struct datagram *datagram, struct faults *faults);

#endif
