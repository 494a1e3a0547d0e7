#include "clock/estimate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The assumptions of the bank: from a good oven to a laptop put in the sun; the
 * last is there for a sudden change of frequency. */
static const double wanders[ESTIMATE_WANDERS] = {
    1e-11, 3.16e-11, 1e-10, 3.16e-10, 1e-9, 3.16e-9, 1e-8, 3.16e-8, 2e-7, 2e-6};
/* How likely each is, before any sample: sudden changes are rare. */
static const double priors[ESTIMATE_WANDERS] = {
    1, 1, 1, 1, 1, 1, 1, 0.5, 0.2, 0.05};
static const double bias_scales[ESTIMATE_BIASES] = {0, 1};

/* The share of each member's weight that is dealt out anew at each sample. */
#define SHARE 1e-3
/* A member that keeps more than this of its own state is left alone. */
#define KEEP 0.98
/* The time in which a bias may become another one, s. */
#define BIAS_TIME 86400.0
/* From the first sample to any later one: no estimate leaves the int64 range,
 * whatever nonsense is measured. */
#define OFFSET_MAX_S 1e9
#define ANCHOR_REACH_S 1e3
/* No oscillator changes more than this while nobody looks. */
#define FREQ_CHANGE_MAX 20e-6

static void init_member(struct estimate_member *m, const struct estimate *e,
    double freq, double freq_sd)
{
	m->weight = m->prior;
	m->state.mean[1] = freq;
	m->state.cov[1][1] = freq_sd * freq_sd;
	double scale2 = m->bias_scale * m->bias_scale;
	for (unsigned i = 0; i < e->sources; i++) {
		for (unsigned j = 0; j < e->sources; j++)
			m->state.cov[2 + i][2 + j] = -scale2 / e->bias_info;
		m->state.cov[2 + i][2 + i] +=
		    scale2 * e->bias_sd[i] * e->bias_sd[i];
	}
}

void estimate_init(struct estimate *e, double freq, double freq_sd,
    const double *bias_sd, unsigned sources)
{
	/* One source alone has no bias relative to others. */
	unsigned biases = sources > 1 ? ESTIMATE_BIASES : 1;
	double sum = 0;

	assert(sources <= ESTIMATE_SOURCES);
	memset(e, 0, sizeof *e);
	e->sources = sources;
	e->states = 2 + sources;
	e->member_count = ESTIMATE_WANDERS * biases;
	for (unsigned i = 0; i < sources; i++) {
		e->bias_sd[i] = bias_sd[i];
		e->bias_info += 1 / (bias_sd[i] * bias_sd[i]);
	}
	for (unsigned k = 0; k < ESTIMATE_WANDERS; k++)
		sum += priors[k] * biases;
	for (unsigned k = 0; k < e->member_count; k++) {
		e->members[k].wander = wanders[k % ESTIMATE_WANDERS];
		e->members[k].bias_scale = bias_scales[k / ESTIMATE_WANDERS];
		e->members[k].prior = priors[k % ESTIMATE_WANDERS] / sum;
		init_member(&e->members[k], e, freq, freq_sd);
	}
}

static void start(
    struct estimate *e, struct osc at, int64_t offset_ns, double sd)
{
	e->started = true;
	e->at = at;
	e->anchor_ns = offset_ns;
	for (unsigned k = 0; k < e->member_count; k++)
		e->members[k].state.cov[0][0] = sd * sd;
}

/* The mean and covariance of the whole bank. */
static void mix(const struct estimate *e, struct estimate_state *out)
{
	unsigned n = e->states;

	memset(out, 0, sizeof *out);
	for (unsigned k = 0; k < e->member_count; k++)
		for (unsigned i = 0; i < n; i++)
			out->mean[i] +=
			    e->members[k].weight * e->members[k].state.mean[i];
	for (unsigned k = 0; k < e->member_count; k++) {
		const struct estimate_member *m = &e->members[k];
		double apart[ESTIMATE_STATES];

		for (unsigned i = 0; i < n; i++)
			apart[i] = m->state.mean[i] - out->mean[i];
		for (unsigned i = 0; i < n; i++)
			for (unsigned j = 0; j < n; j++)
				out->cov[i][j] +=
				    m->weight *
				    (m->state.cov[i][j] + apart[i] * apart[j]);
	}
}

/* own := keep * own + (1 - keep) * other, by moments. */
static void blend(struct estimate_state *own,
    const struct estimate_state *other, double keep, unsigned n)
{
	double apart[ESTIMATE_STATES];

	for (unsigned i = 0; i < n; i++)
		apart[i] = other->mean[i] - own->mean[i];
	for (unsigned i = 0; i < n; i++) {
		own->mean[i] += (1 - keep) * apart[i];
		for (unsigned j = 0; j < n; j++)
			own->cov[i][j] =
			    keep * own->cov[i][j] +
			    (1 - keep) * other->cov[i][j] +
			    keep * (1 - keep) * apart[i] * apart[j];
	}
}

static void interact(struct estimate *e)
{
	struct estimate_state all;
	mix(e, &all);
	for (unsigned k = 0; k < e->member_count; k++) {
		struct estimate_member *m = &e->members[k];
		double own = (1 - SHARE) * m->weight;
		double dealt = SHARE * m->prior;
		double keep = own / (own + dealt);

		if (keep < KEEP)
			blend(&m->state, &all, keep, e->states);
		m->weight = own + dealt;
	}
}

/* (s/s)^2 per s, over an interval: a random walk, but within reason when there
 * is no sample for weeks. */
static double wander_power(const struct estimate_member *m, double dt)
{
	double q = m->wander * m->wander;
	double most = FREQ_CHANGE_MAX * FREQ_CHANGE_MAX;

	return q * dt > most ? most / dt : q;
}

static void predict_member(
    const struct estimate *e, struct estimate_member *m, double dt)
{
	struct estimate_state *s = &m->state;
	double q = wander_power(m, dt);

	s->mean[0] += dt * s->mean[1];
	for (unsigned j = 0; j < e->states; j++)
		s->cov[0][j] += dt * s->cov[1][j];
	for (unsigned i = 0; i < e->states; i++)
		s->cov[i][0] += dt * s->cov[i][1];
	s->cov[0][0] += q * dt * dt * dt / 3;
	s->cov[0][1] += q * dt * dt / 2;
	s->cov[1][0] = s->cov[0][1];
	s->cov[1][1] += q * dt;

	double drift = m->bias_scale * m->bias_scale * dt / BIAS_TIME;
	if (drift <= 0)
		return;
	for (unsigned i = 0; i < e->sources; i++) {
		for (unsigned j = 0; j < e->sources; j++)
			s->cov[2 + i][2 + j] -= drift / e->bias_info;
		s->cov[2 + i][2 + i] += drift * e->bias_sd[i] * e->bias_sd[i];
	}
}

static struct belief member_belief(
    const struct estimate_member *m, unsigned source)
{
	unsigned b = 2 + source;

	return (struct belief){
	    .mean = m->state.mean[0] + m->state.mean[b],
	    .var = m->state.cov[0][0] + 2 * m->state.cov[0][b] +
		   m->state.cov[b][b],
	};
}

/*
 * Carry what was learned of the sum of offset and bias over to all states. The
 * offset's own row is put together from the sum's: after weeks of silence it is
 * known ten orders of magnitude better than before, and a difference of such
 * numbers would be noise.
 */
static void spread(struct estimate_member *m, unsigned states, unsigned source,
    const struct belief *before, const struct belief *after)
{
	struct estimate_state *s = &m->state;
	unsigned b = 2 + source;
	double gain[ESTIMATE_STATES] = {0};
	double gone = before->var - after->var;

	for (unsigned i = 1; i < states; i++)
		gain[i] = (s->cov[i][0] + s->cov[i][b]) / before->var;
	for (unsigned i = 1; i < states; i++) {
		s->mean[i] += gain[i] * (after->mean - before->mean);
		for (unsigned j = 1; j < states; j++)
			s->cov[i][j] -= gain[i] * gain[j] * gone;
	}
	s->mean[0] = after->mean - s->mean[b];
	for (unsigned j = 1; j < states; j++)
		s->cov[0][j] = s->cov[j][0] =
		    gain[j] * after->var - s->cov[b][j];
	s->cov[0][0] = after->var - 2 * gain[b] * after->var + s->cov[b][b];
}

static double update_member(struct estimate_member *m, unsigned states,
    unsigned source, double measured, const struct box *box)
{
	struct belief before = member_belief(m, source), after = before;
	double log_likelihood = box_update(&after, measured, box);

	spread(m, states, source, &before, &after);
	return log_likelihood;
}

static void weigh(struct estimate *e, const double *log_likelihood)
{
	double best = -INFINITY, sum = 0;

	for (unsigned k = 0; k < e->member_count; k++)
		best = fmax(best, log_likelihood[k]);
	for (unsigned k = 0; k < e->member_count; k++) {
		e->members[k].weight *= exp(log_likelihood[k] - best);
		sum += e->members[k].weight;
	}
	for (unsigned k = 0; k < e->member_count; k++)
		e->members[k].weight /= sum;
}

static double mean_freq(const struct estimate *e)
{
	double freq = 0;

	for (unsigned k = 0; k < e->member_count; k++)
		freq += e->members[k].weight * e->members[k].state.mean[1];
	return freq;
}

/* A double holds nanoseconds for a few weeks only: the zero goes along. */
static void move_anchor(struct estimate *e)
{
	double far = e->members[0].state.mean[0];

	if (fabs(far) < ANCHOR_REACH_S)
		return;
	int64_t move_ns = ns_of_s(fmin(fmax(far, -OFFSET_MAX_S), OFFSET_MAX_S));
	e->anchor_ns += move_ns;
	for (unsigned k = 0; k < e->member_count; k++)
		e->members[k].state.mean[0] -= s_of_ns(move_ns);
}

void estimate_add(struct estimate *e, unsigned source, struct osc at,
    int64_t offset_ns, const struct box *box)
{
	double log_likelihood[ESTIMATE_MEMBERS];

	if (!e->started)
		start(e, at, offset_ns, 2 * box->half);
	double dt = s_of_ns(at.ns - e->at.ns);
	double measured = s_of_ns(offset_ns - e->anchor_ns);

	interact(e);
	if (dt < 0)
		measured -= dt * mean_freq(e);
	for (unsigned k = 0; k < e->member_count; k++) {
		struct estimate_member *m = &e->members[k];

		if (dt > 0)
			predict_member(e, m, dt);
		log_likelihood[k] =
		    update_member(m, e->states, source, measured, box);
	}
	if (dt > 0)
		e->at = at;
	weigh(e, log_likelihood);
	move_anchor(e);
}

void estimate_loosen(struct estimate *e, unsigned source, double sd)
{
	if (sd <= 0)
		return;
	e->loosened[source] = true;
	for (unsigned k = 0; k < e->member_count; k++)
		e->members[k].state.cov[2 + source][2 + source] += sd * sd;
}

void estimate_widen(struct estimate *e, double sd, double freq_sd)
{
	for (unsigned k = 0; k < e->member_count; k++) {
		e->members[k].state.cov[0][0] += sd * sd;
		e->members[k].state.cov[1][1] += freq_sd * freq_sd;
	}
}

static struct belief belief_ahead(
    const struct estimate_member *m, unsigned source, double dt)
{
	const double(*cov)[ESTIMATE_STATES] = m->state.cov;
	unsigned b = 2 + source;
	struct belief now = member_belief(m, source);

	now.mean += dt * m->state.mean[1];
	now.var += 2 * dt * (cov[0][1] + cov[1][b]) + dt * dt * cov[1][1] +
		   wander_power(m, dt) * dt * dt * dt / 3;
	return now;
}

struct belief estimate_belief(
    const struct estimate *e, unsigned source, struct osc at, int64_t offset_ns)
{
	double dt = fmax(s_of_ns(at.ns - e->at.ns), 0);
	struct belief sum = {0, 0};

	for (unsigned k = 0; k < e->member_count; k++)
		sum.mean += e->members[k].weight *
			    belief_ahead(&e->members[k], source, dt).mean;
	for (unsigned k = 0; k < e->member_count; k++) {
		struct belief b = belief_ahead(&e->members[k], source, dt);
		double apart = b.mean - sum.mean;

		sum.var += e->members[k].weight * (b.var + apart * apart);
	}
	sum.mean += s_of_ns(e->anchor_ns - offset_ns);
	return sum;
}

/* When sources differ from each other, their mean differs from the truth about
 * as a mean of so many draws would: nobody knows who is right. */
static double spread_sd(
    const struct estimate *e, const struct estimate_state *all)
{
	double square = 0, info = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < e->sources; i++) {
		double w = 1 / (e->bias_sd[i] * e->bias_sd[i]);

		if (e->loosened[i])
			continue;
		square += w * all->mean[2 + i] * all->mean[2 + i];
		info += w;
		n++;
	}
	return n > 1 ? fmin(sqrt(square / info / (n - 1)), OFFSET_MAX_S) : 0;
}

struct estimate_value estimate_at(const struct estimate *e, struct osc at)
{
	double dt = s_of_ns(at.ns - e->at.ns), q = 0;
	double ahead = fmax(dt, 0);
	struct estimate_state all;

	mix(e, &all);
	for (unsigned k = 0; k < e->member_count; k++)
		q += e->members[k].weight * wander_power(&e->members[k], ahead);
	double var = all.cov[0][0] + 2 * dt * all.cov[0][1] +
		     dt * dt * all.cov[1][1] + q * ahead * ahead * ahead / 3;
	double freq_var = all.cov[1][1] + q * ahead;
	double offset = all.mean[0] + dt * all.mean[1];

	return (struct estimate_value){
	    .offset_ns =
		e->anchor_ns +
		ns_of_s(fmin(fmax(offset, -OFFSET_MAX_S), OFFSET_MAX_S)),
	    .offset_sd = fmin(sqrt(fmax(var, 0)), OFFSET_MAX_S),
	    .spread_sd = spread_sd(e, &all),
	    .freq = all.mean[1],
	    .freq_sd = sqrt(fmax(freq_var, 0)),
	};
}

struct belief estimate_bias(const struct estimate *e, unsigned source)
{
	struct estimate_state all;

	mix(e, &all);
	return (struct belief){
	    .mean = all.mean[2 + source],
	    .var = all.cov[2 + source][2 + source],
	};
}
