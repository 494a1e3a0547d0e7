#include "clock/filter/estimate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Each oscillator runs without biases and with biases. */
static const double bias_scales[ESTIMATE_BIASES] = {0, 1};

/* The share of each model's weight that is dealt out again at each sample: one
 * change of the oscillator's kind in a thousand samples. */
#define SHARE 1e-3
/* A model that keeps more than this of its own state stays as it is: mixing in
 * less than 2 % changes nothing and costs time. */
#define KEEP 0.98
/* The time in which a bias may become an independent one, s: a day, as routes
 * and loads change. */
#define BIAS_TIME 86400.0
/* The first box is this many half widths wide: the first sample tells no floor.
 */
#define START_HALVES 2
/* If the bias of the first source is in doubt, the first offset gets this many
 * times the standard deviation of that bias. */
#define START_DOUBT 10
/* For estimate_bound(): the softness of an edge as a share of the half width,
 * and the least log likelihood of a model. */
#define BOUND_EDGE 0.1
#define BOUND_LOG_MIN (-100.0)
/* A model that is further outside than this many of its standard deviations is
 * surely wrong. */
#define BOUND_DEVIATIONS 2

/* An offset stays within this of the first sample, s, so that no estimate
 * leaves the range of int64, whatever a server sends. */
#define OFFSET_MAX_S 1e9
/* The anchor moves when the offset is this far from it, s: a double resolves
 * 1e-13 s there. */
#define ANCHOR_REACH_S 1e3
/* The least variance of what a model expects, s^2: a picosecond squared. */
#define VAR_LEAST 1e-24
/* This many samples within the time of a drift show where it goes. */
#define DRIFT_SAMPLES 4

/* Two neighbours in a row: the compiler makes one instruction for both. */
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));

/* For arrays that are written before they are read, many times a sample: the
 * zeros of the compiler would be a tenth of the estimator's time. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define WRITTEN_FIRST __attribute__((uninitialized))
#endif
#endif
#ifndef WRITTEN_FIRST
#define WRITTEN_FIRST
#endif

static double *row_of(struct estimate_state *s, unsigned i)
{
	return &s->cov[ESTIMATE_ROW(i)];
}

static const double *const_row_of(const struct estimate_state *s, unsigned i)
{
	return &s->cov[ESTIMATE_ROW(i)];
}

/* The places of row i, with the one at its end: the next row begins there. */
static unsigned width(unsigned i)
{
	return (i + 2) / 2 * 2;
}

static pair *pair_at(double *v)
{
	return (pair *)v;
}

static pair pair_of(const double *v)
{
	return *(const pair *)v;
}

static pair both(double v)
{
	return (pair){v, v};
}

static double *var_of(struct estimate_state *s, unsigned i)
{
	return &row_of(s, i)[i];
}

static void init_model(struct estimate_model *m, const struct estimate *e,
    double freq, double freq_sd)
{
	double drift_sd = oscillators[m->oscillator].drift_sd;
	double scale2 = m->bias_scale * m->bias_scale;

	m->weight = m->prior;
	m->state.mean[STATE_FREQ] = freq;
	*var_of(&m->state, STATE_FREQ) = freq_sd * freq_sd;
	*var_of(&m->state, STATE_DRIFT) = drift_sd * drift_sd;
	for (unsigned i = 0; i < e->sources; i++) {
		double *row = &row_of(&m->state, STATE_BIAS + i)[STATE_BIAS];

		for (unsigned j = 0; j <= i; j++)
			row[j] = -scale2 / e->bias_info;
		row[i] += scale2 * e->bias_sd[i] * e->bias_sd[i];
	}
}

static double interval_to(const struct estimate *e, struct osc at)
{
	return s_of_ns(at.ns - e->at.ns);
}

/* `own`: room for them. */
static const struct passage *passages_of(
    const struct estimate *e, double dt, struct passage own[OSCILLATORS])
{
	if (dt <= 0)
		return e->none;
	if (dt == e->ahead_s)
		return e->ahead;
	oscillator_passages(dt, own);
	return own;
}

void estimate_look_ahead(struct estimate *e, struct osc at)
{
	double dt = interval_to(e, at);

	if (dt <= 0 || dt == e->ahead_s)
		return;
	e->ahead_s = dt;
	oscillator_passages(dt, e->ahead);
}

/* Frequency and drift after passages. */
static void frequency_ahead(const struct estimate *e,
    const struct passage *passages, struct estimate_value *out)
{
	WRITTEN_FIRST double freq[ESTIMATE_MODELS];
	double var = 0;

	for (unsigned k = 0; k < e->model_count; k++) {
		const struct estimate_state *s = &e->models[k].state;
		double w = e->models[k].weight;
		const struct passage *p = &passages[e->models[k].oscillator];
		const double *of_freq = const_row_of(s, STATE_FREQ);
		const double *of_drift = const_row_of(s, STATE_DRIFT);
		double in = p->in_freq;

		freq[k] = s->mean[STATE_FREQ] + in * s->mean[STATE_DRIFT];
		out->freq += w * freq[k];
		out->drift += w * p->drift_kept * s->mean[STATE_DRIFT];
		var +=
		    w * (of_freq[STATE_FREQ] + 2 * in * of_drift[STATE_FREQ] +
			    in * in * of_drift[STATE_DRIFT] +
			    p->noise[STATE_FREQ][STATE_FREQ]);
	}
	for (unsigned k = 0; k < e->model_count; k++)
		var += e->models[k].weight * (freq[k] - out->freq) *
		       (freq[k] - out->freq);
	out->freq_sd = sqrt(fmax(var, 0));
}

/* The frequency of now is asked for many times between two samples. */
static void note_freq(struct estimate *e)
{
	struct estimate_value v = {0};

	frequency_ahead(e, e->none, &v);
	e->freq = v.freq;
	e->freq_sd = v.freq_sd;
}

void estimate_init(struct estimate *e, double freq, double freq_sd,
    const double *bias_sd, unsigned sources)
{
	/* One source alone has no bias relative to others. */
	unsigned biases = sources > 1 ? ESTIMATE_BIASES : 1;
	double sum = 0;

	assert(sources <= ESTIMATE_SOURCES);
	memset(e, 0, sizeof(*e));
	e->sources = sources;
	e->states = STATE_BIAS + sources;
	e->model_count = OSCILLATORS * biases;
	for (unsigned i = 0; i < sources; i++) {
		e->bias_sd[i] = bias_sd[i];
		e->bias_info += 1 / (bias_sd[i] * bias_sd[i]);
	}
	for (unsigned k = 0; k < OSCILLATORS; k++)
		sum += oscillators[k].prior * biases;
	for (unsigned k = 0; k < e->model_count; k++) {
		unsigned o = k % OSCILLATORS;

		e->models[k].oscillator = o;
		e->models[k].bias_scale = bias_scales[k / OSCILLATORS];
		e->models[k].prior = oscillators[o].prior / sum;
		init_model(&e->models[k], e, freq, freq_sd);
	}
	oscillator_passages(0, e->none);
	note_freq(e);
}

static void start(
    struct estimate *e, struct osc at, int64_t offset_ns, double sd)
{
	e->started = true;
	e->at = at;
	e->anchor_ns = offset_ns;
	for (unsigned k = 0; k < e->model_count; k++)
		*var_of(&e->models[k].state, STATE_OFFSET) = sd * sd;
}

static double cov_of(const struct estimate_state *s, unsigned i, unsigned j)
{
	return i > j ? const_row_of(s, i)[j] : const_row_of(s, j)[i];
}

/* The mean of one state over the whole bank. */
static double mixed_mean(const struct estimate *e, unsigned i)
{
	double mean = 0;

	for (unsigned k = 0; k < e->model_count; k++)
		mean += e->models[k].weight * e->models[k].state.mean[i];
	return mean;
}

/* The covariance of two states, i >= j, with these means over the whole bank.
 */
static double mixed_cov(const struct estimate *e, unsigned i, double mean_i,
    unsigned j, double mean_j)
{
	double cov = 0;

	for (unsigned k = 0; k < e->model_count; k++) {
		const struct estimate_model *m = &e->models[k];

		cov += m->weight * (const_row_of(&m->state, i)[j] +
				       (m->state.mean[i] - mean_i) *
					   (m->state.mean[j] - mean_j));
	}
	return cov;
}

/* The means of all states over the whole bank. */
static void mix_means(const struct estimate *e, double *mean)
{
	memset(mean, 0, ESTIMATE_MEANS * sizeof(*mean));
	for (unsigned k = 0; k < e->model_count; k++) {
		const struct estimate_model *m = &e->models[k];

		for (unsigned i = 0; i < e->states; i += 2)
			*pair_at(&mean[i]) +=
			    both(m->weight) * pair_of(&m->state.mean[i]);
	}
}

/* apart := the mean of `a` minus that of `b`. */
static void subtract(double *apart, const struct estimate_state *a,
    const struct estimate_state *b, unsigned n)
{
	for (unsigned i = 0; i < n; i += 2)
		*pair_at(&apart[i]) =
		    pair_of(&a->mean[i]) - pair_of(&b->mean[i]);
}

/* The mean and covariance of the whole bank. Its cost grows with the square of
 * the states: who needs few of them takes those above. */
static void mix(const struct estimate *e, struct estimate_state *out)
{
	unsigned n = e->states;

	memset(out->cov, 0, ESTIMATE_ROW(n) * sizeof(*out->cov));
	mix_means(e, out->mean);
	for (unsigned k = 0; k < e->model_count; k++) {
		const struct estimate_model *m = &e->models[k];
		const double *row = m->state.cov;
		WRITTEN_FIRST double apart[ESTIMATE_MEANS];
		double *sum = out->cov;
		pair weight = both(m->weight);

		subtract(apart, &m->state, out, n);
		for (unsigned i = 0; i < n; i++) {
			pair here = both(apart[i]);

			for (unsigned j = 0; j <= i; j += 2)
				*pair_at(&sum[j]) +=
				    weight * (pair_of(&row[j]) +
						 here * pair_of(&apart[j]));
			row += width(i);
			sum += width(i);
		}
	}
}

/* own := keep * own + (1 - keep) * other, by moments. */
static void blend(struct estimate_state *own,
    const struct estimate_state *other, double keep, unsigned n)
{
	const double *from = other->cov;
	double apart[ESTIMATE_MEANS], *row = own->cov;
	pair own_share = both(keep), other_share = both(1 - keep);

	subtract(apart, other, own, n);
	for (unsigned i = 0; i < n; i++) {
		pair here = both(keep * (1 - keep) * apart[i]);

		own->mean[i] += (1 - keep) * apart[i];
		for (unsigned j = 0; j <= i; j += 2)
			*pair_at(&row[j]) = own_share * pair_of(&row[j]) +
					    other_share * pair_of(&from[j]) +
					    here * pair_of(&apart[j]);
		row += width(i);
		from += width(i);
	}
}

/* The mixing step of the interacting models. */
static void interact(struct estimate *e)
{
	WRITTEN_FIRST struct estimate_state all;

	mix(e, &all);
	for (unsigned k = 0; k < e->model_count; k++) {
		struct estimate_model *m = &e->models[k];
		double own = (1 - SHARE) * m->weight;
		double dealt = SHARE * m->prior;
		double keep = own / (own + dealt);

		if (keep < KEEP)
			blend(&m->state, &all, keep, e->states);
		m->weight = own + dealt;
	}
}

/* row := row F^T, with F as in struct passage. */
static void carry_row(double *row, const struct passage *p)
{
	row[STATE_OFFSET] +=
	    p->dt * row[STATE_FREQ] + p->in_offset * row[STATE_DRIFT];
	row[STATE_FREQ] += p->in_freq * row[STATE_DRIFT];
	row[STATE_DRIFT] *= p->drift_kept;
}

/* The rows of the oscillator's states are carried; carries their columns, too,
 * and adds the noise. */
static void carry_columns(struct estimate_state *s, const double *x,
    const double *f, const double *d, const struct passage *p)
{
	double of_x[OSCILLATOR_STATES] = {x[0], f[0], d[0]};
	double of_f[OSCILLATOR_STATES] = {x[1], f[1], d[1]};
	double of_d[OSCILLATOR_STATES] = {x[2], f[2], d[2]};
	double *freq = row_of(s, STATE_FREQ), *drift = row_of(s, STATE_DRIFT);

	carry_row(of_x, p);
	carry_row(of_f, p);
	carry_row(of_d, p);
	*row_of(s, STATE_OFFSET) = of_x[0] + p->noise[0][0];
	freq[0] = of_x[1] + p->noise[1][0];
	freq[1] = of_f[1] + p->noise[1][1];
	drift[0] = of_x[2] + p->noise[2][0];
	drift[1] = of_f[2] + p->noise[2][1];
	drift[2] = of_d[2] + p->noise[2][2];
}

/* cov := F cov F^T + noise, of the states of the oscillator alone. Loops would
 * take twice as long. */
static void carry_oscillator(struct estimate_state *s, const struct passage *p)
{
	const double *freq = const_row_of(s, STATE_FREQ);
	const double *drift = const_row_of(s, STATE_DRIFT);
	double x[OSCILLATOR_STATES] = {
	    *row_of(s, STATE_OFFSET), freq[0], drift[0]};
	double f[OSCILLATOR_STATES] = {freq[0], freq[1], drift[1]};
	double d[OSCILLATOR_STATES] = {drift[0], drift[1], drift[2]};

	carry_row(x, p);
	carry_row(f, p);
	carry_row(d, p);
	carry_columns(s, x, f, d, p);
}

/* state := F state, cov := F cov F^T + noise. */
static void predict_oscillator(
    struct estimate_state *s, const struct passage *p, unsigned states)
{
	double *row = row_of(s, OSCILLATOR_STATES);

	carry_row(s->mean, p);
	carry_oscillator(s, p);
	for (unsigned i = OSCILLATOR_STATES; i < states; i++) {
		carry_row(row, p);
		row += width(i);
	}
}

static void predict_model(const struct estimate *e, struct estimate_model *m,
    const struct passage *passages)
{
	struct estimate_state *s = &m->state;
	const struct passage *p = &passages[m->oscillator];
	double drift = m->bias_scale * m->bias_scale * p->dt / BIAS_TIME;
	double shared = drift / e->bias_info, *row = row_of(s, STATE_BIAS);

	predict_oscillator(s, p, e->states);
	if (drift <= 0)
		return;
	for (unsigned i = 0; i < e->sources; i++) {
		unsigned b = STATE_BIAS + i;

		row[STATE_BIAS] -= shared;
		for (unsigned j = STATE_BIAS + 1; j <= b; j += 2)
			*pair_at(&row[j]) -= both(shared);
		row[b] += drift * e->bias_sd[i] * e->bias_sd[i];
		row += width(b);
	}
}

/* What a source measures: the offset plus its bias. */
static struct gaussian measured_by(
    const struct estimate_model *m, unsigned source)
{
	unsigned b = STATE_BIAS + source;
	const double *row = const_row_of(&m->state, b);

	return (struct gaussian){
	    .mean = m->state.mean[STATE_OFFSET] + m->state.mean[b],
	    .var = const_row_of(&m->state, STATE_OFFSET)[STATE_OFFSET] +
		   2 * row[STATE_OFFSET] + row[b],
	};
}

/* The covariances of one state with all of them. */
static void take_column(
    const struct estimate_state *s, unsigned states, unsigned b, double *out)
{
	const double *row = const_row_of(s, b);

	for (unsigned i = 0; i < b; i++)
		out[i] = row[i];
	for (unsigned i = b; i < states; i++) {
		out[i] = row[b];
		row += width(i);
	}
}

/*
 * Carries what was learned of the sum of offset and bias over to all states.
 * The offset's own row is computed from the sum's: after weeks of silence a
 * sample makes it ten orders of magnitude better known, and a difference of
 * such numbers would be noise.
 */
static void spread(struct estimate_model *m, unsigned states, unsigned source,
    const struct gaussian *before, const struct gaussian *after)
{
	struct estimate_state *s = &m->state;
	unsigned b = STATE_BIAS + source;
	double gain[ESTIMATE_MEANS] = {0}, of_bias[ESTIMATE_MEANS];
	double gone = before->var - after->var, *row = row_of(s, 1);

	take_column(s, states, b, of_bias);
	for (unsigned i = 1; i < states; i++) {
		gain[i] = (row[STATE_OFFSET] + of_bias[i]) / before->var;
		row += width(i);
	}
	row = row_of(s, 1);
	for (unsigned i = 1; i < states; i++) {
		pair taken = both(gain[i] * gone);

		s->mean[i] += gain[i] * (after->mean - before->mean);
		/* The gain of the offset is 0. */
		for (unsigned j = 0; j <= i; j += 2)
			*pair_at(&row[j]) -= taken * pair_of(&gain[j]);
		row += width(i);
	}
	s->mean[STATE_OFFSET] = after->mean - s->mean[b];
	take_column(s, states, b, of_bias);
	row = row_of(s, 1);
	for (unsigned i = 1; i < states; i++) {
		row[STATE_OFFSET] = gain[i] * after->var - of_bias[i];
		row += width(i);
	}
	*var_of(s, STATE_OFFSET) =
	    after->var - 2 * gain[b] * after->var + *var_of(s, b);
}

/* Impossible measurements and rounding can leave a variance of 0 or less. Such
 * a model learns nothing until it is mixed with the others again. */
static bool exhausted(struct gaussian *g)
{
	if (g->var > VAR_LEAST)
		return false;
	g->var = VAR_LEAST;
	return true;
}

static double update_model(struct estimate_model *m, unsigned states,
    unsigned source, double measured, const struct box *box,
    struct box_norm *norm)
{
	struct gaussian before = measured_by(m, source), after;
	bool learns = !exhausted(&before);
	double log_likelihood;

	after = before;
	log_likelihood = box_update_one(&after, measured, box, norm);
	if (learns)
		spread(m, states, source, &before, &after);
	return log_likelihood;
}

static void weigh(struct estimate *e, const double *log_likelihood)
{
	double best = -INFINITY, sum = 0;

	for (unsigned k = 0; k < e->model_count; k++)
		best = fmax(best, log_likelihood[k]);
	for (unsigned k = 0; k < e->model_count; k++) {
		e->models[k].weight *= exp(log_likelihood[k] - best);
		sum += e->models[k].weight;
	}
	for (unsigned k = 0; k < e->model_count; k++)
		e->models[k].weight /= sum;
	e->evidence = sum > 0 ? best + log(sum) : -INFINITY;
}

static double mean_freq(const struct estimate *e)
{
	double freq = 0;

	for (unsigned k = 0; k < e->model_count; k++)
		freq +=
		    e->models[k].weight * e->models[k].state.mean[STATE_FREQ];
	return freq;
}

/* A double resolves nanoseconds for a few weeks only, so the zero follows the
 * offset. */
static void move_anchor(struct estimate *e)
{
	double far = e->models[0].state.mean[STATE_OFFSET];
	int64_t move_ns;

	if (fabs(far) < ANCHOR_REACH_S)
		return;
	move_ns = ns_of_s(fmin(fmax(far, -OFFSET_MAX_S), OFFSET_MAX_S));
	e->anchor_ns += move_ns;
	for (unsigned k = 0; k < e->model_count; k++)
		e->models[k].state.mean[STATE_OFFSET] -= s_of_ns(move_ns);
}

static double first_sd(
    const struct estimate *e, unsigned source, const struct box *box)
{
	unsigned b = STATE_BIAS + source;

	return hypot(START_HALVES * box->half,
	    START_DOUBT * sqrt(const_row_of(&e->models[0].state, b)[b]));
}

void estimate_add(struct estimate *e, unsigned source, struct osc at,
    int64_t offset_ns, const struct box *box)
{
	double log_likelihood[ESTIMATE_MODELS];
	struct box_norm norm = {0};
	double dt, measured;

	if (!e->started)
		start(e, at, offset_ns, first_sd(e, source, box));
	dt = interval_to(e, at);
	measured = s_of_ns(offset_ns - e->anchor_ns);
	interact(e);
	if (dt < 0)
		measured -= dt * mean_freq(e);
	else
		estimate_look_ahead(e, at);
	for (unsigned k = 0; k < e->model_count; k++) {
		struct estimate_model *m = &e->models[k];

		if (dt > 0)
			predict_model(e, m, e->ahead);
		log_likelihood[k] =
		    update_model(m, e->states, source, measured, box, &norm);
	}
	if (dt > 0)
		e->at = at;
	weigh(e, log_likelihood);
	move_anchor(e);
	note_freq(e);
}

double estimate_evidence(const struct estimate *e, unsigned source,
    struct osc at, int64_t offset_ns, const struct box *box)
{
	struct estimate copy = *e;

	estimate_add(&copy, source, at, offset_ns, box);
	return copy.evidence;
}

/* The Kalman update of all states by what was learned of the offset alone. */
static void spread_offset(struct estimate_state *s, unsigned states,
    const struct gaussian *before, const struct gaussian *after)
{
	double gain[ESTIMATE_STATES];
	double gone = before->var - after->var;

	for (unsigned i = 0; i < states; i++)
		gain[i] = row_of(s, i)[STATE_OFFSET] / before->var;
	for (unsigned i = 0; i < states; i++) {
		s->mean[i] += gain[i] * (after->mean - before->mean);
		for (unsigned j = 0; j <= i; j++)
			row_of(s, i)[j] -= gain[i] * gain[j] * gone;
	}
}

/* A model that is too far outside is wrong: raises the variance of its offset
 * before the update. Returns its log likelihood. */
static double bound_model(
    struct estimate_model *m, unsigned states, double middle, double half)
{
	const struct box box = {.half = half, .edge = BOUND_EDGE * half};
	struct estimate_state *s = &m->state;
	double out = fabs(s->mean[STATE_OFFSET] - middle) - half;
	double *var = var_of(s, STATE_OFFSET);
	double log_likelihood;
	struct gaussian before, after;
	bool learns;

	out = fmax(out, 0) / BOUND_DEVIATIONS;
	if (out * out > *var)
		*var += out * out;
	before = (struct gaussian){s->mean[STATE_OFFSET], *var};
	learns = !exhausted(&before);
	after = before;
	log_likelihood = box_update(&after, middle, &box);
	if (learns)
		spread_offset(s, states, &before, &after);
	return fmax(log_likelihood, BOUND_LOG_MIN);
}

void estimate_bound(
    struct estimate *e, struct osc at, int64_t low_ns, int64_t high_ns)
{
	double low = s_of_ns(low_ns - e->anchor_ns);
	double high = s_of_ns(high_ns - e->anchor_ns);
	double back = interval_to(e, at) * mean_freq(e);
	double log_likelihood[ESTIMATE_MODELS];

	for (unsigned k = 0; k < e->model_count; k++)
		log_likelihood[k] = bound_model(&e->models[k], e->states,
		    (low + high) / 2 - back, (high - low) / 2);
	weigh(e, log_likelihood);
	note_freq(e);
}

/* The state is independent of all others, and certain. */
static void clear_cov(struct estimate_state *s, unsigned b, unsigned states)
{
	for (unsigned i = 0; i < b; i++)
		row_of(s, b)[i] = 0;
	for (unsigned i = b; i < states; i++)
		row_of(s, i)[b] = 0;
}

void estimate_inflate_bias(
    struct estimate *e, unsigned source, double sd, bool explained)
{
	unsigned b = STATE_BIAS + source;

	if (sd <= 0)
		return;
	e->bias_explained[source] = explained;
	for (unsigned k = 0; k < e->model_count; k++)
		*var_of(&e->models[k].state, b) += sd * sd;
}

void estimate_set_bias(
    struct estimate *e, unsigned source, struct gaussian bias)
{
	unsigned b = STATE_BIAS + source;

	e->bias_explained[source] = true;
	for (unsigned k = 0; k < e->model_count; k++) {
		struct estimate_state *s = &e->models[k].state;

		clear_cov(s, b, e->states);
		s->mean[b] = bias.mean;
		*var_of(s, b) = bias.var;
	}
}

void estimate_reset_bias(struct estimate *e, unsigned source, double mean)
{
	unsigned b = STATE_BIAS + source;

	for (unsigned k = 0; k < e->model_count; k++) {
		const struct estimate_model *m = &e->models[k];
		struct estimate_state *s = &e->models[k].state;
		double sd =
		    e->sources > 1 ? m->bias_scale * e->bias_sd[source] : 0;

		clear_cov(s, b, e->states);
		s->mean[b] = mean;
		*var_of(s, b) = sd * sd;
	}
}

void estimate_reduce_bias(struct estimate *e, unsigned source, double by)
{
	for (unsigned k = 0; k < e->model_count; k++)
		e->models[k].state.mean[STATE_BIAS + source] -= by;
}

void estimate_shift_offset(struct estimate *e, double by)
{
	for (unsigned k = 0; k < e->model_count; k++)
		e->models[k].state.mean[STATE_OFFSET] += by;
}

void estimate_learn_bias(
    struct estimate *e, unsigned source, struct gaussian bias)
{
	unsigned b = STATE_BIAS + source;

	for (unsigned k = 0; k < e->model_count; k++) {
		struct estimate_state *s = &e->models[k].state;
		double own = *var_of(s, b), total = own + bias.var;
		double residual = bias.mean - s->mean[b];
		double gain[ESTIMATE_STATES];

		if (own <= 0)
			continue;
		for (unsigned i = 0; i < e->states; i++)
			gain[i] = cov_of(s, i, b) / total;
		for (unsigned i = 0; i < e->states; i++) {
			s->mean[i] += gain[i] * residual;
			for (unsigned j = 0; j <= i; j++)
				row_of(s, i)[j] -= gain[i] * gain[j] * total;
		}
	}
	note_freq(e);
}

void estimate_move_bias(struct estimate *e, unsigned source, double by)
{
	unsigned b = STATE_BIAS + source;

	for (unsigned k = 0; k < e->model_count; k++) {
		struct estimate_state *s = &e->models[k].state;
		double own = *var_of(s, b);

		if (own <= 0)
			continue;
		for (unsigned i = 0; i < e->states; i++)
			s->mean[i] += cov_of(s, i, b) / own * by;
	}
	note_freq(e);
}

void estimate_shift_freq(struct estimate *e, double by)
{
	for (unsigned k = 0; k < e->model_count; k++)
		e->models[k].state.mean[STATE_FREQ] += by;
	note_freq(e);
}

void estimate_inflate_clock(struct estimate *e, double sd, double freq_sd)
{
	for (unsigned k = 0; k < e->model_count; k++) {
		struct estimate_state *s = &e->models[k].state;

		*var_of(s, STATE_OFFSET) += sd * sd;
		*var_of(s, STATE_FREQ) += freq_sd * freq_sd;
	}
	note_freq(e);
}

/* One model's offset after a passage, with the bias of a source if `bias` is
 * its state; 0: without any. */
static struct gaussian model_ahead(
    const struct estimate_model *m, unsigned bias, const struct passage *p)
{
	const struct estimate_state *s = &m->state;
	const double *mean = s->mean, *row;
	const double *freq = const_row_of(s, STATE_FREQ);
	const double *drift = const_row_of(s, STATE_DRIFT);
	double t = p->dt, u = p->in_offset;
	struct gaussian g = {
	    .mean = mean[STATE_OFFSET] + t * mean[STATE_FREQ] +
		    u * mean[STATE_DRIFT],
	    .var = p->noise[STATE_OFFSET][STATE_OFFSET] +
		   const_row_of(s, STATE_OFFSET)[STATE_OFFSET] +
		   t * t * freq[STATE_FREQ] + u * u * drift[STATE_DRIFT] +
		   2 * t * freq[STATE_OFFSET] + 2 * u * drift[STATE_OFFSET] +
		   2 * t * u * drift[STATE_FREQ],
	};

	if (bias == 0)
		return g;
	row = const_row_of(s, bias);
	g.mean += mean[bias];
	g.var += row[bias] + 2 * row[STATE_OFFSET] + 2 * t * row[STATE_FREQ] +
		 2 * u * row[STATE_DRIFT];
	return g;
}

/* The whole bank's. */
static struct gaussian bank_ahead(
    const struct estimate *e, unsigned bias, const struct passage *passages)
{
	WRITTEN_FIRST struct gaussian models[ESTIMATE_MODELS];
	struct gaussian sum = {0, 0};

	for (unsigned k = 0; k < e->model_count; k++) {
		const struct estimate_model *m = &e->models[k];

		models[k] = model_ahead(m, bias, &passages[m->oscillator]);
		sum.mean += m->weight * models[k].mean;
	}
	for (unsigned k = 0; k < e->model_count; k++) {
		double apart = models[k].mean - sum.mean;

		sum.var +=
		    e->models[k].weight * (models[k].var + apart * apart);
	}
	return sum;
}

struct gaussian estimate_predict(
    const struct estimate *e, unsigned source, struct osc at, int64_t offset_ns)
{
	double dt = interval_to(e, at);
	WRITTEN_FIRST struct passage own[OSCILLATORS];
	struct gaussian g;

	g = bank_ahead(e, STATE_BIAS + source, passages_of(e, dt, own));
	g.mean += s_of_ns(e->anchor_ns - offset_ns);
	return g;
}

/* The offset at dt < 0, by the frequency alone. */
static struct gaussian bank_behind(const struct estimate *e, double dt)
{
	double x = mixed_mean(e, STATE_OFFSET), f = mixed_mean(e, STATE_FREQ);

	return (struct gaussian){
	    .mean = x + dt * f,
	    .var = mixed_cov(e, STATE_OFFSET, x, STATE_OFFSET, x) +
		   2 * dt * mixed_cov(e, STATE_FREQ, f, STATE_OFFSET, x) +
		   dt * dt * mixed_cov(e, STATE_FREQ, f, STATE_FREQ, f),
	};
}

double estimate_freq(const struct estimate *e, struct osc at, double *sd)
{
	double dt = interval_to(e, at);
	WRITTEN_FIRST struct passage own[OSCILLATORS];
	struct estimate_value v = {0};

	if (dt <= 0) {
		*sd = e->freq_sd;
		return e->freq;
	}
	frequency_ahead(e, passages_of(e, dt, own), &v);
	*sd = v.freq_sd;
	return v.freq;
}

static int64_t limited_ns(const struct estimate *e, double offset)
{
	return e->anchor_ns +
	       ns_of_s(fmin(fmax(offset, -OFFSET_MAX_S), OFFSET_MAX_S));
}

int64_t estimate_offset_ns(const struct estimate *e, struct osc at)
{
	double dt = interval_to(e, at);
	WRITTEN_FIRST struct passage own[OSCILLATORS];

	if (dt < 0)
		return limited_ns(e, bank_behind(e, dt).mean);
	return limited_ns(e, bank_ahead(e, 0, passages_of(e, dt, own)).mean);
}

struct estimate_value estimate_at(const struct estimate *e, struct osc at)
{
	double dt = interval_to(e, at);
	struct estimate_value v = {0};
	WRITTEN_FIRST struct passage own[OSCILLATORS];
	const struct passage *passages = passages_of(e, dt, own);
	struct gaussian g;

	g = dt < 0 ? bank_behind(e, dt) : bank_ahead(e, 0, passages);
	frequency_ahead(e, passages, &v);
	v.offset_ns = limited_ns(e, g.mean);
	v.offset_sd = fmin(sqrt(fmax(g.var, 0)), OFFSET_MAX_S);
	return v;
}

/* The mean of sources that differ is off by as much as a mean of so many draws
 * is: nobody knows which of them is right. */
double estimate_spread_sd(const struct estimate *e)
{
	double mean[ESTIMATE_MEANS], square = 0, info = 0;
	unsigned n = 0;

	/* One source alone differs from none. */
	if (e->sources < 2)
		return 0;
	mix_means(e, mean);
	for (unsigned i = 0; i < e->sources; i++) {
		double w = 1 / (e->bias_sd[i] * e->bias_sd[i]);
		double bias = mean[STATE_BIAS + i];

		if (e->bias_explained[i])
			continue;
		square += w * bias * bias;
		info += w;
		n++;
	}
	return n > 1 ? fmin(sqrt(square / info / (n - 1)), OFFSET_MAX_S) : 0;
}

double estimate_sd(const struct estimate *e, const struct estimate_value *v)
{
	return hypot(v->offset_sd, estimate_spread_sd(e));
}

bool estimate_follows(const struct estimate *e, double interval_s)
{
	double lost = 0;

	for (unsigned k = 0; k < e->model_count; k++) {
		double time_s =
		    oscillators[e->models[k].oscillator].drift_time_s;

		if (time_s > 0 && time_s < DRIFT_SAMPLES * interval_s)
			lost += e->models[k].weight;
	}
	return lost < 0.5;
}

struct gaussian estimate_bias(const struct estimate *e, unsigned source)
{
	unsigned b = STATE_BIAS + source;
	double mean = mixed_mean(e, b);

	return (struct gaussian){
	    .mean = mean, .var = mixed_cov(e, b, mean, b, mean)};
}
