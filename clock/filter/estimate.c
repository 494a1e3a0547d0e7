#include "clock/filter/estimate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * The assumptions of the bank: a random walk of the frequency, from a good oven
 * to a laptop put in the sun (the last two are there for sudden changes), and
 * quieter oscillators whose frequency drifts besides: the drift is forgotten in
 * drift_time and drift_sd large in the mean, as from the sun on the roof or
 * from an air conditioner that goes on and off.
 */
static const struct oscillator {
	double wander;		       /* s/s per sqrt(s) */
	double drift_sd, drift_time_s; /* 1/s, s; 0: no drift */
	double prior;		       /* times a constant */
} oscillators[ESTIMATE_OSCILLATORS] = {
    /* clang-format off */
	{1e-11,    0, 0, 1},
	{3.16e-11, 0, 0, 1},
	{1e-10,    0, 0, 1},
	{3.16e-10, 0, 0, 1},
	{1e-9,     0, 0, 1},
	{3.16e-9,  0, 0, 1},
	{1e-8,     0, 0, 1},
	{3.16e-8,  0, 0, 0.5},
	{2e-7,     0, 0, 0.2},
	{2e-6,     0, 0, 0.05},
	{1e-11,  5e-12, 14e3, 0.2},
	{1e-10,  5e-12, 14e3, 0.2},
	{1e-9,   5e-12, 14e3, 0.2},
	{1e-11,  5e-11, 14e3, 0.2},
	{1e-10,  5e-11, 14e3, 0.2},
	{1e-9,   5e-11, 14e3, 0.2},
	{1e-11,  1e-10, 600, 0.2},
	{1e-10,  1e-10, 600, 0.2},
	{1e-9,   1e-10, 600, 0.2},
    /* clang-format on */
};
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
/* So many samples within the time of a drift show where it goes. */
#define DRIFT_SAMPLES 4
/* No oscillator changes more than this while nobody looks. */
#define FREQ_CHANGE_MAX 20e-6

/* The first of the states that are biases. */
#define BIAS 3

static void init_member(struct estimate_member *m, const struct estimate *e,
    double freq, double freq_sd)
{
	double drift_sd = oscillators[m->oscillator].drift_sd;

	m->weight = m->prior;
	m->state.mean[1] = freq;
	m->state.cov[1][1] = freq_sd * freq_sd;
	m->state.cov[2][2] = drift_sd * drift_sd;
	double scale2 = m->bias_scale * m->bias_scale;
	for (unsigned i = 0; i < e->sources; i++) {
		for (unsigned j = 0; j < e->sources; j++)
			m->state.cov[BIAS + i][BIAS + j] =
			    -scale2 / e->bias_info;
		m->state.cov[BIAS + i][BIAS + i] +=
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
	e->states = BIAS + sources;
	e->member_count = ESTIMATE_OSCILLATORS * biases;
	for (unsigned i = 0; i < sources; i++) {
		e->bias_sd[i] = bias_sd[i];
		e->bias_info += 1 / (bias_sd[i] * bias_sd[i]);
	}
	for (unsigned k = 0; k < ESTIMATE_OSCILLATORS; k++)
		sum += oscillators[k].prior * biases;
	for (unsigned k = 0; k < e->member_count; k++) {
		unsigned o = k % ESTIMATE_OSCILLATORS;

		e->members[k].oscillator = o;
		e->members[k].bias_scale =
		    bias_scales[k / ESTIMATE_OSCILLATORS];
		e->members[k].prior = oscillators[o].prior / sum;
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
static double wander_power(const struct oscillator *o, double dt)
{
	double q = o->wander * o->wander;
	double most = FREQ_CHANGE_MAX * FREQ_CHANGE_MAX;

	return q * dt > most ? most / dt : q;
}

/* What an interval does: the oscillator's three states afterwards are linear in
 * those before, plus noise. */
struct passage {
	double dt;
	double drift_kept;	   /* of the drift: in itself, */
	double in_freq, in_offset; /* and where else it went */
	double noise[3][3];
};

static void add_wander(struct passage *p, const struct oscillator *o)
{
	double q = wander_power(o, p->dt), t = p->dt;

	p->noise[0][0] += q * t * t * t / 3;
	p->noise[0][1] += q * t * t / 2;
	p->noise[1][1] += q * t;
}

/*
 * The noise of a drift that is forgotten exponentially (Ornstein-Uhlenbeck), of
 * its integral and of its double integral; r: the interval in units of its
 * time. The closed form cancels where r is small, and there a random walk of
 * the drift is as good.
 */
static void add_drift_noise(struct passage *p, const struct oscillator *o)
{
	double tau = o->drift_time_s, r = p->dt / tau;
	double s = 2 * o->drift_sd * o->drift_sd / tau;
	double e1 = -expm1(-r), e2 = -expm1(-2 * r) / 2;
	double r2 = r * r, r3 = r2 * r;
	bool brief = r < 0.25;

	p->noise[2][2] += s * tau * e2;
	s *= tau * tau;
	p->noise[1][2] += s * (brief ? r2 / 2 : e1 - e2);
	s *= tau;
	p->noise[1][1] += s * (brief ? r3 / 3 : r - 2 * e1 + e2);
	p->noise[0][2] += s * (brief ? r3 / 6 : e2 - r * (1 - e1));
	s *= tau;
	p->noise[0][1] += s * (brief ? r2 * r2 / 8 : r2 / 2 - r * e1 + e1 - e2);
	s *= tau;
	p->noise[0][0] +=
	    s * (brief ? r2 * r3 / 20 : r3 / 3 - r2 - r + 2 * r * e1 + e2);
}

static struct passage passage(const struct oscillator *o, double dt)
{
	struct passage p = {.dt = dt};

	add_wander(&p, o);
	if (o->drift_time_s > 0) {
		p.drift_kept = exp(-dt / o->drift_time_s);
		p.in_freq = o->drift_time_s * (1 - p.drift_kept);
		p.in_offset = o->drift_time_s * (dt - p.in_freq);
		add_drift_noise(&p, o);
	}
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < i; j++)
			p.noise[i][j] = p.noise[j][i];
	return p;
}

static void predict_oscillator(
    struct estimate_state *s, const struct passage *p, unsigned states)
{
	s->mean[0] += p->dt * s->mean[1] + p->in_offset * s->mean[2];
	s->mean[1] += p->in_freq * s->mean[2];
	s->mean[2] *= p->drift_kept;
	for (unsigned j = 0; j < states; j++) {
		s->cov[0][j] +=
		    p->dt * s->cov[1][j] + p->in_offset * s->cov[2][j];
		s->cov[1][j] += p->in_freq * s->cov[2][j];
		s->cov[2][j] *= p->drift_kept;
	}
	for (unsigned i = 0; i < states; i++) {
		s->cov[i][0] +=
		    p->dt * s->cov[i][1] + p->in_offset * s->cov[i][2];
		s->cov[i][1] += p->in_freq * s->cov[i][2];
		s->cov[i][2] *= p->drift_kept;
	}
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++)
			s->cov[i][j] += p->noise[i][j];
}

static void predict_member(
    const struct estimate *e, struct estimate_member *m, double dt)
{
	struct estimate_state *s = &m->state;
	struct passage p = passage(&oscillators[m->oscillator], dt);

	predict_oscillator(s, &p, e->states);
	double drift = m->bias_scale * m->bias_scale * dt / BIAS_TIME;
	if (drift <= 0)
		return;
	for (unsigned i = 0; i < e->sources; i++) {
		for (unsigned j = 0; j < e->sources; j++)
			s->cov[BIAS + i][BIAS + j] -= drift / e->bias_info;
		s->cov[BIAS + i][BIAS + i] +=
		    drift * e->bias_sd[i] * e->bias_sd[i];
	}
}

static struct belief member_belief(
    const struct estimate_member *m, unsigned source)
{
	unsigned b = BIAS + source;

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
	unsigned b = BIAS + source;
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
		e->members[k].state.cov[BIAS + source][BIAS + source] +=
		    sd * sd;
}

void estimate_set_bias(struct estimate *e, unsigned source, struct belief bias)
{
	unsigned b = BIAS + source;

	e->loosened[source] = true;
	for (unsigned k = 0; k < e->member_count; k++) {
		struct estimate_state *s = &e->members[k].state;

		for (unsigned i = 0; i < e->states; i++)
			s->cov[b][i] = s->cov[i][b] = 0;
		s->mean[b] = bias.mean;
		s->cov[b][b] = bias.var;
	}
}

void estimate_learn_bias(
    struct estimate *e, unsigned source, struct belief bias)
{
	unsigned b = BIAS + source;

	for (unsigned k = 0; k < e->member_count; k++) {
		struct estimate_state *s = &e->members[k].state;
		double total = s->cov[b][b] + bias.var;
		double miss = bias.mean - s->mean[b];
		double gain[ESTIMATE_STATES];

		if (s->cov[b][b] <= 0)
			continue;
		for (unsigned i = 0; i < e->states; i++)
			gain[i] = s->cov[i][b] / total;
		for (unsigned i = 0; i < e->states; i++) {
			s->mean[i] += gain[i] * miss;
			for (unsigned j = 0; j < e->states; j++)
				s->cov[i][j] -= gain[i] * gain[j] * total;
		}
	}
}

void estimate_widen(struct estimate *e, double sd, double freq_sd)
{
	for (unsigned k = 0; k < e->member_count; k++) {
		e->members[k].state.cov[0][0] += sd * sd;
		e->members[k].state.cov[1][1] += freq_sd * freq_sd;
	}
}

/* Of the offset after `dt`, and with the bias of a source when `bias` is its
 * state; 0: alone. */
static struct belief belief_ahead(
    const struct estimate_member *m, unsigned bias, double dt)
{
	const double(*cov)[ESTIMATE_STATES] = m->state.cov;
	struct passage p = passage(&oscillators[m->oscillator], dt);
	const unsigned state[4] = {0, 1, 2, bias};
	const double share[4] = {1, dt, p.in_offset, bias > 0};
	struct belief b = {0, p.noise[0][0]};

	for (unsigned i = 0; i < 4; i++) {
		b.mean += share[i] * m->state.mean[state[i]];
		for (unsigned j = 0; j < 4; j++)
			b.var += share[i] * share[j] * cov[state[i]][state[j]];
	}
	return b;
}

/* The same of the whole bank. */
static struct belief mean_belief(
    const struct estimate *e, unsigned bias, double dt)
{
	struct belief members[ESTIMATE_MEMBERS], sum = {0, 0};

	for (unsigned k = 0; k < e->member_count; k++) {
		members[k] = belief_ahead(&e->members[k], bias, dt);
		sum.mean += e->members[k].weight * members[k].mean;
	}
	for (unsigned k = 0; k < e->member_count; k++) {
		double apart = members[k].mean - sum.mean;

		sum.var +=
		    e->members[k].weight * (members[k].var + apart * apart);
	}
	return sum;
}

struct belief estimate_belief(
    const struct estimate *e, unsigned source, struct osc at, int64_t offset_ns)
{
	double dt = fmax(s_of_ns(at.ns - e->at.ns), 0);
	struct belief b = mean_belief(e, BIAS + source, dt);

	b.mean += s_of_ns(e->anchor_ns - offset_ns);
	return b;
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
		square += w * all->mean[BIAS + i] * all->mean[BIAS + i];
		info += w;
		n++;
	}
	return n > 1 ? fmin(sqrt(square / info / (n - 1)), OFFSET_MAX_S) : 0;
}

/* Into the past, by its frequency alone: the offset at dt < 0. */
static struct belief belief_behind(const struct estimate_state *all, double dt)
{
	return (struct belief){
	    .mean = all->mean[0] + dt * all->mean[1],
	    .var = all->cov[0][0] + 2 * dt * all->cov[0][1] +
		   dt * dt * all->cov[1][1],
	};
}

/* Frequency and drift after dt >= 0. */
static void frequency_ahead(
    const struct estimate *e, double dt, struct estimate_value *out)
{
	double freq[ESTIMATE_MEMBERS], var = 0;

	for (unsigned k = 0; k < e->member_count; k++) {
		const struct estimate_state *s = &e->members[k].state;
		double w = e->members[k].weight;
		struct passage p =
		    passage(&oscillators[e->members[k].oscillator], dt);

		freq[k] = s->mean[1] + p.in_freq * s->mean[2];
		out->freq += w * freq[k];
		out->drift += w * p.drift_kept * s->mean[2];
		var += w * (s->cov[1][1] + 2 * p.in_freq * s->cov[1][2] +
			       p.in_freq * p.in_freq * s->cov[2][2] +
			       p.noise[1][1]);
	}
	for (unsigned k = 0; k < e->member_count; k++)
		var += e->members[k].weight * (freq[k] - out->freq) *
		       (freq[k] - out->freq);
	out->freq_sd = sqrt(fmax(var, 0));
}

struct estimate_value estimate_at(const struct estimate *e, struct osc at)
{
	double dt = s_of_ns(at.ns - e->at.ns);
	struct estimate_value v = {0};
	struct estimate_state all;

	mix(e, &all);
	struct belief b =
	    dt < 0 ? belief_behind(&all, dt) : mean_belief(e, 0, dt);
	frequency_ahead(e, fmax(dt, 0), &v);
	v.offset_ns = e->anchor_ns +
		      ns_of_s(fmin(fmax(b.mean, -OFFSET_MAX_S), OFFSET_MAX_S));
	v.offset_sd = fmin(sqrt(fmax(b.var, 0)), OFFSET_MAX_S);
	v.spread_sd = spread_sd(e, &all);
	return v;
}

bool estimate_follows(const struct estimate *e, double interval_s)
{
	double lost = 0;

	for (unsigned k = 0; k < e->member_count; k++) {
		double time_s =
		    oscillators[e->members[k].oscillator].drift_time_s;

		if (time_s > 0 && time_s < DRIFT_SAMPLES * interval_s)
			lost += e->members[k].weight;
	}
	return lost < 0.5;
}

struct belief estimate_bias(const struct estimate *e, unsigned source)
{
	struct estimate_state all;

	mix(e, &all);
	return (struct belief){
	    .mean = all.mean[BIAS + source],
	    .var = all.cov[BIAS + source][BIAS + source],
	};
}
