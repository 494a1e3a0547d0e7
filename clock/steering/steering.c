#include "clock/steering/steering.h"

#include "clock/steering/asymmetry.h"
#include "clock/steering/candidates.h"
#include "clock/steering/confirmation.h"
#include "clock/steering/contradiction.h"
#include "clock/steering/feed.h"
#include "clock/steering/intersection.h"
#include "clock/steering/members.h"
#include "clock/steering/nearest.h"
#include "clock/steering/remaining.h"
#include "clock/steering/scatter.h"
#include "clock/steering/state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The first correction waits until each source has this many samples, but not
 * longer than this after the first sample of all. */
#define START_SAMPLES 3
#define START_WAIT_NS (5 * NS_PER_S / 2)

/* At the third sample of a path, and while they double, up to this many, the
 * filter takes all of them in again: a better known floor makes the first ones
 * worth more. */
#define HINDSIGHT 32

/* A drift is not predicted further ahead than this: it may end. */
#define DRIFT_AHEAD_MAX_S 600.0

/* By this much, s/s, another temperature may change the frequency in a sleep,
 * and another machine in a pause. */
#define WOKEN_FREQ_SD 5e-6
#define MOVED_FREQ_SD 50e-6

/* A change of the clock was one of its frequency, too, if that has become
 * another one by so much, s/s, and by so many standard deviations. */
#define FREQ_JUMP_LEAST 20e-6
#define JUMP_DEVIATIONS 10

/* A few sources in the filter, perhaps one that lies, change the frequency by
 * at most FREQ_OF_FEW in so long a time, unless most voters confirm it. Until
 * the others answer again, that moves the clock by some milliseconds. */
#define GRANT_NS (64 * NS_PER_S)
/* After a start the frequency is not known yet for so many updates. */
#define YOUNG_UPDATES 16

/* The weight of one update in the mean square of the offsets. */
#define RMS_GAIN 0.1
/* The time between decisions is believed to have grown by this factor at once,
 * and to have become shorter after about so many decisions. */
#define ROUND_GROWTH 4
#define ROUND_DECISIONS 3

/* The kernel lets its bound grow by 500 us at each full second. */
#define KERNEL_GROWTH_PPM 500.0
/* A path was not seen for longer than this between two answers, s. */
#define WATCH_GAP_S 2048.0
/* In this time a jump that the path may have made is forgotten. */
#define JUMP_MEMORY_S 86400.0

/* ---- samples ---- */

static bool power_of_two(unsigned n)
{
	return (n & (n - 1)) == 0;
}

static void label_route(struct steering_source *src, unsigned back)
{
	for (unsigned i = 0; i < back && i < src->count; i++)
		record(src, i)->route = src->delay.route;
}

/* As delay_add() wants it. feed_record() then asks about the same time. */
static double asymmetry(struct steering *s, const struct steering_source *src,
    const struct sample *m)
{
	if (src->slot < 0 || replay_waits(s) || !s->estimate.started)
		return NAN;
	estimate_look_ahead(&s->estimate, m->at);
	return -estimate_predict(&s->estimate, (unsigned)src->slot, m->at,
	    m->offset_ns - src->carried_ns)
		    .mean;
}

/* How long a path is watched counts only while its server answers, and no jump
 * of the clock is time. */
static void watch_path(struct steering_source *src, const struct sample *m)
{
	double since;

	if (src->count == 0)
		return;
	since = s_of_ns(m->at.ns - record(src, 0)->sample.at.ns);
	since = fmin(fmax(since, 0), WATCH_GAP_S);
	src->watched_s += since;
	src->jump_s -= src->jump_s * since / JUMP_MEMORY_S;
}

static void add_record(
    struct steering *s, struct steering_source *src, const struct sample *m)
{
	if (!s->has_first)
		s->first_at = m->at;
	s->has_first = true;
	watch_path(src, m);
	src->next = (src->next + 1) % RECORDS;
	src->count = src->count < RECORDS ? src->count + 1 : RECORDS;
	src->run_samples++;
	s->added++;
	*record(src, 0) = (struct record){.sample = *m};
	nearest_added(src);
	src->scatter_s = scatter_s(src);
}

/* The same samples say something else now, so the estimate is about to jump.
 * The clock does not. */
static void take_again(struct steering *s)
{
	s->replay_due = true;
	interrupt_learning(s);
}

/* Of a restored sample no estimate tells the asymmetry. But the frequency at
 * that time is known, and a bell looks only at changes. */
static double bell_error(
    const struct steering *s, const struct sample *m, double asymmetry)
{
	if (!s->restoring)
		return asymmetry;
	return s_of_ns(m->offset_ns) - s->first_freq * s_of_ns(m->at.ns);
}

static void restart_creep(struct steering_source *src, double at)
{
	creep_restart(&src->creep, at);
	creep_restart(&src->short_creep, at);
}

static void learn_bell(
    struct steering *s, struct steering_source *src, double at, double error)
{
	const struct record *r = record(src, 0);
	double delay = s_of_ns(r->sample.delay_ns) - r->crept;
	bool changed = bell_add(
	    &src->bell, &src->delay, delay, bell_error(s, &r->sample, error));

	bell_width(&src->bell, src->delay.route, &src->delay.middle,
	    &src->delay.deviation);
	if (!changed)
		return;
	restart_creep(src, at);
	if (src->slot >= 0)
		take_again(s);
}

/* The smallest delays of a bell are chance, so they show no creep. */
static void learn_creep(struct steering_source *src, double at, double delay)
{
	const struct delay_route *route =
	    delay_route(&src->delay, src->delay.route);
	double floor = route->floor - delay_route_gap(&src->delay, route);

	if (!src->bell.believed) {
		creep_add(&src->creep, at, delay, floor, src->delay.queue);
		creep_add(
		    &src->short_creep, at, delay, floor, src->delay.queue);
	}
	src->delay.creeps =
	    creep_range(&src->creep) > 0 || creep_range(&src->short_creep) > 0;
}

/* What the floor crept is no part of the delays of a route. */
static enum delay_event add_delay(
    struct steering *s, struct steering_source *src, unsigned *back)
{
	struct record *r = record(src, 0);
	double delay = s_of_ns(r->sample.delay_ns);
	double at = s_of_ns(r->sample.at.ns);
	double error = asymmetry(s, src, &r->sample);
	enum delay_event event;

	r->crept = creep_at(&src->creep, at, delay);
	event = delay_add(&src->delay, delay - r->crept, error, back);
	if (event >= DELAY_SHORTER)
		restart_creep(src, at);
	learn_bell(s, src, at, error);
	learn_creep(src, at, delay);
	return event;
}

/* Has the path been on any route that was not congested, but the one of now? */
static bool was_free(const struct steering_source *src)
{
	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		const struct delay_route *r = &src->delay.routes[i];

		if (r->samples > 0 && r->number != src->delay.route &&
		    !r->congested)
			return true;
	}
	return false;
}

/*
 * The latest `back` samples are the first ones on a free path. The errors of a
 * queue follow each other, so that a congestion seems to show a frequency. If
 * nothing else was ever seen of this path, its records are dropped, and the
 * frequency is what was known before the first sample.
 */
static void forget_congestion(
    struct steering *s, struct steering_source *src, unsigned back)
{
	error_model_restart(&src->error_model);
	bell_init(&src->bell);
	if (was_free(src))
		return;
	src->count = back;
	nearest_find(src);
	s->first_at = record(src, back - 1)->sample.at;
	s->forget_freq = true;
}

/*
 * The samples of a path have become `known`. Many paths become better known at
 * about the same time, so one replay serves all that do so within one sample of
 * each source.
 */
static bool hindsight_is_due(struct steering *s, unsigned known)
{
	bool more = known > 1 && known <= HINDSIGHT &&
		    (power_of_two(known) || known == DELAY_FIRST_TOLD);

	if (s->hindsight_after == 0 && !more)
		return false;
	if (s->hindsight_after == 0)
		s->hindsight_after = s->member_count;
	return --s->hindsight_after == 0;
}

static void clear_suspicion(struct steering *s)
{
	s->suspected_ns = 0;
	s->suspects = false;
}

void steering_add(
    struct steering *s, unsigned source, const struct sample *measured)
{
	struct steering_source *src = &s->sources[source];
	struct sample m = *measured;
	enum delay_event event;
	unsigned back, known;
	bool new_shorter;

	clear_suspicion(s);
	m.offset_ns -= asymmetry_error_ns(src->options.asymmetry_ns, &m);
	if (src->run_samples == 0 && members_contradict(s, src, &m))
		members_clear(src);
	add_record(s, src, &m);
	event = add_delay(s, src, &back);
	label_route(src, back);
	src->reach |= 1;
	if (src->slot < 0 || replay_waits(s))
		feed_note_freq(shown_estimate(s), record(src, 0));
	if (src->slot < 0)
		return;
	known = delay_route(&src->delay, src->delay.route)->samples;
	new_shorter =
	    event == DELAY_FREED || (event == DELAY_SHORTER && known == back);
	if (new_shorter) {
		interrupt_learning(s);
		src->freed_at = m.at;
	}
	if (event == DELAY_FREED)
		forget_congestion(s, src, back);
	if (event == DELAY_LONGER || new_shorter || hindsight_is_due(s, known))
		s->replay_due = true;
	if (replay_waits(s)) {
		feed_later(s, src);
		return;
	}
	if (event == DELAY_SHORTER && src->count > 1)
		feed_route_change(s, src, record(src, 1), record(src, 0));
	feed_record(s, src, record(src, 0));
}

static void deselect(struct steering *s)
{
	s->selection.selected = -1;
	s->selection.outcome = SELECT_NO_SAMPLES;
}

void steering_forget(struct steering *s, unsigned source)
{
	struct steering_source *src = &s->sources[source];

	if (s->selection.selected == (int)source)
		deselect(s);
	members_clear(src);
	if (src->slot >= 0)
		s->replay_due = true;
}

void steering_reselect(struct steering *s)
{
	s->reselect = true;
}

void steering_set_reach(struct steering *s, unsigned source, uint8_t reach)
{
	s->sources[source].reach = reach;
}

void steering_set_server(struct steering *s, unsigned source, unsigned server)
{
	s->sources[source].server = server;
}

void steering_set_unsynced(struct steering *s, unsigned source, bool unsynced)
{
	s->sources[source].unsynced = unsynced;
}

/* ---- the decision ---- */

/* One sample of this run is enough where restored ones agree with it. */
static bool answered(const struct steering_source *src)
{
	return src->run_samples >=
	       (src->count > src->run_samples ? 1 : START_SAMPLES);
}

static bool may_start(const struct steering *s, struct osc now)
{
	if (!s->starting)
		return true;
	if (now.ns - s->first_at.ns >= START_WAIT_NS)
		return true;
	for (unsigned i = 0; i < s->source_count; i++)
		if (!s->sources[i].options.noselect &&
		    !answered(&s->sources[i]))
			return false;
	return true;
}

static bool synchronised(
    const struct steering *s, const struct estimate_value *v, struct osc at)
{
	return s->selection.outcome == SELECT_SELECTED &&
	       remaining_likely_ns(s, v, at) <= s->config.max_distance_ns;
}

/* There is no source to steer by, or the offset is refused: the clock keeps its
 * frequency, and the kernel learns that the clock is not synchronised. A slew
 * under way ends, because the estimate behind it is in doubt. */
static bool give_up(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command)
{
	struct estimate_value v;
	int64_t offset_ns;

	if (!s->reported_synchronised)
		return false;
	offset_ns = remaining_ns(s, t, now, &v);
	s->reported_synchronised = false;
	s->ordered_freq = s->base_freq;
	*command = (struct clock_command){
	    .freq_ppm = s->base_freq * 1e6,
	    .leap = LEAP_NONE,
	    .max_error_ns = s->config.max_distance_ns +
			    (offset_ns < 0 ? -offset_ns : offset_ns),
	    .est_error_ns = remaining_sd_ns(s, &v, INT64_MAX),
	};
	return true;
}

/* A step corrects an error that says nothing about how well the clock is kept.
 */
static void learn_rms(struct steering *s, int64_t offset_ns, bool stepped)
{
	double square = s_of_ns(offset_ns) * s_of_ns(offset_ns);

	if (stepped)
		s->mean_square = 0;
	else if (s->mean_square == 0)
		s->mean_square = square;
	else
		s->mean_square += RMS_GAIN * (square - s->mean_square);
}

static void learn_drift(
    struct steering *s, const struct estimate_value *v, struct osc at)
{
	const struct drift_update u = {.at = at,
	    .offset_ns = v->offset_ns,
	    .offset_sd = v->offset_sd,
	    .freq = v->freq,
	    .freq_sd = v->freq_sd};

	drift_bound_learn(&s->drift, &u);
	holdover_learn(&s->holdover, &s->estimate, at);
}

static void note_update(struct steering *s, struct osc at, int64_t offset_ns,
    const struct clock_command *command)
{
	if (s->discipline.updates > 0)
		s->interval_s = s_of_ns(at.ns - s->updated.ns);
	learn_rms(s, offset_ns, command->step_ns != 0);
	s->last_offset_ns = offset_ns;
	s->updated = at;
}

/* The kernel lets its bound grow until the next decision, at this rate. If the
 * true one can grow faster, it starts with more. */
static int64_t kernel_bound_ns(const struct steering *s,
    const struct estimate_value *v, const struct estimate_value *then,
    struct osc at, double interval_s)
{
	int64_t now_ns = remaining_bound_ns(s, v, at);
	int64_t then_ns = remaining_bound_ns(
	    s, then, (struct osc){at.ns + ns_of_s(interval_s)});

	if (now_ns == INT64_MAX || then_ns == INT64_MAX)
		return now_ns;
	then_ns -= ns_of_s(KERNEL_GROWTH_PPM * 1e-6 * interval_s);
	return then_ns > now_ns ? then_ns : now_ns;
}

/* Answers of several sources come in bunches, and the time between the two in a
 * bunch says nothing of the time to the next bunch. A long wait is believed in
 * parts: it may have been a silence. */
static void note_round(struct steering *s, double since_s)
{
	since_s = fmin(since_s, ROUND_GROWTH * s->round_s);
	s->round_s = fmax(
	    since_s, s->round_s + (since_s - s->round_s) / ROUND_DECISIONS);
}

/* What a few sources say of the frequency, as far as they may change it. */
static double granted(struct steering *s, struct osc at, double freq)
{
	if (at.ns - s->granted_at.ns >= GRANT_NS) {
		s->granted_at = at;
		s->granted_freq = s->base_freq;
	}
	if (s->discipline.updates < YOUNG_UPDATES || members_are_most(s))
		s->granted_freq = freq;
	if (fabs(freq - s->granted_freq) <= FREQ_OF_FEW)
		return freq;
	if (!confirmation_given(s)) {
		s->wants_witnesses = s->freq_limited = true;
		return s->granted_freq +
		       copysign(FREQ_OF_FEW, freq - s->granted_freq);
	}
	return s->granted_freq = freq;
}

/* The frequency for the next interval: one must serve until the next decision,
 * so it is the one in the middle. */
static double freq_ahead(
    struct steering *s, const struct estimate_value *v, struct osc at)
{
	double ahead = fmin(s->command_interval_s / 2, DRIFT_AHEAD_MAX_S);

	return granted(s, at, v->freq + ahead * v->drift);
}

/* `v`: the estimate of now; `silent`: no sample has come since the last
 * decision. */
static bool decide(struct steering *s, const struct timescale *t,
    struct wall now, const struct estimate_value *v, bool silent,
    struct clock_command *command)
{
	struct osc at = timescale_osc(t, now);
	int64_t offset = v->offset_ns - timescale_added_ns(t, now);
	struct discipline_input in;
	struct estimate_value then;
	int64_t bound;

	if (s->discipline.updates > 0)
		s->command_interval_s = s_of_ns(at.ns - s->decided.ns);
	if (s->discipline.updates > 0 && !silent)
		note_round(s, s->command_interval_s);
	/* The kernel keeps the estimated error as it is until the next
	 * decision: take the one at the end of the interval. */
	then = estimate_at(shown_estimate(s),
	    (struct osc){at.ns + ns_of_s(s->command_interval_s)});
	bound = kernel_bound_ns(s, v, &then, at, s->command_interval_s);
	in = (struct discipline_input){
	    .offset_ns = offset,
	    .offset_sd_ns = v->offset_sd * 1e9,
	    .guess_ns = remaining_guess_ns(s, at),
	    .freq_ppm = freq_ahead(s, v, at) * 1e6,
	    .freq_sd_ppm = v->freq_sd * 1e6,
	    .base_freq_ppm = s->base_freq * 1e6,
	    .interval_s = s->command_interval_s,
	    .round_s = s->round_s,
	    .silent = silent,
	    .synchronised = synchronised(s, v, at),
	    .leap = candidates_leap(s),
	    .now = now,
	    .max_error_ns = bound,
	    .est_error_ns = remaining_sd_ns(s, &then, bound),
	};
	if (!discipline_decide(&s->discipline, &in, command))
		return give_up(s, t, now, command);
	if (!silent)
		note_update(s, at, offset, command);
	s->ordered_freq = command->freq_ppm * 1e-6;
	s->decided = at;
	s->utc_moved = s->suspects = false;
	s->reported_synchronised = in.synchronised;
	s->leap = in.leap;
	return true;
}

/* Without samples the frequency drifts on, and what the kernel shows of the
 * errors must grow. */
static bool is_silent(const struct steering *s, struct osc now)
{
	return s->discipline.updates > 0 && !s->starting &&
	       remaining_is_silent(
		   s_of_ns(now.ns - s->decided.ns), s->command_interval_s);
}

/* Keeps what each sample said about the wall clock, before a command changes
 * the clock. */
static void note_measured(
    struct steering *s, const struct timescale *t, struct wall now)
{
	int64_t added_ns = timescale_added_ns(t, now);

	for (unsigned i = 0; i < s->source_count; i++) {
		struct steering_source *src = &s->sources[i];
		struct record *r = record(src, 0);

		if (src->count == 0 || r->noted)
			continue;
		r->measured_ns = r->sample.offset_ns - added_ns;
		r->noted = true;
	}
}

/* One turn of a replay, if there is one. */
static bool filter_is_ready(struct steering *s)
{
	if (s->replay_due)
		feed_begin_replay(s);
	if (s->replay.under_way)
		s->replay.busy = !feed_replay_turn(s);
	return !s->replay.under_way;
}

bool steering_is_busy(const struct steering *s)
{
	return s->replay.busy;
}

uint64_t steering_witnesses_wanted(const struct steering *s)
{
	return contradiction_witnesses(s);
}

bool steering_update(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command)
{
	struct osc at = timescale_osc(t, now);
	struct estimate_value v;

	s->replay.busy = s->wants_witnesses = s->freq_limited = false;
	if (!s->has_first)
		return give_up(s, t, now, command);
	note_measured(s, t, now);
	/* A replay finds another frequency, by which the bounds of old samples
	 * are others. Without a new sample that must not begin it again. */
	if (!s->replay.under_way || s->judged != s->added)
		candidates_select(s, at);
	if (s->selection.selected < 0)
		return give_up(s, t, now, command);
	if (!may_start(s, at))
		return false;
	members_renew(s);
	if (!filter_is_ready(s))
		return false;
	if (s->sample_is_new) {
		estimate_look_ahead(&s->estimate, at);
		intersection_pull(s, at);
	}
	(void)remaining_ns(s, t, now, &v);
	if (contradiction_found(s, at, v.offset_ns))
		return false;
	if (s->sample_is_new) {
		s->sample_is_new = false;
		learn_drift(s, &v, at);
		return decide(s, t, now, &v, false, command);
	}
	if (!synchronised(s, &v, at))
		return give_up(s, t, now, command);
	return (s->utc_moved || s->suspects || is_silent(s, at)) &&
	       decide(s, t, now, &v, true, command);
}

void steering_applied(struct steering *s, enum keeper_verdict verdict)
{
	bool decided = s->discipline.pending;

	discipline_applied(&s->discipline, verdict);
	if (verdict != KEEPER_OK && verdict != KEEPER_NO_CLOCK) {
		s->reported_synchronised = false;
		return;
	}
	/* The order to give up ends no start. With --no-clock the start is over
	 * once the offset is measured. */
	s->starting = s->starting && !decided;
	if (verdict == KEEPER_OK)
		s->base_freq = s->ordered_freq;
}

void steering_allow_step(struct steering *s)
{
	interrupt_learning(s);
	deselect(s);
	clear_suspicion(s);
	s->discipline.step_allowed = true;
	s->starting = true;
	s->has_first = false;
}

enum leap steering_leap_due(const struct steering *s, struct wall now)
{
	return discipline_leap_due(s->leap, now);
}

void steering_utc_moved(struct steering *s)
{
	s->utc_moved = true;
}

void steering_suspect_pause(struct steering *s, int64_t lag_ns)
{
	s->suspects = s->suspected_ns != lag_ns;
	s->suspected_ns = lag_ns;
}

double steering_take_freq_jump(struct steering *s)
{
	double jump = s->freq_jump, sd, moved;

	s->freq_jump = 0;
	if (jump == 0 && s->freq_doubted) {
		moved = remaining_freq(s, &sd) - s->freq_before;
		s->freq_doubted = sd > FREQ_JUMP_LEAST / JUMP_DEVIATIONS &&
				  fabs(moved) < JUMP_DEVIATIONS * sd;
		if (!s->freq_doubted && fabs(moved) >= FREQ_JUMP_LEAST)
			jump = moved;
	} else if (jump != 0) {
		s->freq_doubted = false;
	}
	return jump * 1e6;
}

void steering_woke_up(struct steering *s, bool moved)
{
	double sd = moved ? MOVED_FREQ_SD : WOKEN_FREQ_SD;

	drift_bound_woke_up(&s->drift);
	holdover_interrupt(&s->holdover);
	if (s->estimate.started)
		estimate_inflate_clock(&s->estimate, 0, sd);
	if (s->replay.before.started)
		estimate_inflate_clock(&s->replay.before, 0, sd);
}

/* ---- life ---- */

static void init_source(struct steering_source *src,
    const struct source_options *options, unsigned index)
{
	src->options = *options;
	src->server = index;
	src->slot = src->old_slot = -1;
	members_clear(src);
}

struct steering *steering_new(const struct steering_config *config,
    const struct source_options *options, unsigned sources, double freq_ppm,
    double freq_sd_ppm)
{
	struct steering *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	assert(sources <= SOURCES_MAX);
	s->sources = calloc(sources, sizeof(*s->sources));
	if (!s->sources) {
		free(s);
		return NULL;
	}
	s->config = *config;
	s->source_count = sources;
	deselect(s);
	s->first_freq = freq_ppm * 1e-6;
	s->first_freq_sd = freq_sd_ppm * 1e-6;
	s->base_freq = s->first_freq;
	s->starting = true;
	s->interval_s = s->command_interval_s = s->round_s = 1;
	discipline_init(&s->discipline, config);
	drift_bound_init(&s->drift);
	holdover_init(&s->holdover);
	for (unsigned i = 0; i < sources; i++)
		init_source(&s->sources[i], &options[i], i);
	return s;
}

void steering_keep_freq(struct steering *s)
{
	s->discipline.keeps_freq = true;
}

void steering_free(struct steering *s)
{
	if (!s)
		return;
	free(s->sources);
	free(s);
}
