/*
 * NTPv4 with NTS, server side (RFC 8915 section 5.7). Bytes in, parcels out;
 * sockets and clocks are the caller's.
 */
#ifndef TESTS_SERVER_NTP_H
#define TESTS_SERVER_NTP_H

#include "nts/ntp.h"
#include "tests/server/service.h"

#define NTP_UID_MAX 512

enum ntp_verdict {
	NTP_GENUINE,
	NTP_LOST,	    /* by a fault */
	NTP_NOT_NTS,	    /* left alone: this server answers NTS only */
	NTP_FOREIGN_COOKIE, /* not ours, or its key is gone: NAK */
	NTP_FORGED,	    /* the authenticator is wrong: NAK */
};

struct ntp_request {
	enum ntp_verdict verdict;
	struct ntp_header header;
	struct reader uid, cookie;	/* borrowed from the packet */
	unsigned placeholders;		/* that have room for a cookie */
	struct association association; /* secret; when genuine */
};

struct ntp_request ntp_request_judge(
    const struct master_keys *m, const uint8_t *bytes, size_t len);

/* What kind of answer it is to be. */
enum ntp_kind {
	NTP_SEALED,   /* with NTS fields and an authenticator */
	NTP_UNSEALED, /* without the authenticator */
	NTP_BARE,     /* the header alone */
};

enum ntp_times {
	NTP_TRUE_TIMES,
	NTP_TIMES_OF_ZERO,
	NTP_TIMES_REVERSED, /* sent a second before it was received */
};

struct ntp_draft {
	enum ntp_kind kind;
	enum ntp_times times;
	int64_t ahead_ns;   /* served time minus CLOCK_REALTIME */
	int64_t thought_ns; /* that never was, between its two stamps */
	struct ntp_header header;
	uint8_t uid[NTP_UID_MAX];
	size_t uid_len; /* 0: no unique identifier */
	unsigned cookies;
	long cookie_len; /* or -1: as it is */
	size_t filling;	 /* bytes of an unknown field beside the cookies */
	bool tail;	 /* an unknown field behind the authenticator */
};

/* A request, judged, and its answer but for the time. */
struct ntp_job {
	struct ntp_request request;
	struct ntp_draft draft;
	bool answered;			/* there is a draft */
	uint8_t secret[NTP_PACKET_MAX]; /* what the authenticator will hide */
	size_t secret_len;
};

/*
 * Two steps, so that the clock is read as late as can be: ntp_prepare does
 * all that does not depend on it. `bytes` has to outlive the job.
 */
void ntp_prepare(struct service *service, const uint8_t *bytes, size_t len,
    struct mono now, struct ntp_job *job);

/* What a fault sends before the answer, and the answer. */
#define NTP_PARCELS 2
#define NTP_TRUE_PARCEL 1

/* The answer, and what a fault sends before it; in the order of sending. The
 * times are those of CLOCK_REALTIME. Wipes the job. */
void ntp_finish(struct service *service, struct ntp_job *job,
    struct wall received, struct wall sent, struct parcel parcels[NTP_PARCELS]);

/*
 * ntp_faults.c: what the faults make of each stage. Some of them count, so the
 * faults are not const.
 */

/* Of the request: it is lost, or its cookie is not known. */
void ntp_request_spoil(
    struct ntp_request *request, size_t len, struct faults *faults);

/* Of the time: served minus true time. */
int64_t ntp_lie_ns(const struct faults *faults, struct mono now);

/* Of the answer. */
void ntp_draft_spoil(struct ntp_draft *draft, const struct faults *faults);

/* Of its bytes, and of their sending. */
void ntp_parcel_spoil(struct parcel *parcel, struct faults *faults);

#endif
