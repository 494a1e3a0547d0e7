/* Taking over a clock: drift file, earliest time, first frequency. */
#include "agent/launch/clock.h"

#include "agent/saved/last_good_time.h"
#include "tests/unit/agent/launch/heard.h"
#include "tests/unit/agent/saved/test_key.h"

#include <errno.h>
#include <math.h>

/* A kernel clock of the test. */
struct fake {
	double freq_ppm, set_ppm;
	struct kernel_found others; /* its frequency is not used */
	unsigned sets;
	int get_error, set_error;
	int64_t now_s;
	int tai_s;
};

static struct wall fake_now(void *self)
{
	return (struct wall){((struct fake *)self)->now_s * NS_PER_S};
}

static int fake_get(void *self, struct kernel_found *found)
{
	struct fake *f = self;

	*found = f->others;
	found->freq_ppm = f->freq_ppm;
	return f->get_error;
}

static int fake_set(void *self, double freq_ppm, double *became_ppm)
{
	struct fake *f = self;

	f->sets++;
	f->set_ppm = *became_ppm = freq_ppm;
	return f->set_error;
}

static int fake_step(void *self, int64_t step_ns)
{
	(void)self;
	(void)step_ns;
	return 0;
}

static int fake_status(void *self, const struct kernel_status *status)
{
	(void)self;
	(void)status;
	return 0;
}

static int fake_tai(void *self, int tai_s)
{
	((struct fake *)self)->tai_s = tai_s;
	return 0;
}

static struct clock_ops ops_of(struct fake *f)
{
	return (struct clock_ops){
	    .now = fake_now,
	    .look = fake_get,
	    .set_freq = fake_set,
	    .step = fake_step,
	    .set_status = fake_status,
	    .set_tai = fake_tai,
	    .self = f,
	};
}

#define NOW_S INT64_C(1800000000)

static struct fake good_clock(void)
{
	return (struct fake){.freq_ppm = 12, .now_s = NOW_S};
}

/* The drift file has `text`; NULL: there is none. No file of a good time. */
static void put_drift(struct heard *h, const char *text)
{
	struct config *c = &h->room->config;

	c->max_freq_ppm = 500;
	c->leap_table[0] = '\0';
	snprintf(c->driftfile, sizeof(c->driftfile), "%s/drift", h->room->dir);
	c->goodtime_file[0] = '\0';
	if (text)
		room_put(h->room, "drift", text);
}

static bool take(
    struct launch_clock *c, const struct heard *h, const struct clock_ops *ops)
{
	const struct run_options run = {.no_clock = false};

	return launch_clock_take(c, &h->room->config, &test_key, &run, ops);
}

static void the_drift_file_is_used(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	/* The file says how fast the clock runs, the correction is the
	 * opposite. */
	put_drift(h, "-5.5 0.25\n");
	assert_true(take(&c, h, &ops));
	assert_true(c.freq_ppm == 5.5 && c.freq_sd_ppm == 0.25);
	assert_true(fake.set_ppm == 5.5);
	assert_true(c.keeper.base_freq_ppm == 5.5);
	assert_true(c.first.freq_ppm == 5.5);
	assert_int_equal(c.first.at.ns, NOW_S * NS_PER_S);
	heard_says(h, "frequency +5.500 ppm +- 0.250 ppm from ");
}

static void a_drift_with_a_broken_seal_is_not_used(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, "-5.5 0.25\nseal 00112233445566778899aabbccddeeff\n");
	assert_true(take(&c, h, &ops));
	assert_true(c.freq_ppm == 12 && c.freq_sd_ppm == FREQ_SD_UNKNOWN_PPM);
	heard_says(h, "/drift has a broken seal: it was changed or copied, or "
		      "seal.key is another one: not used");
}

static void without_it_the_kernels_frequency_is_kept(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, NULL);
	assert_true(take(&c, h, &ops));
	assert_true(c.freq_ppm == 12 && c.freq_sd_ppm == FREQ_SD_UNKNOWN_PPM);
	heard_says(h, "no drift file yet: ");
}

static void no_file_is_configured(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, NULL);
	h->room->config.driftfile[0] = '\0';
	assert_true(take(&c, h, &ops));
	assert_true(c.freq_ppm == 12 && c.freq_sd_ppm == FREQ_SD_UNKNOWN_PPM);
	heard_nothing(h);
}

/* A file that cannot be right, and what is said of it. */
static void a_file_that_cannot_be_used_is_told(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"nonsense\n", "is not a drift file: not used"},
	    {"-501 1\n", "says +501.000 ppm, and max-drift is 500 ppm: not "
			 "used"},
	    {"501 1\n", "says -501.000 ppm, and max-drift is 500 ppm"},
	};
	struct heard *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake fake = good_clock();
		const struct clock_ops ops = ops_of(&fake);
		struct launch_clock c;

		put_drift(h, rows[i].text);
		assert_true(take(&c, h, &ops));
		assert_true(c.freq_ppm == 12);
		assert_true(c.freq_sd_ppm == FREQ_SD_UNKNOWN_PPM);
		heard_says(h, rows[i].says);
	}
}

static void the_largest_drift_is_used(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, "-500 1\n");
	assert_true(take(&c, h, &ops));
	assert_true(c.freq_ppm == 500 && fake.set_ppm == 500);
}

static void what_was_found_is_one_line(void **state)
{
	static const struct {
		double freq_ppm;
		struct kernel_found others;
		const char *says;
	} rows[] = {
	    {12, {.synchronised = true},
		"taken over: it counted as synchronised: put right"},
	    {12, {.adjtime_ns = 2 * NS_PER_S, .leap = LEAP_INSERT},
		"taken over: adjtime(3) had +2.000000 s left to slew, a leap "
		"second was armed: put right"},
	    {12, {.offset_ns = -5000, .loop = true},
		"the kernel's loop had -0.000005 s left to slew: put right"},
	    {12, {.loop = true}, "the kernel's loop was on: put right"},
	    {-100000, {.loop = false},
		"the frequency was -100000.000 ppm, now +0.000 ppm: put right"},
	};
	struct heard *h = *state;

	put_drift(h, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake fake = good_clock();
		const struct clock_ops ops = ops_of(&fake);
		struct launch_clock c;

		fake.freq_ppm = rows[i].freq_ppm;
		fake.others = rows[i].others;
		assert_true(take(&c, h, &ops));
		heard_says(h, rows[i].says);
	}
}

static unsigned times_heard(struct heard *h, const char *words)
{
	unsigned n = 0;

	for (const char *at = heard_text(h); (at = strstr(at, words)); at++)
		n++;
	return n;
}

/* What set it knew more than a few answers tell. With a drift file of this
 * frequency, it is no news. */
static void set_once_believes_a_large_frequency(void **state)
{
	static const struct {
		bool once;
		const char *drift;
		double becomes_ppm;
		unsigned left, changed; /* lines so far */
	} rows[] = {
	    {true, NULL, 8960, 1, 0},
	    {false, NULL, 0, 1, 1},
	    {false, "-8960 0.25\n", 8960, 1, 1},
	};
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct run_options run = {.once = rows[i].once};

		put_drift(h, rows[i].drift);
		h->room->config.max_freq_ppm = 100000;
		fake.freq_ppm = 8960;
		assert_true(launch_clock_take(
		    &c, &h->room->config, &test_key, &run, &ops));
		assert_true(c.freq_ppm == rows[i].becomes_ppm);
		assert_int_equal(
		    times_heard(h, "frequency is +8960.000 ppm, of a slew or "
				   "of a rare oscillator: it is left as it is"),
		    rows[i].left);
		assert_int_equal(
		    times_heard(h, "the frequency was +8960.000 ppm"),
		    rows[i].changed);
	}
}

/* What the table says of CLOCK_TAI, and of itself. */
static void the_table_of_leap_seconds_sets_tai(void **state)
{
	static const struct {
		const char *text;
		int tai_s;
		const char *says;
	} rows[] = {
	    {"#@ 4294967295\n3692217600 37\n", 37,
		"TAI is 37 s ahead of UTC, by "},
	    {"#@ 4294967295\n3692217600 37\n", 37,
		", which expires on 2036-02-07"},
	    {"#@ 3991593600\n3692217600 37\n", 37,
		"expired on 2026-06-28: get a current one, as in a new tzdata"},
	    {"TZif2\n", 0, "is not a table of leap seconds"},
	    {"#@ 3991593600\n", 0, "is not a table of leap seconds"},
	    {NULL, 0, "CLOCK_TAI is left as it is"},
	};
	struct heard *h = *state;

	put_drift(h, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake fake = good_clock();
		const struct clock_ops ops = ops_of(&fake);
		struct launch_clock c;

		snprintf(h->room->config.leap_table, FILE_PATH_MAX, "%s/%s",
		    h->room->dir, rows[i].text ? "leap" : "missing");
		if (rows[i].text)
			room_put(h->room, "leap", rows[i].text);
		assert_true(take(&c, h, &ops));
		assert_int_equal(fake.tai_s, rows[i].tai_s);
		heard_says(h, rows[i].says);
	}
}

/* Instead of the list: a time zone file with one record, 1972-06-30. */
static void the_tai_offset_comes_from_a_time_zone(void **state)
{
	static const unsigned char zone[44 + 8] = {[0] = 'T',
	    [1] = 'Z',
	    [2] = 'i',
	    [3] = 'f',
	    [31] = 1,
	    [44] = 0x04,
	    [45] = 0xb2,
	    [46] = 0x58,
	    [51] = 1};
	struct heard *h = *state;
	const struct {
		size_t len;
		int tai_s;
		const char *says;
	} rows[] = {
	    {sizeof(zone), 11, "which does not say when it expires"},
	    {sizeof(zone) - 1, 0, "is not a time zone with leap seconds"},
	    {0, 0, "zone-missing: No such file"},
	};

	put_drift(h, NULL);
	room_put(h->room, "leap", "3692217600 37\n");
	snprintf(
	    h->room->config.leap_table, FILE_PATH_MAX, "%s/leap", h->room->dir);
	snprintf(
	    h->room->config.leap_zone, FILE_PATH_MAX, "%s/zone", h->room->dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake fake = good_clock();
		const struct clock_ops ops = ops_of(&fake);
		struct launch_clock c;

		if (rows[i].len > 0)
			room_put_bytes(h->room, "zone", zone, rows[i].len);
		else
			strcat(h->room->config.leap_zone, "-missing");
		assert_true(take(&c, h, &ops));
		assert_int_equal(fake.tai_s, rows[i].tai_s);
		heard_says(h, rows[i].says);
	}
}

static void an_unreadable_file_is_told(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, NULL);
	room_folder(h->room, "file");
	snprintf(h->room->config.driftfile, FILE_PATH_MAX, "%s/log/drift",
	    h->room->dir);
	assert_true(take(&c, h, &ops));
	heard_says(h, "cannot read ");
	heard_says(h, "Not a directory");
}

static void a_clock_that_cannot_be_set_is_told(void **state)
{
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, "-5 1\n");
	fake.set_error = -EPERM;
	assert_false(take(&c, h, &ops));
	heard_says(h, "the kernel does not let us set the clock: Operation not "
		      "permitted");
}

static void with_no_clock_nothing_is_set(void **state)
{
	const struct run_options run = {.no_clock = true};
	struct heard *h = *state;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, "-5 1\n");
	assert_true(
	    launch_clock_take(&c, &h->room->config, &test_key, &run, &ops));
	assert_int_equal(fake.sets, 0);
	assert_true(c.keeper.limits.no_clock);
}

static void the_last_good_time_is_the_earliest(void **state)
{
	struct heard *h = *state;
	struct config *config = &h->room->config;
	struct fake fake = good_clock();
	const struct clock_ops ops = ops_of(&fake);
	struct launch_clock c;

	put_drift(h, "-5 1\n");
	assert_true(take(&c, h, &ops));
	assert_int_equal(c.earliest_ns, TIME_WRITTEN_S * NS_PER_S);
	snprintf(config->goodtime_file, sizeof(config->goodtime_file),
	    "%s/good", h->room->dir);
	room_put(h->room, "good", "1900000000\n");
	assert_true(take(&c, h, &ops));
	assert_int_equal(c.earliest_ns, 1900000000 * NS_PER_S);
	assert_int_equal(c.keeper.limits.earliest_ns, c.earliest_ns);
	/* The clock lags behind it. */
	heard_says(h, "clock");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, heard_make, heard_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_drift_file_is_used),
	    TEST(a_drift_with_a_broken_seal_is_not_used),
	    TEST(without_it_the_kernels_frequency_is_kept),
	    TEST(no_file_is_configured),
	    TEST(a_file_that_cannot_be_used_is_told),
	    TEST(the_largest_drift_is_used),
	    TEST(set_once_believes_a_large_frequency),
	    TEST(the_table_of_leap_seconds_sets_tai),
	    TEST(what_was_found_is_one_line),
	    TEST(the_tai_offset_comes_from_a_time_zone),
	    TEST(an_unreadable_file_is_told),
	    TEST(a_clock_that_cannot_be_set_is_told),
	    TEST(with_no_clock_nothing_is_set),
	    TEST(the_last_good_time_is_the_earliest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
