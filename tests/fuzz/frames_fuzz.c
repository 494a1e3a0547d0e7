/*
 * Messages between the processes. The input is a list of frames: a kind, how
 * many bytes are missing or too many, and changes to a good message of that
 * kind, because a fuzzer cannot guess a whole one. Each passes a socket and the
 * receiver's own function. A message that it takes is within its limits, and
 * its user (the engine, the keeper) lives with it.
 */
#include "agent/check/judge.h"
#include "agent/link/config_link.h"
#include "agent/link/log_link.h"
#include "agent/logger/lines.h"
#include "agent/link/start_link.h"
#include "tests/fuzz/config_limits.h"
#include "tests/unit/agent/engine/world.h"

#include <errno.h>
#include <math.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES_MAX 64
/* More than any struct has. */
#define TOO_MANY_MAX 64
#define MAX_FREQ_PPM 500
#define MAX_SLEW_PPM 50000
#define START_STEPS 3
#define LAST_NS (INT64_C(1) << 62)
#define START_NS (INT64_C(1800000000) * NS_PER_S)

/* What lives as long as an input. */
struct play {
	int link[2];
	struct world *world; /* NULL: not needed yet */
	struct keeper keeper;
	struct mono now;
	double freq_ppm;
	struct wall wall;
	unsigned steps;
	bool keeper_runs;
	bool reported; /* to the engine */
};

/* The clock of the keeper. */

static struct wall clock_now(void *self)
{
	const struct play *p = self;

	return p->wall;
}

static int clock_look(void *self, struct kernel_found *found)
{
	const struct play *p = self;

	*found = (struct kernel_found){.freq_ppm = p->freq_ppm};
	return 0;
}

static int clock_set_freq(void *self, double freq_ppm, double *became_ppm)
{
	struct play *p = self;

	MUST(isfinite(freq_ppm));
	MUST(fabs(freq_ppm) <= MAX_FREQ_PPM + MAX_SLEW_PPM + 1);
	*became_ppm = p->freq_ppm = freq_ppm;
	return 0;
}

static int clock_step(void *self, int64_t step_ns)
{
	struct play *p = self;
	int64_t then_ns;

	/* Linux has limits, too. */
	if (__builtin_add_overflow(p->wall.ns, step_ns, &then_ns) ||
	    then_ns < 0 || then_ns >= LAST_NS)
		return -EINVAL;
	p->wall.ns = then_ns;
	p->steps++;
	return 0;
}

static int clock_set_status(void *self, const struct kernel_status *status)
{
	(void)self;
	MUST(status->max_error_ns >= 0 && status->est_error_ns >= 0);
	return 0;
}

static void start_keeper(struct play *p)
{
	const struct keeper_limits limits = {
	    .max_freq_ppm = MAX_FREQ_PPM,
	    .max_slew_ppm = MAX_SLEW_PPM,
	    .refuse_step_ns = 1000 * NS_PER_S,
	    .start_steps = START_STEPS,
	    .bootstrap = true,
	    .earliest_ns = TIME_WRITTEN_S * NS_PER_S,
	};
	const struct clock_ops ops = {clock_now, clock_look, clock_set_freq,
	    clock_step, clock_set_status, NULL, NULL, p};
	struct keeper_report report;

	if (p->keeper_runs)
		return;
	MUST(keeper_start(&p->keeper, &limits, &ops, NULL, &report) == 0);
	p->keeper_runs = true;
}

/* An engine that has sent its first requests, and waits. */
static struct engine *engine_of(struct play *p)
{
	if (!p->world) {
		p->world = world_new(2, NS_PER_MS, 20);
		world_start(p->world);
		world_run(p->world, NS_PER_S);
	}
	return &p->world->engine;
}

/* Good messages. */

static void make_config(struct config *c)
{
	config_defaults(c);
	snprintf(c->file, sizeof(c->file), "/etc/ntsagent/ntsagent.conf");
	c->source_count = 2;
	for (unsigned i = 0; i < c->source_count; i++) {
		struct source_config *s = &c->sources[i];

		config_source_defaults(s);
		snprintf(s->name, sizeof(s->name), "s%u", i);
		snprintf(s->host, sizeof(s->host), "s%u.example", i);
		s->line = i + 1;
	}
}

static void make_request(void *out)
{
	struct ke_request *r = out;

	*r = (struct ke_request){.host = "ntp.example",
	    .serial = 1,
	    .ke_port = KE_PORT,
	    .timeout_ms = 5000};
}

static void make_answer(void *out)
{
	struct peer peer = peer_make(1);
	struct ke_request request;

	make_request(&request);
	*(struct ke_answer *)out = peer_keys(&peer, &request, "192.0.2.1");
}

static void make_failure(void *out)
{
	*(struct ke_answer *)out = (struct ke_answer){
	    .serial = 1,
	    .stage = KE_STAGE_CERTIFICATE,
	    .dates = KE_DATES_REFUSED,
	    .text = "the certificate has expired",
	};
}

static void make_trust(void *out)
{
	struct trust_config *t = out;

	*t = (struct trust_config){.path_count = 1, .aead_count = 1};
	snprintf(t->paths[0], sizeof(t->paths[0]), "/etc/pki/rootca.crt");
	t->aeads[0] = AEAD_AES_SIV_CMAC_256;
}

static void make_command(void *out)
{
	*(struct keeper_message *)out = (struct keeper_message){
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = 1,
	    .command = {.freq_ppm = 1,
		.slew_ns = 1000,
		.slew_duration_ns = NS_PER_S,
		.max_error_ns = NS_PER_MS},
	};
}

static void make_save(void *out)
{
	*(struct keeper_message *)out = (struct keeper_message){
	    .kind = KEEPER_MESSAGE_SAVE, .serial = 1, .freq_sd_ppm = 1};
}

static void make_report(void *out)
{
	*(struct keeper_report *)out = (struct keeper_report){
	    .change_count = 1,
	    .changes = {{.at = {INT64_C(1800000001) * NS_PER_S}}},
	};
}

static void make_save_order(void *out)
{
	*(struct save_order *)out = (struct save_order){
	    .driftfile = "/var/lib/ntsagent/drift", .freq_sd_ppm = 1};
}

static void make_reload(void *out)
{
	*(struct reload_request *)out = (struct reload_request){.serial = 1};
}

static void make_load_order(void *out)
{
	*(struct load_order *)out =
	    (struct load_order){.serial = 1, .path = "/etc/ntsagent.conf"};
}

static void make_result(void *out)
{
	struct reload_result *r = out;

	r->serial = r->ok = 1;
	make_config(&r->config);
}

static void make_head(void *out)
{
	struct start_head *h = out;

	*h = start_head_of(1);
	h->parent = 1;
	h->log_level = LOG_LEVEL_INFO;
}

static void make_engine(void *out)
{
	struct start_engine *s = out;

	s->clock.at.ns = START_NS;
	s->freq_sd_ppm = 100;
	make_config(&s->config);
}

/* Receivers, and what is true of all that they take. */

static int take_request(struct play *p, void *out)
{
	const struct ke_request *r = out;
	int got = frame_receive_request(p->link[1], out);

	if (got == 1) {
		MUST(ends_within(r->host, sizeof(r->host)) && r->host[0]);
		MUST(is_one_line(r->host) && r->ke_port > 0);
		MUST(r->timeout_ms > 0 && r->timeout_ms <= KE_TIMEOUT_MAX_MS);
	}
	return got;
}

static void check_texts(const struct ke_answer *a)
{
	MUST(ends_within(a->text, sizeof(a->text)) && is_one_line(a->text));
	MUST(ends_within(a->facts.subject, sizeof(a->facts.subject)));
	MUST(is_one_line(a->facts.subject));
	MUST(ends_within(a->facts.tls, sizeof(a->facts.tls)));
	MUST(ends_within(a->ntp_server, sizeof(a->ntp_server)));
}

static int take_answer(struct play *p, void *out)
{
	static const struct ke_answer none;
	struct ke_answer *a = out;
	int got = frame_receive_answer(p->link[1], out);
	struct engine *e;

	if (got != 1) {
		MUST(memcmp(a, &none, sizeof(none)) == 0);
		return got;
	}
	check_texts(a);
	MUST(a->cookie_count <= NTS_COOKIES);
	MUST(a->address_count <= KE_ADDRESSES_MAX);
	e = engine_of(p);
	engine_on_keys(e, a, world_reading(p->world));
	return got;
}

static int take_trust(struct play *p, void *out)
{
	const struct trust_config *t = out;

	if (!start_receive(p->link[1], out, sizeof(*t)) ||
	    !trust_config_valid(t))
		return -1;
	MUST(t->path_count <= TRUST_PATHS_MAX && t->aead_count <= AEAD_COUNT);
	for (unsigned i = 0; i < t->path_count; i++)
		MUST(ends_within(t->paths[i], sizeof(t->paths[i])));
	return 1;
}

static int take_message(struct play *p, void *out)
{
	const struct keeper_message *m = out;
	struct keeper_report report;
	int got = keeper_receive_message(p->link[1], out);

	if (got != 1)
		return got;
	if (m->kind == KEEPER_MESSAGE_SAVE) {
		MUST(isfinite(m->freq_ppm) && isfinite(m->freq_sd_ppm));
		MUST(m->freq_sd_ppm >= 0 && m->good_time_s >= 0);
		return got;
	}
	if (m->kind == KEEPER_MESSAGE_ALIVE) {
		MUST(m->serial != 0);
		return got;
	}
	start_keeper(p);
	if (keeper_tick(&p->keeper, p->now, &report))
		MUST(report.verdict < KEEPER_VERDICT_COUNT);
	keeper_apply(&p->keeper, &m->command, m->serial, p->now, &report);
	MUST(report.serial == m->serial);
	/* What the keeper reports is a good message, too. */
	MUST(keeper_send_report(p->link[1], &report) == 1);
	MUST(keeper_receive_report(p->link[0], &report) == 1);
	return got;
}

/* The keeper has the clock, so the engine does not defend itself against steps
 * of centuries that one after the other are possible. */
static bool all_in_this_life(const struct keeper_report *r)
{
	const int64_t life_ns = INT64_C(1) << 60;

	for (uint32_t i = 0; i < r->change_count; i++)
		if (llabs(r->changes[i].at.ns - START_NS) > life_ns ||
		    llabs(r->changes[i].step_ns) > life_ns)
			return false;
	return true;
}

/* The sums of the engine have room for such times. */
static void check_change(const struct clock_change *c)
{
	int64_t then_ns;

	MUST(isfinite(c->freq_ppm) && fabs(c->freq_ppm) < 1e6);
	MUST(c->at.ns >= 0 && c->at.ns < LAST_NS);
	MUST(!__builtin_add_overflow(c->at.ns, c->step_ns, &then_ns));
	MUST(then_ns >= 0 && then_ns < LAST_NS);
}

static int take_report(struct play *p, void *out)
{
	const struct keeper_report *r = out;
	int got = keeper_receive_report(p->link[1], out);
	struct engine *e;

	if (got == KEEPER_ASKS) {
		MUST(r->serial != 0 && r->change_count == 0);
		return -1; /* no report */
	}
	if (got != 1)
		return got;
	MUST(r->change_count <= CLOCK_CHANGES_MAX);
	for (uint32_t i = 0; i < r->change_count; i++)
		check_change(&r->changes[i]);
	if (!p->reported && all_in_this_life(r)) {
		e = engine_of(p);
		engine_on_report(e, r, world_reading(p->world));
		p->reported = true;
	}
	return got;
}

static int take_save_order(struct play *p, void *out)
{
	const struct save_order *o = out;

	if (!start_receive(p->link[1], out, sizeof(*o)) || !save_order_valid(o))
		return -1;
	MUST(ends_within(o->driftfile, sizeof(o->driftfile)));
	MUST(ends_within(o->goodtime_file, sizeof(o->goodtime_file)));
	MUST(isfinite(o->freq_ppm) && o->freq_sd_ppm >= 0);
	return 1;
}

static int take_reload(struct play *p, void *out)
{
	return reload_receive_request(p->link[1], out);
}

static int take_load_order(struct play *p, void *out)
{
	const struct load_order *o = out;

	if (!start_receive(p->link[1], out, sizeof(*o)) || !load_order_valid(o))
		return -1;
	MUST(ends_within(o->path, sizeof(o->path)) && o->path[0]);
	return 1;
}

static int take_result(struct play *p, void *out)
{
	const struct reload_result *r = out;
	int got = reload_receive_result(p->link[1], out);

	if (got != 1)
		return got;
	MUST(ends_within(r->text, sizeof(r->text)));
	if (r->ok)
		check_config(&r->config);
	return got;
}

static int take_head(struct play *p, void *out)
{
	const struct start_head *h = out;

	if (!start_receive(p->link[1], out, sizeof(*h)) || !start_head_valid(h))
		return -1;
	MUST(start_head_is_ours(h) && h->parent > 0);
	return 1;
}

static int take_engine(struct play *p, void *out)
{
	const struct start_engine *s = out;
	struct run_options run;

	if (!start_receive(p->link[1], out, sizeof(*s)) ||
	    !start_engine_valid(s))
		return -1;
	run = start_options_of(s);
	MUST(!run.no_clock_reason || strlen(run.no_clock_reason) < 64);
	MUST(isfinite(s->freq_ppm) && s->freq_sd_ppm >= 0);
	check_config(&s->config);
	return 1;
}

static void make_log(void *out)
{
	struct log_record *r = out;

	r->at_ns = START_NS;
	r->kind = LOG_TRACKING;
	r->address.family = 4;
}

/* Each record is one line with its columns. */
static int take_log(struct play *p, void *out)
{
	struct log_record *r = out;
	int got = log_receive(p->link[1], r);
	char line[LINE_TEXT_MAX];

	if (got != 1 || r->kind == LOG_CYCLE)
		return got;
	lines_write(r, line);
	MUST(is_one_line(line) && strlen(line) > 100);
	MUST(strlen(line) < LINE_TEXT_MAX - 1);
	return got;
}

static void make_log_order(void *out)
{
	struct log_order *o = out;

	strcpy(o->folder, "/var/log/ntsagent");
}

static int take_log_order(struct play *p, void *out)
{
	struct log_order *o = out;

	if (!start_receive(p->link[1], o, sizeof(*o)) || !log_order_valid(o))
		return -1;
	MUST(ends_within(o->folder, sizeof(o->folder)));
	MUST(o->folder[0] == '/');
	return 1;
}

static void make_question(void *out)
{
	*(struct keeper_question *)out = (struct keeper_question){.serial = 1};
}

static int take_question(struct play *p, void *out)
{
	struct keeper_report r;
	int got = keeper_receive_report(p->link[1], &r);

	if (got != KEEPER_ASKS)
		return -1;
	MUST(r.serial != 0 && r.change_count == 0);
	*(struct keeper_question *)out =
	    (struct keeper_question){.serial = r.serial};
	return 1;
}

static void make_log_error(void *out)
{
	*(int32_t *)out = ENOSPC;
}

static int take_log_error(struct play *p, void *out)
{
	int32_t *error = out;
	int got = log_hear(p->link[1], error);

	MUST(got != 1 || *error >= 0);
	return got;
}

static void make_probe(void *out)
{
	struct probe *p = out;

	p->begun = p->keys_tried = p->complete = p->keys.have_keys = true;
	p->keys.stage = KE_STAGE_DONE;
	p->keys.facts.peer.family = p->keys.address.family = 4;
	p->time.sent = p->time.answered = 1;
	p->time.have_sample = true;
	p->time.sample.stratum = 1;
	p->time.sample.server_s = START_NS / NS_PER_S;
}

/* It was sent by a process that a server may have taken over: the judge lives
 * with all that is in it, also if that process then crashed. */
static int take_probe(struct play *p, void *out)
{
	const struct judge_limits limits = {
	    .max_distance_ns = NS_PER_S, .now_s = START_NS / NS_PER_S};
	struct source_config config;
	struct checked_source source = {.config = &config};
	struct check_verdict v;

	if (!start_receive(p->link[1], out, sizeof(source.probe)) ||
	    !probe_valid(out))
		return -1;
	config_source_defaults(&config);
	memcpy(&source.probe, out, sizeof(source.probe));
	for (int end = PROBE_DONE; end <= PROBE_CRASHED; end++) {
		source.end = (enum probe_end)end;
		judge_all(&source, 1, 1, &limits, &v);
		MUST(is_one_line(source.verdict.problem));
		MUST(is_one_line(source.verdict.seen));
		MUST(is_one_line(source.verdict.to_do));
		MUST(is_one_line(v.summary) && v.status < CHECK_STATUS_COUNT);
	}
	return 1;
}

static const struct kind {
	size_t size;
	void (*make)(void *out); /* `out` is all zero */
	int (*take)(struct play *p, void *out);
} kinds[] = {
    {sizeof(struct ke_request), make_request, take_request},
    {sizeof(struct ke_answer), make_answer, take_answer},
    {sizeof(struct ke_answer), make_failure, take_answer},
    {sizeof(struct trust_config), make_trust, take_trust},
    {sizeof(struct keeper_message), make_command, take_message},
    {sizeof(struct keeper_message), make_save, take_message},
    {sizeof(struct keeper_report), make_report, take_report},
    {sizeof(struct save_order), make_save_order, take_save_order},
    {sizeof(struct reload_request), make_reload, take_reload},
    {sizeof(struct load_order), make_load_order, take_load_order},
    {sizeof(struct reload_result), make_result, take_result},
    {sizeof(struct start_head), make_head, take_head},
    {sizeof(struct start_engine), make_engine, take_engine},
    {sizeof(struct log_record), make_log, take_log},
    {sizeof(struct log_order), make_log_order, take_log_order},
    {sizeof(struct keeper_question), make_question, take_question},
    {sizeof(int32_t), make_log_error, take_log_error},
    {sizeof(struct probe), make_probe, take_probe},
};

/* Each change: an offset of three bytes, a length, the bytes. */
static void change(uint8_t *message, size_t size, struct reader *r)
{
	for (uint8_t changes = take_u8(r); r->ok && changes > 0; changes--) {
		uint32_t high = take_u8(r);
		size_t at = (high << 16 | take_u16(r)) % size;
		size_t len = take_u8(r) % 16u + 1;
		const uint8_t *bytes;

		len = len < size - at ? len : size - at;
		bytes = take_bytes(r, len);
		if (bytes)
			memcpy(message + at, bytes, len);
	}
}

/* A byte of 0 to 127 is as many bytes too many, 128 to 255 up to 128 bytes too
 * few. */
static size_t length_of(const struct kind *k, uint8_t change)
{
	if (change < 128)
		return k->size + change % TOO_MANY_MAX;
	change = (uint8_t)(256 - change);
	return change < k->size ? k->size - change : 0;
}

static void pass_frame(struct play *p, const struct kind *k, struct reader *r)
{
	uint8_t *message = calloc(1, k->size + TOO_MANY_MAX);
	uint8_t *out = malloc(k->size);
	size_t len = length_of(k, take_u8(r));
	int got;

	MUST(message && out);
	k->make(message);
	change(message, k->size, r);
	MUST(frame_send(p->link[0], message, len) == 1);
	got = k->take(p, out);
	MUST(got == 1 || got == -1);
	if (got == 1) {
		MUST(len == k->size);
		MUST(memcmp(message, out, k->size) == 0);
	}
	free(message);
	free(out);
}

/* A broken engine steps within the policy: the steps of the start, one for the
 * certificates, and one a minute. */
static void check_steps(const struct play *p)
{
	int64_t minutes = p->now.ns / KEEPER_STEP_GAP_NS;

	MUST(p->steps <= START_STEPS + 2 + minutes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	struct play p = {.wall = {START_NS}};

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p.link) == 0);
	for (unsigned i = 0; i < FRAMES_MAX && r.ok && r.left > 0; i++) {
		unsigned kind = take_u8(&r) % ARRAY_LEN(kinds);
		int64_t passed_ns = take_u16(&r) * NS_PER_S;

		p.now.ns += passed_ns;
		p.wall.ns += p.wall.ns < LAST_NS - passed_ns ? passed_ns : 0;
		pass_frame(&p, &kinds[kind], &r);
		check_steps(&p);
	}
	if (p.world)
		world_end(p.world);
	close(p.link[0]);
	close(p.link[1]);
	return 0;
}
