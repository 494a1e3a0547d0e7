/*
 * The engine with its keeper, in the small world of its unit tests, driven by a
 * list of random events: time, sleep, other programs, servers that lie, refuse
 * or vanish, forged packets, orders, restarts.
 *
 * Always: no cookie leaves twice, no command is out of the limits, the kernel
 * clock gets no frequency and no bound that is none.
 *
 * As long as the world is honest (true servers, and no change of the clock that
 * nobody can see before the next answer): the error of the clock is within the
 * bound that the status shows.
 */
#include "agent/engine/sources.h"
#include "agent/query/orders.h"
#include "agent/query/status.h"
#include "tests/fuzz/target.h"
#include "tests/unit/agent/engine/world.h"

#include <errno.h>
#include <math.h>

#define EVENTS_MAX 40
#define SPAN_MAX_NS (86400 * NS_PER_S)
/* The world has so many cookies; an exchange makes eight. */
#define REQUESTS_MAX 250
#define ASKS_MAX 500

struct play {
	struct world *w;
	int64_t ends; /* true time */
	bool honest;
	struct world_packet old; /* an answer to replay */
	unsigned old_slot;
	int8_t bend[WORLD_PEERS];
};

/* From 1 ms to nine hours, in steps of a third. */
static int64_t take_span(struct reader *r)
{
	unsigned n = take_u8(r) % 60u;
	int64_t ns = NS_PER_MS;

	for (unsigned i = 0; i < n; i++)
		ns += ns / 3;
	return ns;
}

/* Within +-0.5 s, or for one in sixteen +-36 hours. */
static int64_t take_error(struct reader *r)
{
	int64_t n = (int16_t)take_u16(r);

	return n % 16 == 0 ? n * 4 * NS_PER_S : n * 16 * NS_PER_US;
}

static unsigned take_slot(const struct play *p, struct reader *r)
{
	return take_u8(r) % p->w->config.source_count;
}

/* A sum of what the source and the steering say, as ntsctl shows it. */
static double bound_ns(const struct tracking *t)
{
	return fabs((double)t->offset_ns) + (double)t->root_delay_ns / 2 +
	       (double)t->root_dispersion_ns;
}

/* The keeper refuses what is out of the limits, so the kernel does not show it:
 * the engine must not order it. */
#define BEYOND_LIMITS                                                          \
	(1U << KEEPER_BAD_COMMAND | 1U << KEEPER_FREQ_LIMIT |                  \
	    1U << KEEPER_SLEW_LIMIT | 1U << KEEPER_STEP_LIMIT)

static void check_command(const struct world *w)
{
	const struct clock_command *c = &w->command;

	MUST(isfinite(c->freq_ppm));
	MUST(fabs(c->freq_ppm) <= CLOCK_FREQ_MAX_PPM);
	MUST(c->slew_ns == 0 || c->slew_duration_ns > 0);
	MUST(c->max_error_ns >= 0 && c->est_error_ns >= 0);
	MUST((w->verdicts & BEYOND_LIMITS) == 0);
}

static void check_kernel(const struct world *w)
{
	const struct config *c = &w->config;

	MUST(isfinite(w->freq_ppm));
	MUST(fabs(w->freq_ppm) <=
	     c->max_freq_ppm + c->steering.max_slew_ppm + 1);
	MUST(w->status.max_error_ns >= 0 && w->status.est_error_ns >= 0);
}

static void check_tracking(const struct play *p)
{
	struct tracking t = world_tracking(p->w);

	MUST(isfinite(t.freq_ppm) && isfinite(t.residual_ppm));
	MUST(isfinite(t.skew_ppm) && t.skew_ppm >= 0);
	MUST(t.root_delay_ns >= 0 && t.root_dispersion_ns >= 0);
	MUST(t.est_error_ns >= 0);
	MUST(ends_within(t.reason, sizeof(t.reason)) && is_one_line(t.reason));
	if (p->honest && t.synchronised)
		MUST(fabs((double)world_error(p->w)) <= bound_ns(&t));
}

static void check_log(struct world *w)
{
	for (const char *c = w->log; *c; c++)
		MUST(*c == '\n' || (*c >= 0x20 && *c != 0x7f));
	world_forget_log(w);
}

static void check_status(const struct world *w)
{
	char *json = status_json(&w->engine, world_reading(w));

	MUST(json != NULL && strstr(json, "\"schema\":2") != NULL);
	free(json);
}

/* A timer that is always due again would never let the process sleep. */
static void check_deadline(struct world *w)
{
	for (int i = 0; i < 16 && w->engine.end == ENGINE_RUNS; i++) {
		if (engine_deadline(&w->engine).ns > w->mono)
			return;
		engine_on_timer(&w->engine, world_reading(w));
		world_deliver_reports(w);
	}
	MUST(w->engine.end != ENGINE_RUNS);
}

static void check(const struct play *p)
{
	struct world *w = p->w;

	MUST(w->reused_cookies == 0);
	if (w->commands > 0)
		check_command(w);
	check_kernel(w);
	check_tracking(p);
	check_log(w);
	check_status(w);
	check_deadline(w);
}

/* The events. */

static void pass_time(struct play *p, struct reader *r)
{
	world_run(p->w, take_span(r));
}

static void sleep_long(struct play *p, struct reader *r)
{
	int64_t span_ns = take_span(r), wrong_ns = take_error(r);

	/* No machine sleeps so shortly, with a wrong clock afterwards. */
	if (span_ns < NS_PER_S)
		wrong_ns = 0;
	world_suspend(p->w, span_ns, wrong_ns);
}

/* Nobody sees it before the next answer. */
static void stand_still(struct play *p, struct reader *r)
{
	p->honest = false;
	world_pause(p->w, take_span(r));
}

/* A step of less than JUMP_NS is noise for the engine. */
static void set_clock(struct play *p, struct reader *r)
{
	int64_t step_ns = take_error(r);

	p->w->wall += step_ns;
	if (llabs(step_ns) < 2 * JUMP_NS)
		p->honest = false;
}

static void set_frequency(struct play *p, struct reader *r)
{
	p->honest = false;
	p->w->freq_ppm = (int16_t)take_u16(r) / 80.0;
}

static void let_server_lie(struct play *p, struct reader *r)
{
	p->honest = false;
	p->w->peer_error_ns[take_slot(p, r)] = take_error(r);
}

/* The request takes longer than the answer, or the other way round: from -128
 * (the answer takes all of the time) to 127 parts of 128. */
static void bend_path(struct play *p, unsigned slot)
{
	if (p->honest)
		p->w->peer_error_ns[slot] =
		    p->w->way_ns[slot] / 128 * p->bend[slot];
}

static void move_server(struct play *p, struct reader *r)
{
	unsigned slot = take_slot(p, r);

	p->w->way_ns[slot] = take_span(r) % (2 * NS_PER_S);
	p->bend[slot] = (int8_t)take_u8(r);
	bend_path(p, slot);
}

static void hold_answers(struct play *p, struct reader *r)
{
	p->honest = false;
	p->w->held_ns[take_slot(p, r)] = take_span(r) % NS_PER_S;
}

static void turn_server(struct play *p, struct reader *r)
{
	unsigned slot = take_slot(p, r);
	uint8_t turn = take_u8(r);

	p->w->silent[slot] = turn & 1;
	p->w->keys_fail[slot] = turn & 2;
	p->w->peers[slot].no_cookies = turn & 4;
	p->w->peers[slot].leap = turn >> 3 & 3;
	p->w->peers[slot].stratum = turn >> 5;
	p->w->peers[slot].kiss = turn & 1 ? NTP_REFID('R', 'A', 'T', 'E')
					  : NTP_REFID('D', 'E', 'N', 'Y');
	/* A leap second that never comes is a lie. */
	if (turn >> 3 & 3)
		p->honest = false;
}

static void change_keys(struct play *p, struct reader *r)
{
	memset(&p->w->peers[take_slot(p, r)].keys, take_u8(r), 32);
}

static void turn_world(struct play *p, struct reader *r)
{
	static const int errors[] = {0, ENETUNREACH, ENOBUFS, EPERM};
	uint8_t turn = take_u8(r);

	p->w->send_error = errors[turn & 3];
	p->w->no_resolver = turn & 4;
	p->w->rerouted = turn & 8;
	p->w->one_key = turn & 16;
	p->w->fail_stage = (turn >> 5) % (KE_STAGE_DONE + 1);
	if (p->w->fail_stage == KE_STAGE_DONE)
		p->w->fail_stage = KE_STAGE_DNS;
}

static void turn_keeper(struct play *p, struct reader *r)
{
	uint8_t turn = take_u8(r);

	p->w->keeper_hangs = turn & 1;
	p->w->refusal = turn & 2   ? KEEPER_STEP_FORBIDDEN
			: turn & 4 ? KEEPER_KERNEL
				   : KEEPER_OK;
}

static void date_certificate(struct play *p, struct reader *r)
{
	unsigned slot = take_slot(p, r);
	int64_t now_s = p->w->now / NS_PER_S;

	p->w->cert_from_s[slot] = now_s - 86400 * (int64_t)take_u8(r);
	p->w->cert_to_s[slot] = now_s + 86400 * (int64_t)take_u8(r) - 864000;
}

static void give_datagram(struct play *p, struct datagram *d)
{
	engine_on_datagram(&p->w->engine, d, world_reading(p->w));
	world_deliver_reports(p->w);
}

/* Anybody on the path can send it. */
static void forge_datagram(struct play *p, struct reader *r)
{
	static struct datagram d;
	size_t len = take_u8(r);
	const uint8_t *bytes;

	d = (struct datagram){.slot = take_slot(p, r),
	    .tx = {p->w->wall - NS_PER_MS},
	    .rx = {p->w->wall},
	    .tx_kind = STAMP_KERNEL,
	    .rx_kind = STAMP_KERNEL,
	    .error = take_u8(r) % 4 == 0 ? ECONNREFUSED : 0,
	    .len = len < r->left ? len : r->left};
	bytes = take_bytes(r, d.len);
	if (bytes)
		memcpy(d.bytes, bytes, d.len);
	give_datagram(p, &d);
}

/* Keeps an answer that is on its way, or sends the one that was kept. */
static void replay(struct play *p, struct reader *r)
{
	static struct datagram d;
	unsigned slot = take_slot(p, r);

	if (p->w->packets[slot].there) {
		p->old = p->w->packets[slot];
		p->old_slot = slot;
		return;
	}
	if (p->old.len == 0)
		return;
	d = (struct datagram){.slot = p->old_slot,
	    .tx = p->old.tx,
	    .rx = {p->w->wall},
	    .tx_kind = STAMP_KERNEL,
	    .rx_kind = STAMP_KERNEL,
	    .len = p->old.len};
	memcpy(d.bytes, p->old.bytes, d.len);
	give_datagram(p, &d);
}

/* Changes a byte of an answer on its way. */
static void alter_answer(struct play *p, struct reader *r)
{
	struct world_packet *packet = &p->w->packets[take_slot(p, r)];
	size_t at = take_u16(r);
	uint8_t flip = take_u8(r);

	if (packet->there && packet->len > 0)
		packet->bytes[at % packet->len] ^= flip;
}

/* The answer of a key exchange that nobody waits for, or an altered one. */
static void give_keys(struct play *p, struct reader *r)
{
	static struct ke_answer a;
	unsigned slot = take_slot(p, r);
	uint32_t serial = take_u8(r);

	a = (struct ke_answer){.source = slot,
	    .serial = serial,
	    .stage = (uint8_t)(take_u8(r) % KE_STAGE_DONE),
	    .text = "it was forged"};
	engine_on_keys(&p->w->engine, &a, world_reading(p->w));
	world_deliver_reports(p->w);
}

static void give_order(struct play *p, struct reader *r)
{
	static const char *const lines[] = {"retry", "burst", "online",
	    "offline", "step", "retry a", "burst b", "offline a", "online a"};
	const char *line = lines[take_u8(r) % ARRAY_LEN(lines)];
	char text[ORDER_TEXT_MAX];
	enum order_outcome outcome =
	    order_run(&p->w->engine, line, world_reading(p->w), text);

	if (outcome != ORDER_STEPS)
		MUST(is_one_line(text) && text[0]);
	engine_on_timer(&p->w->engine, world_reading(p->w));
	world_deliver_reports(p->w);
	if (order_step_outcome(&p->w->engine, &outcome, text))
		MUST(is_one_line(text) && text[0]);
}

static void change_trust(struct play *p, struct reader *r)
{
	(void)r;
	engine_distrust(&p->w->engine, world_reading(p->w));
}

static void restart(struct play *p, struct reader *r)
{
	bool orderly = take_u8(r) & 1;

	/* A keeper that hangs is killed. */
	p->w->keeper_hangs = false;
	world_restart(p->w, orderly);
}

static void (*const events[])(struct play *p, struct reader *r) = {
    pass_time,
    pass_time,
    sleep_long,
    stand_still,
    set_clock,
    set_frequency,
    let_server_lie,
    move_server,
    hold_answers,
    turn_server,
    change_keys,
    turn_world,
    turn_keeper,
    date_certificate,
    forge_datagram,
    replay,
    alter_answer,
    give_keys,
    give_order,
    change_trust,
    restart,
};

/* The first bytes say how the world starts. */
static void start(struct play *p, struct reader *r)
{
	uint8_t way = take_u8(r);
	unsigned sources = way % WORLD_PEERS + 1;
	int64_t offset_ns = take_error(r);
	double osc_ppm = (int16_t)take_u16(r) / 320.0;

	p->w = world_new(sources, offset_ns, osc_ppm);
	p->w->keep_keys = way & 0x20;
	p->w->config.bootstrap = (way >> 6) % 3;
	p->w->options.no_clock = take_u8(r) % 16 == 0;
	p->ends = p->w->now + SPAN_MAX_NS;
	p->honest = true;
	world_start(p->w);
}

static bool goes_on(const struct play *p)
{
	return p->w->engine.end == ENGINE_RUNS && p->w->now < p->ends &&
	       p->w->requests < REQUESTS_MAX && p->w->asks < ASKS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	static struct play p;

	if (size < 8)
		return 0;
	p = (struct play){.honest = true};
	start(&p, &r);
	for (unsigned i = 0; i < EVENTS_MAX && r.left > 0 && goes_on(&p); i++) {
		events[take_u8(&r) % ARRAY_LEN(events)](&p, &r);
		/* The engine sees what happened. */
		world_run(p.w, NS_PER_MS);
		check(&p);
	}
	world_end(p.w);
	return 0;
}
