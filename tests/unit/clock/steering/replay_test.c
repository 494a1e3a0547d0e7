/*
 * Replays samples of a real network stack (traces/README.md) through the
 * steering, with a clock that nobody controls. The true offset is always 0, so
 * the offset that the steering shows is its error.
 *
 * `replay_test table` prints what it made of each trace; `replay_test table
 * FILE CLEAN_S` does so for one other file.
 */
#include "clock/steering/steering.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_NS (INT64_C(1735689600) * NS_PER_S)
#define TRACES "tests/unit/clock/steering/traces/"
/* A queue that ends leaves the estimate wrong for a time: the windows follow
 * each other and start with the first sample of the free path. */
#define WINDOWS 6
static const double window_s[WINDOWS] = {7, 10, 20, 40, 60, 105};
/* A trace goes on for this long after its last sample, while the agent waits
 * for the next one. */
#define TAIL_S 15

struct trace {
	const char *file;
	double clean_s; /* the first sample of the free path; 0: the first */
	enum stamp_kind stamps;
	/* What the steering may show at most: the root mean square of the
	 * error in each window, us. */
	double most_us[WINDOWS];
	unsigned broken_most; /* seconds with the truth outside the bound */
	double covered_least; /* share of seconds within 3 esterror */
	/* What chronyd had in the same minutes, us; 0: not recorded. For the
	 * reader: the steering should not be worse. */
	double rival_us;
};

/* The limits are what the steering had when they were written, and a sixth or
 * so: tighten them with each improvement. The first window of the shapers has a
 * part of a second before the first sample of the free path. */
/* clang-format off */
static const struct trace traces[] = {
    {"tbf-s2c.txt", 181.53, STAMP_KERNEL,
	{36, 6, 8, 8, 8, 8}, 0, 0.75, 3.5},
    {"busy-s2c.txt", 179.15, STAMP_KERNEL,
	{750, 210, 18, 22, 20, 22}, 0, 0.83, 0},
    {"busy-c2s-p4.txt", 183.12, STAMP_KERNEL,
	{235, 710, 1530, 1880, 150, 50}, 0, 0.80, 30},
    {"cpu1-nots.txt", 0, STAMP_DAEMON,
	{900, 360, 32, 21, 34, 31}, 0, 0.98, 18},
    {"idle-p2.txt", 0, STAMP_KERNEL,
	{8, 7, 7, 6.5, 6.5, 6.5}, 0, 0.99, 1.2},
    {"idle-one-way.txt", 0, STAMP_KERNEL,
	{1.6, 3.8, 2.9, 3.0, 1.9, 0.6}, 0, 0.98, 2.8},
    {"idle-long.txt", 0, STAMP_KERNEL,
	{3.1, 1.7, 1.3, 2.8, 3.0, 1.5}, 0, 0.98, 1.1},
    {"exp.txt", 0, STAMP_KERNEL,
	{360, 53, 58, 180, 105, 90}, 0, 0.95, 68},
    {"shaper-both.txt", 122, STAMP_KERNEL,
	{31, 1, 2, 1.5, 2, 0}, 0, 0.63, 0.34},
    {"shaper-up.txt", 122, STAMP_KERNEL,
	{610, 8, 2, 2.5, 3, 0}, 0, 0.71, 4.3},
    {"shaper-down.txt", 122, STAMP_KERNEL,
	{610, 3, 3, 2, 2, 0}, 0, 0.63, 1.3},
    {"full-up.txt", 0, STAMP_KERNEL,
	{2900, 2300, 470, 370, 370, 0}, 0, 0.85, 657},
    {"queue-after-5s.txt", 5.5, STAMP_KERNEL,
	{2, 37, 69, 61, 22, 3}, 0, 0.98, 0.8},
};
/* clang-format on */

struct window {
	unsigned seconds;
	double sum2_us2;
};

struct result {
	struct window window[WINDOWS], all;
	unsigned broken, covered_1, covered_3;
};

struct replay {
	struct steering *steering;
	struct timescale ledger;
	struct wall now;
};

static const struct steering_config config = {
    .makestep_threshold_ns = NS_PER_S,
    .makestep_updates = 3,
    .max_slew_ppm = 83333,
    .refuse_threshold_ns = 1000 * NS_PER_S,
    .refuse_start = 1,
    .max_distance_ns = 3 * NS_PER_S,
    .max_jitter_ns = NS_PER_S,
    .max_stratum = 15,
    .min_sources = 1,
    .max_clock_error_ppm = 0, /* learned */
};

static void open_replay(struct replay *r)
{
	static const struct source_options none;
	const struct clock_change start = {.at = {START_NS}};

	r->now = start.at;
	timescale_init(&r->ledger, &start);
	r->steering = steering_new(&config, &none, 1, 0, 100);
	assert_non_null(r->steering);
}

static void decide(struct replay *r, double at_s)
{
	struct clock_command c;

	r->now.ns = START_NS + ns_of_s(at_s);
	do
		if (steering_update(r->steering, &r->ledger, r->now, &c))
			steering_applied(r->steering, KEEPER_NO_CLOCK);
	while (steering_is_busy(r->steering));
}

static void add_sample(struct replay *r, const struct trace *t, double at_s,
    int64_t offset_ns, int64_t delay_ns)
{
	const struct sample m = {
	    .at = {START_NS + ns_of_s(at_s)},
	    .offset_ns = offset_ns,
	    .delay_ns = delay_ns,
	    .dispersion_ns = 130,
	    .tx_stamp = t->stamps,
	    .rx_stamp = t->stamps,
	    .stratum = 1,
	};

	steering_add(r->steering, 0, &m);
	steering_set_reach(r->steering, 0, 1);
	decide(r, at_s);
}

static void count_second(
    struct result *out, double after_s, const struct tracking *k)
{
	double error_us = (double)k->offset_ns / 1e3;
	int64_t error_ns = llabs(k->offset_ns);

	out->all.seconds++;
	out->all.sum2_us2 += error_us * error_us;
	out->broken += error_ns > k->root_delay_ns / 2 + k->root_dispersion_ns;
	out->covered_1 += error_ns <= k->est_error_ns;
	out->covered_3 += error_ns <= 3 * k->est_error_ns;
	if (after_s < 0)
		return;
	for (int i = 0; i < WINDOWS; after_s -= window_s[i++])
		if (after_s < window_s[i]) {
			out->window[i].seconds++;
			out->window[i].sum2_us2 += error_us * error_us;
			return;
		}
}

/* One look each second from `from_s` on, up to `to_s`. */
static void look(struct replay *r, const struct trace *t, double from_s,
    double to_s, struct result *out)
{
	for (double s = floor(from_s) + 1; s <= to_s; s++) {
		struct tracking k;

		decide(r, s);
		steering_tracking(r->steering, &r->ledger, r->now, &k);
		if (k.synchronised)
			count_second(out, s - t->clean_s, &k);
	}
}

static struct result replay(const struct trace *t)
{
	struct replay r;
	struct result out = {.broken = 0};
	double last_s = 0, at_s;
	int64_t offset_ns, delay_ns;
	FILE *f = fopen(t->file, "r");

	if (!f) {
		perror(t->file);
		fail();
	}
	open_replay(&r);
	while (fscanf(f, "%lf %" SCNd64 " %" SCNd64, &at_s, &offset_ns,
		   &delay_ns) == 3) {
		look(&r, t, last_s, at_s, &out);
		add_sample(&r, t, at_s, offset_ns, delay_ns);
		last_s = at_s;
	}
	assert_true(feof(f));
	(void)fclose(f);
	look(&r, t, last_s, last_s + TAIL_S, &out);
	steering_free(r.steering);
	return out;
}

static double rms_us(const struct window *w)
{
	return w->seconds > 0 ? sqrt(w->sum2_us2 / w->seconds) : 0;
}

static double share_3(const struct result *r)
{
	return r->covered_3 / fmax(r->all.seconds, 1);
}

static void print_row(const struct trace *t)
{
	const char *name = strrchr(t->file, '/');
	struct result r = replay(t);

	printf("%-16s", name ? name + 1 : t->file);
	for (int i = 0; i < WINDOWS; i++)
		printf(" %8.1f", rms_us(&r.window[i]));
	printf(" %8.1f %6u %6u %6.3f %6.3f", rms_us(&r.all), r.all.seconds,
	    r.broken, r.covered_1 / fmax(r.all.seconds, 1), share_3(&r));
	if (t->rival_us > 0)
		printf(" %8.1f\n", t->rival_us);
	else
		printf(" %8s\n", "-");
}

static void print_head(void)
{
	printf("RMS of the error in us, in windows after the path is free\n");
	printf("%-16s", "trace");
	for (int i = 0; i < WINDOWS; i++)
		printf(" %6.0f s", window_s[i]);
	printf(" %8s %6s %6s %6s %6s %8s\n", "whole", "sec", "broken", "in 1",
	    "in 3", "chronyd");
}

static struct trace in_folder(const struct trace *t, char *path, size_t size)
{
	struct trace copy = *t;

	(void)snprintf(path, size, "%s%s", TRACES, t->file);
	copy.file = path;
	return copy;
}

static int print_table(int argc, char **argv)
{
	char path[128];

	print_head();
	if (argc == 4) {
		const struct trace other = {.file = argv[2],
		    .clean_s = strtod(argv[3], NULL),
		    .stamps = STAMP_KERNEL};

		print_row(&other);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		const struct trace t =
		    in_folder(&traces[i], path, sizeof(path));

		print_row(&t);
	}
	return 0;
}

/* ---- the tests ---- */

static void test_error_after_each_start_stays_small(void **state)
{
	char path[128];
	int worse = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		const struct trace t =
		    in_folder(&traces[i], path, sizeof(path));
		const struct result r = replay(&t);

		for (int w = 0; w < WINDOWS; w++) {
			double us = rms_us(&r.window[w]);

			/* The trace ends before. */
			if (t.most_us[w] <= 0)
				continue;
			assert_true(r.window[w].seconds > 0);
			if (us <= t.most_us[w])
				continue;
			print_error("%s, window %d: %.1f us, limit %.1f\n",
			    t.file, w, us, t.most_us[w]);
			worse++;
		}
	}
	assert_int_equal(worse, 0);
}

static void test_bound_holds_and_esterror_covers(void **state)
{
	char path[128];
	int worse = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		const struct trace t =
		    in_folder(&traces[i], path, sizeof(path));
		const struct result r = replay(&t);

		assert_true(r.all.seconds > 140);
		if (r.broken <= t.broken_most && share_3(&r) >= t.covered_least)
			continue;
		print_error("%s: the bound is broken in %u s, limit %u; within "
			    "3 esterror %.3f, limit %.3f\n",
		    t.file, r.broken, t.broken_most, share_3(&r),
		    t.covered_least);
		worse++;
	}
	assert_int_equal(worse, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_error_after_each_start_stays_small),
	    cmocka_unit_test(test_bound_holds_and_esterror_covers),
	};

	if (argc > 1 && strcmp(argv[1], "table") == 0)
		return print_table(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
