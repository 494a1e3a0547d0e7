/*
 * The answers of the server in NTS-KE (RFC 8915 section 4). A request gives the
 * draft of a correct answer, the faults change the draft, and the draft is
 * written as bytes.
 */
#ifndef TESTS_SERVER_KE_ANSWER_H
#define TESTS_SERVER_KE_ANSWER_H

#include "nts/ke.h"
#include "tests/server/cookies.h"
#include "tests/server/faults.h"

#define KE_ANSWER_MAX (1 << 20)

struct ke_request {
	bool ntpv4;	       /* is one of the protocols */
	bool protocols, aeads; /* the request has these records */
	enum aead_id aead; /* the first offered that we have, or AEAD_NONE */
	bool compliant_gcm_siv;	    /* record 1024 */
	bool unknown_critical, bad; /* get an error record */
};

struct ke_request ke_request_parse(const uint8_t *bytes, size_t len);

#define KE_NONE (-1)
#define KE_UNCHANGED (-1)

struct ke_draft {
	long error, warning, unknown_critical; /* or KE_NONE */
	bool has_protocol, has_aead;
	unsigned protocol_count, aead_count;
	uint16_t protocol, aeads[2];
	bool compliant_gcm_siv;
	uint16_t exporter_aead; /* in the exporter context */
	const char *server;	/* borrowed; NULL: no record */
	uint32_t port;		/* 0: no record */
	bool odd_port, end;
	unsigned cookies, junk;
	long cookie_len; /* or KE_UNCHANGED */
	size_t cut;	 /* the most bytes of the answer that are sent */
};

struct ke_draft ke_draft_of(const struct ke_request *request, uint16_t port);

/* Applies the faults; in ke_faults.c. */
void ke_draft_apply_faults(struct ke_draft *draft, const struct faults *faults);

/* Writes to `out`, which has KE_ANSWER_MAX bytes. The cookies contain the keys
 * in `a`. */
bool ke_draft_write(const struct ke_draft *draft, const struct association *a,
    const struct master_keys *m, struct writer *out) MUST_USE;

#endif
