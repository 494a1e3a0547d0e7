/*
 * Answers to a fixed request. The first byte says what the rest is: a whole
 * packet, encrypted fields, or a header and encrypted fields. The last two are
 * sealed here, because a fuzzer cannot make a valid authenticator.
 */
#include "nts/fields.h"
#include "tests/unit/nts/ntp_peer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Leaves room for header, unique id and authenticator. */
#define PLAIN_MAX (NTS_PACKET_MAX - 256)

enum kind { WHOLE_PACKET, SEALED_FIELDS, HEADER_AND_SEALED_FIELDS, KINDS };

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Two cookies of eight, so that an answer has room for six. */
static void prepare(struct nts_assoc *a, struct nts_pending *pending)
{
	const uint8_t cookie[64] = {1};

	*a = (struct nts_assoc){.aead = AEAD_AES_SIV_CMAC_256};
	memset(a->keys.s2c, 7, sizeof(a->keys.s2c));
	for (int i = 0; i < 2; i++)
		check(cookie_jar_put(&a->jar, cookie, sizeof(cookie)));
	*pending = (struct nts_pending){
	    .transmit = UINT64_C(0x0102030405060708), .open = true};
	memset(pending->uid, 5, sizeof(pending->uid));
}

static struct peer_answer start_of_answer(
    const struct nts_assoc *a, const struct nts_pending *pending)
{
	struct peer_request q = {.header.transmit = pending->transmit,
	    .uid = reader_of(pending->uid, sizeof(pending->uid))};

	return peer_answer_to(&q, a->aead, a->keys.s2c);
}

/* Takes all of the header but version, mode and origin, which must be right. */
static void take_header(struct peer_answer *answer, struct reader *r)
{
	uint64_t origin = answer->header.origin;
	struct ntp_header h;

	if (ntp_header_take(r, &h))
		answer->header = h;
	answer->header.version = NTP_VERSION;
	answer->header.mode = NTP_MODE_SERVER;
	answer->header.origin = origin;
}

static size_t make_answer(const struct nts_assoc *a,
    const struct nts_pending *pending, enum kind kind, struct reader r,
    uint8_t out[NTS_PACKET_MAX])
{
	struct peer_answer answer = start_of_answer(a, pending);

	if (kind == HEADER_AND_SEALED_FIELDS)
		take_header(&answer, &r);
	answer.plain_len = r.ok ? r.left : 0;
	if (answer.plain_len > PLAIN_MAX)
		answer.plain_len = PLAIN_MAX;
	if (answer.plain_len > 0)
		memcpy(answer.plain, r.at, answer.plain_len);
	return peer_write(&answer, out, NTS_PACKET_MAX);
}

static bool well_formed(const uint8_t *fields, size_t len)
{
	struct reader r = reader_of(fields, len);
	struct ntp_field f;

	while (ntp_field_take(&r, fields, &f))
		continue;
	return r.ok;
}

static void check_result(enum nts_err err, const struct ntp_answer *got,
    const struct nts_assoc *a, const struct nts_pending *pending)
{
	/* An authenticated answer closes the request, no other one does. */
	check(got->authenticated == !pending->open);
	check(a->jar.count == 2 + got->new_cookies);
	check(a->jar.count <= NTS_COOKIES);
	check(err != NTP_NAK || pending->open);
	if (err != NTS_OK)
		return;
	check(got->authenticated && got->precision_ns >= 1);
	check(got->header.stratum >= 1 && got->header.stratum <= 15);
	check(got->header.leap != LEAP_UNKNOWN);
	check(got->header.receive != 0 && got->header.transmit != 0);
	check(got->root_delay_ns >= 0 && got->root_dispersion_ns >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	enum kind kind = (enum kind)(take_u8(&r) % KINDS);
	uint8_t sealed[NTS_PACKET_MAX];
	const uint8_t *packet = r.at;
	size_t len = r.left;
	struct nts_pending pending;
	struct ntp_answer got;
	struct nts_assoc a;
	enum nts_err err;

	prepare(&a, &pending);
	if (kind != WHOLE_PACKET) {
		len = make_answer(&a, &pending, kind, r, sealed);
		packet = sealed;
		check(len > 0);
	}
	err = nts_answer_open(&a, &pending, packet, len, &got);
	check_result(err, &got, &a, &pending);
	if (kind == SEALED_FIELDS && r.left <= PLAIN_MAX)
		check(got.authenticated == well_formed(r.at, r.left));
	return 0;
}
