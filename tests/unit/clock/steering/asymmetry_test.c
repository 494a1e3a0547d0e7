/* A known asymmetry of a path, and the learned bias of a source. */
#include "clock/steering/asymmetry.h"

#include "clock/steering/restore.h"
#include "clock/steering/state.h"
#include "tests/unit/clock/steering/rig.h"

/* A request takes longer by so much. */
#define LONGER_NS (40 * NS_PER_US)

static void half_of_the_asymmetry_is_corrected(void **state)
{
	static const struct {
		int64_t asymmetry_ns, delay_ns, error_ns;
	} rows[] = {
	    {0, 1000, 0},
	    {100, 1000, 50},
	    {-100, 1000, -50},
	    /* No way takes less than no time. */
	    {1000, 1000, 500},
	    {1002, 1000, 500},
	    {-5000, 1000, -500},
	    {5000, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample m = {.delay_ns = rows[i].delay_ns};

		assert_int_equal(asymmetry_error_ns(rows[i].asymmetry_ns, &m),
		    rows[i].error_ns);
	}
}

static void open_lopsided(
    struct rig *r, unsigned sources, const struct source_options *options)
{
	rig_open(r, sources, options, NULL);
	r->queue_s = 1e-7;
	r->up_ns = LONGER_NS;
}

/* One server alone: only the configuration can tell. */
static void a_configured_asymmetry_makes_a_lone_server_right(void **state)
{
	const struct source_options options[1] = {{.asymmetry_ns = LONGER_NS}};
	struct rig r;

	(void)state;
	open_lopsided(&r, 1, NULL);
	rig_poll(&r, 1, 50, 16, NULL);
	assert_in_range(
	    -rig_error_ns(&r), LONGER_NS / 2 - 500, LONGER_NS / 2 + 500);
	rig_close(&r);
	open_lopsided(&r, 1, options);
	rig_poll(&r, 1, 50, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 500);
	rig_close(&r);
}

/* What is saved is as measured, so that another configuration may read it. */
static void saved_samples_are_as_measured(void **state)
{
	const struct source_options options[1] = {{.asymmetry_ns = LONGER_NS}};
	struct sample out[STEERING_SAMPLES_MAX], m;
	struct rig r;

	(void)state;
	open_lopsided(&r, 1, options);
	m = rig_sample(&r, 0);
	steering_add(r.steering, 0, &m);
	assert_int_equal(
	    const_record(&r.steering->sources[0], 0)->sample.offset_ns,
	    m.offset_ns - LONGER_NS / 2);
	assert_int_equal(steering_copy_samples(r.steering, 0, out), 1);
	assert_int_equal(out[0].offset_ns, m.offset_ns);
	rig_close(&r);
}

/* A reload with another asymmetry corrects the samples that are there. */
static void a_reload_corrects_again(void **state)
{
	const struct source_options options[2] = {
	    {.asymmetry_ns = LONGER_NS}, {.asymmetry_ns = LONGER_NS}};
	static const int from[2] = {0, 1};
	struct steering *fresh;
	struct sample before[STEERING_SAMPLES_MAX];
	struct sample after[STEERING_SAMPLES_MAX];
	unsigned n;
	struct rig r;

	(void)state;
	open_lopsided(&r, 2, NULL);
	rig_poll(&r, 2, 50, 16, NULL);
	n = steering_copy_samples(r.steering, 0, before);
	fresh = steering_adopt(r.steering, &rig_usual, options, from, 2);
	assert_non_null(fresh);
	steering_free(r.steering);
	r.steering = fresh;
	assert_int_equal(steering_copy_samples(fresh, 0, after), n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(after[i].offset_ns, before[i].offset_ns);
	assert_int_equal(const_record(&fresh->sources[0], 0)->sample.offset_ns,
	    before[n - 1].offset_ns - LONGER_NS / 2);
	rig_poll(&r, 2, 2, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 1000);
	rig_close(&r);
}

/* The bias of one source against two others, which share the rest. */
static void the_learned_bias_is_shown(void **state)
{
	const int64_t wrong_ns[3] = {0, 9 * NS_PER_US, 0};
	struct source_view v = {.has_bias = false};
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	r.queue_s = 1e-7;
	steering_source_bias(r.steering, 0, &v);
	assert_false(v.has_bias);
	rig_poll(&r, 3, 50, 16, wrong_ns);
	steering_source_bias(r.steering, 1, &v);
	assert_true(v.has_bias);
	assert_in_range(v.bias_ns, 5 * NS_PER_US, 7 * NS_PER_US);
	assert_in_range(v.bias_sd_ns, 1, 5 * NS_PER_US);
	steering_source_bias(r.steering, 0, &v);
	assert_in_range(-v.bias_ns, 2 * NS_PER_US, 4 * NS_PER_US);
	rig_close(&r);
}

/* A single source differs from nobody. */
static void a_lone_source_has_no_bias(void **state)
{
	struct source_view v = {.has_bias = false};
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 50, 16, NULL);
	steering_source_bias(r.steering, 0, &v);
	assert_false(v.has_bias);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_of_the_asymmetry_is_corrected),
	    cmocka_unit_test(a_configured_asymmetry_makes_a_lone_server_right),
	    cmocka_unit_test(saved_samples_are_as_measured),
	    cmocka_unit_test(a_reload_corrects_again),
	    cmocka_unit_test(the_learned_bias_is_shown),
	    cmocka_unit_test(a_lone_source_has_no_bias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
