#include "clock/filter/box.h"

#include <math.h>

#define SQRT1_2 0.70710678118654752440
#define LOG_2PI 1.83787706640934548356

/* Times the standard deviation: a belief far wider than the box gains nothing
 * by more, and the tails stay within what doubles can hold. */
#define TILT_MAX 20.0

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

/* log(sinh(x) / x), x >= 0: the tilt's share of the box's norm. */
static double log_sinhc(double x)
{
	if (x < 1e-3)
		return x * x / 6;
	return x + log1p(-exp(-2 * x)) - log(2 * x);
}

/* A box much narrower than the belief, or one beyond what doubles can hold of
 * the belief's tail, is as good as a bell of the same variance. */
static double bell_update(
    struct belief *b, double measured, const struct box *box)
{
	double var = box->half * box->half / 3 + box->edge * box->edge;
	double total = b->var + var;
	double miss = measured - b->mean;

	b->mean += b->var / total * miss;
	b->var *= var / total;
	return -0.5 * (miss * miss / total + log(total) + LOG_2PI);
}

/*
 * Gaussian belief times a tilted box blurred by its edges: the tilt moves the
 * belief's mean by tilt * var, and the box against it by tilt * edge^2.
 */
static double soft_box_update(
    struct belief *b, double measured, const struct box *box)
{
	double edge2 = box->edge * box->edge;
	double s = sqrt(b->var + edge2);
	double tilt = fmin(fmax(box->tilt, -TILT_MAX / s), TILT_MAX / s);
	double mean = b->mean + tilt * b->var;
	double center = measured - tilt * edge2;
	double lo = (center - box->half - mean) / s;
	double hi = (center + box->half - mean) / s;

	if (hi - lo < 1e-3)
		return bell_update(b, measured, box);
	double z = mass(lo, hi);
	if (!(z > 1e-250))
		return -INFINITY;

	double log_density =
	    log(z / (2 * box->half)) - tilt * (measured - b->mean) +
	    0.5 * tilt * tilt * s * s - log_sinhc(fabs(tilt) * box->half);
	double p_lo = density(lo), p_hi = density(hi);
	double g = (p_lo - p_hi) / z;
	double shrink = (hi * p_hi - lo * p_lo) / z + g * g;
	double share = b->var / (s * s);

	b->mean = mean + b->var / s * g;
	b->var *= fmax(1 - share * shrink, 1e-9);
	return log_density;
}

/* No answer is suspect for being far off while nothing is known: what is wrong
 * is spread at least as wide as the belief. */
static double wrong_density(const struct belief *b, const struct box *box)
{
	return box->wrong_share /
	       (box->wrong_reach + WRONG_SPREAD * sqrt(b->var));
}

static double odds(double log_hit, double wrong)
{
	return exp(fmin(log_hit - log(wrong), 700));
}

double box_update(struct belief *b, double measured, const struct box *box)
{
	struct belief hit = *b;
	double log_hit = soft_box_update(&hit, measured, box);

	if (box->wrong_share <= 0) {
		*b = hit;
		return log_hit;
	}
	double wrong = wrong_density(b, box);
	double for_it = odds(log_hit, wrong);
	double right = for_it / (1 + for_it);
	double apart = hit.mean - b->mean;

	b->var = right * hit.var + (1 - right) * b->var +
		 right * (1 - right) * apart * apart;
	b->mean += right * apart;
	return log(wrong) + log1p(for_it);
}

bool box_surprises(
    const struct belief *b, double measured, const struct box *box)
{
	struct belief hit = *b;
	double log_hit = soft_box_update(&hit, measured, box);

	return box->wrong_share > 0 && odds(log_hit, wrong_density(b, box)) < 1;
}
