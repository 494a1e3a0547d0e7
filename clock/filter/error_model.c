#include "clock/filter/error_model.h"

#include <math.h>

/* Samples in which the model forgets: long enough to weigh 15 shapes, short
 * enough to follow a path that changes within a day. */
#define MEMORY 256.0

/* Share of the answers that are plainly wrong, by up to their delay. */
#define WRONG_SHARE 0.003

/* With fewer samples in all, the scale of the queues is hardly known: the half
 * width is then at least half the delay * n^-1.5, or, from DELAY_FIRST_TOLD
 * samples on, FEW_QUEUES times the mean queueing delay if that is less. */
#define FEW_SAMPLES 8
#define FEW_EXPONENT (-1.5)
#define FEW_QUEUES 8

/* An asymmetry below ASYMMETRY_DOUBT is likely chance, the odds against any
 * asymmetry are ASYMMETRY_ODDS before the first sample, and none is larger than
 * ASYMMETRY_MAX. ASYMMETRY_PRIOR samples of mean delay count as even. */
#define ASYMMETRY_DOUBT 0.1
#define ASYMMETRY_ODDS 10.0
#define ASYMMETRY_MAX 0.97
#define ASYMMETRY_PRIOR 2
/* What was learned of it before holds for queues of about that size: up to so
 * many times larger or smaller. */
#define QUEUE_LIKE 8
/* A delay of more mean queues than this may have any cause: it says no more
 * about the asymmetry than one of this many, and what it has beyond them may
 * all be on one way. */
#define USUAL_QUEUES 3.0
/* The usual queues rarely make a delay that is longer than this many. What
 * does, another load or another route, need not be on the busier way: its
 * asymmetry is learned from such delays alone. */
#define FAR_QUEUES 16.0

/* The other way may be the busier one now: what was learned of the asymmetry is
 * dropped if boxes without it explain the latest samples better by these log
 * odds. One sample counts at most TURNED_MOST. */
#define TURNED_LOG_ODDS 8.0
#define TURNED_MOST 5.0
/* A density that changes by less than e to this within half a box says nothing
 * of it. */
#define TILT_LEAST 0.1

/* A delay of up to so many mean queues is short. Of a longer one, only that
 * much is known to be what short delays are made of. */
#define SHORT_QUEUES 2.0
/* Fewer changes do not show a slope. */
#define SLOPE_CHANGES 4
/* The log of the odds that errors grow with the delay, before the first change.
 */
#define SLOPE_LOG_ODDS 1.0
/* What the short delays show of the asymmetry matters less for longer ones, and
 * not at all from this many mean queues on. */
#define SLOPE_QUEUES 4.0
#define SLOPE_VAR_LEAST 1e-24

/* Of the gap between the floor and the smallest delay seen, the share that is
 * uncertain: it softens the edges. */
#define GAP_DOUBT 0.3

/* The shapes: the widths are shares of half the excess delay, the edges are
 * standard deviations in mean queueing delays. */
static const double widths[ERROR_MODEL_WIDTHS] = {1, 0.5, 0.25};
static const double edges[ERROR_MODEL_EDGES] = {0, 0.1, 0.3, 1, 3};
/* Before the first sample the plain box is the likeliest: each step to a
 * narrower or softer one costs this much, as a log. */
#define WIDTH_STEP_COST 4
#define EDGE_STEP_COST 2
/* The least log weight: a shape that never fitted can come back. */
#define LOG_WEIGHT_MIN (-30)

void error_model_weigh(struct error_model *m)
{
	double sum = 0, width = 0, square = 0;

	for (unsigned i = 0; i < ERROR_MODEL_WIDTHS; i++)
		for (unsigned j = 0; j < ERROR_MODEL_EDGES; j++) {
			double w = exp(m->log_weight[i][j]);

			sum += w;
			width += w * widths[i];
			square += w * edges[j] * edges[j];
		}
	m->shape = (struct error_shape){width / sum, sqrt(square / sum)};
}

void error_model_init(struct error_model *m)
{
	*m = (struct error_model){.now = {.samples = 0}};
	for (unsigned i = 0; i < ERROR_MODEL_WIDTHS; i++)
		for (unsigned j = 0; j < ERROR_MODEL_EDGES; j++)
			m->log_weight[i][j] =
			    -(double)(WIDTH_STEP_COST * i + EDGE_STEP_COST * j);
	error_model_weigh(m);
}

void error_model_restart(struct error_model *m)
{
	struct error_sums before =
	    m->now.samples < FEW_SAMPLES ? m->before : m->now;

	if (m->before.far_samples > before.far_samples) {
		before.far_error = m->before.far_error;
		before.far_samples = m->before.far_samples;
	}
	error_model_init(m);
	m->before = before;
}

/*
 * Exponential delays with two means explain n samples better than delays with
 * one mean by (1 - r^2)^-n. The result is r, reduced by what may be chance.
 */
static double believed(double r, double samples)
{
	double doubt = ASYMMETRY_DOUBT * ASYMMETRY_DOUBT;
	double odds_for_none;

	r = fmin(fmax(r, -ASYMMETRY_MAX), ASYMMETRY_MAX);
	odds_for_none = ASYMMETRY_ODDS * exp(samples * log1p(-r * r));
	return r / (1 + odds_for_none) * r * r / (r * r + doubt);
}

/*
 * The probability that the errors grow with the delay by `slope`, against no
 * growth, by the likelihood of both.
 */
static double slope_probability(const struct error_changes *c, double slope)
{
	double var, gain = 0;

	if (c->count >= SLOPE_CHANGES && c->longer2 > 0) {
		var = (c->error2 - c->both * c->both / c->longer2) / c->count;
		gain = slope * (c->both - slope * c->longer2 / 2) /
		       fmax(var, SLOPE_VAR_LEAST);
	}
	/* Two neighbouring changes share a sample. */
	return 1 / (1 + exp(-SLOPE_LOG_ODDS - gain / 2));
}

/*
 * The asymmetry of the queues: difference over sum of the two ways' mean
 * queueing delays, from -1 to 1; positive: the way to the server is busier.
 *
 * The sums believe the clock, and the clock follows its samples. So a delay
 * that grows on both ways looks like a queue on one way. Between two
 * neighbouring samples the clock hardly moves, and their changes show whether
 * the errors grow with the delays. For two exponential delays, the covariance
 * of the error with half the excess delay, over the variance of that, is the
 * slope below.
 *
 * The queues of a floor that creeps may well be unequal. But what the floor
 * crept since it was measured is on both ways, and would be taken for a queue
 * of the busier one: there is no asymmetry then.
 */
static double queue_asymmetry(
    const struct error_model *m, const struct delay_track *t)
{
	bool usual = m->before.queue < QUEUE_LIKE * t->queue &&
		     t->queue < QUEUE_LIKE * m->before.queue;
	const struct error_sums *sums =
	    usual && m->before.samples > m->now.samples ? &m->before : &m->now;
	double r =
	    believed(sums->error / (sums->excess + ASYMMETRY_PRIOR * t->queue),
		sums->samples);

	if (t->creeps)
		return 0;
	return r * slope_probability(&sums->changes, 2 * r / (1 + r * r));
}

/* That of the far delays. */
static double far_asymmetry(const struct error_model *m)
{
	const struct error_sums *sums =
	    m->before.far_samples > m->now.far_samples ? &m->before : &m->now;

	return believed(sums->far_error / (sums->far_samples + ASYMMETRY_PRIOR),
	    sums->far_samples);
}

/* How much of a delay with this half of an excess is far. */
static double far_share(double queue, double half)
{
	return fmax(1 - FAR_QUEUES * queue / half, 0);
}

/* L(x) = coth(x) - 1 / x: the mean of a tilted box, in half widths. */
static double tilted_mean(double x)
{
	return fabs(x) < 0.1 ? x / 3 : 1 / tanh(x) - 1 / x;
}

/*
 * Do short delays take part in the asymmetry `r`? It is learned from all
 * delays, and the long ones have the most to say. If the short ones come from
 * the same queues, their errors grow with the delay as r says. If they have
 * other causes (the work in the two machines), they need not. The probability
 * that they do, by the likelihood of these two slopes.
 */
static double short_delays_agree(const struct error_model *m, double r)
{
	double slope = tilted_mean(2 * r / (1 - r * r)) / 2;

	return slope_probability(&m->short_changes, slope);
}

/* By how much more the few delays of a start may be wrong than the smallest of
 * them shows. What hides the empty path rarely keeps three of them alike. */
static double few_doubt(const struct delay_track *t, double delay)
{
	unsigned n = t->seen - t->learning;
	double doubt = delay / 2 * pow(n, FEW_EXPONENT);

	if (n >= FEW_SAMPLES)
		return 0;
	return n < DELAY_FIRST_TOLD ? doubt
				    : fmin(doubt, FEW_QUEUES * t->queue);
}

/* The half width by the delay alone. `gap`: from the floor to the smallest
 * delay seen. */
static double half_width(const struct delay_track *t,
    const struct delay_route *route, double delay, double gap)
{
	/* No path takes less than no time. */
	double floor = fmax(route->floor - gap, 0);

	return fmax((delay - floor) / 2, few_doubt(t, delay));
}

/* What the boxes of all shapes have in common. */
struct frame {
	double delay, noise, half, edge;
	double r, agree; /* queue_asymmetry(), short_delays_agree() */
	double far;	 /* far_asymmetry() */
	double queue, lately;
};

static struct frame frame_of(const struct error_model *m,
    const struct delay_track *t, unsigned number, double delay, double noise)
{
	const struct delay_route *route = delay_route(t, number);
	struct frame f = {.delay = delay,
	    .noise = noise,
	    .half = delay / 2,
	    .r = queue_asymmetry(m, t),
	    .far = far_asymmetry(m),
	    .queue = t->queue,
	    .lately = t->lately};
	double gap;

	if (!route)
		return f;
	/* With unequal queues both ways are empty at once more often. */
	gap = fmin(delay_queue_gap(t, route) * sqrt(1 - f.r * f.r),
	    delay_route_gap(t, route));
	f.half = fmax(half_width(t, route, delay, gap), 0);
	f.edge = GAP_DOUBT * gap;
	f.agree = short_delays_agree(m, f.r);
	return f;
}

/* The half width. A narrow shape was learned from delays of the usual length.
 * What a delay has beyond it may have one cause, all of it on one way. */
static double shaped_half(const struct frame *f, double width)
{
	double usual = fmin(f->half, USUAL_QUEUES * f->queue);

	return f->half - (1 - width) * usual;
}

static double shaped_tilt(const struct frame *f, double half)
{
	double scale = fmax(f->queue, half / USUAL_QUEUES);
	double longer = fmin(f->half / (SLOPE_QUEUES * f->queue), 1);
	double r = f->r * (f->agree + (1 - f->agree) * longer);

	r += far_share(f->queue, f->half) * (f->far - r);
	return (1 / (1 + r) - 1 / (1 - r)) / scale;
}

/* No sample is wrong by more than half its delay, whatever other samples did.
 */
static double shaped_edge(const struct frame *f, double edge)
{
	return fmin(f->edge + edge * f->lately, f->delay / 2) + f->noise;
}

static struct box shaped_box(const struct frame *f, struct error_shape shape)
{
	struct box b = {.half = shaped_half(f, shape.width) + f->noise,
	    .edge = shaped_edge(f, shape.edge),
	    .wrong_share = WRONG_SHARE,
	    .wrong_reach = f->delay};

	b.tilt = shaped_tilt(f, b.half);
	return b;
}

struct box error_model_box(const struct error_model *m,
    const struct delay_track *t, unsigned route, double delay, double noise)
{
	struct frame f = frame_of(m, t, route, delay, noise);

	return shaped_box(&f, m->shape);
}

double error_model_lopsided(
    const struct error_model *m, const struct delay_track *t)
{
	return fabs(queue_asymmetry(m, t));
}

double error_model_softness(const struct error_model *m)
{
	return m->shape.edge;
}

static void learn_shape(struct error_model *m, const struct delay_track *t,
    unsigned route, double delay, double noise, const struct gaussian *before)
{
	struct frame f = frame_of(m, t, route, delay, noise);
	struct box_norm norm = {0};
	double best = -INFINITY;

	for (unsigned i = 0; i < ERROR_MODEL_WIDTHS; i++) {
		struct box box =
		    shaped_box(&f, (struct error_shape){widths[i], 0});

		for (unsigned j = 0; j < ERROR_MODEL_EDGES; j++) {
			double *w = &m->log_weight[i][j];
			struct gaussian g = *before;

			box.edge = shaped_edge(&f, edges[j]);
			*w *= 1 - 1 / MEMORY;
			*w += box_update_one(&g, 0, &box, &norm);
			best = fmax(best, *w);
		}
	}
	for (unsigned i = 0; i < ERROR_MODEL_WIDTHS; i++)
		for (unsigned j = 0; j < ERROR_MODEL_EDGES; j++)
			m->log_weight[i][j] =
			    fmax(m->log_weight[i][j] - best, LOG_WEIGHT_MIN);
	error_model_weigh(m);
}

/* Which way is busier may change within the hour, long before it is forgotten.
 */
static void doubt_asymmetry(struct error_model *m, const struct delay_track *t,
    unsigned route, double delay, double noise, const struct gaussian *before)
{
	struct box box = error_model_box(m, t, route, delay, noise);
	struct gaussian tilted = *before, even = *before;
	double gain;

	if (fabs(box.tilt) * box.half < TILT_LEAST)
		return;
	gain = -box_update(&tilted, 0, &box);
	box.tilt = 0;
	gain += box_update(&even, 0, &box);
	m->turned = fmax(m->turned + fmin(gain, TURNED_MOST), 0);
	if (m->turned < TURNED_LOG_ODDS)
		return;
	m->turned = 0;
	m->now = m->before = (struct error_sums){.samples = 0};
}

static void add_change(
    struct error_changes *c, double share, double longer, double more_error)
{
	c->longer2 += share * longer * longer - c->longer2 / MEMORY;
	c->both += share * longer * more_error - c->both / MEMORY;
	c->error2 += share * more_error * more_error - c->error2 / MEMORY;
	c->count += share - c->count / MEMORY;
}

static void learn_short(struct error_model *m, const struct delay_track *t,
    unsigned route, double delay, double error)
{
	struct error_last *l = &m->last_short;
	double floor = delay_route(t, route)->floor;

	if (delay - floor > SHORT_QUEUES * t->quiet)
		return;
	if (l->share > 0 && l->route == route)
		add_change(
		    &m->short_changes, 1, delay - l->delay, error - l->error);
	*l = (struct error_last){route, delay, error, 1};
}

/* `error` before the sample, `left` after it: the clock has followed the
 * sample. `share` scales a long excess delay down to a usual one, and the
 * products of the change are scaled by its square. */
static void learn_change(struct error_model *m, unsigned route, double half,
    double share, double error, double left)
{
	struct error_last *l = &m->last;
	double more = error - l->error, least = fmin(share, l->share);

	/* More than both excess delays is a jump of the clock. */
	if (l->route == route && fabs(more) <= half + l->delay)
		add_change(
		    &m->now.changes, least * least, half - l->delay, more);
	*l = (struct error_last){route, half, left, share};
}

static void learn_far(struct error_sums *s, double share, double error)
{
	if (share <= 0)
		return;
	s->far_error += share * (error - s->far_error / MEMORY);
	s->far_samples += share * (1 - s->far_samples / MEMORY);
}

void error_model_learn(struct error_model *m, const struct delay_track *t,
    unsigned route, double delay, double noise, const struct gaussian *before,
    const struct gaussian *after)
{
	const struct delay_route *r = delay_route(t, route);
	double half, share, error;

	if (!r || r->congested)
		return;
	learn_shape(m, t, route, delay, noise, before);
	doubt_asymmetry(m, t, route, delay, noise, before);
	learn_short(m, t, route, delay, -before->mean);
	half = fmax(delay - r->floor, 0) / 2;
	share = fmin(1, USUAL_QUEUES * t->queue / half);
	learn_change(m, route, half, share, -before->mean, -after->mean);
	error = fmin(fmax(-after->mean, -half), half);
	m->now.error += share * error - m->now.error / MEMORY;
	m->now.excess += share * half - m->now.excess / MEMORY;
	m->now.samples += share - m->now.samples / MEMORY;
	learn_far(&m->now, far_share(t->queue, half), error / half);
	m->now.queue = t->queue;
}
