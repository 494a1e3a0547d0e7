/*
 * One authenticated NTP exchange (RFC 8915 section 5). Pure: bytes and
 * randomness in, bytes and verdicts out.
 */
#ifndef NTS_FIELDS_H
#define NTS_FIELDS_H

#include "nts/aead.h"
#include "nts/cookies.h"
#include "nts/error.h"
#include "nts/ntp.h"

#define NTS_UID_LEN 32
/* Requests stay below this, so that they pass any IPv6 path unfragmented
 * unless a single cookie is longer (RFC 8200: 1280 less 48). */
#define NTS_REQUEST_TARGET 1232
#define NTS_PACKET_MAX 4096

/* The keys of one direction pair; secret. */
struct nts_keys {
	uint8_t c2s[AEAD_KEY_MAX], s2c[AEAD_KEY_MAX];
};

/* Everything secret about one server. Owner: one source. */
struct nts_assoc {
	enum aead_id aead; /* AEAD_NONE: no keys */
	struct nts_keys keys;
	/* AEAD 30 without record 1024 (nts/ke.h): the other export context,
	 * to be tried once after a NAK. */
	struct nts_keys other_keys;
	bool have_other_keys;
	struct cookie_jar jar;
};

void nts_assoc_wipe(struct nts_assoc *a);

/* Swap to the other keys. False when there are none, or they were tried. */
bool nts_assoc_try_other_keys(struct nts_assoc *a);

/* Fresh randomness for one request, all of it unpredictable. */
struct nts_fresh {
	uint8_t uid[NTS_UID_LEN];
	uint8_t nonce[AEAD_NONCE_MAX];
	uint64_t transmit;
};

/* What must be remembered of a request to judge its answer. */
struct nts_pending {
	uint8_t uid[NTS_UID_LEN];
	uint64_t transmit; /* random: tells a path nothing about our clock */
	bool open;	   /* an answer is still wanted */
	unsigned placeholders; /* cookies asked for beyond the one spent */
	struct cookie cookie;  /* the one spent */
};

/*
 * Spends one cookie and writes a whole request: header that reveals nothing,
 * unique id, cookie, as many placeholders as bring the jar back to eight
 * without passing `size_limit` bytes (0: NTS_REQUEST_TARGET), authenticator.
 * NTS_NO_COOKIE_LEFT, NTS_NO_ROOM, NTS_CRYPTO.
 */
enum nts_err nts_request_seal(struct nts_assoc *a,
    const struct nts_fresh *fresh, size_t size_limit,
    struct nts_pending *pending, struct writer *out) MUST_USE;

/* The request never left the machine: its cookie is in the jar again, once.
 * Before anything else is done to the jar. */
void nts_request_unsent(struct nts_assoc *a, struct nts_pending *pending);

/* A judged answer; times are the server's. */
struct ntp_answer {
	struct ntp_header header;
	int64_t root_delay_ns, root_dispersion_ns;
	int64_t precision_ns; /* of the server's clock, at least 1 */
	bool authenticated;
	unsigned new_cookies;
};

/*
 * Judges an answer to `pending` and, when it is authentic, puts its cookies
 * into the jar and closes `pending`. Order of judgement: form, mode, origin,
 * unique id, authenticator, then content.
 *
 * NTS_OK                 header is authentic, times are usable
 * NTP_UNSYNCHRONISED     authentic, but no sample
 * NTP_BAD_TIMES          likewise
 * NTP_KISS_*             out->authenticated says whether it can be believed
 * NTP_NAK                never authenticated (RFC 8915 5.7): `pending` stays
 *                        open, since a valid answer beats it
 * anything else          not an answer of this server; `pending` stays open
 */
enum nts_err nts_answer_open(struct nts_assoc *a, struct nts_pending *pending,
    const uint8_t *bytes, size_t len, struct ntp_answer *out) MUST_USE;

#endif
