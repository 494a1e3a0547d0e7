/*
 * One source, one server in memory, and a clock that the test turns.
 */
#ifndef TESTS_UNIT_AGENT_SOURCE_RIG_H
#define TESTS_UNIT_AGENT_SOURCE_RIG_H

#include "agent/source/source.h"

#include "tests/unit/agent/engine/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

/* A random number that spreads nothing. */
#define RIG_MIDDLE (UINT32_MAX / 2)
#define RIG_ADDRESS "192.0.2.1"
#define KISS(a, b, c, d) NTP_REFID(a, b, c, d)

struct rig {
	struct source_config config;
	struct source source;
	struct peer peer;
	struct clock_reading now;
	uint8_t request[NTS_PACKET_MAX]; /* the last one */
	size_t request_len;
	uint8_t fresh;		    /* makes each request another one */
	char line[SOURCE_LINE_MAX]; /* the last one for the log */
	enum log_level level;
};

static inline struct source_config rig_config(void)
{
	return (struct source_config){
	    .name = "office",
	    .host = "ntp.example.net",
	    .ke_port = KE_PORT,
	    .iburst = true,
	    .minpoll = 6,
	    .maxpoll = 10,
	    .max_delay_ns = NS_PER_S,
	};
}

static inline void rig_init(struct rig *r)
{
	*r = (struct rig){
	    .config = rig_config(),
	    .peer = peer_make(7),
	    .now = {{100 * NS_PER_S}, {INT64_C(1800000000) * NS_PER_S}, 0},
	};
	source_init(&r->source, &r->config, r->now.mono);
}

static inline int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	rig_init(r);
	*state = r;
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;

	source_end(&r->source);
	free(r);
	return 0;
}

#define RIG_TEST(name)                                                         \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

static inline void rig_pass(struct rig *r, int64_t ns)
{
	r->now.mono.ns += ns;
	r->now.wall.ns += ns;
}

static inline void rig_pass_until(struct rig *r, struct mono t)
{
	assert_true(t.ns < MONO_NEVER.ns);
	if (t.ns > r->now.mono.ns)
		rig_pass(r, t.ns - r->now.mono.ns);
}

static inline void rig_pass_until_due(struct rig *r)
{
	rig_pass_until(r, source_deadline(&r->source));
}

/* Until the next thing that the source does by itself. */
static inline int64_t rig_wait_ns(const struct rig *r)
{
	return source_deadline(&r->source).ns - r->now.mono.ns;
}

static inline enum source_action rig_timer(struct rig *r)
{
	return source_timer(&r->source, r->now.mono, RIG_MIDDLE);
}

/* The next line for the log; "": there is none. */
static inline const char *rig_line(struct rig *r)
{
	if (!source_log_line(&r->source, &r->level, r->line, sizeof(r->line)))
		r->line[0] = '\0';
	return r->line;
}

/* What a successful key exchange brings, for the exchange under way. */
static inline struct ke_answer rig_keys(struct rig *r)
{
	struct ke_request q;

	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	return peer_keys(&r->peer, &q, RIG_ADDRESS);
}

static inline enum source_action rig_take_keys(
    struct rig *r, const struct ke_answer *a)
{
	return source_keys(&r->source, a, r->now, RIG_MIDDLE);
}

static inline enum source_action rig_give_keys(struct rig *r)
{
	struct ke_answer a = rig_keys(r);

	return rig_take_keys(r, &a);
}

/* The server has `count` addresses: RIG_ADDRESS and those behind it. */
static inline enum source_action rig_give_addresses(
    struct rig *r, unsigned count)
{
	struct ke_answer a = rig_keys(r);

	for (unsigned i = 1; i < count; i++) {
		a.addresses[i] = a.addresses[0];
		a.addresses[i].address[3] = (uint8_t)(i + 1);
	}
	a.address_count = count;
	return rig_take_keys(r, &a);
}

/* A failed exchange; `dates`: KE_DATES_REFUSED for one by dates alone. */
static inline enum source_action rig_fail_keys_with(
    struct rig *r, enum ke_stage stage, enum ke_dates dates, const char *text)
{
	struct ke_answer a = {
	    .serial = r->source.serial,
	    .stage = (uint8_t)stage,
	    .dates = dates,
	};

	snprintf(a.text, sizeof(a.text), "%s", text);
	return rig_take_keys(r, &a);
}

static inline enum source_action rig_fail_keys(
    struct rig *r, enum ke_stage stage, const char *text)
{
	return rig_fail_keys_with(r, stage, KE_DATES_CHECKED, text);
}

static inline void rig_seal(struct rig *r)
{
	struct writer out = writer_of(r->request, sizeof(r->request));
	struct nts_random fresh;

	memset(&fresh, ++r->fresh, sizeof(fresh));
	assert_true(
	    source_request(&r->source, &fresh, r->now.mono, RIG_MIDDLE, &out));
	r->request_len = out.len;
}

static inline void rig_send(struct rig *r)
{
	assert_int_equal(rig_timer(r), ACTION_SEND);
	rig_seal(r);
}

static inline enum source_action rig_hear(
    struct rig *r, const uint8_t *bytes, size_t len, bool *sample_ok)
{
	struct ntp_answer answer;

	return source_datagram(&r->source, bytes, len, r->now.mono, RIG_MIDDLE,
	    &answer, sample_ok);
}

/* An authentic answer of `peer` to the last request. */
static inline enum source_action rig_hear_peer(
    struct rig *r, const struct peer *peer, bool *sample_ok)
{
	struct peer p = *peer;
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = peer_answer(&p, r->request, r->request_len, r->now.wall,
	    r->now.wall, bytes, sizeof(bytes));

	assert_int_not_equal(len, 0);
	r->peer.minted = p.minted;
	return rig_hear(r, bytes, len, sample_ok);
}

/* A good answer, and the sample that it makes. */
static inline void rig_answer(struct rig *r)
{
	bool ok;

	assert_int_equal(rig_hear_peer(r, &r->peer, &ok), ACTION_CLOSE);
	assert_true(ok);
	source_sampled(
	    &r->source, NS_PER_MS, POLL_KEEP, r->now.mono, RIG_MIDDLE);
}

/* The job of the exchange under way crashes. */
static inline enum source_action rig_crash(struct rig *r)
{
	struct ke_answer a = {
	    .serial = r->source.serial,
	    .stage = KE_STAGE_START,
	    .crash_signal = 11,
	    .text = "the job was ended by signal 11",
	};

	return rig_take_keys(r, &a);
}

/* What anybody on the path can send: a kiss or NAK without authenticator. */
static inline enum source_action rig_forge(struct rig *r, uint32_t kiss)
{
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len =
	    peer_forge(r->request, r->request_len, kiss, bytes, sizeof(bytes));
	enum source_action action;
	bool ok;

	assert_int_not_equal(len, 0);
	action = rig_hear(r, bytes, len, &ok);
	assert_false(ok);
	return action;
}

static inline enum source_action rig_nak(struct rig *r)
{
	return rig_forge(r, KISS('N', 'T', 'S', 'N'));
}

/* A request that is answered by an authentic kiss. */
static inline enum source_action rig_kissed(struct rig *r, uint32_t kiss)
{
	struct peer p = r->peer;
	enum source_action action;
	bool ok;

	p.stratum = 0;
	p.leap = LEAP_UNKNOWN;
	p.kiss = kiss;
	rig_send(r);
	action = rig_hear_peer(r, &p, &ok);
	assert_false(ok);
	return action;
}

/* From the start to the first keys. */
static inline void rig_start(struct rig *r)
{
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(rig_give_keys(r), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_POLLING);
}

static inline void rig_answer_burst(struct rig *r)
{
	for (int i = 0; i < PACE_BURST_GOOD; i++) {
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
	}
}

/* The burst, and the short intervals after it: the next request is two seconds
 * away. */
static inline void rig_answer_start(struct rig *r)
{
	rig_answer_burst(r);
	while (rig_wait_ns(r) < 2 * NS_PER_S) {
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
	}
}

/* A request, and the time until it counts as lost. */
static inline void rig_lose(struct rig *r)
{
	rig_send(r);
	rig_pass_until_due(r);
}

/* A chain that fails by its dates alone, and keys without a check of them. */
static inline void rig_start_undated(struct rig *r)
{
	struct ke_answer a;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_dates_may_wait(&r->source, true);
	assert_int_equal(rig_fail_keys_with(r, KE_STAGE_CERTIFICATE,
			     KE_DATES_REFUSED, "it is not valid yet"),
	    ACTION_KEYS);
	a = rig_keys(r);
	a.dates = KE_DATES_UNCHECKED;
	assert_int_equal(rig_take_keys(r, &a), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_UNDATED_POLLING);
}

#endif
