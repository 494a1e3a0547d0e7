#include "clock/steering/regression.h"

#include <math.h>

#define SLOPE_SAMPLES 3
/* No path is known better than this, s: without any queue all delays are equal,
 * and then all samples weigh alike. */
#define DEVIATION_LEAST 1e-9

struct sums {
	double w, t, tt, y, ty;
};

static double weight(const struct steering_source *src, const struct record *r)
{
	const struct delay_route *route =
	    delay_route(&src->delay, src->delay.route);
	double delay = s_of_ns(r->sample.delay_ns) - r->crept;
	double excess = delay - (route ? route->floor : 0);
	double sd =
	    fmax((fmax(excess, 0) + src->delay.queue) / 2, DEVIATION_LEAST);

	return 1 / (sd * sd);
}

static double age_s(const struct record *r, struct osc now)
{
	return s_of_ns(r->sample.at.ns - now.ns);
}

static double height_s(const struct record *r, int64_t base_ns)
{
	return s_of_ns(r->sample.offset_ns - base_ns);
}

static struct sums sum(
    const struct steering_source *src, struct osc now, int64_t base_ns)
{
	struct sums s = {0};

	for (unsigned i = 0; i < src->count; i++) {
		const struct record *r = const_record(src, i);
		double w = weight(src, r), t = age_s(r, now);
		double y = height_s(r, base_ns);

		s.w += w;
		s.t += w * t;
		s.tt += w * t * t;
		s.y += w * y;
		s.ty += w * t * y;
	}
	return s;
}

static void judge_residuals(const struct steering_source *src, struct osc now,
    double weights, struct regression *line)
{
	double square = 0;
	int last_sign = 0;

	for (unsigned i = 0; i < src->count; i++) {
		const struct record *r = const_record(src, i);
		double residual = height_s(r, line->base_ns) - line->offset_s -
				  line->slope * age_s(r, now);
		int sign = residual < 0 ? -1 : 1;

		square += weight(src, r) * residual * residual;
		line->runs += sign != last_sign;
		last_sign = sign;
	}
	line->deviation_s = sqrt(square / weights);
}

struct regression regression_fit(
    const struct steering_source *src, struct osc now)
{
	struct regression line = {.samples = src->count,
	    .base_ns = const_record(src, 0)->sample.offset_ns};
	struct sums s = sum(src, now, line.base_ns);
	double spread = s.tt - s.t * s.t / s.w;
	bool has_slope = src->count >= SLOPE_SAMPLES && spread > 0;

	line.span_s = age_s(const_record(src, 0), now) -
		      age_s(const_record(src, src->count - 1), now);
	if (has_slope)
		line.slope = (s.ty - s.t * s.y / s.w) / spread;
	line.offset_s = (s.y - line.slope * s.t) / s.w;
	judge_residuals(src, now, s.w, &line);
	if (has_slope)
		line.slope_sd =
		    line.deviation_s * sqrt(s.w / spread / (src->count - 2));
	return line;
}
