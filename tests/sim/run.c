#include "tests/sim/run.h"

#include "agent/source/pace.h"
#include "clock/kernel/keeper.h"
#include "clock/steering/restore.h"
#include "clock/steering/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRECISION_NS 30
#define LOOK_EVERY_S 5 /* at the bounds */

struct peer {
	struct pace pace;
	int64_t send_at, sent_at;
	bool in_flight;
	struct wall sent;
	struct trip trip;
	uint8_t reach;
	unsigned in_hour; /* requests since the last full hour */
};

struct run {
	const struct scenario *s;
	struct sim_world world;
	struct keeper keeper;
	struct timescale ledger;
	struct steering *steering;
	struct peer peers[SIM_SERVERS];
	struct outcome *out;
	double *errors; /* of each second, absolute */
	unsigned long error_count;
	int64_t last_above[3]; /* last second above each limit */
	double square, bound_sum;
	double start_square[SIM_START_WINDOWS];
	double cpu, turn_from;
	unsigned packets;
	bool failed, restarted;
};

const unsigned sim_start_windows[] = {5, 30, 120, 420, 1200, 3600};

static const double limits_s[3] = {1e-3, 1e-4, 3e-5};

static void take_report(struct run *r, const struct keeper_report *report)
{
	for (unsigned i = 0; i < report->change_count; i++)
		timescale_change(&r->ledger, &report->changes[i]);
}

/* As the keeper and the engine start; freq_ppm comes from the drift file. */
static bool begin(struct run *r, const double *freq_ppm, double freq_sd_ppm)
{
	const struct scenario *s = r->s;
	const struct steering_config config = {
	    .makestep_threshold_ns = NS_PER_S,
	    .makestep_updates = 3,
	    .max_slew_ppm = s->max_slew_ppm > 0 ? s->max_slew_ppm : 83333,
	    .max_distance_ns = 3 * NS_PER_S,
	    .max_jitter_ns = NS_PER_S,
	    .max_stratum = 15,
	    .min_sources = 1,
	    .max_clock_error_ppm = 0,
	};
	const struct keeper_limits limits = {
	    .max_freq_ppm = 100000,
	    .max_slew_ppm = config.max_slew_ppm,
	    .start_steps = 3,
	};
	const struct source_options options[SIM_SERVERS] = {{0}};
	struct clock_ops clock;
	struct keeper_report report;

	clock = sim_world_clock(&r->world);
	if (keeper_start(&r->keeper, &limits, &clock, freq_ppm, &report) != 0)
		return false;
	timescale_init(&r->ledger, &report.changes[0]);
	r->steering = steering_new(&config, options, s->servers,
	    freq_ppm ? *freq_ppm : 0, freq_sd_ppm);
	if (!r->steering)
		return false;
	for (unsigned i = 0; i < s->servers; i++) {
		const struct source_config pace = {
		    .minpoll = s->minpoll, .maxpoll = s->maxpoll};

		pace_init(&r->peers[i].pace, &pace);
		pace_burst(&r->peers[i].pace);
		r->peers[i].reach = 0;
		r->peers[i].in_flight = false;
		r->peers[i].send_at = r->world.now + (i + 1) * 50 * NS_PER_MS;
	}
	return true;
}

static bool start(struct run *r, uint64_t seed)
{
	sim_world_init(&r->world, seed, &r->s->osc, r->s->offset_s);
	return begin(r, NULL, 100);
}

/* Does the work of the file of the learned drift. */
static void remember_drift(struct run *r, const struct steering *old)
{
	struct drift_learned l;

	steering_copy_drift(old, &l);
	if (r->s->reboots)
		l.awake_s = 0;
	steering_restore_drift(r->steering, &l);
}

/* Does the work of the sample file. Here the difference of the two timescales
 * is known. */
static void remember(
    struct run *r, const struct steering *old, int64_t shift_ns)
{
	struct sample samples[STEERING_SAMPLES_MAX];

	remember_drift(r, old);
	for (unsigned i = 0; i < r->s->servers; i++) {
		unsigned n = steering_copy_samples(old, i, samples);

		if (r->s->reboots) {
			steering_restore_path(r->steering, i, samples, n);
			continue;
		}
		for (unsigned k = 0; k < n; k++) {
			samples[k].at.ns += shift_ns;
			samples[k].offset_ns -= shift_ns;
		}
		steering_restore(r->steering, i, samples, n);
	}
}

static bool restart(struct run *r)
{
	struct steering *old = r->steering;
	struct osc then = timescale_osc(&r->ledger, r->world.wall);
	struct keeper_report report;
	struct tracking t;
	bool ok;

	r->restarted = true;
	steering_tracking(old, &r->ledger, r->world.wall, &t);
	/* The guard ends a slew that the keeper left behind. */
	if (keeper_tick(&r->keeper, r->world.mono, &report))
		take_report(r, &report);
	ok = begin(r, &t.freq_ppm, t.skew_ppm);
	if (ok && r->s->remembers)
		remember(r, old, r->world.wall.ns - then.ns);
	steering_free(old);
	return ok;
}

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void begin_turn(struct run *r)
{
	r->turn_from = cpu_now();
}

static void end_turn(struct run *r)
{
	double turn = cpu_now() - r->turn_from;

	r->cpu += turn;
	r->out->longest_turn = fmax(r->out->longest_turn, turn);
}

/* The decision, after all turns that the steering asks for. */
static bool decides(struct run *r, struct clock_command *command)
{
	while (
	    !steering_update(r->steering, &r->ledger, r->world.wall, command)) {
		if (!steering_is_busy(r->steering))
			return false;
		end_turn(r);
		begin_turn(r);
	}
	return true;
}

static void steer(struct run *r)
{
	struct clock_command command;
	struct keeper_report report;

	if (!decides(r, &command))
		return;
	keeper_apply(&r->keeper, &command, 1, r->world.mono, &report);
	take_report(r, &report);
	if (report.verdict != KEEPER_OK) {
		fprintf(stderr, "sim: the keeper: %s\n",
		    keeper_verdict_text((enum keeper_verdict)report.verdict));
		r->failed = true;
	}
	steering_applied(r->steering, (enum keeper_verdict)report.verdict);
	if (r->out->first_correction == 0)
		r->out->first_correction = s_of_ns(r->world.now);
}

static uint32_t random_u32(struct sim_world *w)
{
	return (uint32_t)(rng_uniform(&w->rng) * 4294967295.0);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void plan(struct peer *p, int64_t wait_ns)
{
	p->send_at = p->sent_at + later(wait_ns, pace_least_ns(&p->pace));
}

static void send_request(struct run *r, unsigned i)
{
	struct peer *p = &r->peers[i];

	p->sent = r->world.wall;
	p->reach = (uint8_t)(p->reach << 1);
	steering_set_reach(r->steering, i, p->reach);
	p->in_flight = sim_world_trip(&r->world, &r->s->server[i], &p->trip);
	pace_sent(&p->pace, r->world.now - p->sent_at);
	p->sent_at = r->world.now;
	plan(p, pace_interval_ns(&p->pace, random_u32(&r->world)));
	r->packets++;
	p->in_hour++;
	if (p->in_hour > r->out->busiest)
		r->out->busiest = p->in_hour;
	if (p->in_flight)
		return;
	begin_turn(r);
	steer(r);
	end_turn(r);
}

/* Polls the other servers at once after two outliers, as the engine does. */
static void hurry(struct run *r, unsigned i)
{
	if (steering_outlier_count(r->steering, i) != 2)
		return;
	for (unsigned k = 0; k < r->s->servers; k++)
		if (k != i && !r->peers[k].in_flight)
			plan(&r->peers[k], r->world.now - r->peers[k].sent_at);
}

static void receive(struct run *r, unsigned i)
{
	struct peer *p = &r->peers[i];
	struct osc t1 = timescale_osc(&r->ledger, p->sent);
	struct osc t4 = timescale_osc(&r->ledger, r->world.wall);
	int64_t t2 = p->trip.server_reads, t3 = t2 + 20 * NS_PER_US;
	struct sample m = {
	    .at = {t1.ns + (t4.ns - t1.ns) / 2},
	    .offset_ns = (t2 - t1.ns) / 2 + (t3 - t4.ns) / 2,
	    .delay_ns = t4.ns - t1.ns - (t3 - t2),
	    .dispersion_ns = 2 * PRECISION_NS,
	    .stratum = 1,
	};

	begin_turn(r);
	p->in_flight = false;
	p->reach |= 1;
	/* The clock was stepped back since the request: the engine drops such
	 * an answer, too. */
	if (m.delay_ns < 0)
		return;
	steering_add(r->steering, i, &m);
	steering_set_reach(r->steering, i, p->reach);
	pace_sample(&p->pace, m.delay_ns,
	    steering_poll_vote(r->steering, i, ldexp(1, p->pace.poll_log2_s)));
	plan(p, pace_interval_ns(&p->pace, random_u32(&r->world)));
	hurry(r, i);
	steer(r);
	end_turn(r);
	r->out->samples++;
}

static void judge(struct coverage *c, double error, double sd, double bound)
{
	error = fabs(error);
	c->looks++;
	c->within_1 += error <= sd;
	c->within_3 += error <= 3 * sd;
	c->violations += error > bound;
}

/* The estimator's own standard deviation, s. The shown error also has a part
 * for what no packet shows, so it is too large in these symmetric worlds. */
static double chance_s(const struct run *r)
{
	const struct estimate *e = &r->steering->estimate;
	struct osc now = timescale_osc(&r->ledger, r->world.wall);
	struct estimate_value v = estimate_at(e, now);

	return estimate_sd(e, &v);
}

static void look_at_tracking(struct run *r, double error)
{
	struct tracking t;
	double bound;

	steering_tracking(r->steering, &r->ledger, r->world.wall, &t);
	bound = s_of_ns(t.root_delay_ns / 2 + t.root_dispersion_ns) +
		fabs(s_of_ns(t.offset_ns));
	r->bound_sum += bound;
	r->out->last_error = error;
	if (r->out->tracking.looks == 0)
		r->out->first_bound = bound;
	r->out->last_bound = bound;
	judge(&r->out->tracking, error, s_of_ns(t.est_error_ns), bound);
	judge(&r->out->chance, error, chance_s(r), INFINITY);
	snprintf(r->out->reason, sizeof(r->out->reason), "%s", t.reason);
}

/* What any program on the machine can ask. The real kernel rounds to 1 us. */
static void look_at_kernel(
    const struct run *r, struct coverage *coverage, double error)
{
	const struct kernel_status *status = &r->world.status;

	if (status->synchronised)
		judge(coverage, error, s_of_ns(status->est_error_ns),
		    sim_world_max_error_s(&r->world));
}

/* An honest server is right within half of the shortest round trip, because its
 * root distance is zero. One that was wrong before may still be rejected. */
static bool honest(const struct run *r, const struct sim_server *s)
{
	return fabs(sim_world_ahead_s(&r->world, s)) <
		   fmin(s->up.base, s->down.base) &&
	       (s->lie_until == 0 || r->world.now < s->lie_from);
}

static void look_for_false_rejections(struct run *r)
{
	for (unsigned i = 0; i < r->s->servers; i++) {
		struct source_view v;

		steering_source_view(
		    r->steering, i, &r->ledger, r->world.wall, &v);
		r->out->false_rejections += v.state == SELECT_FALSETICKER &&
					    honest(r, &r->s->server[i]);
	}
}

static void start_window(struct run *r, double error)
{
	int64_t after = r->world.now / NS_PER_S;

	for (unsigned i = 0; i < SIM_START_WINDOWS; i++)
		if (after >= sim_start_windows[i] &&
		    after < sim_start_windows[i + 1]) {
			r->start_square[i] += error * error;
			look_at_kernel(r, &r->out->start[i], error);
		}
}

static void second(struct run *r)
{
	double error = sim_world_error_s(&r->world);
	int64_t now = r->world.now;

	for (unsigned i = 0; i < 3; i++)
		if (fabs(error) > limits_s[i])
			r->last_above[i] = now;
	/* The state of a source stays until the next answer. */
	if (now % (NS_PER_S << (r->s->minpoll < 0 ? 0 : r->s->minpoll)) == 0)
		look_for_false_rejections(r);
	if (now % (3600 * NS_PER_S) == 0)
		for (unsigned i = 0; i < SIM_SERVERS; i++)
			r->peers[i].in_hour = 0;
	start_window(r, error);
	if (now < r->s->settled)
		return;
	r->errors[r->error_count++] = fabs(error);
	r->square += error * error;
	if (r->s->each_second || now / NS_PER_S % LOOK_EVERY_S == 0)
		look_at_tracking(r, error);
	look_at_kernel(r, &r->out->kernel, error);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_event(const struct run *r)
{
	int64_t next = (r->world.now / NS_PER_S + 1) * NS_PER_S;
	int64_t slew_end =
	    sim_world_when(&r->world, keeper_deadline(&r->keeper));

	next = earlier(next, slew_end > r->world.now ? slew_end : next);
	for (unsigned i = 0; i < r->s->servers; i++) {
		next = earlier(next, r->peers[i].send_at);
		if (r->peers[i].in_flight)
			next = earlier(next, r->peers[i].trip.returns);
	}
	return next;
}

static void at_event(struct run *r)
{
	struct keeper_report report;

	if (mono_due(keeper_deadline(&r->keeper), r->world.mono) &&
	    keeper_tick(&r->keeper, r->world.mono, &report))
		take_report(r, &report);
	for (unsigned i = 0; i < r->s->servers; i++) {
		struct peer *p = &r->peers[i];

		if (p->in_flight && p->trip.returns <= r->world.now)
			receive(r, i);
		if (p->send_at <= r->world.now)
			send_request(r, i);
	}
	if (r->world.now % NS_PER_S == 0)
		second(r);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void summarise(struct run *r)
{
	struct outcome *o = r->out;
	unsigned long n = r->error_count;

	o->rms = sqrt(r->square / (double)n);
	qsort(r->errors, n, sizeof(*r->errors), by_size);
	o->p99 = r->errors[n * 99 / 100];
	o->max = r->errors[n - 1];
	o->mean_bound = r->bound_sum / (double)o->tracking.looks;
	for (unsigned i = 0; i < SIM_START_WINDOWS; i++)
		o->start_rms[i] =
		    sqrt(r->start_square[i] /
			 (sim_start_windows[i + 1] - sim_start_windows[i]));
	o->packets =
	    r->packets * 3600.0 / s_of_ns(r->s->length) / r->s->servers;
	o->below_1ms = s_of_ns(r->last_above[0]);
	o->below_100us = s_of_ns(r->last_above[1]);
	o->below_30us = s_of_ns(r->last_above[2]);
	o->cpu_per_sample = r->cpu / (double)o->samples;
	for (unsigned i = 0; i < r->s->servers; i++) {
		struct source_view v;

		steering_source_view(
		    r->steering, i, &r->ledger, r->world.wall, &v);
		o->states[i] = select_state_mark(v.state);
	}
}

bool run_scenario(const struct scenario *s, uint64_t seed, struct outcome *out)
{
	struct run *r = calloc(1, sizeof(*r));
	bool ok;

	*out = (struct outcome){0};
	if (!r)
		return false;
	r->s = s;
	r->out = out;
	r->errors =
	    calloc((size_t)(s->length / NS_PER_S) + 1, sizeof(*r->errors));
	ok = r->errors && start(r, seed);
	while (ok && r->world.now < s->length) {
		sim_world_advance(&r->world, next_event(r));
		at_event(r);
		if (s->restart_at > 0 && !r->restarted &&
		    r->world.now >= s->restart_at)
			ok = restart(r);
	}
	if (ok)
		summarise(r);
	ok = ok && !r->failed;
	steering_free(r->steering);
	free(r->errors);
	free(r);
	return ok;
}
