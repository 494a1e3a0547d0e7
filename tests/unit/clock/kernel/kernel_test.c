/*
 * What the agent tells the kernel, against a simulated clock_adjtime(2) that
 * keeps a record of the calls. The machine's own clock is only read here;
 * tests/kernel/ sets a real one, in a virtual machine.
 */
#include "base/check.h"
#include "clock/kernel/kernel.h"

#include "clock/command.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include <cmocka.h>

#define CALLS_MAX 8
#define HZ 100
#define NOON_S 43200
#define DAY_S 86400

struct fake_kernel {
	struct timex now; /* what the kernel has */
	long adjtime_us;  /* left of adjtime(3) */
	struct timex calls[CALLS_MAX];
	unsigned count;
	int state;   /* of the clock, as the call returns it */
	int fail_at; /* this call fails with `error`; -1: none */
	int error;
};

static void set_fields(struct timex *now, const struct timex *t)
{
	if (t->modes & ADJ_FREQUENCY)
		now->freq = t->freq;
	if (t->modes & ADJ_TICK)
		now->tick = t->tick;
	if (t->modes & ADJ_STATUS)
		now->status = t->status;
	if (t->modes & ADJ_OFFSET)
		now->offset = t->offset;
	if (t->modes & ADJ_MAXERROR)
		now->maxerror = t->maxerror;
	if (t->modes & ADJ_ESTERROR)
		now->esterror = t->esterror;
}

/* Linux takes these with no other mode. */
static void adjtime_of(struct fake_kernel *k, struct timex *t)
{
	long left_us = k->adjtime_us;

	if ((t->modes & ADJ_OFFSET_SS_READ) == ADJ_OFFSET_SINGLESHOT)
		k->adjtime_us = (long)t->offset;
	t->offset = left_us;
}

static int fake_call(void *self, struct timex *t)
{
	struct fake_kernel *k = self;
	assert_in_range(k->count, 0, CALLS_MAX - 1);
	k->calls[k->count++] = *t;
	if ((int)k->count - 1 == k->fail_at) {
		errno = k->error;
		return -1;
	}
	if ((t->modes & ADJ_OFFSET_SINGLESHOT) == ADJ_OFFSET_SINGLESHOT) {
		adjtime_of(k, t);
		return k->state;
	}
	set_fields(&k->now, t);
	t->freq = k->now.freq;
	t->tick = k->now.tick;
	t->status = k->now.status;
	t->offset = k->now.offset;
	t->time = k->now.time;
	return k->state;
}

struct fixture {
	struct fake_kernel kernel;
	struct kernel_call call;
	struct clock_ops clock;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){
	    .kernel = {.now = {.tick = 1000000 / HZ, .time = {NOON_S, 0}},
		.fail_at = -1},
	    .call = {.adjtime = fake_call, .user_hz = HZ},
	};
	f->call.self = &f->kernel;
	f->clock = kernel_clock_by(&f->call);
}

static void set_up_status(struct fixture *f, int status)
{
	set_up(f);
	f->kernel.now.status = status;
}

/* Each state of the clock is a success, also that it is not synchronised. */
static void any_state_of_the_clock_is_a_success(void **state)
{
	(void)state;
	for (int clock = TIME_OK; clock <= TIME_ERROR; clock++) {
		struct fixture f;
		struct kernel_found found;

		set_up(&f);
		f.kernel.state = clock;
		assert_int_equal(f.clock.look(f.clock.self, &found), 0);
		assert_int_equal(f.clock.step(f.clock.self, 1), 0);
	}
}

/* ---- frequency ---- */

static void a_frequency_is_split_into_tick_and_fine_part(void **state)
{
	static const struct {
		double ppm;
		long hz, tick_us, freq_scaled;
	} rows[] = {
	    {0, 100, 10000, 0},
	    {0.5, 100, 10000, 32768},
	    {-0.5, 100, 10000, -32768},
	    {500, 100, 10000, 500 * 65536},
	    {-500, 100, 10000, -500 * 65536},
	    {501, 100, 10005, 65536},
	    {-501, 100, 9995, -65536},
	    {549, 100, 10005, 49 * 65536},
	    {1000, 100, 10010, 0},
	    {-83333, 100, 9167, -33 * 65536},
	    {100000, 100, 11000, 0},
	    {-100000, 100, 9000, 0},
	    /* Alpha: a tick of 1/1024 s. */
	    {0, 1024, 976, 0},
	    {1024, 1024, 977, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kernel_freq f = kernel_freq_of(rows[i].ppm, rows[i].hz);

		assert_int_equal(f.tick_us, rows[i].tick_us);
		assert_int_equal(f.freq_scaled, rows[i].freq_scaled);
		assert_true(kernel_freq_ppm(&f, rows[i].hz) == rows[i].ppm);
	}
}

static void the_frequency_is_read_as_the_sum_of_both(void **state)
{
	struct kernel_found found;
	struct fixture f;

	(void)state;
	set_up(&f);
	f.kernel.now.tick = 10002;
	f.kernel.now.freq = -65536 * 3 / 2;
	assert_int_equal(f.clock.look(f.clock.self, &found), 0);
	assert_true(found.freq_ppm == 198.5);
	assert_int_equal(f.kernel.count, 2);
	assert_int_equal(f.kernel.calls[0].modes, 0);
	assert_int_equal(f.kernel.calls[1].modes, ADJ_OFFSET_SS_READ);
}

/* What other programs have left is read, and nothing changes. */
static void what_others_left_is_seen(void **state)
{
	static const struct {
		int status;
		long offset, adjtime_us;
		struct kernel_found found;
	} rows[] = {
	    {STA_UNSYNC, 0, 0, {.loop = false}},
	    {0, 0, 0, {.synchronised = true}},
	    {STA_UNSYNC, 0, -1999500, {.adjtime_ns = -1999500000}},
	    {STA_UNSYNC, 77, 0, {.offset_ns = 77000}},
	    {STA_UNSYNC | STA_NANO, -77, 0, {.offset_ns = -77}},
	    {STA_UNSYNC | STA_PLL, 0, 0, {.loop = true}},
	    {STA_UNSYNC | STA_FLL, 0, 0, {.loop = true}},
	    {STA_UNSYNC | STA_INS, 0, 0, {.leap = LEAP_INSERT}},
	    {STA_UNSYNC | STA_DEL, 0, 0, {.leap = LEAP_DELETE}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct kernel_found *want = &rows[i].found;
		struct kernel_found found;
		struct fixture f;

		set_up_status(&f, rows[i].status);
		f.kernel.now.offset = rows[i].offset;
		f.kernel.adjtime_us = rows[i].adjtime_us;
		assert_int_equal(f.clock.look(f.clock.self, &found), 0);
		if (found.adjtime_ns != want->adjtime_ns ||
		    found.offset_ns != want->offset_ns ||
		    found.loop != want->loop || found.leap != want->leap ||
		    found.synchronised != want->synchronised)
			fail_msg("row %zu", i);
		assert_int_equal(f.kernel.adjtime_us, rows[i].adjtime_us);
		assert_int_equal(f.kernel.now.offset, rows[i].offset);
	}
}

static void a_slew_of_adjtime_is_ended_with_the_frequency(void **state)
{
	struct fixture f;
	double ppm;

	(void)state;
	set_up(&f);
	f.kernel.adjtime_us = 2000000;
	assert_int_equal(f.clock.set_freq(f.clock.self, 1, &ppm), 0);
	assert_int_equal(f.kernel.adjtime_us, 0);
	assert_int_equal(f.kernel.calls[0].modes, ADJ_OFFSET_SINGLESHOT);
}

static void a_frequency_is_set_and_read_back(void **state)
{
	struct fixture f;
	double became_ppm = NAN;

	(void)state;
	set_up(&f);
	assert_int_equal(
	    f.clock.set_freq(f.clock.self, 1234.000001, &became_ppm), 0);
	assert_int_equal(f.kernel.count, 3); /* end adjtime, look, set */
	assert_int_equal(f.kernel.calls[1].modes, 0);
	assert_int_equal(f.kernel.calls[2].modes, ADJ_FREQUENCY | ADJ_TICK);
	assert_int_equal(f.kernel.now.tick, 10012);
	assert_int_equal(f.kernel.now.freq, 34 * 65536);
	assert_true(became_ppm == 1234);
}

/* The kernel takes an offset of 0 only while its loop is on. */
static void loops_of_another_program_are_ended_first(void **state)
{
	static const struct {
		int status;
		long offset;
	} rows[] = {{STA_PLL, 0}, {STA_FLL, 0}, {STA_FREQHOLD, 0}, {0, 77},
	    {STA_PLL | STA_FLL | STA_FREQHOLD | STA_PPSTIME, -77}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		double ppm;

		set_up_status(&f, rows[i].status);
		f.kernel.now.offset = rows[i].offset;
		assert_int_equal(f.clock.set_freq(f.clock.self, 1, &ppm), 0);
		assert_int_equal(f.kernel.count, 5);
		assert_int_equal(
		    f.kernel.calls[2].modes, ADJ_OFFSET | ADJ_STATUS);
		assert_int_equal(f.kernel.calls[2].status,
		    STA_PLL | (rows[i].status & STA_PPSTIME));
		assert_int_equal(f.kernel.calls[2].offset, 0);
		assert_int_equal(f.kernel.calls[3].modes, ADJ_STATUS);
		assert_int_equal(
		    f.kernel.now.status, rows[i].status & STA_PPSTIME);
		assert_int_equal(f.kernel.now.offset, 0);
	}
}

/* The end of a loop makes Linux forget the second that is armed, and arm the
 * next day. */
static void a_loop_goes_on_until_a_leap_second_is_over(void **state)
{
	static const struct {
		long time_s;
		int leap;
		bool goes_on;
	} rows[] = {
	    {20 * DAY_S - 5, STA_INS, false},
	    {20 * DAY_S - 4, STA_INS, true},
	    {20 * DAY_S - 4, STA_DEL, true},
	    {20 * DAY_S - 4, 0, false},
	    {20 * DAY_S - 1, STA_INS, true},
	    {20 * DAY_S, STA_INS, true},
	    {20 * DAY_S + 1, STA_INS, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct kernel_status status = {true,
		    rows[i].leap == STA_INS ? LEAP_INSERT : LEAP_DELETE, 1, 1,
		    true};
		int loop = rows[i].goes_on ? STA_PLL : 0;
		struct fixture f;
		double ppm;

		set_up_status(&f, STA_PLL | rows[i].leap);
		f.kernel.now.time.tv_sec = rows[i].time_s;
		assert_int_equal(f.clock.set_freq(f.clock.self, 1, &ppm), 0);
		assert_int_equal(f.kernel.count, rows[i].goes_on ? 3 : 5);
		assert_int_equal(f.kernel.now.status, rows[i].leap | loop);
		f.kernel.now.status |= STA_PLL;
		assert_int_equal(f.clock.set_status(f.clock.self, &status), 0);
		assert_int_equal(f.kernel.now.status, rows[i].leap | loop);
	}
}

/* ---- steps ---- */

static void a_step_has_a_fraction_that_is_not_negative(void **state)
{
	static const struct {
		int64_t step_ns;
		long s, ns;
	} rows[] = {
	    {1, 0, 1},
	    {-1, -1, 999999999},
	    {NS_PER_S, 1, 0},
	    {-NS_PER_S, -1, 0},
	    {-NS_PER_S / 2, -1, 500000000},
	    {5 * NS_PER_S / 2, 2, 500000000},
	    {-5 * NS_PER_S / 2, -3, 500000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;

		set_up(&f);
		assert_int_equal(
		    f.clock.step(f.clock.self, rows[i].step_ns), 0);
		assert_int_equal(f.kernel.count, 1);
		assert_int_equal(
		    f.kernel.calls[0].modes, ADJ_SETOFFSET | ADJ_NANO);
		assert_int_equal(f.kernel.calls[0].time.tv_sec, rows[i].s);
		assert_int_equal(f.kernel.calls[0].time.tv_usec, rows[i].ns);
	}
}

/* ---- status ---- */

#define ALL_LOOPS (STA_PLL | STA_FLL | STA_FREQHOLD)
#define OTHERS (STA_PPSFREQ | STA_PPSTIME)

static void the_status_says_what_is_known(void **state)
{
	static const struct {
		int before;
		struct kernel_status status;
		int after;
		long max_us, est_us;
	} rows[] = {
	    {STA_UNSYNC, {true, LEAP_NONE, 1, 0, false}, 0, 1, 0},
	    {0, {true, LEAP_NONE, 1000, 1001, false}, 0, 1, 2},
	    {0, {false, LEAP_NONE, 5000, 5000, false}, STA_UNSYNC, 16000000,
		16000000},
	    {0, {true, LEAP_INSERT, 2500, 999, false}, STA_INS, 3, 1},
	    {STA_INS, {true, LEAP_DELETE, 2500, 999, false}, STA_DEL, 3, 1},
	    {STA_INS | STA_DEL, {true, LEAP_NONE, 0, 0, false}, 0, 0, 0},
	    {STA_INS, {true, LEAP_UNKNOWN, 0, 0, false}, 0, 0, 0},
	    {STA_INS, {false, LEAP_INSERT, 0, 0, false}, STA_UNSYNC, 16000000,
		16000000},
	    {ALL_LOOPS | OTHERS, {true, LEAP_NONE, 0, 0, false}, OTHERS, 0, 0},
	    {OTHERS, {false, LEAP_NONE, 0, 0, false}, OTHERS | STA_UNSYNC,
		16000000, 16000000},
	    /* An error of 16 s counts as unsynchronised everywhere. */
	    {0, {true, LEAP_NONE, 15999999000, 15999999001, false}, 0, 15999999,
		16000000},
	    {0, {true, LEAP_NONE, 1000, 20000000000, false}, 0, 1, 16000000},
	    {0, {true, LEAP_NONE, 1000, INT64_MAX, false}, 0, 1, 16000000},
	    {0, {true, LEAP_INSERT, 15999999001, 0, false}, STA_UNSYNC,
		16000000, 16000000},
	    {0, {true, LEAP_NONE, 16000000000, 0, false}, STA_UNSYNC, 16000000,
		16000000},
	    {0, {true, LEAP_NONE, INT64_MAX, 0, false}, STA_UNSYNC, 16000000,
		16000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;

		set_up_status(&f, rows[i].before);
		assert_int_equal(
		    f.clock.set_status(f.clock.self, &rows[i].status), 0);
		assert_int_equal(f.kernel.count, 2);
		assert_int_equal(f.kernel.calls[1].modes,
		    ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_NANO);
		if (f.kernel.now.status != rows[i].after ||
		    f.kernel.now.maxerror != rows[i].max_us ||
		    f.kernel.now.esterror != rows[i].est_us)
			fail_msg("row %zu: status %#x, errors %ld and %ld us",
			    i, (unsigned)f.kernel.now.status,
			    f.kernel.now.maxerror, f.kernel.now.esterror);
	}
}

/* Linux sets STA_UNSYNC with each step and forgets when the leap second is due:
 * the end of its loop makes it forget the rest, so that it can be armed. */
static void a_leap_second_is_armed_again_after_a_step(void **state)
{
	static const enum leap leaps[] = {LEAP_INSERT, LEAP_DELETE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(leaps); i++) {
		const struct kernel_status status = {
		    true, leaps[i], 1000, 1000, false};
		int bit = leaps[i] == LEAP_INSERT ? STA_INS : STA_DEL;
		struct fixture f;

		set_up_status(&f, STA_UNSYNC | bit | STA_FLL | STA_PPSTIME);
		assert_int_equal(f.clock.set_status(f.clock.self, &status), 0);
		assert_int_equal(f.kernel.count, 4);
		assert_int_equal(f.kernel.calls[1].modes, ADJ_STATUS);
		assert_int_equal(f.kernel.calls[1].status,
		    STA_UNSYNC | bit | STA_FLL | STA_PPSTIME | STA_PLL);
		assert_int_equal(f.kernel.calls[2].modes, ADJ_STATUS);
		assert_int_equal(
		    f.kernel.calls[2].status, STA_UNSYNC | bit | STA_PPSTIME);
		assert_int_equal(f.kernel.now.status, bit | STA_PPSTIME);
	}
}

/* Near a leap second, what the kernel has forgotten or executed stays so: in
 * the last second of a day, it would be armed for the end of the next day. */
static void a_leap_second_that_stays_is_not_armed_again(void **state)
{
	const struct kernel_status status = {
	    true, LEAP_INSERT, 1000, 1000, true};
	struct fixture f;

	(void)state;
	set_up_status(&f, STA_UNSYNC | STA_INS);
	assert_int_equal(f.clock.set_status(f.clock.self, &status), 0);
	assert_int_equal(f.kernel.count, 2);
	assert_int_equal(f.kernel.now.status, STA_INS);
	/* Another program has disarmed it, or has armed the other kind. */
	for (int before = 0; before <= STA_DEL; before += STA_DEL) {
		set_up_status(&f, before);
		assert_int_equal(f.clock.set_status(f.clock.self, &status), 0);
		assert_int_equal(f.kernel.now.status, 0);
	}
}

static void a_leap_second_is_disarmed_and_nothing_else(void **state)
{
	static const int armed[] = {STA_INS, STA_DEL, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(armed); i++) {
		struct fixture f;

		set_up_status(&f, armed[i] | STA_PLL | OTHERS | STA_UNSYNC);
		assert_int_equal(f.clock.disarm(f.clock.self), 0);
		assert_int_equal(f.kernel.count, 2);
		assert_int_equal(f.kernel.calls[1].modes, ADJ_STATUS);
		assert_int_equal(
		    f.kernel.now.status, STA_PLL | OTHERS | STA_UNSYNC);
		set_up_status(&f, armed[i]);
		f.kernel.fail_at = 0;
		f.kernel.error = EPERM;
		assert_int_equal(f.clock.disarm(f.clock.self), -EPERM);
		assert_int_equal(f.kernel.count, 1);
	}
}

static void the_tai_offset_is_set(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(f.clock.set_tai(f.clock.self, 37), 0);
	assert_int_equal(f.kernel.count, 1);
	assert_int_equal(f.kernel.calls[0].modes, ADJ_TAI);
	assert_int_equal(f.kernel.calls[0].constant, 37);
}

/* From the keeper, the guard, or a table of leap seconds. */
static void what_no_clock_needs_never_reaches_the_kernel(void **state)
{
	const double wild[] = {NAN, -NAN, INFINITY, -INFINITY, 1e300, -1e300,
	    CLOCK_FREQ_MAX_PPM + 0.001, -CLOCK_FREQ_MAX_PPM - 0.001};
	const int tais[] = {-1, INT_MIN, 1001, INT_MAX};
	struct fixture f;
	double ppm = 42;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < ARRAY_LEN(wild); i++)
		assert_int_equal(
		    f.clock.set_freq(f.clock.self, wild[i], &ppm), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(tais); i++)
		assert_int_equal(
		    f.clock.set_tai(f.clock.self, tais[i]), -EINVAL);
	assert_int_equal(f.kernel.count, 0);
	assert_true(ppm == 42);
	assert_int_equal(f.clock.set_tai(f.clock.self, 0), 0);
	assert_int_equal(f.clock.set_tai(f.clock.self, 1000), 0);
	assert_int_equal(
	    f.clock.set_freq(f.clock.self, CLOCK_FREQ_MAX_PPM, &ppm), 0);
	assert_int_equal(
	    f.clock.set_freq(f.clock.self, -CLOCK_FREQ_MAX_PPM, &ppm), 0);
}

/* ---- errors ---- */

enum operation {
	LOOK,
	SET_FREQ,
	STEP,
	SET_STATUS,
};

static int operate(struct fixture *f, enum operation what)
{
	const struct kernel_status status = {
	    true, LEAP_INSERT, 1000, 1000, false};
	struct kernel_found found = {.freq_ppm = 42};
	double ppm = 42;
	int err = 0;

	switch (what) {
	case LOOK:
		err = f->clock.look(f->clock.self, &found);
		break;
	case SET_FREQ:
		err = f->clock.set_freq(f->clock.self, 7, &ppm);
		break;
	case STEP:
		err = f->clock.step(f->clock.self, 1);
		break;
	case SET_STATUS:
		err = f->clock.set_status(f->clock.self, &status);
		break;
	}
	if (err)
		assert_true(ppm == 42 && found.freq_ppm == 42);
	return err;
}

/* Each call of each operation fails once: the operation ends there. */
static void a_refusal_of_the_kernel_ends_the_operation(void **state)
{
	static const unsigned calls[] = {2, 5, 1, 4};

	(void)state;
	for (unsigned what = LOOK; what <= SET_STATUS; what++)
		for (unsigned at = 0; at < calls[what]; at++) {
			struct fixture f;

			set_up_status(&f, STA_UNSYNC | STA_PLL);
			f.kernel.fail_at = (int)at;
			f.kernel.error = at % 2 ? EINVAL : EPERM;
			assert_int_equal(
			    operate(&f, (enum operation)what), -f.kernel.error);
			assert_int_equal(f.kernel.count, at + 1);
			f.kernel.fail_at = -1;
			f.kernel.count = 0;
			assert_int_equal(operate(&f, (enum operation)what), 0);
		}
}

/* ---- the machine ---- */

static void the_machine_can_be_read(void **state)
{
	struct clock_ops clock = kernel_clock();
	struct timespec ts;
	struct kernel_found found = {.freq_ppm = NAN};
	int err = clock.look(clock.self, &found);

	(void)state;
	clock_gettime(CLOCK_REALTIME, &ts);
	assert_true(
	    llabs(clock.now(clock.self).ns - ns_of_timespec(&ts)) < NS_PER_S);
	if (err == -EPERM)
		skip();
	assert_int_equal(err, 0);
	assert_true(fabs(found.freq_ppm) <= 101000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_state_of_the_clock_is_a_success),
	    cmocka_unit_test(a_frequency_is_split_into_tick_and_fine_part),
	    cmocka_unit_test(the_frequency_is_read_as_the_sum_of_both),
	    cmocka_unit_test(a_frequency_is_set_and_read_back),
	    cmocka_unit_test(loops_of_another_program_are_ended_first),
	    cmocka_unit_test(what_others_left_is_seen),
	    cmocka_unit_test(a_slew_of_adjtime_is_ended_with_the_frequency),
	    cmocka_unit_test(a_step_has_a_fraction_that_is_not_negative),
	    cmocka_unit_test(the_status_says_what_is_known),
	    cmocka_unit_test(a_leap_second_is_armed_again_after_a_step),
	    cmocka_unit_test(a_leap_second_that_stays_is_not_armed_again),
	    cmocka_unit_test(a_leap_second_is_disarmed_and_nothing_else),
	    cmocka_unit_test(a_loop_goes_on_until_a_leap_second_is_over),
	    cmocka_unit_test(the_tai_offset_is_set),
	    cmocka_unit_test(what_no_clock_needs_never_reaches_the_kernel),
	    cmocka_unit_test(a_refusal_of_the_kernel_ends_the_operation),
	    cmocka_unit_test(the_machine_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
