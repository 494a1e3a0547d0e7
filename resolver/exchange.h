/*
 * One NTS-KE exchange (RFC 8915 section 4) over a connected socket: TLS,
 * request, answer, keys. Blocks until the deadline at most.
 */
#ifndef RESOLVER_EXCHANGE_H
#define RESOLVER_EXCHANGE_H

#include "base/time.h"
#include "nts/fields.h"
#include "nts/ke.h"
#include "resolver/certificate/trust.h"
#include "resolver/frame.h"

struct exchange {
	/* The question. */
	int fd;
	const char *host; /* whom the certificate must be for */
	struct endpoint peer;
	struct mono deadline;
	const struct trust *trust;
	const enum aead_id *aeads; /* to offer, in order */
	size_t aead_count;
	bool dates_unchecked; /* see struct ke_request */

	/* The answer; the certificate's facts as soon as it is accepted. */
	enum ke_stage stage;   /* KE_STAGE_DONE, or what failed */
	enum nts_err error;    /* of KE_STAGE_EXCHANGE */
	struct ke_facts facts; /* without `peer` */
	enum ke_dates dates;
	struct ke_response response;
	struct nts_keys keys, other_keys;
	bool have_other_keys;
};

/* False: `why` has got the reason. exchange_wipe in either case. */
bool exchange_run(struct exchange *x, struct words *why) MUST_USE;

/* Wipes the secrets; closes nothing. */
void exchange_wipe(struct exchange *x);

#endif
