/*
 * One NTS-KE exchange (RFC 8915 section 4) over a connected socket: TLS
 * handshake, request, answer, keys. Blocks, at most until the deadline.
 */
#ifndef RESOLVER_EXCHANGE_H
#define RESOLVER_EXCHANGE_H

#include "base/time.h"
#include "nts/fields.h"
#include "nts/ke.h"
#include "resolver/certificate/trust.h"
#include "resolver/details.h"
#include "resolver/frame.h"

struct exchange {
	/* The request. */
	int fd;
	const char *host; /* a name that the certificate must have */
	struct endpoint peer;
	struct mono deadline;
	const struct trust *trust;
	const enum aead_id *aeads; /* to offer, in order */
	size_t aead_count;
	bool dates_unchecked;	    /* see struct ke_request */
	struct ke_details *details; /* to fill as far as it gets, or NULL */

	/* The answer. It has the facts about the server as soon as the
	 * certificate is accepted. */
	enum ke_stage stage;   /* after a failure: where */
	enum nts_err error;    /* for KE_STAGE_EXCHANGE; else NTS_OK */
	struct ke_facts facts; /* without `peer` */
	enum ke_dates dates;
	int64_t valid_from; /* see struct ke_answer */
	struct ke_response response;
	struct nts_keys keys, other_keys;
	bool have_other_keys;
};

/* False: `why` is the reason. The caller calls exchange_wipe() in any case. */
bool exchange_run(struct exchange *x, struct sentence *why) MUST_USE;

/* Do segments seem to be lost, by what the kernel knows of the connection?
 * `silent`: nothing came until the deadline; else the server has ended it. */
struct tcp_info;
bool exchange_lost(const struct tcp_info *info, bool silent);

/* Wipes the secrets. Does not close the socket. */
void exchange_wipe(struct exchange *x);

#endif
