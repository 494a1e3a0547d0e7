#include "tests/unit/agent/engine/world.h"

#include "agent/engine/saving.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct wall world_clock_now(void *self)
{
	struct world *w = self;

	return (struct wall){w->wall};
}

static int world_look(void *self, struct kernel_found *found)
{
	struct world *w = self;

	*found = (struct kernel_found){
	    .freq_ppm = w->freq_ppm, .leap = w->status.leap};
	return 0;
}

static int world_set_freq(void *self, double freq_ppm, double *became_ppm)
{
	struct world *w = self;

	*became_ppm = w->freq_ppm = freq_ppm;
	return 0;
}

static int world_step(void *self, int64_t step_ns)
{
	struct world *w = self;

	w->wall += step_ns;
	w->steps++;
	return 0;
}

static int world_set_status(void *self, const struct kernel_status *status)
{
	struct world *w = self;

	w->status = *status;
	return 0;
}

static int world_disarm(void *self)
{
	((struct world *)self)->status.leap = LEAP_NONE;
	return 0;
}

struct clock_reading world_reading(const struct world *w)
{
	return (struct clock_reading){{w->mono}, {w->wall}, w->mono + w->slept};
}

void world_advance(struct world *w, int64_t true_ns)
{
	double rate = (1 + w->osc_ppm * 1e-6) * (1 + w->freq_ppm * 1e-6);
	int64_t local =
	    true_ns + (int64_t)llround((rate - 1) * (double)true_ns);

	w->now += true_ns;
	w->wall += local;
	w->mono += local;
}

void world_suspend(struct world *w, int64_t true_ns, int64_t wrong_ns)
{
	w->now += true_ns;
	w->wall += true_ns + wrong_ns;
	w->slept += true_ns;
	for (unsigned i = 0; i < WORLD_PEERS; i++)
		w->packets[i].there = false;
}

void world_pause(struct world *w, int64_t true_ns)
{
	w->now += true_ns;
	for (unsigned i = 0; i < WORLD_PEERS; i++)
		w->packets[i].there = false;
}

static struct endpoint world_address(const struct world *w, unsigned server)
{
	struct endpoint e = {.family = 4, .port = 123};

	if (inet_pton(AF_INET, w->address[server], e.address) != 1)
		abort();
	return e;
}

/* The server at an address of the pool; WORLD_PEERS: none. */
static unsigned world_server_at(
    const struct world *w, const struct endpoint *at)
{
	unsigned i = 0;

	while (i < w->pool) {
		const struct endpoint e = world_address(w, i);

		if (endpoint_same_host(&e, at))
			return i;
		i++;
	}
	return WORLD_PEERS;
}

static int world_send(void *self, unsigned source, const struct endpoint *to,
    const uint8_t *bytes, size_t len)
{
	struct world *w = self;
	unsigned slot = w->pool > 0 ? world_server_at(w, to) : source;
	struct world_packet *p = &w->packets[source];
	struct wall at = {w->now + w->way_ns[slot] + w->peer_error_ns[slot]};
	struct peer_request q;

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
	    (struct wall){at.ns + w->held_ns[slot]}, p->bytes,
	    sizeof(p->bytes));
	return 0;
}

static void world_close(void *self, unsigned slot)
{
	struct world *w = self;

	w->closes++;
	w->packets[slot].there = false;
}

/* Judges the dates of a certificate as the resolver does. */
static void world_date(
    struct world *w, const struct ke_request *q, struct ke_answer *a)
{
	uint32_t i = q->source;
	int64_t now_s = w->wall / NS_PER_S;

	a->facts.key[0] = w->one_key ? 99 : (uint8_t)(i + 1);
	w->undated_asks += q->dates_unchecked;
	w->unsure_asks += q->clock_unsure;
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

static bool world_avoids(
    const struct world *w, const struct ke_request *q, unsigned server)
{
	const struct endpoint e = world_address(w, server);

	for (uint32_t i = 0; i < q->avoid_count; i++)
		if (endpoint_same_host(&q->avoid[i], &e))
			return true;
	return w->keys_fail[server];
}

/* As a job does: the preferred address first, or those after another one.
 * WORLD_PEERS: none is left. */
static unsigned world_choose(const struct world *w, const struct ke_request *q)
{
	unsigned first = world_server_at(w, &q->prefer);
	unsigned after = world_server_at(w, &q->try_after);

	if (first == WORLD_PEERS)
		first = after == WORLD_PEERS ? 0 : after + 1;
	for (unsigned i = 0; i < w->pool; i++)
		if (!world_avoids(w, q, (first + i) % w->pool))
			return (first + i) % w->pool;
	return WORLD_PEERS;
}

static void world_count_open(struct world *w)
{
	w->open_asks = 0;
	for (unsigned i = 0; i < WORLD_PEERS; i++)
		w->open_asks += w->keys[i].there;
	if (w->open_asks > w->most_open_asks)
		w->most_open_asks = w->open_asks;
}

static void world_ask_pool(struct world *w, const struct ke_request *request)
{
	uint32_t i = request->source;
	unsigned server = world_choose(w, request);

	w->asks++;
	w->keys[i].there = true;
	world_count_open(w);
	if (server < WORLD_PEERS) {
		w->keys[i].answer =
		    peer_keys(&w->peers[server], request, w->address[server]);
		w->keys[i].answer.facts.key[0] =
		    w->one_key ? 99 : (uint8_t)(server + 1);
		return;
	}
	w->keys[i].answer = (struct ke_answer){.source = i,
	    .serial = request->serial,
	    .stage = KE_STAGE_DNS,
	    .text = "no address is left"};
}

static void world_ask(void *self, const struct ke_request *request)
{
	struct world *w = self;
	uint32_t i = request->source;

	if (!ke_request_valid(request))
		abort();
	if (w->pool > 0) {
		world_ask_pool(w, request);
		return;
	}
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
	if (w->jobs_crash[i])
		w->keys[i].answer = (struct ke_answer){
		    .source = request->source,
		    .serial = request->serial,
		    .stage = KE_STAGE_START,
		    .crash_signal = 11,
		    .text = "the resolver job was ended by signal 11",
		};
}

static void world_command(void *self, const struct keeper_message *message)
{
	struct world *w = self;
	struct keeper_report *report;

	if (message->kind == KEEPER_MESSAGE_SAVE) {
		w->saves++;
		w->saved = *message;
		return;
	}
	w->commands++;
	w->command = message->command;
	if (w->keeper_hangs)
		return;
	report = &w->reports[w->report_count++];
	if (w->refusal == KEEPER_OK ||
	    (w->refuses_steering_alone && !w->command.synchronised)) {
		keeper_apply(&w->keeper, &message->command, message->serial,
		    (struct mono){w->mono}, report);
		w->verdicts |= 1U << report->verdict;
	} else {
		*report = (struct keeper_report){
		    .serial = message->serial,
		    .verdict = w->refusal,
		    .sys_errno = EPERM,
		};
	}
}

static void world_random(void *self, void *out, size_t len)
{
	struct world *w = self;

	memset(out, ++w->random, len);
}

static void world_report(void *self, enum log_level level, const char *text)
{
	struct world *w = self;
	size_t room = sizeof(w->log) - w->log_len;
	int len = snprintf(w->log + w->log_len, room, "%s\n", text);

	if (len <= 0 || (size_t)len >= room || w->line_count == WORLD_LINES)
		return;
	w->log_len += (size_t)len;
	w->levels[w->line_count++] = level;
}

bool world_logged(const struct world *w, const char *part)
{
	return strstr(w->log, part) != NULL;
}

bool world_logged_at(
    const struct world *w, enum log_level level, const char *part)
{
	const char *found = strstr(w->log, part);
	unsigned line = 0;

	for (const char *c = w->log; found && c < found; c++)
		line += *c == '\n';
	return found && w->levels[line] == level;
}

void world_forget_log(struct world *w)
{
	w->log_len = 0;
	w->line_count = 0;
	w->log[0] = '\0';
}

static void world_save_keys(void *self, unsigned slot, struct saved_keys *keys)
{
	struct world *w = self;

	w->writes++;
	w->disk[slot].there = keys != NULL;
	if (keys)
		w->disk[slot].keys = *keys;
}

static const char *world_rival(void *self)
{
	const struct world *w = self;

	return w->rival;
}

static bool world_rerouted(void *self, unsigned slot, const struct endpoint *to)
{
	const struct world *w = self;

	(void)slot;
	(void)to;
	return w->rerouted;
}

static void world_save_samples(void *self)
{
	struct world *w = self;

	w->sample_writes++;
}

static void world_mark_crash(void *self, bool marked)
{
	struct world *w = self;

	w->crash_marked = marked;
}

static void world_source(struct world *w, const char *name)
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

struct world *world_new(unsigned sources, int64_t offset_ns, double osc_ppm)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->now = INT64_C(1800000000) * NS_PER_S;
	w->wall = w->now + offset_ns;
	w->mono = 5000 * NS_PER_S;
	w->osc_ppm = osc_ppm;
	config_defaults(&w->config);
	w->config.bootstrap = BOOTSTRAP_OFF;
	for (unsigned i = 0; i < sources; i++)
		world_source(w, names[i]);
	return w;
}

void world_make_pool(struct world *w, unsigned members)
{
	w->pool = w->config.source_count;
	w->config.source_count = members;
	for (unsigned i = 0; i < members; i++) {
		struct source_config *s = &w->config.sources[i];

		s->member = i + 1;
		snprintf(s->name, sizeof(s->name), "p#%u", i + 1);
		snprintf(s->host, sizeof(s->host), "p");
	}
}

int world_server_of(const struct world *w, unsigned source)
{
	const struct source *s = &w->engine.sources[source];
	unsigned server = WORLD_PEERS;

	if (s->address_count > 0)
		server = world_server_at(w, source_address(s));
	return server < WORLD_PEERS ? (int)server : -1;
}

void world_start(struct world *w)
{
	const struct clock_ops ops = {world_clock_now, world_look,
	    world_set_freq, world_step, world_set_status, world_disarm, NULL,
	    w};
	const struct engine_ports ports = {
	    .self = w,
	    .send = world_send,
	    .close = world_close,
	    .ask = world_ask,
	    .command = world_command,
	    .random = world_random,
	    .report = world_report,
	    .save_keys = w->keep_keys ? world_save_keys : NULL,
	    .rival = world_rival,
	    .save_samples = w->keep_keys ? world_save_samples : NULL,
	    .rerouted = world_rerouted,
	    .mark_crash = world_mark_crash,
	};
	const struct keeper_limits limits = {
	    .no_clock = w->options.no_clock,
	    .keeps_freq = w->options.once,
	    .max_freq_ppm = w->config.max_freq_ppm,
	    .max_slew_ppm = w->config.steering.max_slew_ppm,
	    .refuse_step_ns = w->config.steering.refuse_threshold_ns,
	    .start_steps = w->config.steering.makestep_updates,
	    .bootstrap = w->config.bootstrap != BOOTSTRAP_OFF,
	    .earliest_ns = w->start.earliest_ns,
	};

	if (w->start.freq_sd_ppm == 0)
		w->start.freq_sd_ppm = FREQ_SD_UNKNOWN_PPM;
	if (keeper_start(&w->keeper, &limits, &ops, NULL, &w->started) != 0)
		abort();
	w->start.clock = w->started.changes[0];
	if (!engine_init(&w->engine, &w->config, &w->options, &w->start, &ports,
		world_reading(w)))
		abort();
}

/* Does what agent/saved/keyring does, without files. */
static void world_take_saved(struct world *w, unsigned slot)
{
	static struct saved_keys mine, rest;

	if (!w->disk[slot].there)
		return;
	mine = w->disk[slot].keys;
	saved_keys_split(&mine, &rest);
	w->disk[slot].keys = rest;
	w->disk[slot].there = rest.answer.cookie_count > 0;
	engine_on_saved(&w->engine, slot, &mine, rest.answer.cookie_count,
	    world_reading(w));
}

struct world *world_running(unsigned sources, int64_t true_ns)
{
	struct world *w = world_new(sources, NS_PER_MS, 20);

	world_start(w);
	world_run(w, true_ns);
	return w;
}

void world_restart(struct world *w, bool orderly)
{
	if (!orderly)
		w->engine.ports.save_keys = NULL;
	engine_free(&w->engine, world_reading(w));
	memset(w->packets, 0, sizeof(w->packets));
	memset(w->keys, 0, sizeof(w->keys));
	w->report_count = 0;
	world_start(w);
	if (w->crash_marked) {
		engine_saving_found_mark(&w->engine);
		memset(w->disk, 0, sizeof(w->disk));
	}
	for (unsigned i = 0; i < w->config.source_count; i++)
		world_take_saved(w, i);
}

void world_end(struct world *w)
{
	engine_free(&w->engine, world_reading(w));
	free(w);
}

/* True time until a deadline on the local clock. */
static int64_t world_until(const struct world *w, struct mono t)
{
	double rate = (1 + w->osc_ppm * 1e-6) * (1 + w->freq_ppm * 1e-6);

	if (t.ns == INT64_MAX)
		return INT64_MAX;
	if (t.ns <= w->mono)
		return 0;
	return (int64_t)((double)(t.ns - w->mono) / rate) + 1;
}

void world_deliver_reports(struct world *w)
{
	struct keeper_report r;

	if (keeper_tick(&w->keeper, (struct mono){w->mono}, &r))
		engine_on_report(&w->engine, &r, world_reading(w));
	for (unsigned i = 0; i < w->report_count; i++)
		engine_on_report(&w->engine, &w->reports[i], world_reading(w));
	w->report_count = 0;
}

static void world_deliver_packets(struct world *w)
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
		engine_on_datagram(&w->engine, &d, world_reading(w));
		world_deliver_reports(w);
	}
}

static int64_t world_next(const struct world *w)
{
	int64_t next = world_until(w, engine_deadline(&w->engine));
	int64_t keeper = world_until(w, keeper_deadline(&w->keeper));

	next = keeper < next ? keeper : next;
	for (unsigned i = 0; i < w->config.source_count; i++) {
		if (w->packets[i].there &&
		    w->packets[i].arrives - w->now < next)
			next = w->packets[i].arrives - w->now;
		/* The test has made the engine ask between two runs. */
		if (w->keys[i].there)
			next = 0;
	}
	return next < 0 ? 0 : next;
}

static void world_deliver_keys(struct world *w)
{
	for (unsigned i = 0; i < w->config.source_count; i++) {
		if (!w->keys[i].there)
			continue;
		w->keys[i].there = false;
		world_advance(w, 5 * NS_PER_MS);
		world_deliver_reports(w);
		engine_on_keys(
		    &w->engine, &w->keys[i].answer, world_reading(w));
	}
}

void world_run(struct world *w, int64_t true_ns)
{
	int64_t end = w->now + true_ns;

	while (w->now < end && w->engine.end == ENGINE_RUNS) {
		int64_t next = world_next(w);

		if (next > end - w->now)
			next = end - w->now;
		world_advance(w, next);
		world_deliver_reports(w);
		world_deliver_packets(w);
		engine_on_timer(&w->engine, world_reading(w));
		world_deliver_reports(w);
		world_deliver_keys(w);
	}
}

int64_t world_error(const struct world *w)
{
	return w->wall - w->now;
}

bool world_within(const struct world *w, int64_t limit_ns)
{
	return llabs(world_error(w)) <= limit_ns;
}

struct tracking world_tracking(const struct world *w)
{
	struct tracking t;

	steering_tracking(w->engine.steering, &w->engine.timescale,
	    (struct wall){w->wall}, &t);
	return t;
}

struct source_view world_view(const struct world *w, unsigned source)
{
	struct source_view v;

	steering_source_view(w->engine.steering, source, &w->engine.timescale,
	    (struct wall){w->wall}, &v);
	steering_source_details(w->engine.steering, source,
	    &w->engine.timescale, (struct wall){w->wall}, &v);
	return v;
}

bool world_synchronised(const struct world *w)
{
	return world_tracking(w).synchronised;
}
