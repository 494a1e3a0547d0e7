/* Steps that an administrator orders. */
#include "clock/steering/remaining.h"

#include "tests/unit/clock/steering/rig.h"

/* Synchronised, but the clock is slow by 5 ms that nobody has corrected. */
static void open_synchronised(struct rig *r)
{
	rig_open(r, 1, NULL, NULL);
	rig_poll(r, 1, 50, 16, NULL);
	assert_true(rig_track(r).synchronised);
	r->wall.ns -= 5 * NS_PER_MS;
	timescale_foreign_step(&r->ledger,
	    (struct wall){r->wall.ns + 5 * NS_PER_MS}, -5 * NS_PER_MS);
}

static enum steering_order order(
    struct rig *r, struct clock_command *c, int64_t *left_ns)
{
	return steering_step(r->steering, &r->ledger, r->wall, c, left_ns);
}

static void the_remaining_offset_is_stepped_and_nothing_else(void **state)
{
	struct clock_command c;
	struct estimate_value v;
	struct tracking before, after;
	struct rig r;
	int64_t left_ns;

	(void)state;
	open_synchronised(&r);
	before = rig_track(&r);
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
	assert_true(llabs(left_ns - 5 * NS_PER_MS) < 20 * NS_PER_US);
	assert_int_equal(left_ns, before.offset_ns);
	assert_int_equal(c.step_ns, left_ns);
	assert_int_equal(c.slew_ns, 0);
	assert_false(c.bootstrap || c.pause);
	assert_true(c.synchronised);
	assert_int_equal(c.leap, LEAP_NONE);
	/* The frequency that an ordered step keeps is the one in force. */
	assert_true(c.freq_ppm == before.freq_ppm);
	assert_true(fabs(c.freq_ppm - 20) < 1);
	assert_int_equal(c.est_error_ns, before.est_error_ns);
	(void)remaining_ns(r.steering, &r.ledger, r.wall, &v);
	assert_int_equal(
	    c.max_error_ns, remaining_bound_ns(r.steering, &v, r.now));
	rig_obey(&r, &c);
	after = rig_track(&r);
	assert_true(llabs(after.offset_ns) <= 1);
	assert_true(after.freq_ppm == before.freq_ppm);
	assert_int_equal(after.steps, before.steps + 1);
	assert_int_equal(after.last_step_ns, left_ns);
	assert_int_equal(after.updates, before.updates + 1);
	rig_close(&r);
}

/* An update decided on another frequency and its verdict is still missing: the
 * step keeps the one in force, not that one. */
static void a_step_does_not_confirm_another_frequency(void **state)
{
	struct clock_command c;
	struct rig r;
	int64_t left_ns;
	double freq_ppm;

	(void)state;
	open_synchronised(&r);
	freq_ppm = rig_track(&r).freq_ppm;
	r.steering->ordered_freq = 99e-6;
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
	rig_obey(&r, &c);
	assert_true(rig_track(&r).freq_ppm == freq_ppm);
	rig_close(&r);
}

static void a_refused_step_changes_nothing(void **state)
{
	struct clock_command c;
	struct tracking before, after;
	struct rig r;
	int64_t left_ns;

	(void)state;
	open_synchronised(&r);
	before = rig_track(&r);
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
	steering_step_refused(r.steering);
	steering_applied(r.steering, KEEPER_OK);
	after = rig_track(&r);
	assert_true(after.synchronised);
	assert_int_equal(after.steps, before.steps);
	assert_int_equal(after.updates, before.updates);
	assert_int_equal(after.offset_ns, before.offset_ns);
	rig_close(&r);
}

static void an_order_without_sense_is_answered(void **state)
{
	struct clock_command c = {.freq_ppm = 99};
	struct rig r;
	int64_t left_ns = 1;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_UNKNOWN);
	assert_int_equal(left_ns, 0);
	rig_close(&r);
	/* The remaining offset is below the estimate's deviation. */
	open_synchronised(&r);
	rig_jump(&r, 5 * NS_PER_MS + rig_track(&r).offset_ns - 5 * NS_PER_MS);
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_NEEDLESS);
	assert_true(llabs(left_ns) <= 1);
	/* Unsynchronised again. */
	r.steering->reported_synchronised = false;
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_UNKNOWN);
	r.steering->reported_synchronised = true;
	r.steering->selection.selected = -1;
	assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_UNKNOWN);
	assert_true(c.freq_ppm == 99);
	rig_close(&r);
}

static void refuse_threshold_bounds_an_ordered_step(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct clock_command c;
		struct rig r;
		int64_t left_ns, size_ns;

		open_synchronised(&r);
		rig_jump(&r, sign * 50 * NS_PER_MS);
		size_ns = llabs(rig_track(&r).offset_ns);
		r.steering->discipline.config.refuse_threshold_ns = size_ns - 1;
		assert_int_equal(
		    order(&r, &c, &left_ns), STEERING_ORDER_REFUSED);
		assert_int_equal(llabs(left_ns), size_ns);
		r.steering->discipline.config.refuse_threshold_ns = size_ns;
		assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
		r.steering->discipline.config.refuse_threshold_ns = 0;
		assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
		/* makestep would step it by itself. */
		r.steering->discipline.config.refuse_threshold_ns = size_ns - 1;
		r.steering->discipline.config.makestep_updates = -1;
		r.steering->discipline.config.makestep_threshold_ns = NS_PER_MS;
		assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
		r.steering->discipline.refused = true;
		assert_int_equal(
		    order(&r, &c, &left_ns), STEERING_ORDER_REFUSED);
		assert_int_equal(left_ns, 0);
		rig_close(&r);
	}
}

/* 2029-01-01 is the end of a leap day. */
static void a_leap_second_stays_armed_on_its_day(void **state)
{
	static const struct {
		int64_t s;
		enum leap leap;
	} rows[] = {
	    {1861920000 - 10, LEAP_INSERT}, {1861920000 + 10, LEAP_NONE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_command c;
		struct rig r;
		int64_t left_ns;

		open_synchronised(&r);
		r.steering->leap = LEAP_INSERT;
		rig_jump(&r, rows[i].s * NS_PER_S - r.wall.ns);
		r.steering->discipline.config.refuse_threshold_ns = 0;
		assert_int_equal(order(&r, &c, &left_ns), STEERING_ORDER_GIVEN);
		assert_int_equal(c.leap, rows[i].leap);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_remaining_offset_is_stepped_and_nothing_else),
	    cmocka_unit_test(a_step_does_not_confirm_another_frequency),
	    cmocka_unit_test(a_refused_step_changes_nothing),
	    cmocka_unit_test(an_order_without_sense_is_answered),
	    cmocka_unit_test(refuse_threshold_bounds_an_ordered_step),
	    cmocka_unit_test(a_leap_second_stays_armed_on_its_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
