/*
 * One authenticated NTP exchange (RFC 8915 section 5): builds the request and
 * checks the answer. No function here reads a clock or a socket, draws random
 * numbers, or allocates.
 */
#ifndef NTS_FIELDS_H
#define NTS_FIELDS_H

#include "nts/aead.h"
#include "nts/cookies.h"
#include "nts/error.h"
#include "nts/ntp.h"

#define NTS_UID_LEN 32
/* The longest request in bytes, unless a single cookie makes it longer. It
 * passes any IPv6 path unfragmented: RFC 8200 guarantees 1280 bytes, and the
 * IPv6 and UDP headers take 48 of them. */
#define NTS_REQUEST_TARGET 1232
#define NTS_PACKET_MAX 4096

/* The keys from client to server and from server to client; secret. */
struct nts_keys {
	uint8_t c2s[AEAD_KEY_MAX], s2c[AEAD_KEY_MAX];
};

/* Everything secret about one server. One source owns it. */
struct nts_assoc {
	enum aead_id aead; /* AEAD_NONE: no keys */
	struct nts_keys keys;
	/* For AEAD 30 without record 1024 (nts/ke.h): the keys of the other
	 * exporter context, to be tried once after a NAK. */
	struct nts_keys other_keys;
	bool have_other_keys;
	struct cookie_jar jar;
};

void nts_assoc_wipe(struct nts_assoc *a);

/* Replaces the keys with the other keys. Returns false if there are none, or
 * if they have been tried before. */
bool nts_assoc_try_other_keys(struct nts_assoc *a);

/* The random bytes of one request; all of them must be unpredictable. */
struct nts_random {
	uint8_t uid[NTS_UID_LEN];
	uint8_t nonce[AEAD_NONCE_MAX];
	uint64_t transmit;
};

/* What the agent remembers of a request, to check the answer. */
struct nts_pending {
	uint8_t uid[NTS_UID_LEN];
	uint64_t transmit;     /* random, so that it does not show our clock */
	bool open;	       /* waits for an answer */
	unsigned placeholders; /* requested cookies beyond the first */
	struct cookie cookie;  /* the one in the request */
};

/*
 * Takes a cookie and writes a whole request: a header without information
 * about the client, unique identifier, cookie, placeholders, authenticator.
 * The placeholders request as many cookies as the jar lacks, but do not make
 * the request longer than `size_limit` bytes (0: NTS_REQUEST_TARGET). Returns
 * NTS_OK, NTS_NO_COOKIE_LEFT, NTS_NO_ROOM or NTS_CRYPTO.
 */
enum nts_err nts_request_seal(struct nts_assoc *a,
    const struct nts_random *fresh, size_t size_limit,
    struct nts_pending *pending, struct writer *out) MUST_USE;

/* The request never left the machine: puts its cookie back into the jar. Call
 * it before anything else changes the jar. */
void nts_request_cancel(struct nts_assoc *a, struct nts_pending *pending);

/* A checked answer; its timestamps are those of the server. */
struct ntp_answer {
	struct ntp_header header;
	int64_t root_delay_ns, root_dispersion_ns;
	int64_t precision_ns; /* of the server's clock, at least 1 */
	bool authenticated;
	unsigned new_cookies;
};

/*
 * Checks an answer to `pending`. If it is authentic, puts its cookies into the
 * jar and closes `pending`. The order of the checks: form, version and mode,
 * origin timestamp, unique identifier, authenticator, content.
 *
 * NTS_OK                 authentic, and the timestamps are usable
 * NTP_UNSYNCHRONISED     authentic, but not usable as a sample
 * NTP_BAD_TIMES          authentic, but not usable as a sample
 * NTP_KISS_*             out->authenticated says whether it is authentic
 * NTP_NAK                never authentic (RFC 8915 section 5.7): `pending`
 *                        stays open, because a valid answer may follow
 * any other error        not an answer of this server; `pending` stays open
 */
enum nts_err nts_answer_open(struct nts_assoc *a, struct nts_pending *pending,
    const uint8_t *bytes, size_t len, struct ntp_answer *out) MUST_USE;

/*
 * RFC 5905 section 8: the sample of an answer whose request left at `sent` and
 * that came at `received`. `near` is a time in the answer's era (ntp_to_wall),
 * `reading_error_ns` the largest error of our two stamps. They count as
 * STAMP_DAEMON. The delay of the sample contains what the server claims to have
 * held the request beyond a millisecond. Returns the round trip as it was
 * measured, which may be negative: see ntp_delay_impossible().
 */
int64_t nts_answer_sample(const struct ntp_answer *a, struct osc sent,
    struct osc received, struct wall near, int64_t reading_error_ns,
    struct sample *out);

#endif
