/*
 * What the server answers in NTS-KE (RFC 8915 section 4), before it becomes
 * bytes. An honest answer is drafted from the request; the faults change the
 * draft; then it is written.
 */
#ifndef TESTS_SERVER_KE_ANSWER_H
#define TESTS_SERVER_KE_ANSWER_H

#include "nts/ke.h"
#include "tests/server/cookies.h"
#include "tests/server/faults.h"

#define KE_ANSWER_MAX (1 << 20)

struct ke_request {
	bool ntpv4;		/* among the protocols */
	bool protocols, aeads;	/* these records were there */
	enum aead_id aead;	/* the first offered that we have, or none */
	bool compliant_gcm_siv; /* record 1024 */
	bool unknown_critical, bad; /* answered with an error record */
};

struct ke_request ke_request_judge(const uint8_t *bytes, size_t len);

#define KE_NONE (-1)
#define KE_AS_IT_IS (-1)

struct ke_draft {
	long error, warning, unknown_critical; /* or KE_NONE */
	bool say_protocol, say_aead;
	unsigned protocol_count, aead_count;
	uint16_t protocol, aeads[2];
	bool compliant_gcm_siv;
	uint16_t exporter_aead; /* in the exporter's context */
	const char *server;	/* borrowed; NULL: none is named */
	uint32_t port;		/* 0: none is named */
	bool odd_port, end;
	unsigned cookies, junk;
	long cookie_len; /* or KE_AS_IT_IS */
	size_t cut;	 /* bytes of the answer that are sent at most */
};

struct ke_draft ke_draft_of(const struct ke_request *request, uint16_t port);

/* ke_faults.c: what the faults make of it. */
void ke_draft_spoil(struct ke_draft *draft, const struct faults *faults);

/* Writes to `out`, which has KE_ANSWER_MAX bytes. `a` has the keys that go
 * into the cookies. */
bool ke_draft_write(const struct ke_draft *draft, const struct association *a,
    const struct master_keys *m, struct writer *out) MUST_USE;

#endif
