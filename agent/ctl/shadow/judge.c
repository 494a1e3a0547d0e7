#include "agent/ctl/shadow/judge.h"

#include <math.h>
#include <string.h>

/* Two readings that are further apart do not belong together. */
#define GAP_S 10
/* More than any slew of chronyd moves the clock between two readings. */
#define STEP_S 0.01
#define SLEW_MAX 0.1
/* How fast an old measurement loses its meaning. */
#define AGEING 1e-6
/* No server is more precise than this: it keeps the weights finite. */
#define ERROR_MIN_S 1e-6
#define CERTAIN_DEVIATIONS 2.5
#define BATCHES_MIN 8
#define AGE_UNIT_S 1

void judge_init(struct judge *j)
{
	*j = (struct judge){.leader = -1, .per_batch = 1};
}

static bool same_server(const struct measured *a, const struct measured *b)
{
	return memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static const struct measured *earlier(
    const struct judge_reading *r, const struct measured *m)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->measured[i].by == m->by &&
		    r->measured[i].place == m->place &&
		    same_server(&r->measured[i], m))
			return &r->measured[i];
	return NULL;
}

/* Was it made after the last reading? Ages are whole seconds in chronyd. */
static bool is_new(const struct judge *j, const struct judge_reading *r,
    const struct measured *m)
{
	const struct measured *before = earlier(&j->last, m);

	return before && m->age_s <= r->mono_s - j->last.mono_s + AGE_UNIT_S &&
	       (m->fast_s != before->fast_s || m->age_s < before->age_s);
}

/* A new measurement in chronyd's time of the last reading. The agent measures
 * the clock itself: what chronyd slewed before the measurement is a part of the
 * difference of the corrections. */
static double seen_by(const struct judge *j, const struct judge_reading *r,
    const struct measured *m)
{
	double passed_s = r->mono_s - j->last.mono_s;
	double part = passed_s > 0 ? fmin(m->age_s / passed_s, 1) : 0;

	if (m->by == JUDGED_CHRONYD)
		return m->fast_s;
	return m->fast_s + r->correction_s +
	       part * (j->last.correction_s - r->correction_s);
}

/* An update of chronyd between the readings moves its time: a measurement of
 * the agent may be older or younger than that. */
static bool comparable(const struct judge *j, const struct judge_reading *r,
    const struct measured *m)
{
	return m->by == JUDGED_CHRONYD || r->updated_s == j->last.updated_s;
}

/* In chronyd's time of the reading. What the agent makes of its measurement is
 * an estimate, which may be wrong by more than the error of the measurement:
 * only the measurement itself bounds the time. */
static struct interval interval_of(const struct judge *j,
    const struct judge_reading *r, const struct measured *m)
{
	double error_s = m->error_s + m->age_s * AGEING;
	double at = m->by == JUDGED_AGENT ? seen_by(j, r, m) : m->now_fast_s;

	return (struct interval){at - error_s, at + error_s};
}

/* Nobody knows by how much chronyd has moved its time since an older
 * measurement of the agent. */
static bool may_vote(const struct judge *j, const struct judge_reading *r,
    const struct measured *m)
{
	return m->by == JUDGED_CHRONYD ||
	       (is_new(j, r, m) && comparable(j, r, m));
}

/* The younger measurement of each server has its vote; of two that are equally
 * old, the first. */
static bool has_vote(
    const struct judge *j, const struct judge_reading *r, unsigned i)
{
	const struct measured *own = &r->measured[i];

	for (unsigned k = 0; k < r->count; k++) {
		const struct measured *m = &r->measured[k];

		if (same_server(m, own) && may_vote(j, r, m) &&
		    (m->age_s < own->age_s ||
			(m->age_s == own->age_s && m < own)))
			return false;
	}
	return may_vote(j, r, own);
}

static bool find_agreement(
    struct judge *j, const struct judge_reading *r, struct interval *out)
{
	struct interval votes[JUDGE_MEASURED_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < r->count; i++)
		if (has_vote(j, r, i))
			votes[count++] = interval_of(j, r, &r->measured[i]);
	if (count > j->most_servers)
		j->most_servers = count;
	return agreement_of(votes, count, out);
}

/* Twice as many measurements in half as many batches. */
static void halve(struct judge *j)
{
	for (unsigned i = 0; i < JUDGE_BATCHES / 2; i++) {
		const struct batch *a = &j->batch[2 * i], *b = a + 1;
		struct batch sum = {.weight = a->weight + b->weight};

		for (unsigned k = 0; k < JUDGED_COUNT; k++)
			sum.squares[k] = a->squares[k] + b->squares[k];
		j->batch[i] = sum;
	}
	j->batches = JUDGE_BATCHES / 2;
	j->per_batch *= 2;
}

static struct batch *open_batch(struct judge *j)
{
	if (j->batches == 0 || j->in_batch == j->per_batch) {
		if (j->batches == JUDGE_BATCHES)
			halve(j);
		j->batch[j->batches++] = (struct batch){0};
		j->in_batch = 0;
	}
	j->in_batch++;
	return &j->batch[j->batches - 1];
}

static double estimate_of(const struct judge_reading *r, unsigned who)
{
	return who == JUDGED_AGENT ? r->agent_fast_s + r->correction_s : 0;
}

/* A bound is broken for certain if no point of the agreement is within it.
 * `moved_s` is by how much an update has moved chronyd's time. */
static void check_bounds(
    struct judge *j, struct interval agreement, double moved_s, double wall_s)
{
	for (unsigned who = 0; who < JUDGED_COUNT; who++) {
		double at = estimate_of(&j->last, who) + moved_s;
		double bound_s = j->last.bound_s[who];
		struct interval claimed = {at - bound_s, at + bound_s};

		if (intervals_meet(claimed, agreement))
			continue;
		j->broken[who]++;
		j->broken_wall_s[who] = wall_s;
	}
}

static void judge_by(struct judge *j, double seen_s, double error_s)
{
	double limited_s = fmax(error_s, ERROR_MIN_S);
	double weight = 1 / (limited_s * limited_s);
	struct batch *b = open_batch(j);

	b->weight += weight;
	for (unsigned who = 0; who < JUDGED_COUNT; who++) {
		double miss_s = seen_s - estimate_of(&j->last, who);

		b->squares[who] += weight * miss_s * miss_s;
	}
	j->judged++;
}

static void follow_leader(struct judge *j, double wall_s)
{
	struct verdict v = judge_verdict(j);

	if (v.nearer == j->leader)
		return;
	j->leader = v.nearer;
	j->leader_wall_s = wall_s;
}

/* chronyd carries its measurement over the update that it made of it. */
static double moved_by(const struct measured *m)
{
	return m->by == JUDGED_CHRONYD ? m->now_fast_s - m->fast_s : 0;
}

static void take_measurements(struct judge *j, const struct judge_reading *r)
{
	struct interval agreement;
	bool agreed = find_agreement(j, r, &agreement);

	for (unsigned i = 0; i < r->count; i++) {
		const struct measured *m = &r->measured[i];

		if (!is_new(j, r, m) || !comparable(j, r, m))
			continue;
		if (!agreed) {
			j->no_agreement++;
			continue;
		}
		if (!intervals_meet(interval_of(j, r, m), agreement)) {
			j->left_out++;
			continue;
		}
		judge_by(j, seen_by(j, r, m), m->error_s);
		check_bounds(j, agreement, moved_by(m), r->wall_s);
		follow_leader(j, r->wall_s);
	}
}

static bool follows(const struct judge *j, const struct judge_reading *r)
{
	double passed_s = r->mono_s - j->last.mono_s;
	double wall_s = r->wall_s - j->last.wall_s;

	return passed_s <= GAP_S &&
	       fabs(wall_s - passed_s) <= STEP_S + SLEW_MAX * passed_s;
}

void judge_take(struct judge *j, const struct judge_reading *r)
{
	if (j->readings == 0)
		j->first_wall_s = r->wall_s;
	j->readings++;
	j->last_wall_s = r->wall_s;
	for (unsigned who = 0; who < JUDGED_COUNT; who++)
		j->bound_sum_s[who] += r->bound_s[who];
	if (j->has_last && follows(j, r))
		take_measurements(j, r);
	else if (j->has_last)
		j->gaps++;
	j->last = *r;
	j->has_last = true;
}

static struct batch sum_of(const struct judge *j)
{
	struct batch sum = {0};

	for (unsigned i = 0; i < j->batches; i++) {
		sum.weight += j->batch[i].weight;
		for (unsigned who = 0; who < JUDGED_COUNT; who++)
			sum.squares[who] += j->batch[i].squares[who];
	}
	return sum;
}

/* The standard deviation of the mean difference, from how much the batches
 * differ. */
static double deviation_of(
    const struct judge *j, const struct batch *sum, double difference)
{
	double n = j->batches, squares = 0;

	for (unsigned i = 0; i < j->batches; i++) {
		const struct batch *b = &j->batch[i];
		double rest = b->squares[JUDGED_AGENT] -
			      b->squares[JUDGED_CHRONYD] -
			      difference * b->weight;

		squares += rest * rest;
	}
	return sqrt(squares * n / (n - 1)) / sum->weight;
}

struct verdict judge_verdict(const struct judge *j)
{
	struct batch sum = sum_of(j);
	struct verdict v = {.nearer = -1};
	double difference;

	if (sum.weight <= 0)
		return v;
	for (unsigned who = 0; who < JUDGED_COUNT; who++)
		v.miss_s[who] = sqrt(sum.squares[who] / sum.weight);
	difference = (sum.squares[JUDGED_AGENT] - sum.squares[JUDGED_CHRONYD]) /
		     sum.weight;
	v.nearer = difference < 0 ? JUDGED_AGENT : JUDGED_CHRONYD;
	v.certain = j->batches >= BATCHES_MIN &&
		    fabs(difference) >
			CERTAIN_DEVIATIONS * deviation_of(j, &sum, difference);
	return v;
}
