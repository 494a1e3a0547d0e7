/* The keeper against a simulated clock with quantised frequencies and a kernel
 * that can refuse. */
#include "clock/kernel/keeper.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_NS (1800000000 * NS_PER_S)

/* Integrates real (oscillator) time into CLOCK_REALTIME and CLOCK_MONOTONIC. */
struct fake {
	double wall_ns, mono_ns; /* since the start */
	double freq_ppm, quantum_ppm;
	struct kernel_found others; /* its frequency is not used */
	int64_t stepped_ns;
	struct kernel_status status;
	unsigned freq_sets, steps, status_sets;
	int get_error, freq_error, step_error, status_error;
	int64_t step_at_freq_sets; /* order of calls */
	unsigned disarmed;
};

static struct wall fake_now(void *self)
{
	const struct fake *f = self;

	return (struct wall){START_NS + f->stepped_ns + llround(f->wall_ns)};
}

static int fake_get(void *self, struct kernel_found *found)
{
	const struct fake *f = self;

	if (f->get_error)
		return f->get_error;
	*found = f->others;
	found->freq_ppm = f->freq_ppm;
	return 0;
}

static int fake_set(void *self, double freq_ppm, double *became_ppm)
{
	struct fake *f = self;

	if (f->freq_error)
		return f->freq_error;
	f->freq_sets++;
	f->others.adjtime_ns = f->others.offset_ns = 0;
	f->others.loop = false;
	f->freq_ppm = freq_ppm;
	if (f->quantum_ppm > 0)
		f->freq_ppm = f->quantum_ppm * round(freq_ppm / f->quantum_ppm);
	*became_ppm = f->freq_ppm;
	return 0;
}

static int fake_step(void *self, int64_t step_ns)
{
	struct fake *f = self;

	if (f->step_error)
		return f->step_error;
	f->steps++;
	f->step_at_freq_sets = f->freq_sets;
	f->stepped_ns += step_ns;
	return 0;
}

static int fake_status(void *self, const struct kernel_status *status)
{
	struct fake *f = self;

	if (f->status_error)
		return f->status_error;
	f->status_sets++;
	f->status = *status;
	f->others.synchronised = status->synchronised;
	f->others.leap = status->leap;
	return 0;
}

static int fake_disarm(void *self)
{
	struct fake *f = self;

	if (f->status_error)
		return f->status_error;
	f->disarmed++;
	f->others.leap = LEAP_NONE;
	return 0;
}

/* Oscillator time passes. */
static void pass(struct fake *f, double ns)
{
	f->wall_ns += ns * (1 + f->freq_ppm * 1e-6);
	f->mono_ns += ns * (1 + f->freq_ppm * 1e-6);
}

/* Until CLOCK_MONOTONIC shows `mono`. */
static void pass_until(struct fake *f, struct mono mono)
{
	pass(f, ((double)mono.ns - f->mono_ns) / (1 + f->freq_ppm * 1e-6));
}

static struct mono mono_of(const struct fake *f)
{
	return (struct mono){llround(f->mono_ns)};
}

struct fixture {
	struct fake fake;
	struct clock_ops ops;
	struct keeper_limits limits;
	struct keeper keeper;
	struct keeper_report report;
};

static void fixture_init(struct fixture *b)
{
	*b = (struct fixture){
	    .fake = {.quantum_ppm = 1.0 / 65536},
	    .limits = {.max_freq_ppm = 500,
		.max_slew_ppm = 1000,
		.refuse_step_ns = 10 * NS_PER_S,
		.start_steps = 1},
	};
	b->ops = (struct clock_ops){
	    .now = fake_now,
	    .look = fake_get,
	    .set_freq = fake_set,
	    .step = fake_step,
	    .set_status = fake_status,
	    .disarm = fake_disarm,
	    .self = &b->fake,
	};
}

static void start(struct fixture *b, const double *saved)
{
	assert_int_equal(
	    keeper_start(&b->keeper, &b->limits, &b->ops, saved, &b->report),
	    0);
}

static enum keeper_verdict apply(
    struct fixture *b, const struct clock_command *c)
{
	keeper_apply(&b->keeper, c, 7, mono_of(&b->fake), &b->report);
	assert_int_equal(b->report.serial, 7);
	assert_true(b->report.change_count <= CLOCK_CHANGES_MAX);
	return (enum keeper_verdict)b->report.verdict;
}

static void refuses(struct fixture *b, const struct clock_command *c,
    enum keeper_verdict expected)
{
	struct fake before;

	memcpy(&before, &b->fake, sizeof(before));
	assert_int_equal(apply(b, c), expected);
	assert_int_equal(b->report.change_count, 0);
	/* The clock is untouched. */
	assert_memory_equal(&before, &b->fake, sizeof(before));
}

/* What the clock added since a change, by the rule of the ledger: between
 * changes it runs at (1 + freq) times the rate of the oscillator. */
static double added_ns(const struct clock_change *c, struct wall until)
{
	double rate = c->freq_ppm * 1e-6;

	return (double)(until.ns - c->at.ns) * rate / (1 + rate);
}

static void test_start(void **state)
{
	struct fixture b;
	const double saved = -7.25, wild = 900, none = NAN;

	(void)state;
	fixture_init(&b);
	b.fake.freq_ppm = 20;
	start(&b, NULL);
	assert_true(b.fake.freq_ppm == 20 && b.fake.freq_sets == 1);
	assert_int_equal(b.report.change_count, 1);
	assert_true(b.report.changes[0].freq_ppm == 20);
	assert_true(b.report.changes[0].at.ns == START_NS);
	start(&b, &saved);
	assert_true(b.fake.freq_ppm == saved);
	/* Beyond the limits: the kernel's own frequency is taken. */
	start(&b, &wild);
	assert_true(b.fake.freq_ppm == saved);
	start(&b, &none);
	assert_true(b.fake.freq_ppm == saved);
	/* Beyond the limits, too: the slew of an agent that was killed. */
	b.fake.freq_ppm = 1000;
	start(&b, NULL);
	assert_true(b.fake.freq_ppm == 0);
	assert_true(keeper_deadline(&b.keeper).ns == MONO_NEVER.ns);
}

/* The slews of others end, no leap second stays armed, and nobody takes the
 * clock for synchronised. */
static void a_start_takes_the_clock_over(void **state)
{
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.fake.others = (struct kernel_found){.adjtime_ns = 2 * NS_PER_S,
	    .offset_ns = 5,
	    .loop = true,
	    .synchronised = true,
	    .leap = LEAP_INSERT};
	start(&b, NULL);
	assert_int_equal(b.keeper.found.adjtime_ns, 2 * NS_PER_S);
	assert_int_equal(b.keeper.found.leap, LEAP_INSERT);
	assert_true(b.keeper.found.synchronised);
	assert_int_equal(b.fake.others.adjtime_ns, 0);
	assert_int_equal(b.fake.status_sets, 1);
	assert_false(b.fake.status.synchronised);
	assert_int_equal(b.fake.status.leap, LEAP_NONE);
	assert_int_equal(b.fake.status.max_error_ns, KEEPER_UNKNOWN_NS);
	assert_int_equal(b.fake.status.est_error_ns, KEEPER_UNKNOWN_NS);
	b.fake.status_error = -EPERM;
	assert_int_equal(
	    keeper_start(&b.keeper, &b.limits, &b.ops, NULL, &b.report),
	    -EPERM);
}

/* A large frequency may be the slew of a program that was killed. */
static void a_large_frequency_needs_the_drift_file(void **state)
{
	const double saved = 8960;
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.limits.max_freq_ppm = 100000;
	b.fake.freq_ppm = 500;
	start(&b, NULL);
	assert_true(b.fake.freq_ppm == 500);
	b.fake.freq_ppm = -500.1;
	start(&b, NULL);
	assert_true(b.fake.freq_ppm == 0);
	b.fake.freq_ppm = 8960;
	start(&b, &saved);
	assert_true(b.fake.freq_ppm == 8960);
	b.limits.keeps_freq = true;
	start(&b, NULL);
	assert_true(b.fake.freq_ppm == 8960);
	b.limits.max_freq_ppm = 8959;
	start(&b, NULL);
	assert_true(b.fake.freq_ppm == 0);
}

/* Each slew of another program is seen once and ends. */
static void a_foreign_slew_is_found_and_ended(void **state)
{
	static const struct {
		struct kernel_found others;
		int64_t slew_ns;
	} rows[] = {
	    {{.adjtime_ns = -2 * NS_PER_S}, -2 * NS_PER_S},
	    {{.offset_ns = 77, .loop = true}, 77},
	    {{.offset_ns = -77}, -77},
	    {{.loop = true}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture b;

		fixture_init(&b);
		start(&b, NULL);
		assert_false(keeper_look(&b.keeper, &b.report));
		b.fake.others = rows[i].others;
		assert_true(keeper_look(&b.keeper, &b.report));
		assert_int_equal(b.report.verdict, KEEPER_SLEW_FOUND);
		assert_int_equal(b.report.found_slew_ns, rows[i].slew_ns);
		assert_int_equal(b.report.change_count, 1);
		assert_false(keeper_look(&b.keeper, &b.report));
	}
}

static void test_start_refused(void **state)
{
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.fake.freq_error = -EPERM;
	assert_int_equal(
	    keeper_start(&b.keeper, &b.limits, &b.ops, NULL, &b.report),
	    -EPERM);
	assert_int_equal(b.report.verdict, KEEPER_KERNEL);
	assert_int_equal(b.report.sys_errno, EPERM);
}

static void test_no_clock(void **state)
{
	const struct clock_command c = {.freq_ppm = 1, .step_ns = 5};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.limits.no_clock = true;
	b.fake.freq_ppm = 12;
	start(&b, &(double){3});
	assert_true(b.report.changes[0].freq_ppm == 12);
	assert_true(b.keeper.base_freq_ppm == 12);
	refuses(&b, &c, KEEPER_NO_CLOCK);
	refuses(&b, &(struct clock_command){.freq_ppm = NAN}, KEEPER_NO_CLOCK);
	assert_false(keeper_tick(&b.keeper, MONO_NEVER, &b.report));
	keeper_stop(&b.keeper, mono_of(&b.fake));
	assert_int_equal(b.fake.freq_sets, 0);
	/* A container may forbid reading, too. */
	b.fake.get_error = -EPERM;
	start(&b, NULL);
	assert_int_equal(b.report.change_count, 1);
	assert_true(b.report.changes[0].freq_ppm == 0);
}

static void test_limits(void **state)
{
	const int64_t s = NS_PER_S;
	const struct {
		struct clock_command c;
		enum keeper_verdict expected;
	} rows[] = {
	    {{.freq_ppm = NAN}, KEEPER_BAD_COMMAND},
	    {{.freq_ppm = INFINITY}, KEEPER_BAD_COMMAND},
	    {{.freq_ppm = 500.1}, KEEPER_FREQ_LIMIT},
	    {{.freq_ppm = -500.1}, KEEPER_FREQ_LIMIT},
	    {{.max_error_ns = -1}, KEEPER_BAD_COMMAND},
	    {{.est_error_ns = -1}, KEEPER_BAD_COMMAND},
	    {{.leap = (enum leap)4}, KEEPER_BAD_COMMAND},
	    {{.slew_ns = 1}, KEEPER_BAD_COMMAND},
	    {{.slew_ns = 1, .slew_duration_ns = -s}, KEEPER_BAD_COMMAND},
	    {{.slew_ns = 1, .slew_duration_ns = INT64_MAX}, KEEPER_BAD_COMMAND},
	    {{.slew_ns = 1000010, .slew_duration_ns = s}, KEEPER_SLEW_LIMIT},
	    {{.slew_ns = -1000010, .slew_duration_ns = s}, KEEPER_SLEW_LIMIT},
	    {{.slew_ns = INT64_MIN, .slew_duration_ns = s}, KEEPER_SLEW_LIMIT},
	    {{.step_ns = INT64_MAX}, KEEPER_BAD_COMMAND},
	    {{.step_ns = INT64_MIN}, KEEPER_BAD_COMMAND},
	    {{.step_ns = -START_NS - 1}, KEEPER_BAD_COMMAND},
	};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refuses(&b, &rows[i].c, rows[i].expected);
	/* Frequency and slew together are beyond what a tick can do. */
	b.limits.max_slew_ppm = 99900;
	start(&b, NULL);
	refuses(&b,
	    &(struct clock_command){.freq_ppm = 300,
		.slew_ns = 998 * s / 10000,
		.slew_duration_ns = s},
	    KEEPER_FREQ_LIMIT);
	/* This sum is just allowed. */
	assert_int_equal(apply(&b, &(struct clock_command){.freq_ppm = 200,
				       .slew_ns = 998 * s / 10000,
				       .slew_duration_ns = s}),
	    KEEPER_OK);
}

/* Each limit to its last value: allowed, and just beyond. */
static void test_limits_are_exact(void **state)
{
	const int64_t s = NS_PER_S;
	const struct {
		struct clock_command c;
		enum keeper_verdict expected;
	} rows[] = {
	    {{.freq_ppm = 500}, KEEPER_OK},
	    {{.freq_ppm = -500}, KEEPER_OK},
	    {{.leap = LEAP_UNKNOWN}, KEEPER_OK},
	    {{.slew_ns = 1, .slew_duration_ns = 0}, KEEPER_BAD_COMMAND},
	    {{.slew_ns = 1, .slew_duration_ns = KEEPER_SLEW_DURATION_MAX_NS},
		KEEPER_OK},
	    {{.slew_ns = 1,
		 .slew_duration_ns = KEEPER_SLEW_DURATION_MAX_NS + 1},
		KEEPER_BAD_COMMAND},
	    /* max-slew is 1000 ppm; rounding may add a nanosecond. */
	    {{.slew_ns = 1000001, .slew_duration_ns = s}, KEEPER_OK},
	    {{.slew_ns = 1000002, .slew_duration_ns = s}, KEEPER_SLEW_LIMIT},
	    {{.slew_ns = -1000001, .slew_duration_ns = s}, KEEPER_OK},
	    {{.slew_ns = -1000002, .slew_duration_ns = s}, KEEPER_SLEW_LIMIT},
	    {{.bootstrap = true}, KEEPER_BAD_COMMAND},
	    {{.pause = true}, KEEPER_BAD_COMMAND},
	    {{.pause = true, .step_ns = 1}, KEEPER_BAD_COMMAND},
	    {{.step_ns = -START_NS}, KEEPER_OK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture b;

		fixture_init(&b);
		start(&b, NULL);
		if (apply(&b, &rows[i].c) != rows[i].expected)
			fail_msg("row %zu: %s", i,
			    keeper_verdict_text(
				(enum keeper_verdict)b.report.verdict));
	}
}

/* Outside the start window: refuse-threshold is 10 s, a step a minute. */
static void test_later_steps_are_exact(void **state)
{
	static const struct {
		int64_t gap_ns, step_ns;
		enum keeper_verdict expected;
	} rows[] = {
	    {KEEPER_STEP_GAP_NS, 10 * NS_PER_S, KEEPER_OK},
	    {KEEPER_STEP_GAP_NS, -10 * NS_PER_S, KEEPER_OK},
	    {KEEPER_STEP_GAP_NS, 10 * NS_PER_S + 1, KEEPER_STEP_LIMIT},
	    {KEEPER_STEP_GAP_NS, -10 * NS_PER_S - 1, KEEPER_STEP_LIMIT},
	    {KEEPER_STEP_GAP_NS - 1, 1, KEEPER_STEP_FORBIDDEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct clock_command first = {.step_ns = 1};
		const struct clock_command next = {.step_ns = rows[i].step_ns};
		struct fixture b;

		fixture_init(&b);
		start(&b, NULL);
		assert_int_equal(apply(&b, &first), KEEPER_OK);
		b.fake.mono_ns = (double)rows[i].gap_ns;
		assert_int_equal(apply(&b, &next), rows[i].expected);
	}
}

/* A slew adds what was ordered, to the nanosecond, then the base remains. */
static void test_slew_is_exact(void **state)
{
	static const int64_t slews_ns[] = {
	    1000000, -1000000, 10, -3, 999999, 123456, -777};
	struct fixture b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slews_ns); i++) {
		struct clock_command c = {.freq_ppm = 40.5,
		    .slew_ns = slews_ns[i],
		    .slew_duration_ns = NS_PER_S};
		struct clock_change during;

		fixture_init(&b);
		start(&b, NULL);
		pass(&b.fake, 5e9);
		assert_int_equal(apply(&b, &c), KEEPER_OK);
		assert_int_equal(b.report.change_count, 1);
		during = b.report.changes[0];
		assert_true(during.freq_ppm == b.fake.freq_ppm);
		assert_true(during.at.ns == fake_now(&b.fake).ns);
		pass_until(&b.fake, keeper_deadline(&b.keeper));
		assert_true(
		    keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
		assert_int_equal(b.report.serial, 0);
		assert_int_equal(b.report.verdict, KEEPER_OK);
		assert_true(b.fake.freq_ppm == 40.5);
		assert_true(b.report.changes[0].freq_ppm == 40.5);
		/* The report agrees with the clock: the whole gain minus the
		 * base's. */
		assert_true(llabs(b.report.slew_done_ns - c.slew_ns) <= 1);
		assert_true(fabs(added_ns(&during, b.report.changes[0].at) -
				 40.5e-6 *
				     (double)(b.report.changes[0].at.ns -
					      during.at.ns) /
				     (1 + during.freq_ppm * 1e-6) -
				 (double)c.slew_ns) < 2);
		assert_true(keeper_deadline(&b.keeper).ns == MONO_NEVER.ns);
		assert_false(
		    keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	}
}

/* A kernel with coarse frequencies: the duration makes up for the rate. */
static void test_quantised_slew(void **state)
{
	const struct clock_command c = {
	    .slew_ns = 130000, .slew_duration_ns = NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.fake.quantum_ppm = 100;
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_true(b.report.changes[0].freq_ppm == 100);
	pass_until(&b.fake, keeper_deadline(&b.keeper));
	assert_true(keeper_deadline(&b.keeper).ns > 12 * NS_PER_S / 10);
	assert_true(keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	assert_true(llabs(b.report.slew_done_ns - 130000) <= 1);
}

/* A rate that rounds to zero adds nothing, ends, and the report says so. */
static void test_slew_below_the_quantum(void **state)
{
	const struct clock_command c = {
	    .slew_ns = 1, .slew_duration_ns = 10000 * NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_true(keeper_deadline(&b.keeper).ns <= 20000 * NS_PER_S);
	pass_until(&b.fake, keeper_deadline(&b.keeper));
	assert_true(keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	assert_int_equal(b.report.slew_done_ns, 0);
	assert_true(b.fake.freq_ppm == 0);
}

/* The report of a slew that ends late says what it really added. */
static void test_late_tick(void **state)
{
	const struct clock_command c = {
	    .slew_ns = 500000, .slew_duration_ns = NS_PER_S};
	struct fixture b;
	struct mono end;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	end = keeper_deadline(&b.keeper);
	pass_until(&b.fake, (struct mono){end.ns - 1});
	assert_false(keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	pass_until(&b.fake, (struct mono){2 * end.ns});
	assert_true(keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	assert_true(llabs(b.report.slew_done_ns - 1000000) <= 2);
}

static void test_replaced_slew(void **state)
{
	struct clock_command c = {
	    .slew_ns = 500000, .slew_duration_ns = NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.report.slew_done_ns, 0);
	pass_until(&b.fake, (struct mono){NS_PER_S / 2});
	c = (struct clock_command){
	    .freq_ppm = -3, .slew_ns = -200000, .slew_duration_ns = NS_PER_S};
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_true(llabs(b.report.slew_done_ns - 250000) < 200);
	assert_true(fabs(b.fake.freq_ppm + 203) < 0.001);
	assert_true(llabs(keeper_deadline(&b.keeper).ns - 3 * NS_PER_S / 2) <
		    NS_PER_MS);
	/* A command without a slew ends it at once. */
	pass(&b.fake, 1e8);
	assert_int_equal(
	    apply(&b, &(struct clock_command){.freq_ppm = -3}), KEEPER_OK);
	assert_true(llabs(b.report.slew_done_ns + 20000) < 20);
	assert_true(b.fake.freq_ppm == -3);
	assert_true(keeper_deadline(&b.keeper).ns == MONO_NEVER.ns);
}

/* A refused command leaves the running slew alone. */
static void test_refused_while_slewing(void **state)
{
	const struct clock_command c = {
	    .slew_ns = 500000, .slew_duration_ns = NS_PER_S};
	struct fixture b;
	struct mono end;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	end = keeper_deadline(&b.keeper);
	refuses(
	    &b, &(struct clock_command){.freq_ppm = 501}, KEEPER_FREQ_LIMIT);
	assert_true(keeper_deadline(&b.keeper).ns == end.ns);
}

static void test_step_comes_first(void **state)
{
	const struct clock_command c = {.freq_ppm = 5,
	    .step_ns = -300 * NS_PER_S,
	    .slew_ns = 1000,
	    .slew_duration_ns = NS_PER_S,
	    .synchronised = true,
	    .max_error_ns = 7,
	    .est_error_ns = 3};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, &(double){2});
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.report.change_count, 2);
	assert_true(b.report.changes[0].step_ns == c.step_ns);
	assert_true(b.report.changes[0].at.ns == START_NS);
	assert_true(b.report.changes[0].freq_ppm == 2);
	assert_true(b.report.changes[1].step_ns == 0);
	assert_true(b.report.changes[1].at.ns == START_NS + c.step_ns);
	assert_int_equal(b.fake.step_at_freq_sets, 1); /* of the start */
	assert_int_equal(b.fake.status_sets, 2);       /* of the start, too */
	assert_true(b.fake.status.synchronised);
	assert_true(b.fake.status.max_error_ns == 7);
	assert_true(b.fake.status.est_error_ns == 3);
}

/* Days of 2027: 15 January, where the tests start, the last days of June and
 * December, and the days around them. On any other day a leap second would be
 * a step that no limit counts. */
static void test_leap_seconds_have_their_days(void **state)
{
	static const struct {
		int64_t date_s;
		bool leap;
	} days[] = {
	    {1800000000, false},
	    {1814313599, false},
	    {1814313600, true},
	    {1814399996, true},
	    {1814400000, false},
	    {1830211200, true},
	    {1830297600, false},
	};
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		b.fake.stepped_ns = days[i].date_s * NS_PER_S - START_NS;
		assert_int_equal(apply(&b, &c), KEEPER_OK);
		assert_int_equal(
		    b.fake.status.leap, days[i].leap ? LEAP_INSERT : LEAP_NONE);
	}
}

static void test_step_rules(void **state)
{
	const struct clock_command far = {.step_ns = 3600 * NS_PER_S};
	const struct clock_command near = {.step_ns = -10 * NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	/* One step of any size in the start window. */
	assert_int_equal(apply(&b, &far), KEEPER_OK);
	refuses(&b, &far, KEEPER_STEP_LIMIT);
	/* Then only steps within the limit, and not in a row. */
	refuses(&b, &near, KEEPER_STEP_FORBIDDEN);
	pass_until(&b.fake, (struct mono){KEEPER_STEP_GAP_NS});
	assert_int_equal(apply(&b, &near), KEEPER_OK);
	refuses(&b, &near, KEEPER_STEP_FORBIDDEN);
	/* No limit configured. */
	b.keeper.limits.refuse_step_ns = 0;
	pass(&b.fake, 61e9);
	assert_int_equal(apply(&b, &far), KEEPER_OK);
	/* makestep ... -1 */
	b.keeper.limits.start_steps = -1;
	assert_int_equal(apply(&b, &far), KEEPER_OK);
	assert_int_equal(apply(&b, &far), KEEPER_OK);
}

/* The window opens with the first command, and does not stay open. */
static void test_start_window_ends(void **state)
{
	const struct clock_command far = {.step_ns = 3600 * NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	pass_until(&b.fake, (struct mono){10 * KEEPER_START_WINDOW_NS});
	assert_int_equal(
	    apply(&b, &(struct clock_command){.freq_ppm = 0}), KEEPER_OK);
	pass(&b.fake, (double)KEEPER_START_WINDOW_NS - 1e9);
	b.keeper.limits.start_steps = 2;
	assert_int_equal(apply(&b, &far), KEEPER_OK);
	pass(&b.fake, 2e9);
	refuses(&b, &far, KEEPER_STEP_LIMIT);
}

/* makestep ... 0: no step at a start, but an exception is possible. */
static void test_no_start_steps(void **state)
{
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.limits.start_steps = 0;
	start(&b, NULL);
	refuses(&b, &(struct clock_command){.step_ns = 11 * NS_PER_S},
	    KEEPER_STEP_LIMIT);
	assert_int_equal(
	    apply(&b, &(struct clock_command){.step_ns = 9 * NS_PER_S}),
	    KEEPER_OK);
}

/* ---- the step that makes the clock fit to check certificates ---- */

static void start_with_bootstrap(struct fixture *b)
{
	fixture_init(b);
	b->limits.start_steps = 0;
	b->limits.bootstrap = true;
	b->limits.earliest_ns = START_NS - 1000 * NS_PER_S;
	start(b, NULL);
}

static void test_bootstrap_is_once_and_of_any_size(void **state)
{
	const struct clock_command c = {
	    .step_ns = 40 * 365 * 86400 * NS_PER_S, .bootstrap = true};
	struct fixture b;

	(void)state;
	start_with_bootstrap(&b);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.fake.steps, 1);
	assert_false(b.fake.status.synchronised);
	refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
	assert_int_equal(b.keeper.steps_used, 0);
}

static void test_bootstrap_keeps_to_the_earliest_time(void **state)
{
	struct clock_command c = {
	    .step_ns = -1001 * NS_PER_S, .bootstrap = true};
	struct fixture b;

	(void)state;
	start_with_bootstrap(&b);
	refuses(&b, &c, KEEPER_STEP_EARLY);
	c.step_ns += 2 * NS_PER_S;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
}

static void test_bootstrap_ends_with_synchronisation(void **state)
{
	const struct clock_command good = {.synchronised = true};
	const struct clock_command c = {
	    .step_ns = 100 * NS_PER_S, .bootstrap = true};
	struct fixture b;

	(void)state;
	start_with_bootstrap(&b);
	assert_int_equal(apply(&b, &good), KEEPER_OK);
	refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
	start_with_bootstrap(&b);
	b.keeper.limits.bootstrap = false;
	refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
}

static void test_bootstrap_does_nothing_else(void **state)
{
	struct clock_command c = {.bootstrap = true};
	struct fixture b;

	(void)state;
	start_with_bootstrap(&b);
	refuses(&b, &c, KEEPER_BAD_COMMAND);
	c.step_ns = 100 * NS_PER_S;
	c.synchronised = true;
	refuses(&b, &c, KEEPER_BAD_COMMAND);
	c.synchronised = false;
	c.slew_ns = 1000;
	c.slew_duration_ns = NS_PER_S;
	refuses(&b, &c, KEEPER_BAD_COMMAND);
}

/* An engine that lies about a pause gains nothing: the steps that were allowed
 * anyway lead as far. */
static void test_a_pause_is_bounded_by_the_steps_that_were_not_made(
    void **state)
{
	const struct clock_command good = {.synchronised = true};
	struct clock_command c = {.bootstrap = true, .pause = true};
	struct fixture b;

	(void)state;
	start_with_bootstrap(&b);
	b.keeper.limits.refuse_step_ns = 1000 * NS_PER_S;
	assert_int_equal(apply(&b, &good), KEEPER_OK);
	/* Ten hours later, at the start of the 601st minute. */
	pass(&b.fake, 36000e9);
	c.step_ns = -NS_PER_S;
	refuses(&b, &c, KEEPER_BAD_COMMAND);
	c.step_ns = 601000 * NS_PER_S + 1;
	refuses(&b, &c, KEEPER_STEP_LIMIT);
	c.step_ns = 601000 * NS_PER_S;
	b.keeper.limits.bootstrap = false;
	refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
	b.keeper.limits.bootstrap = true;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_false(b.fake.status.synchronised);
	/* Then the count starts again. */
	c.step_ns = NS_PER_S;
	refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
	pass(&b.fake, 60e9);
	c.step_ns = 1000 * NS_PER_S + 1;
	refuses(&b, &c, KEEPER_STEP_LIMIT);
	/* One pause for each four hours of running. */
	c.step_ns = 1000 * NS_PER_S;
	refuses(&b, &c, KEEPER_STEP_BUDGET);
	pass(&b.fake, (double)KEEPER_PAUSE_GAP_NS - 61e9);
	refuses(&b, &c, KEEPER_STEP_BUDGET);
	pass(&b.fake, 1e9);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
}

/* The first command is bounded by more than the time since the boot: nothing
 * stands still before it was right. */
static void a_pause_needs_a_clock_that_was_right(void **state)
{
	const struct clock_command unknown = {.freq_ppm = 1};
	const struct clock_command good = {.synchronised = true};
	const struct clock_command c = {
	    .step_ns = NS_PER_S, .bootstrap = true, .pause = true};

	(void)state;
	for (int start_steps = -1; start_steps <= 1; start_steps++) {
		struct fixture b;

		fixture_init(&b);
		b.limits.start_steps = start_steps;
		b.limits.bootstrap = true;
		start(&b, NULL);
		b.fake.mono_ns = 365 * 86400e9;
		refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
		assert_int_equal(apply(&b, &unknown), KEEPER_OK);
		refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
		b.fake.status_error = -EIO;
		assert_int_equal(apply(&b, &good), KEEPER_KERNEL);
		refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
		b.fake.status_error = 0;
		assert_int_equal(apply(&b, &good), KEEPER_OK);
		assert_int_equal(apply(&b, &c), KEEPER_OK);
	}
}

/* A virtual machine that runs eight hours a day and is paused for the night: 57
 * steps of refuse-threshold each time. The budget of a life ends that. */
static void the_nights_of_a_life_have_a_limit(void **state)
{
	const struct clock_command good = {.synchronised = true};
	const struct clock_command c = {
	    .step_ns = 57 * 10 * NS_PER_S, .bootstrap = true, .pause = true};
	struct clock_command rest = c;
	struct fixture b;
	int nights;

	(void)state;
	start_with_bootstrap(&b);
	assert_int_equal(apply(&b, &good), KEEPER_OK);
	for (nights = 0; nights < 3000 / 57; nights++) {
		pass(&b.fake, 8 * 3600e9);
		assert_int_equal(apply(&b, &c), KEEPER_OK);
		assert_int_equal(apply(&b, &good), KEEPER_OK);
	}
	assert_int_equal(nights, 52);
	pass(&b.fake, 8 * 3600e9);
	refuses(&b, &c, KEEPER_STEP_BUDGET);
	rest.step_ns = (3000 - 52 * 57) * 10 * NS_PER_S + 1;
	refuses(&b, &rest, KEEPER_STEP_BUDGET);
	rest.step_ns--;
	assert_int_equal(apply(&b, &rest), KEEPER_OK);
	/* Other steps have budgets of their own. */
	pass(&b.fake, 61e9);
	assert_int_equal(
	    apply(&b, &(struct clock_command){.step_ns = 10 * NS_PER_S}),
	    KEEPER_OK);
}

/* ---- the budgets of the other steps: refuse-threshold is 10 s ---- */

static void start_after_the_window(struct fixture *b)
{
	fixture_init(b);
	b->limits.start_steps = 0;
	start(b, NULL);
}

/* Steps by `step_ns` each minute; returns how many were allowed. */
static int steps_in_a_row(struct fixture *b, int64_t step_ns, int most)
{
	const struct clock_command c = {.step_ns = step_ns};
	int done = 0;

	while (done < most && apply(b, &c) == KEEPER_OK) {
		done++;
		pass(&b->fake, 60.1e9);
	}
	return done;
}

/* A laptop that wakes up every half hour, or a virtual machine with a snapshot
 * each. */
static void a_day_has_48_steps(void **state)
{
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(steps_in_a_row(&b, 1000, 100), 48);
	refuses(&b, &(struct clock_command){.step_ns = 1}, KEEPER_STEP_BUDGET);
	assert_int_equal(b.report.steps, 48);
	assert_int_equal(b.report.refused, 2);
	/* The first steps are a day ago, one after the other. */
	b.fake.mono_ns = 86400e9 + 3 * 60.1e9;
	assert_int_equal(steps_in_a_row(&b, -1000, 100), 48);
	start_after_the_window(&b);
	assert_int_equal(steps_in_a_row(&b, 1000, 48), 48);
	b.fake.mono_ns = 86400e9 - 1e9;
	refuses(&b, &(struct clock_command){.step_ns = 1}, KEEPER_STEP_BUDGET);
	pass(&b.fake, 2e9);
	assert_int_equal(apply(&b, &(struct clock_command){.step_ns = 1}), 0);
	pass(&b.fake, 58.5e9);
	refuses(
	    &b, &(struct clock_command){.step_ns = 1}, KEEPER_STEP_FORBIDDEN);
	/* Not even without refuse-threshold; but makestep ... -1 allows it. */
	start_after_the_window(&b);
	b.keeper.limits.refuse_step_ns = 0;
	assert_int_equal(steps_in_a_row(&b, 1000, 100), 48);
	b.keeper.limits.start_steps = -1;
	assert_int_equal(steps_in_a_row(&b, 1000, 100), 100);
}

/* Forward and back, together. */
static void a_day_has_eight_times_refuse_threshold(void **state)
{
	const int64_t most = 10 * NS_PER_S;
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(steps_in_a_row(&b, most, 4), 4);
	assert_int_equal(steps_in_a_row(&b, -most, 3), 3);
	assert_int_equal(steps_in_a_row(&b, -most / 2, 1), 1);
	refuses(&b, &(struct clock_command){.step_ns = most / 2 + 1},
	    KEEPER_STEP_BUDGET);
	assert_int_equal(steps_in_a_row(&b, most / 2, 2), 1);
	/* Without refuse-threshold a step has any size. */
	b.keeper.limits.refuse_step_ns = 0;
	assert_int_equal(steps_in_a_row(&b, 1000 * most, 3), 3);
}

static void a_life_has_a_thousand_times_refuse_threshold(void **state)
{
	const int64_t most = 10 * NS_PER_S;
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	for (int day = 0; day < 125; day++) {
		assert_int_equal(steps_in_a_row(&b, most, 9), 8);
		pass(&b.fake, 86400e9);
	}
	refuses(&b, &(struct clock_command){.step_ns = 1}, KEEPER_STEP_BUDGET);
	/* The limits are huge: the sums must not overflow. */
	b.keeper.limits.refuse_step_ns = INT64_MAX;
	assert_int_equal(steps_in_a_row(&b, INT64_MAX - START_NS * 2, 1), 1);
	refuses(&b, &(struct clock_command){.step_ns = -(INT64_MAX / 2)},
	    KEEPER_STEP_BUDGET);
}

/* The steps of a start do not count. */
static void the_start_spends_no_budget(void **state)
{
	struct fixture b;

	(void)state;
	fixture_init(&b);
	b.limits.start_steps = 60;
	b.limits.bootstrap = true;
	start(&b, NULL);
	assert_int_equal(apply(&b, &(struct clock_command){.step_ns = NS_PER_S,
				       .bootstrap = true}),
	    KEEPER_OK);
	for (int i = 0; i < 60; i++)
		assert_int_equal(
		    apply(&b,
			&(struct clock_command){.step_ns = 1000 * NS_PER_S}),
		    KEEPER_OK);
	pass(&b.fake, 3600e9);
	assert_int_equal(steps_in_a_row(&b, 10 * NS_PER_S, 9), 8);
	assert_int_equal(b.report.steps, 69);
}

/* The day that counts is that of the clock after the step. */
static void a_leap_second_is_judged_after_the_step(void **state)
{
	/* The last second of 30 June 2027, UTC. */
	const int64_t last_ns = 1814399999 * NS_PER_S;
	struct clock_command c = {
	    .synchronised = true, .leap = LEAP_INSERT, .step_ns = 5 * NS_PER_S};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	b.fake.stepped_ns = last_ns - START_NS;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.fake.status.leap, LEAP_NONE);
	pass(&b.fake, 61e9);
	b.fake.stepped_ns = last_ns - START_NS - 61 * NS_PER_S;
	c.step_ns = -5 * NS_PER_S;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.fake.status.leap, LEAP_INSERT);
	/* Nobody who does not know the time knows of a leap second. */
	c.step_ns = 0;
	c.synchronised = false;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.fake.status.leap, LEAP_NONE);
}

/* 30 June 2027 in UTC, which ends at 1814400000 s. The kernel inserts a second,
 * and shows the last second of that day again. */
static void no_second_is_inserted_twice(void **state)
{
	const int64_t rest = KEEPER_LEAP_REST_NS, ms = NS_PER_MS;
	/* The test's monotonic clock is at 0 an hour before the end. */
	const int64_t end = 3600 * NS_PER_S;
	const struct {
		int64_t at_ns;
		enum leap leap;
	} looks[] = {
	    {0, LEAP_INSERT},
	    {end - 3000 * ms, LEAP_INSERT},
	    {end + 500 * ms - 1, LEAP_INSERT},
	    {end + 500 * ms, LEAP_NONE},
	    {end + rest - 1, LEAP_NONE},
	    {end + rest, LEAP_INSERT},
	    {end + rest + 1, LEAP_INSERT},
	};
	const struct clock_command c = {
	    .synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		/* Somebody sets the clock to that day again. */
		b.fake.stepped_ns =
		    1814396400 * NS_PER_S - START_NS - looks[i].at_ns;
		b.fake.mono_ns = (double)looks[i].at_ns;
		b.fake.wall_ns = b.fake.mono_ns;
		if (i < 3)
			b.fake.stepped_ns += looks[i].at_ns;
		assert_int_equal(apply(&b, &c), KEEPER_OK);
		assert_int_equal(b.fake.status.leap, looks[i].leap);
	}
}

/* A second that is left out is due a second earlier: then it is over. */
static void the_kind_may_change_before_it_is_due(void **state)
{
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	b.fake.stepped_ns = 1814396400 * NS_PER_S - START_NS;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.keeper.leap_until.ns, 3600 * NS_PER_S);
	c.leap = LEAP_DELETE;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.fake.status.leap, LEAP_DELETE);
	assert_int_equal(b.keeper.leap_until.ns, 3599 * NS_PER_S);
	c.leap = LEAP_INSERT;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.keeper.leap_until.ns, 3600 * NS_PER_S);
}

/* What the kernel is armed with at a time of the monotonic clock, if a command
 * comes then and finds the wall clock at `wall_ns` of the last hour. */
static enum leap armed_at(struct fixture *b, const struct clock_command *c,
    int64_t mono_ns, int64_t wall_ns)
{
	b->fake.wall_ns = b->fake.mono_ns = (double)mono_ns;
	b->fake.stepped_ns =
	    1814396400 * NS_PER_S - START_NS + wall_ns - mono_ns;
	assert_int_equal(apply(b, c), KEEPER_OK);
	return b->fake.status.leap;
}

/* A busy machine: the first command finds the wall clock 300 ms late, and the
 * others come shortly before the leap second and after it. */
static void a_late_command_disarms_nothing(void **state)
{
	const int64_t end = 3600 * NS_PER_S, ms = NS_PER_MS;
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(armed_at(&b, &c, 0, 300 * ms), LEAP_INSERT);
	assert_int_equal(
	    armed_at(&b, &c, end - 100 * ms, end - 100 * ms), LEAP_INSERT);
	/* The kernel still shows the next day. */
	assert_int_equal(
	    armed_at(&b, &c, end + 100 * ms, end + 100 * ms), LEAP_INSERT);
	/* Nobody disarms or arms it so near to it. */
	c.leap = LEAP_NONE;
	assert_int_equal(
	    armed_at(&b, &c, end + 150 * ms, end - 850 * ms), LEAP_INSERT);
	c.synchronised = false;
	assert_int_equal(
	    armed_at(&b, &c, end + 180 * ms, end - 820 * ms), LEAP_NONE);
	c = (struct clock_command){.synchronised = true, .leap = LEAP_INSERT};
	assert_int_equal(
	    armed_at(&b, &c, end + 190 * ms, end - 810 * ms), LEAP_NONE);
	/* The second was inserted: not once more. */
	assert_int_equal(
	    armed_at(&b, &c, end + 250 * ms, end - 750 * ms), LEAP_NONE);
}

/* An administrator sets the clock five seconds back. */
static void a_leap_second_follows_the_clock(void **state)
{
	const int64_t end = 3600 * NS_PER_S, s = NS_PER_S;
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(armed_at(&b, &c, 0, 5 * s), LEAP_INSERT);
	assert_int_equal(armed_at(&b, &c, 600 * s, 600 * s), LEAP_INSERT);
	assert_int_equal(b.keeper.leap_until.ns, end);
	assert_int_equal(
	    armed_at(&b, &c, end - 4 * s, end - 4 * s), LEAP_INSERT);
	c.leap = LEAP_NONE;
	assert_int_equal(
	    armed_at(&b, &c, end - 3 * s - 1, end - 3 * s - 1), LEAP_NONE);
}

/* In the last second, Linux would arm it for the end of the next day. */
static void a_leap_second_is_armed_in_time(void **state)
{
	const int64_t end = 3600 * NS_PER_S, s = NS_PER_S;
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(armed_at(&b, &c, end - 3 * s, end - 3 * s), LEAP_NONE);
	assert_int_equal(armed_at(&b, &c, end - s, end - s), LEAP_NONE);
	/* When it was due, a second earlier, is more than a moment ago. */
	c.leap = LEAP_DELETE;
	assert_int_equal(armed_at(&b, &c, end - s / 4, end - s / 4), LEAP_NONE);
	c.leap = LEAP_INSERT;
	start_after_the_window(&b);
	assert_int_equal(
	    armed_at(&b, &c, end - 3 * s - 1, end - 3 * s - 1), LEAP_INSERT);
	assert_false(b.fake.status.leap_stays);
	assert_int_equal(
	    armed_at(&b, &c, end - 3 * s, end - 3 * s), LEAP_INSERT);
	assert_true(b.fake.status.leap_stays);
	/* The kernel keeps nothing armed with such an error. */
	c.max_error_ns = 16 * s;
	assert_int_equal(armed_at(&b, &c, end - 3 * s, end - 3 * s), LEAP_NONE);
	c.max_error_ns = 0;
	assert_int_equal(armed_at(&b, &c, end - s, end - s), LEAP_NONE);
}

/* A step makes the kernel forget it, and brings the old day back. */
static void a_step_ends_a_near_leap_second(void **state)
{
	const int64_t end = 3600 * NS_PER_S, ms = NS_PER_MS;
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(armed_at(&b, &c, 0, 0), LEAP_INSERT);
	c.step_ns = -5 * NS_PER_S;
	assert_int_equal(
	    armed_at(&b, &c, end + 100 * ms, end - 900 * ms), LEAP_NONE);
	c.step_ns = 0;
	assert_int_equal(
	    armed_at(&b, &c, end + 400 * ms, end - 5600 * ms), LEAP_NONE);
	assert_int_equal(
	    armed_at(&b, &c, end + 600 * ms, end - 5400 * ms), LEAP_NONE);
}

/* The order was read a moment before the end of the day, and the kernel
 * executes the second before it makes the step. In the other row, the machine
 * has slept for an hour, which the monotonic clock does not count. */
static void a_step_brings_no_executed_leap_second_back(void **state)
{
	const int64_t s = NS_PER_S;
	static const struct {
		int64_t mono_ns, wall_ns;
		bool back;
	} rows[] = {
	    {3600 * NS_PER_S - 1, 3599 * NS_PER_S, false},
	    {3595 * NS_PER_S, 7195 * NS_PER_S, false},
	    {3590 * NS_PER_S, 3597 * NS_PER_S, false},
	    {3590 * NS_PER_S, 3597 * NS_PER_S - 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_command c = {
		    .synchronised = true, .leap = LEAP_INSERT};
		struct fixture b;

		start_after_the_window(&b);
		assert_int_equal(armed_at(&b, &c, 0, 0), LEAP_INSERT);
		c.step_ns = -5 * s;
		(void)armed_at(&b, &c, rows[i].mono_ns, rows[i].wall_ns);
		c.step_ns = 0;
		assert_int_equal(armed_at(&b, &c, rows[i].mono_ns + s, 0),
		    rows[i].back ? LEAP_INSERT : LEAP_NONE);
	}
}

/* A hostile engine is silent after its order, or another program arms one. */
static void a_leap_second_of_another_day_is_disarmed(void **state)
{
	const int64_t day = 24 * 3600 * NS_PER_S, last = 3600 * NS_PER_S;
	/* The last hour of 30 June 2027 begins at 0. */
	const struct {
		int64_t at_ns;
		bool stays;
	} rows[] = {
	    {0, true},
	    {last + NS_PER_S / 2 - 1, true},
	    {last + NS_PER_S / 2, false},
	    {day, false},
	    {last - day + NS_PER_S / 2 - 1, false},
	    {last - day + NS_PER_S / 2, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture b;

		start_after_the_window(&b);
		b.fake.stepped_ns =
		    1814396400 * NS_PER_S - START_NS + rows[i].at_ns;
		b.fake.others.leap = b.keeper.leap = LEAP_DELETE;
		b.fake.status_error = -EPERM;
		assert_false(keeper_look(&b.keeper, &b.report));
		assert_int_equal(b.keeper.leap, LEAP_DELETE);
		b.fake.status_error = 0;
		assert_false(keeper_look(&b.keeper, &b.report));
		assert_int_equal(b.fake.disarmed, !rows[i].stays);
		assert_int_equal(b.keeper.disarmed, 0);
		assert_int_equal(
		    b.keeper.leap, rows[i].stays ? LEAP_DELETE : LEAP_NONE);
		/* Now another program does it. */
		b.fake.others.leap = LEAP_INSERT;
		b.keeper.leap = LEAP_NONE;
		assert_false(keeper_look(&b.keeper, &b.report));
		assert_int_equal(b.keeper.disarmed, !rows[i].stays);
	}
}

/* Then no report may say that it is armed. */
static void a_leap_second_that_another_program_disarmed_is_none(void **state)
{
	const int64_t end = 3600 * NS_PER_S, s = NS_PER_S;
	struct clock_command c = {.synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(armed_at(&b, &c, 0, 0), LEAP_INSERT);
	assert_int_equal(b.report.leap, LEAP_INSERT);
	b.fake.others.leap = LEAP_NONE;
	assert_false(keeper_look(&b.keeper, &b.report));
	assert_int_equal(
	    armed_at(&b, &c, end - 9 * s, end - 9 * s), LEAP_INSERT);
	assert_int_equal(b.report.leap, LEAP_INSERT);
	b.fake.others.leap = LEAP_NONE;
	assert_false(keeper_look(&b.keeper, &b.report));
	assert_int_equal(armed_at(&b, &c, end - 2 * s, end - 2 * s), LEAP_NONE);
	assert_int_equal(b.report.leap, LEAP_NONE);
}

/* What the kernel did not take is not armed. */
static void a_refused_status_arms_nothing(void **state)
{
	const struct clock_command c = {
	    .synchronised = true, .leap = LEAP_INSERT};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	b.fake.stepped_ns = 1814396400 * NS_PER_S - START_NS;
	b.fake.status_error = -EPERM;
	assert_int_equal(apply(&b, &c), KEEPER_KERNEL);
	assert_int_equal(b.keeper.leap, LEAP_NONE);
	assert_int_equal(b.report.leap, LEAP_NONE);
	b.fake.status_error = 0;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.report.leap, LEAP_INSERT);
}

/* The bound with which Linux still counts as synchronised, and 1 ns more. */
static void a_bound_of_sixteen_seconds_arms_nothing(void **state)
{
	struct clock_command c = {.synchronised = true,
	    .leap = LEAP_INSERT,
	    .max_error_ns = 16 * NS_PER_S - NS_PER_US};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	assert_int_equal(armed_at(&b, &c, 0, 0), LEAP_INSERT);
	c.max_error_ns++;
	assert_int_equal(armed_at(&b, &c, 1, 1), LEAP_NONE);
}

/* With a step the day ends earlier or later: one leap second is left in any
 * case. */
static void a_step_moves_the_leap_second(void **state)
{
	struct clock_command c = {.synchronised = true, .leap = LEAP_DELETE};
	struct fixture b;

	(void)state;
	start_after_the_window(&b);
	b.fake.stepped_ns = 1814396400 * NS_PER_S - START_NS;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.keeper.leap_until.ns, 3599 * NS_PER_S);
	c.step_ns = -7 * NS_PER_S;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.fake.status.leap, LEAP_DELETE);
	assert_int_equal(b.keeper.leap_until.ns, 3606 * NS_PER_S);
	pass(&b.fake, 3607e9);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	/* It is over: going back does not bring it back. */
	assert_int_equal(b.keeper.leap_until.ns, 3606 * NS_PER_S);
	assert_int_equal(b.fake.status.leap, LEAP_NONE);
}

/* Limits that are no numbers allow nothing. */
static void limits_that_are_no_numbers_allow_nothing(void **state)
{
	const struct clock_command slew = {
	    .slew_ns = 1, .slew_duration_ns = NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	b.keeper.limits.max_slew_ppm = NAN;
	refuses(&b, &slew, KEEPER_SLEW_LIMIT);
	b.keeper.limits.max_freq_ppm = NAN;
	refuses(&b, &slew, KEEPER_FREQ_LIMIT);
	assert_int_equal(b.report.refused, 2);
}

/* In the start window, and without refuse-threshold, a step of any size was
 * allowed anyway. */
static void test_a_pause_may_be_long_where_any_step_may(void **state)
{
	const struct clock_command good = {.synchronised = true};
	const struct clock_command c = {
	    .step_ns = 1000000 * NS_PER_S, .bootstrap = true, .pause = true};
	struct fixture b;

	(void)state;
	start_with_bootstrap(&b);
	assert_int_equal(apply(&b, &good), KEEPER_OK);
	refuses(&b, &c, KEEPER_STEP_LIMIT);
	b.keeper.limits.start_steps = 1;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	assert_int_equal(b.keeper.steps_used, 1);
	refuses(&b, &c, KEEPER_STEP_FORBIDDEN);
	b.keeper.limits.refuse_step_ns = 0;
	assert_int_equal(apply(&b, &c), KEEPER_OK);
}

/* The report contains what was done before the kernel refused. */
static void test_kernel_refuses(void **state)
{
	const struct clock_command c = {.step_ns = 5, .freq_ppm = 3};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	b.fake.step_error = -EINVAL;
	assert_int_equal(apply(&b, &c), KEEPER_KERNEL);
	assert_int_equal(b.report.sys_errno, EINVAL);
	assert_int_equal(b.report.change_count, 0);
	assert_int_equal(b.keeper.steps_used, 0);
	b.fake.step_error = 0;
	b.fake.freq_error = -EPERM;
	assert_int_equal(apply(&b, &c), KEEPER_KERNEL);
	assert_int_equal(b.report.sys_errno, EPERM);
	assert_int_equal(b.report.change_count, 1);
	assert_true(b.report.changes[0].step_ns == 5);
	b.fake.freq_error = 0;
	b.fake.status_error = -EIO;
	assert_int_equal(
	    apply(&b, &(struct clock_command){.freq_ppm = 3}), KEEPER_KERNEL);
	assert_int_equal(b.report.change_count, 1);
	assert_true(b.report.changes[0].freq_ppm == 3);
}

/* A slew that the kernel did not end stays due. */
static void test_end_is_tried_again(void **state)
{
	const struct clock_command c = {
	    .slew_ns = 1000, .slew_duration_ns = NS_PER_S};
	struct fixture b;
	struct mono end;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	end = keeper_deadline(&b.keeper);
	pass_until(&b.fake, end);
	b.fake.freq_error = -EPERM;
	assert_true(keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	assert_int_equal(b.report.verdict, KEEPER_KERNEL);
	assert_int_equal(b.report.change_count, 0);
	assert_true(keeper_deadline(&b.keeper).ns > end.ns);
	b.fake.freq_error = 0;
	pass_until(&b.fake, keeper_deadline(&b.keeper));
	assert_true(keeper_tick(&b.keeper, mono_of(&b.fake), &b.report));
	assert_int_equal(b.report.verdict, KEEPER_OK);
	assert_true(b.report.slew_done_ns > 1900);
	assert_true(b.fake.freq_ppm == 0);
}

static void test_stop(void **state)
{
	const struct clock_command c = {
	    .freq_ppm = -7.125, .slew_ns = 1000, .slew_duration_ns = NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	assert_int_equal(apply(&b, &c), KEEPER_OK);
	pass(&b.fake, 1e8);
	keeper_stop(&b.keeper, mono_of(&b.fake));
	assert_true(b.fake.freq_ppm == -7.125);
	assert_int_equal(b.fake.freq_sets, 3);
	keeper_stop(&b.keeper, mono_of(&b.fake));
	assert_int_equal(b.fake.freq_sets, 3);
	assert_true(keeper_deadline(&b.keeper).ns == MONO_NEVER.ns);
}

/* The guard has set the base frequency; the keeper makes sure of it. */
static void a_slew_that_the_guard_has_ended_is_over(void **state)
{
	const struct clock_command c = {
	    .freq_ppm = -7.125, .slew_ns = 1000, .slew_duration_ns = NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	for (int refuses = 0; refuses < 2; refuses++) {
		assert_int_equal(apply(&b, &c), KEEPER_OK);
		assert_true(b.fake.freq_ppm != -7.125);
		b.fake.freq_error = refuses ? -EPERM : 0;
		keeper_overtaken(&b.keeper, &b.report);
		assert_int_equal(b.report.serial, 0);
		assert_int_equal(b.report.verdict,
		    refuses ? KEEPER_KERNEL : KEEPER_OVERTAKEN);
		assert_int_equal(b.report.change_count, !refuses);
		assert_true(keeper_deadline(&b.keeper).ns == MONO_NEVER.ns);
		if (refuses)
			assert_int_equal(b.report.sys_errno, EPERM);
		else
			assert_true(b.fake.freq_ppm == -7.125);
	}
}

static void a_frequency_of_another_program_is_replaced(void **state)
{
	struct clock_command slew = {.freq_ppm = 10,
	    .slew_ns = 1000000,
	    .slew_duration_ns = 2 * NS_PER_S};
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, &(double){20});
	assert_false(keeper_look(&b.keeper, &b.report));
	b.fake.freq_ppm = 320;
	assert_true(keeper_look(&b.keeper, &b.report));
	assert_int_equal(b.report.verdict, KEEPER_FREQ_CHANGED);
	assert_int_equal(b.report.serial, 0);
	assert_int_equal(b.report.change_count, 1);
	assert_true(b.report.found_freq_ppm == 320);
	assert_true(b.report.changes[0].freq_ppm == 20);
	assert_true(b.fake.freq_ppm == 20);
	/* A frequency with a slew is the keeper's own. */
	assert_int_equal(apply(&b, &slew), KEEPER_OK);
	assert_false(keeper_look(&b.keeper, &b.report));
	b.fake.freq_ppm = 10;
	assert_true(keeper_look(&b.keeper, &b.report));
	assert_true(b.fake.freq_ppm == b.keeper.became_ppm);
	assert_true(b.keeper.slewing);
}

static void a_kernel_that_refuses_that_is_reported(void **state)
{
	struct fixture b;

	(void)state;
	fixture_init(&b);
	start(&b, NULL);
	b.fake.freq_ppm = 99;
	b.fake.freq_error = -EPERM;
	assert_true(keeper_look(&b.keeper, &b.report));
	assert_int_equal(b.report.verdict, KEEPER_KERNEL);
	assert_int_equal(b.report.sys_errno, EPERM);
	b.keeper.limits.no_clock = true;
	assert_false(keeper_look(&b.keeper, &b.report));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(a_start_takes_the_clock_over),
	    cmocka_unit_test(a_large_frequency_needs_the_drift_file),
	    cmocka_unit_test(a_foreign_slew_is_found_and_ended),
	    cmocka_unit_test(test_start_refused),
	    cmocka_unit_test(test_no_clock),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_limits_are_exact),
	    cmocka_unit_test(test_later_steps_are_exact),
	    cmocka_unit_test(test_slew_is_exact),
	    cmocka_unit_test(test_quantised_slew),
	    cmocka_unit_test(test_slew_below_the_quantum),
	    cmocka_unit_test(test_late_tick),
	    cmocka_unit_test(test_replaced_slew),
	    cmocka_unit_test(test_refused_while_slewing),
	    cmocka_unit_test(test_step_comes_first),
	    cmocka_unit_test(test_leap_seconds_have_their_days),
	    cmocka_unit_test(test_step_rules),
	    cmocka_unit_test(test_start_window_ends),
	    cmocka_unit_test(test_no_start_steps),
	    cmocka_unit_test(test_bootstrap_is_once_and_of_any_size),
	    cmocka_unit_test(test_bootstrap_keeps_to_the_earliest_time),
	    cmocka_unit_test(test_bootstrap_ends_with_synchronisation),
	    cmocka_unit_test(test_bootstrap_does_nothing_else),
	    cmocka_unit_test(
		test_a_pause_is_bounded_by_the_steps_that_were_not_made),
	    cmocka_unit_test(test_a_pause_may_be_long_where_any_step_may),
	    cmocka_unit_test(a_pause_needs_a_clock_that_was_right),
	    cmocka_unit_test(the_nights_of_a_life_have_a_limit),
	    cmocka_unit_test(a_day_has_48_steps),
	    cmocka_unit_test(a_day_has_eight_times_refuse_threshold),
	    cmocka_unit_test(a_life_has_a_thousand_times_refuse_threshold),
	    cmocka_unit_test(the_start_spends_no_budget),
	    cmocka_unit_test(a_leap_second_is_judged_after_the_step),
	    cmocka_unit_test(no_second_is_inserted_twice),
	    cmocka_unit_test(the_kind_may_change_before_it_is_due),
	    cmocka_unit_test(a_step_moves_the_leap_second),
	    cmocka_unit_test(a_late_command_disarms_nothing),
	    cmocka_unit_test(a_leap_second_follows_the_clock),
	    cmocka_unit_test(a_leap_second_is_armed_in_time),
	    cmocka_unit_test(a_step_ends_a_near_leap_second),
	    cmocka_unit_test(a_step_brings_no_executed_leap_second_back),
	    cmocka_unit_test(a_leap_second_of_another_day_is_disarmed),
	    cmocka_unit_test(
		a_leap_second_that_another_program_disarmed_is_none),
	    cmocka_unit_test(a_refused_status_arms_nothing),
	    cmocka_unit_test(a_bound_of_sixteen_seconds_arms_nothing),
	    cmocka_unit_test(limits_that_are_no_numbers_allow_nothing),
	    cmocka_unit_test(test_kernel_refuses),
	    cmocka_unit_test(test_end_is_tried_again),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(a_slew_that_the_guard_has_ended_is_over),
	    cmocka_unit_test(a_frequency_of_another_program_is_replaced),
	    cmocka_unit_test(a_kernel_that_refuses_that_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
