#include "clock/filter/box.h"

#include <math.h>

#define SQRT1_2 0.70710678118654752440
#define LOG_2PI 1.83787706640934548356

/* The largest tilt, times the standard deviation of estimate and edges. Beyond
 * it an estimate far wider than the box gains nothing, and the tails would
 * leave the range of a double. */
#define TILT_MAX 20.0

/* A box this narrow, in standard deviations, is as good as a Gaussian: the
 * difference of the two normal distributions would cancel. */
#define NARROW 1e-3
/* log_sinhc() is a series below it: the closed form would cancel. */
#define SERIES_BELOW 1e-3
/* The smallest probability that a double holds with enough digits. */
#define MASS_MIN 1e-250
/* One measurement reduces the variance to this share at most: rounding must not
 * make it 0 or negative. */
#define VAR_SHARE_MIN 1e-9
/* exp() of more than this leaves the range of a double. */
#define LOG_ODDS_MAX 700.0

/* Plainly wrong answers spread over at least this many standard deviations of
 * the estimate: while nothing is known, no answer is an outlier. */
#define WRONG_SPREAD 10.0

static double density(double z)
{
	return exp(-0.5 * z * z - 0.5 * LOG_2PI);
}

/* Phi(hi) - Phi(lo) for lo < hi, without cancellation in the tails. */
static double mass(double lo, double hi)
{
	if (lo > 0)
		return 0.5 * (erfc(lo * SQRT1_2) - erfc(hi * SQRT1_2));
	if (hi < 0)
		return 0.5 * (erfc(-hi * SQRT1_2) - erfc(-lo * SQRT1_2));
	return 1 - 0.5 * (erfc(-lo * SQRT1_2) + erfc(hi * SQRT1_2));
}

/* log(sinh(x) / x), x >= 0: what the tilt changes of the box's norm. */
static double log_sinhc(double x)
{
	if (x < SERIES_BELOW)
		return x * x / 6;
	return x + log1p(-exp(-2 * x)) - log(2 * x);
}

static double log_norm(struct box_norm *n, double tilted)
{
	if (tilted != n->tilted)
		*n = (struct box_norm){tilted, log_sinhc(tilted)};
	return n->log_norm;
}

static double within(double x, double most)
{
	if (x > most)
		return most;
	return x < -most ? -most : x;
}

/* The Kalman update with a Gaussian of the box's variance. */
static double gaussian_update(
    struct gaussian *g, double measured, const struct box *box)
{
	double var = box->half * box->half / 3 + box->edge * box->edge;
	double total = g->var + var;
	double residual = measured - g->mean;

	g->mean += g->var / total * residual;
	g->var *= var / total;
	return -0.5 * (residual * residual / total + log(total) + LOG_2PI);
}

/*
 * The Gaussian estimate times a tilted box with soft edges. The tilt moves the
 * mean of the estimate by tilt * var and the box by -tilt * edge^2; what is
 * left is a Gaussian cut off at both ends, whose moments are known.
 */
static double soft_box_update(struct gaussian *g, double measured,
    const struct box *box, struct box_norm *norm)
{
	double edge2 = box->edge * box->edge;
	double s = sqrt(g->var + edge2);
	double tilt = within(box->tilt, TILT_MAX / s);
	double mean = g->mean + tilt * g->var;
	double center = measured - tilt * edge2;
	double lo = (center - box->half - mean) / s;
	double hi = (center + box->half - mean) / s;
	double z, log_density, p_lo, p_hi, shift, shrink, share;

	if (hi - lo < NARROW)
		return gaussian_update(g, measured, box);
	z = mass(lo, hi);
	if (!(z > MASS_MIN))
		return -INFINITY;
	log_density = log(z / (2 * box->half)) - tilt * (measured - g->mean) +
		      0.5 * tilt * tilt * s * s -
		      log_norm(norm, fabs(tilt) * box->half);
	p_lo = density(lo);
	p_hi = density(hi);
	shift = (p_lo - p_hi) / z;
	shrink = (hi * p_hi - lo * p_lo) / z + shift * shift;
	share = g->var / (s * s);
	g->mean = mean + g->var / s * shift;
	g->var *= fmax(1 - share * shrink, VAR_SHARE_MIN);
	return log_density;
}

static double log_wrong_density(const struct gaussian *g, const struct box *box)
{
	return log(box->wrong_share /
		   (box->wrong_reach + WRONG_SPREAD * sqrt(g->var)));
}

/* Right against wrong. */
static double odds(double log_right, double log_wrong)
{
	return exp(fmin(log_right - log_wrong, LOG_ODDS_MAX));
}

double box_update_one(struct gaussian *g, double measured,
    const struct box *box, struct box_norm *norm)
{
	struct gaussian if_right = *g;
	double log_right = soft_box_update(&if_right, measured, box, norm);
	double log_wrong, right_odds, right, apart;

	if (box->wrong_share <= 0) {
		*g = if_right;
		return log_right;
	}
	log_wrong = log_wrong_density(g, box);
	right_odds = odds(log_right, log_wrong);
	right = right_odds / (1 + right_odds);
	apart = if_right.mean - g->mean;
	/* The moments of a mixture: updated if right, unchanged if wrong. */
	g->var = right * if_right.var + (1 - right) * g->var +
		 right * (1 - right) * apart * apart;
	g->mean += right * apart;
	return log_wrong + log1p(right_odds);
}

double box_update(struct gaussian *g, double measured, const struct box *box)
{
	struct box_norm norm = {0};

	return box_update_one(g, measured, box, &norm);
}

bool box_is_outlier(
    const struct gaussian *g, double measured, const struct box *box)
{
	struct gaussian if_right = *g;
	struct box_norm norm = {0};
	double log_right = soft_box_update(&if_right, measured, box, &norm);

	return box->wrong_share > 0 &&
	       odds(log_right, log_wrong_density(g, box)) < 1;
}
