/*
 * A small world for the engine: true time, one drifting clock, a keeper, and
 * peers at fixed distances. Everything passes the engine's own ports; nothing
 * waits.
 */
#ifndef TESTS_UNIT_AGENT_ENGINE_WORLD_H
#define TESTS_UNIT_AGENT_ENGINE_WORLD_H

#include "agent/engine/engine.h"
#include "clock/kernel/keeper.h"
#include "tests/unit/agent/engine/peer.h"

#include <math.h>
#include <stdlib.h>

#define WORLD_PEERS 5
#define WORLD_REPORTS 8
#define WORLD_COOKIES 65536

struct world_packet {
	bool there;
	int64_t arrives; /* true time */
	size_t len;
	uint8_t bytes[NTS_PACKET_MAX];
	struct wall tx;
};

struct world {
	struct engine engine;
	struct config config;
	struct run_options options;
	struct engine_start start;
	struct keeper_report started;
	struct keeper keeper;
	struct peer peers[WORLD_PEERS];
	int64_t peer_error_ns[WORLD_PEERS]; /* a lying server */
	int64_t way_ns[WORLD_PEERS];	    /* one way, both directions */
	int64_t thought_ns[WORLD_PEERS];    /* a server's claim */
	bool silent[WORLD_PEERS];
	int send_error;	  /* no request leaves the machine */
	bool no_resolver; /* it takes questions and says nothing */
	bool keys_fail[WORLD_PEERS];
	enum ke_stage fail_stage; /* of those; 0: at the certificate */
	char address[WORLD_PEERS][16];
	/* What lies on disk, and outlives the engine. */
	bool keep_keys;
	struct {
		bool there;
		struct saved_keys keys;
	} disk[WORLD_PEERS];
	unsigned writes, sample_writes, asks, reused_cookies;
	bool spent[WORLD_PEERS][WORLD_COOKIES];
	/* When its certificate is valid, seconds since 1970; 0, 0: always. */
	int64_t cert_from_s[WORLD_PEERS], cert_to_s[WORLD_PEERS];
	bool one_key;	       /* all certificates have it */
	unsigned undated_asks; /* key exchanges without a look at dates */
	struct world_packet packets[WORLD_PEERS];
	struct {
		bool there;
		struct ke_answer answer;
	} keys[WORLD_PEERS];
	unsigned report_count;
	struct keeper_report reports[WORLD_REPORTS];
	/* time */
	int64_t now; /* true, ns since 1970 */
	int64_t wall, mono;
	int64_t slept; /* CLOCK_BOOTTIME has, too */
	const char *rival;
	bool rerouted;	 /* all paths, at the next change of the network */
	double osc_ppm;	 /* of the oscillator: positive, it runs fast */
	double freq_ppm; /* what the kernel was told */
	unsigned steps, requests, saves;
	struct keeper_message saved;
	uint8_t random;
	struct kernel_status status;
};

static inline struct wall world_clock_now(void *self)
{
	struct world *w = self;

	return (struct wall){w->wall};
}

static inline int world_get_freq(void *self, double *freq_ppm)
{
	struct world *w = self;

	*freq_ppm = w->freq_ppm;
	return 0;
}

static inline int world_set_freq(
    void *self, double freq_ppm, double *became_ppm)
{
	struct world *w = self;

	*became_ppm = w->freq_ppm = freq_ppm;
	return 0;
}

static inline int world_step(void *self, int64_t step_ns)
{
	struct world *w = self;

	w->wall += step_ns;
	w->steps++;
	return 0;
}

static inline int world_set_status(
    void *self, const struct kernel_status *status)
{
	struct world *w = self;

	w->status = *status;
	return 0;
}

static inline struct clock_reading world_moment(const struct world *w)
{
	return (struct clock_reading){{w->mono}, {w->wall}, w->mono + w->slept};
}

static inline void world_advance(struct world *w, int64_t true_ns)
{
	double rate = (1 + w->osc_ppm * 1e-6) * (1 + w->freq_ppm * 1e-6);
	int64_t local =
	    true_ns + (int64_t)llround((rate - 1) * (double)true_ns);

	w->now += true_ns;
	w->wall += local;
	w->mono += local;
}

/* The machine sleeps. Its hardware clock is off by `wrong_ns` afterwards. */
static inline void world_suspend(
    struct world *w, int64_t true_ns, int64_t wrong_ns)
{
	w->now += true_ns;
	w->wall += true_ns + wrong_ns;
	w->slept += true_ns;
	for (unsigned i = 0; i < WORLD_PEERS; i++)
		w->packets[i].there = false;
}

/* It stands still: none of its clocks goes on. */
static inline void world_pause(struct world *w, int64_t true_ns)
{
	w->now += true_ns;
	for (unsigned i = 0; i < WORLD_PEERS; i++)
		w->packets[i].there = false;
}

static inline int world_send(void *self, unsigned slot,
    const struct endpoint *to, const uint8_t *bytes, size_t len)
{
	struct world *w = self;
	struct world_packet *p = &w->packets[slot];
	struct wall at = {w->now + w->way_ns[slot] + w->peer_error_ns[slot]};
	struct peer_request q;

	(void)to;
	if (w->send_error)
		return -w->send_error;
	if (!peer_read(bytes, len, &q) || q.cookie >= WORLD_COOKIES)
		abort();
	w->reused_cookies += w->spent[slot][q.cookie];
	w->spent[slot][q.cookie] = true;
	w->requests++;
	*p = (struct world_packet){
	    .there = !w->silent[slot],
	    .arrives = w->now + 2 * w->way_ns[slot],
	    .tx = {w->wall},
	};
	p->len = peer_answer(&w->peers[slot], bytes, len, at,
	    (struct wall){at.ns + w->thought_ns[slot]}, p->bytes,
	    sizeof(p->bytes));
	return 0;
}

static inline void world_close(void *self, unsigned slot)
{
	struct world *w = self;

	w->packets[slot].there = false;
}

/* A certificate with dates, as the resolver would judge it. */
static inline void world_date(
    struct world *w, const struct ke_request *q, struct ke_answer *a)
{
	uint32_t i = q->source;
	int64_t now_s = w->wall / NS_PER_S;

	a->facts.key[0] = w->one_key ? 99 : (uint8_t)(i + 1);
	w->undated_asks += q->dates_unchecked;
	if (w->cert_from_s[i] == 0 && w->cert_to_s[i] == 0)
		return;
	a->facts.not_before = w->cert_from_s[i];
	a->facts.not_after = w->cert_to_s[i];
	if (q->dates_unchecked) {
		a->dates = KE_DATES_UNCHECKED;
	} else if (now_s < w->cert_from_s[i] || now_s > w->cert_to_s[i]) {
		a->stage = KE_STAGE_CERTIFICATE;
		a->dates = KE_DATES_REFUSED;
		snprintf(a->text, sizeof(a->text),
		    "the certificate does not fit the local clock");
	}
}

static inline void world_ask(void *self, const struct ke_request *request)
{
	struct world *w = self;
	uint32_t i = request->source;

	w->asks++;
	w->keys[i].there = !w->no_resolver;
	w->keys[i].answer = peer_keys(&w->peers[i], request, w->address[i]);
	world_date(w, request, &w->keys[i].answer);
	if (w->keys_fail[i]) {
		w->keys[i].answer = (struct ke_answer){
		    .source = request->source,
		    .serial = request->serial,
		    .stage = (uint8_t)(w->fail_stage ? w->fail_stage
						     : KE_STAGE_CERTIFICATE),
		};
		snprintf(w->keys[i].answer.text, sizeof(w->keys[i].answer.text),
		    "the certificate is for other names");
	}
}

static inline void world_command(
    void *self, const struct keeper_message *message)
{
	struct world *w = self;

	if (message->kind == KEEPER_MESSAGE_SAVE) {
		w->saves++;
		w->saved = *message;
		return;
	}
	keeper_apply(&w->keeper, &message->command, message->serial,
	    (struct mono){w->mono}, &w->reports[w->report_count++]);
}

static inline void world_random(void *self, void *out, size_t len)
{
	struct world *w = self;

	memset(out, ++w->random, len);
}

static inline void world_save_keys(
    void *self, unsigned slot, struct saved_keys *keys)
{
	struct world *w = self;

	w->writes++;
	w->disk[slot].there = keys != NULL;
	if (keys)
		w->disk[slot].keys = *keys;
}

static inline const char *world_rival(void *self)
{
	const struct world *w = self;

	return w->rival;
}

static inline bool world_rerouted(
    void *self, unsigned slot, const struct endpoint *to)
{
	const struct world *w = self;

	(void)slot;
	(void)to;
	return w->rerouted;
}

static inline void world_save_samples(void *self)
{
	struct world *w = self;

	w->sample_writes++;
}

static inline void world_source(struct world *w, const char *name)
{
	unsigned i = w->config.source_count++;
	struct source_config *s = &w->config.sources[i];

	*s = (struct source_config){
	    .ke_port = KE_PORT,
	    .iburst = true,
	    .minpoll = POLL_AUTO,
	    .maxpoll = POLL_AUTO,
	    .max_delay_ns = 3 * NS_PER_S,
	};
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->host, sizeof(s->host), "%s", name);
	w->peers[i] = peer_make((uint8_t)(i + 1));
	w->way_ns[i] = 100 * NS_PER_US;
	snprintf(w->address[i], sizeof(w->address[i]), "192.0.2.%u", i + 1);
}

/* A world with `offset_ns` on the clock (positive: it is fast). */
static inline struct world *world_new(
    unsigned sources, int64_t offset_ns, double osc_ppm)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->now = INT64_C(1800000000) * NS_PER_S;
	w->wall = w->now + offset_ns;
	w->mono = 5000 * NS_PER_S;
	w->osc_ppm = osc_ppm;
	w->config.steering = (struct steering_config){
	    .makestep_threshold_ns = NS_PER_S / 10,
	    .makestep_updates = 3,
	    .max_slew_ppm = 50000,
	    .refuse_threshold_ns = 1000 * NS_PER_S,
	    .max_distance_ns = 3 * NS_PER_S,
	    .min_sources = 1,
	    .max_clock_error_ppm = 1,
	};
	w->config.max_freq_ppm = 500;
	w->config.ke_timeout_ms = 10000;
	for (unsigned i = 0; i < sources; i++)
		world_source(w, names[i]);
	return w;
}

static inline void world_start(struct world *w)
{
	const struct clock_ops ops = {world_clock_now, world_get_freq,
	    world_set_freq, world_step, world_set_status, w};
	const struct engine_ports ports = {w, world_send, world_close,
	    world_ask, world_command, world_random,
	    w->keep_keys ? world_save_keys : NULL, world_rival,
	    w->keep_keys ? world_save_samples : NULL, world_rerouted};
	const struct keeper_limits limits = {
	    .no_clock = w->options.no_clock,
	    .max_freq_ppm = w->config.max_freq_ppm,
	    .max_slew_ppm = w->config.steering.max_slew_ppm,
	    .refuse_step_ns = w->config.steering.refuse_threshold_ns,
	    .start_steps = w->config.steering.makestep_updates,
	    .bootstrap = w->config.bootstrap != BOOTSTRAP_OFF,
	    .earliest_ns = w->start.earliest_ns,
	};

	w->start.freq_sd_ppm = 100;
	if (keeper_start(&w->keeper, &limits, &ops, NULL, &w->started) != 0)
		abort();
	w->start.clock = w->started.changes[0];
	if (!engine_init(&w->engine, &w->config, &w->options, &w->start, &ports,
		world_moment(w)))
		abort();
}

/* What agent/saved/keyring.c does, without files. */
static inline void world_take_saved(struct world *w, unsigned slot)
{
	static struct saved_keys mine, rest;

	if (!w->disk[slot].there)
		return;
	mine = w->disk[slot].keys;
	saved_keys_split(&mine, &rest);
	w->disk[slot].keys = rest;
	w->disk[slot].there = rest.answer.cookie_count > 0;
	engine_on_saved(
	    &w->engine, slot, &mine, rest.answer.cookie_count, world_moment(w));
}

/* In an orderly way, or not. */
static inline void world_restart(struct world *w, bool orderly)
{
	if (!orderly)
		w->engine.ports.save_keys = NULL;
	engine_free(&w->engine, world_moment(w));
	memset(w->packets, 0, sizeof(w->packets));
	memset(w->keys, 0, sizeof(w->keys));
	w->report_count = 0;
	world_start(w);
	for (unsigned i = 0; i < w->config.source_count; i++)
		world_take_saved(w, i);
}

static inline void world_end(struct world *w)
{
	engine_free(&w->engine, world_moment(w));
	free(w);
}

/* True time until a deadline on the local clock. */
static inline int64_t world_until(const struct world *w, struct mono t)
{
	double rate = (1 + w->osc_ppm * 1e-6) * (1 + w->freq_ppm * 1e-6);

	if (t.ns == INT64_MAX)
		return INT64_MAX;
	if (t.ns <= w->mono)
		return 0;
	return (int64_t)((double)(t.ns - w->mono) / rate) + 1;
}

static inline void world_deliver_reports(struct world *w)
{
	struct keeper_report r;

	if (keeper_tick(&w->keeper, (struct mono){w->mono}, &r))
		engine_on_report(&w->engine, &r, world_moment(w));
	for (unsigned i = 0; i < w->report_count; i++)
		engine_on_report(&w->engine, &w->reports[i], world_moment(w));
	w->report_count = 0;
}

static inline void world_deliver_packets(struct world *w)
{
	for (unsigned i = 0; i < w->config.source_count; i++) {
		struct world_packet *p = &w->packets[i];
		struct datagram d = {.slot = i,
		    .tx = p->tx,
		    .rx = {w->wall},
		    .tx_kind = STAMP_KERNEL,
		    .rx_kind = STAMP_KERNEL,
		    .len = p->len};

		if (!p->there || p->arrives > w->now)
			continue;
		p->there = false;
		memcpy(d.bytes, p->bytes, p->len);
		engine_on_datagram(&w->engine, &d, world_moment(w));
		world_deliver_reports(w);
	}
}

static inline int64_t world_next(const struct world *w)
{
	int64_t next = world_until(w, engine_deadline(&w->engine));
	int64_t keeper = world_until(w, keeper_deadline(&w->keeper));

	next = keeper < next ? keeper : next;
	for (unsigned i = 0; i < w->config.source_count; i++) {
		if (w->packets[i].there &&
		    w->packets[i].arrives - w->now < next)
			next = w->packets[i].arrives - w->now;
		/* Asked for between two runs. */
		if (w->keys[i].there)
			next = 0;
	}
	return next < 0 ? 0 : next;
}

/* Lets `true_ns` pass. Key exchanges take 5 ms. */
static inline void world_run(struct world *w, int64_t true_ns)
{
	int64_t end = w->now + true_ns;

	while (w->now < end && w->engine.end == ENGINE_RUNS) {
		int64_t next = world_next(w);

		if (next > end - w->now)
			next = end - w->now;
		world_advance(w, next);
		world_deliver_reports(w);
		world_deliver_packets(w);
		engine_on_timer(&w->engine, world_moment(w));
		world_deliver_reports(w);
		for (unsigned i = 0; i < w->config.source_count; i++) {
			if (!w->keys[i].there)
				continue;
			w->keys[i].there = false;
			world_advance(w, 5 * NS_PER_MS);
			world_deliver_reports(w);
			engine_on_keys(
			    &w->engine, &w->keys[i].answer, world_moment(w));
		}
	}
}

/* How far the clock is from the truth; positive: fast. */
static inline int64_t world_error(const struct world *w)
{
	return w->wall - w->now;
}

#endif
