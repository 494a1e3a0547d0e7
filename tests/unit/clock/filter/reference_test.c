/* The filter against the plain arithmetic of reference.py, which integrates
 * probabilities numerically and multiplies whole matrices. */
#include "base/check.h"
#include "clock/filter/error_model.h"
#include "clock/filter/estimate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct box_row {
	double mean, var, measured, half, edge, tilt, wrong_share, wrong_reach;
	double new_mean, new_var, log_density;
	bool outlier;
};

struct passage_row {
	unsigned oscillator;
	double dt, drift_kept, in_freq, in_offset;
	double noise[6]; /* the upper triangle, row by row */
};

enum operation {
	ADD,
	INFLATE_BIAS,
	SET_BIAS,
	LEARN_BIAS,
	INFLATE_CLOCK,
	BOUND,
	RESET_BIAS,
	REDUCE_BIAS,
	SHIFT_OFFSET,
};

/* An operation on the filter, and what it estimates for `look_ns` then. */
struct estimate_row {
	enum operation op;
	unsigned source;
	int64_t at_ns, offset_ns;
	double half, edge, tilt, first, second;
	int64_t look_ns;
	double offset, offset_sd, spread_sd, freq, freq_sd, drift;
	double predicted, predicted_sd, bias, bias_sd, evidence;
};

/* A delay of a path whose routes change, and what is known of it then. */
struct delay_row {
	double delay, asymmetry;
	enum delay_event event;
	unsigned back, route, known;
	bool crept;
	unsigned congested; /* routes */
	int shortest;	    /* a route; -1: none */
	double floor, shift, queue, quiet, lately, gap, rise, sides_rise;
};

/* A sample of a path, and the box of its error model. */
struct error_row {
	double delay, noise, before_mean, before_var, after_mean, after_var;
	bool restart;
	double floor, queue, half, edge, tilt, wrong_reach;
};

#include "tests/unit/clock/filter/reference.h"

/* `scale`: of what a difference means. */
static void near(const char *what, size_t row, double got, double want,
    double scale, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * scale))
		fail_msg(
		    "%s of row %zu: %.12g, not %.12g", what, row, got, want);
}

static void ratio_near(
    const char *what, size_t row, double got, double want, double tolerance)
{
	near(what, row, got, want, fabs(want), tolerance);
}

static void a_box_changes_an_estimate_as_integration_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(box_rows); i++) {
		const struct box_row *r = &box_rows[i];
		const struct box box = {.half = r->half,
		    .edge = r->edge,
		    .tilt = r->tilt,
		    .wrong_share = r->wrong_share,
		    .wrong_reach = r->wrong_reach};
		struct gaussian g = {r->mean, r->var};
		double log_density;

		assert_int_equal(
		    box_is_outlier(&g, r->measured, &box), r->outlier);
		log_density = box_update(&g, r->measured, &box);
		near("mean", i, g.mean, r->new_mean, sqrt(r->new_var), 1e-6);
		ratio_near("variance", i, g.var, r->new_var, 1e-6);
		near("density", i, log_density, r->log_density, 1, 1e-6);
	}
}

static void an_oscillator_passes_an_interval_as_integration_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(passage_rows); i++) {
		const struct passage_row *r = &passage_rows[i];
		struct passage all[OSCILLATORS], p;
		const double *want = r->noise;

		oscillator_passages(r->dt, all);
		p = all[r->oscillator];
		ratio_near("drift", i, p.drift_kept, r->drift_kept, 1e-9);
		ratio_near(
		    "drift in frequency", i, p.in_freq, r->in_freq, 1e-9);
		ratio_near(
		    "drift in offset", i, p.in_offset, r->in_offset, 1e-6);
		for (unsigned j = 0; j < OSCILLATOR_STATES; j++)
			for (unsigned k = j; k < OSCILLATOR_STATES; k++) {
				ratio_near(
				    "noise", i, p.noise[j][k], *want++, 1e-6);
				assert_true(p.noise[k][j] == p.noise[j][k]);
			}
	}
}

/* estimate_evidence() tells the evidence of a measurement before it is added.
 */
static void add(
    struct estimate *e, const struct estimate_row *r, const struct box *box)
{
	const struct osc at = {r->at_ns};
	double evidence =
	    estimate_evidence(e, r->source, at, r->offset_ns, box);

	estimate_add(e, r->source, at, r->offset_ns, box);
	assert_true(e->evidence == evidence);
}

static void operate(struct estimate *e, const struct estimate_row *r)
{
	const struct box box = {.half = r->half,
	    .edge = r->edge,
	    .tilt = r->tilt,
	    .wrong_share = 0.003,
	    .wrong_reach = 2e-4};

	switch (r->op) {
	case ADD:
		add(e, r, &box);
		break;
	case INFLATE_BIAS:
		estimate_inflate_bias(e, r->source, r->first, true);
		break;
	case SET_BIAS:
		estimate_set_bias(
		    e, r->source, (struct gaussian){r->first, r->second});
		break;
	case LEARN_BIAS:
		estimate_learn_bias(
		    e, r->source, (struct gaussian){r->first, r->second});
		break;
	case INFLATE_CLOCK:
		estimate_inflate_clock(e, r->first, r->second);
		break;
	case BOUND:
		estimate_bound(e, (struct osc){r->at_ns}, r->offset_ns,
		    r->offset_ns + ns_of_s(r->first));
		break;
	case RESET_BIAS:
		estimate_reset_bias(e, r->source, r->first);
		break;
	case REDUCE_BIAS:
		estimate_reduce_bias(e, r->source, r->first);
		break;
	case SHIFT_OFFSET:
		estimate_shift_offset(e, r->first);
		break;
	}
}

/* Offsets are whole nanoseconds, frequencies of a start are near 1e-5. */
#define OFFSET_STEP 1e-9
#define TOLERANCE 1e-4

static void compare(
    const struct estimate *e, const struct estimate_row *r, size_t i)
{
	const struct osc look = {r->look_ns};
	struct estimate_value v = estimate_at(e, look);
	struct gaussian p = estimate_predict(e, r->source, look, 0);
	struct gaussian b = estimate_bias(e, r->source);

	near("offset", i, s_of_ns(v.offset_ns), r->offset,
	    r->offset_sd * TOLERANCE + OFFSET_STEP, 1);
	ratio_near(
	    "offset's deviation", i, v.offset_sd, r->offset_sd, TOLERANCE);
	near("spread", i, estimate_spread_sd(e), r->spread_sd,
	    r->spread_sd * TOLERANCE + 1e-12, 1);
	near("frequency", i, v.freq, r->freq, r->freq_sd, TOLERANCE);
	ratio_near(
	    "frequency's deviation", i, v.freq_sd, r->freq_sd, TOLERANCE);
	near("drift", i, v.drift, r->drift, fabs(r->drift) + 1e-18, 1e-3);
	near("prediction", i, p.mean, r->predicted, r->predicted_sd, TOLERANCE);
	ratio_near("prediction's deviation", i, sqrt(p.var), r->predicted_sd,
	    TOLERANCE);
	near("bias", i, b.mean, r->bias, r->bias_sd * TOLERANCE + 1e-12, 1);
	near("bias's deviation", i, sqrt(fmax(b.var, 0)), r->bias_sd,
	    r->bias_sd * TOLERANCE + 1e-12, 1);
	near("evidence", i, e->evidence, r->evidence, 1, TOLERANCE);
}

/* The short ways give the same numbers. */
static void compare_parts(const struct estimate *e, struct osc at)
{
	struct estimate_value v = estimate_at(e, at);
	double sd, freq = estimate_freq(e, at, &sd);

	assert_true(freq == v.freq);
	assert_true(sd == v.freq_sd);
	assert_true(estimate_offset_ns(e, at) == v.offset_ns);
}

static void follow(const struct estimate_row *rows, size_t count,
    const double *bias_sd, unsigned sources)
{
	static struct estimate e;

	estimate_init(&e, 1e-6, 1e-4, bias_sd, sources);
	for (size_t i = 0; i < count; i++) {
		operate(&e, &rows[i]);
		compare(&e, &rows[i], i);
		compare_parts(&e, e.at);
		compare_parts(&e, (struct osc){rows[i].look_ns});
		compare_parts(&e, (struct osc){e.at.ns - NS_PER_S});
	}
}

static void one_source_is_followed_as_by_matrices(void **state)
{
	static const double sd[] = {1e-5};

	(void)state;
	follow(one_source, ARRAY_LEN(one_source), sd, ARRAY_LEN(sd));
}

static void three_sources_are_followed_as_by_matrices(void **state)
{
	static const double sd[] = {1e-5, 2e-5, 3e-5};

	(void)state;
	follow(three_sources, ARRAY_LEN(three_sources), sd, ARRAY_LEN(sd));
}

static unsigned remembered_routes(const struct delay_track *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		n += t->routes[i].samples > 0;
	return n;
}

static unsigned congested_routes(const struct delay_track *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		n += t->routes[i].samples > 0 && t->routes[i].congested;
	return n;
}

static int shortest(const struct delay_track *t)
{
	const struct delay_route *r = delay_shortest_route(t);

	return r ? (int)r->number : -1;
}

static void compare_route(
    const struct delay_track *t, const struct delay_row *r, size_t i)
{
	const struct delay_route *route = delay_route(t, t->route);

	assert_int_equal(t->route, r->route);
	assert_int_equal(remembered_routes(t), r->known);
	assert_int_equal(congested_routes(t), r->congested);
	assert_int_equal(route->crept, r->crept);
	assert_int_equal(shortest(t), r->shortest);
	ratio_near("floor", i, route->floor, r->floor, 1e-9);
	near("shift", i, route->shift, r->shift, 1e-6, 1e-6);
	ratio_near("gap", i, delay_route_gap(t, route), r->gap, 1e-6);
}

static void follow_delays(const struct delay_row *rows, size_t count)
{
	struct delay_track t;

	delay_init(&t);
	for (size_t i = 0; i < count; i++) {
		const struct delay_row *r = &rows[i];
		unsigned back;

		if (delay_add(&t, r->delay, r->asymmetry, &back) != r->event ||
		    back != r->back)
			fail_msg("event of row %zu", i);
		compare_route(&t, r, i);
		ratio_near("queue", i, t.queue, r->queue, 1e-6);
		ratio_near("quiet queue", i, t.quiet, r->quiet, 1e-6);
		ratio_near("latest queue", i, t.lately, r->lately, 1e-6);
		near("rise", i, t.rise, r->rise, 1e-6, 1e-6);
		near("rise of the ways", i, t.sides_rise, r->sides_rise, 1e-6,
		    1e-6);
	}
}

static void routes_are_found_as_by_plain_lists(void **state)
{
	(void)state;
	follow_delays(quiet_delays, ARRAY_LEN(quiet_delays));
	follow_delays(busy_delays, ARRAY_LEN(busy_delays));
	follow_delays(congested_delays, ARRAY_LEN(congested_delays));
	follow_delays(emptied_delays, ARRAY_LEN(emptied_delays));
}

static void learn_errors(const struct error_row *rows, size_t count)
{
	struct error_model m;
	struct delay_track t;
	unsigned back;

	delay_init(&t);
	error_model_init(&m);
	for (size_t i = 0; i < count; i++) {
		const struct error_row *r = &rows[i];
		const struct gaussian before = {r->before_mean, r->before_var};
		struct gaussian after = before;
		struct box box;

		(void)delay_add(&t, r->delay, NAN, &back);
		assert_int_equal(t.route, 0);
		if (r->restart)
			error_model_restart(&m);
		ratio_near(
		    "floor", i, delay_route(&t, 0)->floor, r->floor, 1e-9);
		ratio_near("queue", i, t.queue, r->queue, 1e-6);
		box = error_model_box(&m, &t, 0, r->delay, r->noise);
		ratio_near("half width", i, box.half, r->half, 1e-5);
		ratio_near("edge", i, box.edge, r->edge, 1e-5);
		near("tilt", i, box.tilt, r->tilt, fabs(r->tilt) + 1e-3, 1e-5);
		assert_true(box.wrong_share == 0.003);
		ratio_near("reach", i, box.wrong_reach, r->wrong_reach, 1e-9);
		(void)box_update(&after, 0, &box);
		near("mean", i, after.mean, r->after_mean, sqrt(r->after_var),
		    1e-5);
		ratio_near("variance", i, after.var, r->after_var, 1e-5);
		error_model_learn(
		    &m, &t, 0, r->delay, r->noise, &before, &after);
	}
}

static void error_models_learn_as_by_integration(void **state)
{
	(void)state;
	learn_errors(even_path, ARRAY_LEN(even_path));
	learn_errors(busy_path, ARRAY_LEN(busy_path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_box_changes_an_estimate_as_integration_says),
	    cmocka_unit_test(
		an_oscillator_passes_an_interval_as_integration_says),
	    cmocka_unit_test(one_source_is_followed_as_by_matrices),
	    cmocka_unit_test(three_sources_are_followed_as_by_matrices),
	    cmocka_unit_test(routes_are_found_as_by_plain_lists),
	    cmocka_unit_test(error_models_learn_as_by_integration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
