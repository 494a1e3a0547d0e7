/* The joint filter without feedback: its estimates against the truth. */
#include "base/check.h"
#include "clock/filter/estimate.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SOURCES 3

struct setting {
	struct chance chance;
	double wander, freq, offset; /* of the oscillator against the truth */
	double base, queue;
	double bias[SOURCES];
	struct osc now;
};

static void run(struct setting *w, double seconds)
{
	double freq = w->freq;

	w->freq += w->wander * sqrt(seconds) * chance_normal(&w->chance);
	w->offset += seconds * (freq + w->freq) / 2 +
		     w->wander * seconds * sqrt(seconds / 12) *
			 chance_normal(&w->chance);
	w->now.ns += ns_of_s(seconds);
}

/* A measurement with exponential queues and a known floor. */
static int64_t measure(struct setting *w, unsigned source, struct box *box)
{
	double e1 = chance_exponential(&w->chance, w->queue);
	double e2 = chance_exponential(&w->chance, w->queue);

	*box = (struct box){.half = (e1 + e2) / 2 + 1e-8,
	    .edge = 1e-8,
	    .wrong_share = 0.01,
	    .wrong_reach = w->base};
	return ns_of_s(w->offset + w->bias[source] + (e1 - e2) / 2);
}

static void start(struct estimate *e, unsigned sources)
{
	static const double sd[SOURCES] = {1e-5, 1e-5, 1e-5};

	estimate_init(e, 0, 1e-4, sd, sources);
}

static double error_of(const struct estimate *e, const struct setting *w)
{
	return s_of_ns(estimate_at(e, w->now).offset_ns) - w->offset;
}

/* The filter's own deviation must hold over two decades of wander. */
static void test_the_deviation_is_calibrated(void **state)
{
	static const double wanders[] = {1e-10, 1e-9, 1e-8};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct setting w = {.chance = {k},
		    .wander = wanders[k],
		    .freq = 4e-5,
		    .offset = 0.2,
		    .base = 2e-4,
		    .queue = 1e-5};
		static struct estimate e;
		unsigned within_1 = 0, within_3 = 0, n = 0;

		start(&e, 1);
		for (unsigned i = 0; i < 6000; i++) {
			struct box box;
			int64_t offset_ns;
			double sd, residual;

			run(&w, 16);
			offset_ns = measure(&w, 0, &box);
			estimate_add(&e, 0, w.now, offset_ns, &box);
			if (i < 200)
				continue;
			sd = estimate_at(&e, w.now).offset_sd;
			residual = fabs(error_of(&e, &w));
			n++;
			within_1 += residual < sd;
			within_3 += residual < 3 * sd;
		}
		assert_in_range(within_1, n * 60 / 100, n * 85 / 100);
		assert_in_range(within_3, n * 99 / 100, n);
	}
}

/* The zero of the offset and of the frequency does not matter. */
static void test_offset_and_frequency_are_relative(void **state)
{
	static struct estimate a, b;
	struct chance c = {5};
	const int64_t shift_ns = INT64_C(400) * 86400 * NS_PER_S;
	const double slope = 30e-6;
	const double sd = 1e-5;
	struct osc at = {0};
	struct estimate_value va, vb;
	int64_t ramp_ns;

	(void)state;
	estimate_init(&a, 0, 1e-4, &sd, 1);
	estimate_init(&b, slope, 1e-4, &sd, 1);
	for (int i = 0; i < 500; i++) {
		const struct box box = {.half = chance_between(&c, 1e-6, 1e-4),
		    .edge = 1e-7,
		    .wrong_share = 0.01,
		    .wrong_reach = 1e-3};
		int64_t y = (int64_t)chance_between(&c, -1e4, 1e4);

		at.ns += 10 * NS_PER_S;
		estimate_add(&a, 0, at, y, &box);
		estimate_add(&b, 0, at,
		    y + shift_ns + ns_of_s(slope * s_of_ns(at.ns)), &box);
	}
	va = estimate_at(&a, at);
	vb = estimate_at(&b, at);
	ramp_ns = ns_of_s(slope * s_of_ns(at.ns));
	assert_in_range(
	    vb.offset_ns - va.offset_ns - shift_ns - ramp_ns + 3, 0, 6);
	assert_true(fabs(vb.freq - va.freq - slope) < 1e-11);
	assert_true(fabs(vb.offset_sd / va.offset_sd - 1) < 1e-3);
}

static void take_in(struct estimate *e, struct setting *w, unsigned sources,
    unsigned n, double interval)
{
	for (unsigned i = 0; i < n; i++) {
		struct box box;
		int64_t offset_ns;

		run(w, interval);
		offset_ns = measure(w, i % sources, &box);
		estimate_add(e, i % sources, w->now, offset_ns, &box);
	}
}

static void test_a_spike_changes_nothing(void **state)
{
	static struct estimate e, clean;
	struct setting w = {
	    .chance = {6}, .wander = 1e-9, .base = 2e-4, .queue = 1e-5};
	struct box sharp;
	double moved;

	(void)state;
	start(&e, 1);
	take_in(&e, &w, 1, 500, 16);
	clean = e;
	run(&w, 16);
	sharp = (struct box){.half = 1e-6,
	    .edge = 1e-8,
	    .wrong_share = 0.01,
	    .wrong_reach = w.base};
	estimate_add(&e, 0, w.now, ns_of_s(w.offset + 3e-3), &sharp);
	moved = s_of_ns(estimate_at(&e, w.now).offset_ns -
			estimate_at(&clean, w.now).offset_ns);
	assert_true(fabs(moved) < 3e-6);
	take_in(&e, &w, 1, 3, 16);
	assert_true(fabs(error_of(&e, &w)) < 5e-6);
}

/* A fan starts and changes the frequency: the filter follows soon. */
static void test_frequency_step_is_followed(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		static struct estimate e;
		struct setting w = {.chance = {seed},
		    .wander = 1e-10,
		    .base = 2e-4,
		    .queue = 1e-5};

		start(&e, 1);
		take_in(&e, &w, 1, 1000, 16);
		w.freq += 1e-6;
		take_in(&e, &w, 1, 20, 16);
		assert_true(fabs(estimate_at(&e, w.now).freq - w.freq) < 4e-7);
		assert_true(fabs(error_of(&e, &w)) < 2e-5);
	}
}

/* From sixteen samples a second to one in a day and a half, and then weeks of
 * silence: all results stay finite, and silence makes the deviation grow. */
static void test_any_interval_is_sound(void **state)
{
	(void)state;
	for (int poll = -4; poll <= 17; poll++) {
		static struct estimate e;
		struct setting w = {.chance = {77},
		    .wander = 1e-9,
		    .freq = -9e-5,
		    .base = 2e-4,
		    .queue = 1e-5,
		    .bias = {0, 2e-6, -1e-6}};
		struct estimate_value v;
		double last;

		start(&e, SOURCES);
		take_in(&e, &w, SOURCES, 2000, ldexp(1, poll));
		v = estimate_at(&e, w.now);
		assert_true(v.offset_sd > 0 && v.freq_sd > 0);
		assert_true(fabs(error_of(&e, &w)) < 5 * v.offset_sd + 3e-6);
		last = v.offset_sd;
		for (double ahead = 1; ahead < 4e6; ahead *= 4) {
			struct osc at = {w.now.ns + ns_of_s(ahead)};
			double sd = estimate_at(&e, at).offset_sd;

			assert_true(isfinite(sd) && sd >= last);
			last = sd;
		}
		run(&w, 3e6);
		take_in(&e, &w, SOURCES, 50, 16);
		v = estimate_at(&e, w.now);
		assert_true(isfinite(v.offset_sd) && isfinite(v.freq));
		assert_true(fabs(error_of(&e, &w)) < 3e-5);
	}
}

static void test_answers_out_of_order(void **state)
{
	static struct estimate e;
	struct setting w = {.chance = {8},
	    .wander = 1e-10,
	    .freq = 1e-4,
	    .base = 2e-4,
	    .queue = 1e-6};

	(void)state;
	start(&e, 2);
	for (int i = 0; i < 500; i++) {
		struct box box;
		struct osc early;
		int64_t first_ns;
		struct box first_box;
		int64_t second_ns;

		run(&w, 8);
		early = w.now;
		first_ns = measure(&w, 0, &box);
		first_box = box;
		run(&w, 0.5);
		second_ns = measure(&w, 1, &box);
		estimate_add(&e, 1, w.now, second_ns, &box);
		estimate_add(&e, 0, early, first_ns, &first_box);
	}
	/* 100 ppm make 50 us in half a second: they must not show. */
	assert_true(fabs(error_of(&e, &w)) < 1e-6);
}

/* Servers that differ lastingly: their mean is the time, and when two of them
 * fall silent, the clock does not follow the third. */
static void test_biases_are_learned(void **state)
{
	static struct estimate e;
	struct setting w = {.chance = {9},
	    .wander = 1e-10,
	    .base = 2e-4,
	    .queue = 2e-6,
	    .bias = {2e-5, -2e-5, 0}};
	double spread_sd;

	(void)state;
	start(&e, SOURCES);
	take_in(&e, &w, SOURCES, 3000, 8);
	assert_true(fabs(error_of(&e, &w)) < 3e-6);
	assert_true(fabs(estimate_bias(&e, 0).mean - 2e-5) < 3e-6);
	assert_true(fabs(estimate_bias(&e, 1).mean + 2e-5) < 3e-6);
	/* Three draws with a deviation of 20 us have a mean 12 us off.
	 */
	spread_sd = estimate_spread_sd(&e);
	assert_true(spread_sd > 0.9e-5 && spread_sd < 1.5e-5);
	for (unsigned i = 0; i < 300; i++) {
		struct box box;
		int64_t offset_ns;

		run(&w, 8);
		offset_ns = measure(&w, 0, &box);
		estimate_add(&e, 0, w.now, offset_ns, &box);
	}
	assert_true(fabs(error_of(&e, &w)) < 6e-6);
}

/* A path changes by 40 us, as the filter was warned: the time stays with the
 * oscillator and the other sources. */
static void test_an_inflated_bias_takes_the_change(void **state)
{
	static struct estimate e;
	struct setting w = {
	    .chance = {10}, .wander = 1e-10, .base = 2e-4, .queue = 2e-6};

	(void)state;
	start(&e, 1);
	take_in(&e, &w, 1, 1000, 8);
	w.bias[0] = 4e-5;
	estimate_inflate_bias(&e, 0, 4e-5, true);
	take_in(&e, &w, 1, 200, 8);
	assert_true(fabs(error_of(&e, &w)) < 5e-6);
	assert_true(fabs(estimate_bias(&e, 0).mean - 4e-5) < 5e-6);
}

/* Nothing happened to the path: its bias still shows how far sources differ. */
static void test_inflating_by_nothing_explains_no_bias(void **state)
{
	static struct estimate e;

	(void)state;
	start(&e, SOURCES);
	estimate_inflate_bias(&e, 0, 0, true);
	assert_false(e.bias_explained[0]);
	estimate_inflate_bias(&e, 0, 1e-9, true);
	assert_true(e.bias_explained[0]);
	assert_false(e.bias_explained[1]);
	estimate_inflate_bias(&e, 0, 1e-9, false);
	assert_false(e.bias_explained[0]);
}

/* The zero of the offset follows it, so that nanoseconds are never lost. */
static void test_the_anchor_follows_the_offset(void **state)
{
	static const int64_t offsets_s[] = {999, 5000, -70000, 400};
	const struct box box = {.half = 1e-6, .edge = 1e-7};
	static struct estimate e;

	(void)state;
	start(&e, 1);
	estimate_add(&e, 0, (struct osc){0}, 0, &box);
	for (size_t i = 0; i < ARRAY_LEN(offsets_s); i++) {
		struct osc at = {(int64_t)(i + 1) * NS_PER_S};
		int64_t offset_ns = offsets_s[i] * NS_PER_S + 123;
		int64_t anchor_ns = i == 0 ? 0 : offset_ns;

		estimate_inflate_clock(&e, 1e6, 0);
		estimate_add(&e, 0, at, offset_ns, &box);
		assert_true(
		    llabs(estimate_at(&e, at).offset_ns - offset_ns) < 100);
		assert_true(llabs(e.anchor_ns - anchor_ns) < NS_PER_S);
	}
}

/* However wild the samples are, what is estimated fits into int64. */
static void test_the_offset_stays_within_reach(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		static struct estimate e;
		const struct box box = {.half = 1e-6, .edge = 1e-7};
		struct estimate_value v;

		start(&e, 1);
		estimate_add(&e, 0, (struct osc){0}, 0, &box);
		estimate_inflate_clock(&e, 0, 1e3);
		e.models[0].state.mean[STATE_FREQ] = sign * 1e6;
		for (unsigned k = 1; k < e.model_count; k++)
			e.models[k] = e.models[0];
		v = estimate_at(&e, (struct osc){100000 * NS_PER_S});
		assert_int_equal(v.offset_ns, sign * 1000000000 * NS_PER_S);
		assert_true(v.offset_sd <= 1e9);
	}
}

static void test_many_sources_beat_one(void **state)
{
	double square[2] = {0, 0}, spread_sd = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		for (unsigned k = 0; k < 2; k++) {
			static struct estimate e;
			struct setting w = {.chance = {seed},
			    .wander = 1e-9,
			    .base = 2e-4,
			    .queue = 1e-5};
			unsigned sources = k ? SOURCES : 1;

			start(&e, sources);
			for (unsigned i = 0; i < 60; i++) {
				take_in(&e, &w, sources, 20 * sources,
				    48.0 / sources);
				square[k] += pow(error_of(&e, &w), 2);
			}
			spread_sd = fmax(spread_sd, estimate_spread_sd(&e));
		}
	assert_true(square[1] < 0.4 * square[0]);
	/* They agree, and the spread shows it. */
	assert_true(spread_sd < 1e-6);
}

/* An estimate with a history of a hundred samples of each source. */
static void settle(struct estimate *e, struct setting *w, unsigned sources)
{
	*w = (struct setting){.chance = {8},
	    .wander = 1e-9,
	    .freq = 2e-5,
	    .base = 2e-4,
	    .queue = 1e-5};
	start(e, sources);
	take_in(e, w, sources, 100 * sources, 16.0 / sources);
}

/* A bound that leaves the estimate room moves it by little. One that excludes
 * it moves it to its edge, within a tenth of its width, and the offset is as
 * uncertain as the bound at most. */
static void a_bound_pulls_the_estimate_in(void **state)
{
	static const struct {
		double low, high; /* s, from the estimate */
	} rows[] = {{-1e-4, 1e-4}, {1e-4, 3e-4}, {-5e-4, -1e-4}, {1, 1.001}};

	(void)state;
	for (unsigned sources = 1; sources <= SOURCES; sources += 2)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			static struct estimate e;
			struct setting w;
			struct estimate_value was, is;
			double width = rows[i].high - rows[i].low, moved;
			bool excludes = rows[i].low > 0 || rows[i].high < 0;

			settle(&e, &w, sources);
			was = estimate_at(&e, w.now);
			estimate_bound(&e, w.now,
			    was.offset_ns + ns_of_s(rows[i].low),
			    was.offset_ns + ns_of_s(rows[i].high));
			is = estimate_at(&e, w.now);
			moved = s_of_ns(is.offset_ns - was.offset_ns);
			if (!excludes) {
				assert_true(fabs(moved) < was.offset_sd / 10);
				continue;
			}
			assert_true(moved > rows[i].low - 0.1 * width);
			assert_true(moved < rows[i].high + 0.1 * width);
			assert_true(is.offset_sd < width);
		}
}

/* What would be learned if it were taken in; nothing is taken in. */
static void evidence_is_the_likelihood_of_a_measurement(void **state)
{
	static struct estimate e, before;
	struct box box = {.half = 1e-6, .edge = 1e-7};
	struct setting w;
	int64_t at_ns;
	double near, far;

	(void)state;
	settle(&e, &w, 1);
	before = e;
	at_ns = estimate_at(&e, w.now).offset_ns;
	near = estimate_evidence(&e, 0, w.now, at_ns, &box);
	far = estimate_evidence(&e, 0, w.now, at_ns + 20000, &box);
	assert_memory_equal(&e, &before, sizeof(e));
	assert_true(near > far + 3);
	/* A density: twice as wide a box halves it, far beyond the estimate's
	 * own uncertainty. */
	box.half = 1e-3;
	near = estimate_evidence(&e, 0, w.now, at_ns, &box);
	assert_true(fabs(near - log(1 / 2e-3)) < 0.01);
	estimate_add(&e, 0, w.now, at_ns, &box);
	assert_true(e.evidence == near);
}

/* The bias becomes what is asked, and what was assumed of it at the start is
 * uncertain again: nothing for one source alone. */
static void a_bias_is_reset(void **state)
{
	(void)state;
	for (unsigned sources = 1; sources <= SOURCES; sources += 2) {
		static struct estimate e;
		struct setting w;
		struct gaussian b;
		double sd = sources > 1 ? 1e-5 : 0;

		settle(&e, &w, sources);
		estimate_reset_bias(&e, 0, 3e-6);
		b = estimate_bias(&e, 0);
		assert_true(fabs(b.mean - 3e-6) < 1e-12);
		/* Half of the models run without biases. */
		assert_true(sqrt(fmax(b.var, 0)) <= sd * 1.001 + 1e-12);
		assert_true(sources == 1 || b.var > 0);
	}
}

/* Their sum, which is measured, stays when both move against each other. */
static void the_offset_takes_over_from_a_bias(void **state)
{
	static struct estimate e;
	struct setting w;
	struct gaussian bias, sum;
	struct estimate_value v;

	(void)state;
	settle(&e, &w, SOURCES);
	bias = estimate_bias(&e, 1);
	sum = estimate_predict(&e, 1, w.now, 0);
	v = estimate_at(&e, w.now);
	estimate_reduce_bias(&e, 1, 4e-6);
	assert_true(
	    fabs(estimate_bias(&e, 1).mean - (bias.mean - 4e-6)) < 1e-12);
	estimate_shift_offset(&e, 4e-6);
	assert_in_range(
	    estimate_at(&e, w.now).offset_ns - v.offset_ns, 3998, 4002);
	assert_true(
	    fabs(estimate_predict(&e, 1, w.now, 0).mean - sum.mean) < 1e-12);
}

/* Before the first sample the offset is ten times as uncertain as the bias of
 * its source, so that the sample moves the offset and not the bias. */
static void a_bias_in_doubt_widens_the_start(void **state)
{
	static const double sds[] = {1e-4, 1e-3, 1};

	(void)state;
	for (unsigned sources = 1; sources <= SOURCES; sources += 2)
		for (size_t i = 0; i < ARRAY_LEN(sds); i++) {
			const struct box box = {.half = 1e-7, .edge = 1e-8};
			static struct estimate e;
			double want = sds[i] * 10 / sqrt(101);

			start(&e, sources);
			estimate_inflate_bias(&e, 0, sds[i], true);
			estimate_add(&e, 0, (struct osc){0}, 0, &box);
			/* Biases of 10 us count little among those. */
			assert_true(
			    fabs(estimate_at(&e, e.at).offset_sd / want - 1) <
			    (sources > 1 ? 3e-3 : 1e-4));
			assert_true(
			    fabs(sqrt(estimate_predict(&e, 0, e.at, 0).var)) <
			    1e-7);
		}
}

/* A bound pulls in every model, also one that was sure of another offset. Each
 * model learns that its frequency has been too low or too high. */
static void a_bound_moves_each_model_and_its_frequency(void **state)
{
	static const double outs[] = {3e-5, -3e-5, 1e-3, -1e-3, 1, -1};

	(void)state;
	for (unsigned sources = 1; sources <= SOURCES; sources += 2)
		for (size_t i = 0; i < ARRAY_LEN(outs); i++) {
			static struct estimate e, was;
			struct setting w;
			double middle, half = 1e-5, weights = 0;

			settle(&e, &w, sources);
			was = e;
			middle = s_of_ns(estimate_at(&e, w.now).offset_ns -
					 e.anchor_ns) +
				 outs[i];
			estimate_bound(&e, w.now,
			    e.anchor_ns + ns_of_s(middle - half),
			    e.anchor_ns + ns_of_s(middle + half));
			for (unsigned k = 0; k < e.model_count; k++) {
				const struct estimate_state *s =
				    &e.models[k].state;
				double moved =
				    s->mean[STATE_FREQ] -
				    was.models[k].state.mean[STATE_FREQ];

				assert_true(fabs(s->mean[STATE_OFFSET] -
						 middle) < 1.2 * half);
				assert_true(
				    s->cov[ESTIMATE_ROW(STATE_OFFSET)] > 0);
				assert_true(moved * outs[i] > 0);
				weights += e.models[k].weight;
			}
			assert_true(fabs(weights - 1) < 1e-9);
			assert_true(isfinite(e.evidence));
		}
}

/* The evidence of a bound that is far wider than the estimate is the log of an
 * even density over the bound. */
static void a_wide_bound_has_the_density_of_its_width(void **state)
{
	static const double halves[] = {1e-3, 1, 1e3, 1e6};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		static struct estimate e;
		struct setting w;
		int64_t at_ns;

		settle(&e, &w, 1);
		at_ns = estimate_at(&e, w.now).offset_ns;
		estimate_bound(&e, w.now, at_ns - ns_of_s(halves[i]),
		    at_ns + ns_of_s(halves[i]));
		assert_true(fabs(e.evidence + log(2 * halves[i])) < 1e-3);
	}
}

/* A clock whose frequency is 2 ppm off, and only bounds of 0.1 ms: they teach
 * the frequency. */
static void bounds_alone_correct_the_frequency(void **state)
{
	static struct estimate e;
	struct setting w;

	(void)state;
	settle(&e, &w, 1);
	w.freq += 2e-6;
	for (unsigned i = 0; i < 200; i++) {
		const struct box loose = {.half = 1, .edge = 0.1};

		run(&w, 16);
		/* The estimate goes on without learning. */
		estimate_add(&e, 0, w.now, ns_of_s(w.offset), &loose);
		estimate_bound(&e, w.now, ns_of_s(w.offset - 5e-5),
		    ns_of_s(w.offset + 5e-5));
	}
	assert_true(fabs(estimate_at(&e, w.now).freq - w.freq) < 2e-7);
	assert_true(fabs(error_of(&e, &w)) < 6e-5);
}

/* The bound holds at `at`, and the states are older: it goes back with the
 * frequency. */
static void a_bound_is_moved_to_the_time_of_the_states(void **state)
{
	static const double ahead_s[] = {0, 10, 1000, -10};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ahead_s); i++) {
		static struct estimate e;
		struct setting w;
		struct osc at;
		int64_t before_ns, middle_ns;
		double moved;

		settle(&e, &w, 1);
		at.ns = w.now.ns + ns_of_s(ahead_s[i]);
		before_ns = estimate_at(&e, w.now).offset_ns;
		middle_ns = before_ns +
			    ns_of_s(ahead_s[i] * estimate_at(&e, w.now).freq);
		estimate_bound(
		    &e, at, middle_ns + 1000000, middle_ns + 1200000);
		moved = s_of_ns(estimate_at(&e, w.now).offset_ns - before_ns);
		assert_true(moved > 0.98e-3 && moved < 1.22e-3);
	}
}

enum change {
	RESET,
	REDUCE,
	SHIFT,
	CHANGES,
};

static void change(struct estimate *e, enum change c, double by)
{
	if (c == RESET)
		estimate_reset_bias(e, 0, by);
	else if (c == REDUCE)
		estimate_reduce_bias(e, 0, by);
	else
		estimate_shift_offset(e, by);
}

/* None of them touches the frequency, nor a bias that it does not name, nor
 * says that a bias has a known cause. */
static void a_change_touches_what_it_names(void **state)
{
	static const double by = 7e-6;

	(void)state;
	for (unsigned sources = 1; sources <= SOURCES; sources += 2)
		for (enum change c = RESET; c < CHANGES; c++) {
			static struct estimate e, was;
			struct setting w;
			struct estimate_value v, u;

			settle(&e, &w, sources);
			was = e;
			change(&e, c, by);
			v = estimate_at(&e, w.now);
			u = estimate_at(&was, w.now);
			assert_in_range(v.offset_ns - u.offset_ns + 1,
			    c == SHIFT ? 7000 : 0, c == SHIFT ? 7002 : 2);
			assert_true(fabs(v.offset_sd / u.offset_sd - 1) < 1e-6);
			assert_true(v.freq == u.freq && v.drift == u.drift);
			assert_true(v.freq_sd == u.freq_sd);
			for (unsigned i = 0; i < sources; i++) {
				struct gaussian b = estimate_bias(&e, i);
				double want = estimate_bias(&was, i).mean;

				if (i == 0 && c == RESET)
					want = by;
				if (i == 0 && c == REDUCE)
					want -= by;
				assert_true(fabs(b.mean - want) < 1e-12);
				assert_false(e.bias_explained[i]);
				if (i > 0 || c != RESET)
					assert_true(
					    fabs(b.var -
						 estimate_bias(&was, i).var) <
					    1e-18);
			}
		}
}

/* A reset bias is independent of all else: what is learned of it later says
 * nothing about the offset. */
static void a_reset_bias_is_independent(void **state)
{
	static struct estimate e;
	struct setting w;
	int64_t before_ns;
	struct gaussian b;

	(void)state;
	settle(&e, &w, SOURCES);
	estimate_reset_bias(&e, 0, 0);
	before_ns = estimate_at(&e, w.now).offset_ns;
	estimate_learn_bias(&e, 0, (struct gaussian){2e-5, 1e-14});
	assert_true(llabs(estimate_at(&e, w.now).offset_ns - before_ns) <= 1);
	for (unsigned k = 0; k < e.model_count; k++) {
		b.mean = e.models[k].state.mean[STATE_BIAS];
		/* Models without biases know that there is none. */
		assert_true(e.models[k].bias_scale > 0
				? fabs(b.mean - 2e-5) < 1e-8
				: b.mean == 0);
	}
}

/* Also before the first sample, and at the time of the latest one. */
static void the_frequency_follows_each_change(void **state)
{
	const double bias_sd = 1e-3;
	static struct estimate e;
	double sd;

	(void)state;
	estimate_init(&e, 3e-6, 1e-6, &bias_sd, 1);
	assert_true(fabs(estimate_freq(&e, e.at, &sd) - 3e-6) < 1e-12);
	assert_true(fabs(sd - 1e-6) < 1e-12);
	estimate_shift_freq(&e, 2e-6);
	assert_true(fabs(estimate_freq(&e, e.at, &sd) - 5e-6) < 1e-12);
	assert_true(fabs(sd - 1e-6) < 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_deviation_is_calibrated),
	    cmocka_unit_test(test_offset_and_frequency_are_relative),
	    cmocka_unit_test(test_a_spike_changes_nothing),
	    cmocka_unit_test(test_frequency_step_is_followed),
	    cmocka_unit_test(test_any_interval_is_sound),
	    cmocka_unit_test(test_answers_out_of_order),
	    cmocka_unit_test(test_biases_are_learned),
	    cmocka_unit_test(test_an_inflated_bias_takes_the_change),
	    cmocka_unit_test(test_inflating_by_nothing_explains_no_bias),
	    cmocka_unit_test(test_the_anchor_follows_the_offset),
	    cmocka_unit_test(test_the_offset_stays_within_reach),
	    cmocka_unit_test(test_many_sources_beat_one),
	    cmocka_unit_test(a_bound_pulls_the_estimate_in),
	    cmocka_unit_test(evidence_is_the_likelihood_of_a_measurement),
	    cmocka_unit_test(a_bias_is_reset),
	    cmocka_unit_test(the_offset_takes_over_from_a_bias),
	    cmocka_unit_test(a_bias_in_doubt_widens_the_start),
	    cmocka_unit_test(a_bound_moves_each_model_and_its_frequency),
	    cmocka_unit_test(a_wide_bound_has_the_density_of_its_width),
	    cmocka_unit_test(bounds_alone_correct_the_frequency),
	    cmocka_unit_test(a_bound_is_moved_to_the_time_of_the_states),
	    cmocka_unit_test(a_change_touches_what_it_names),
	    cmocka_unit_test(a_reset_bias_is_independent),
	    cmocka_unit_test(the_frequency_follows_each_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
