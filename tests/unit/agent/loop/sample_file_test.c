/* Samples from one engine to the next, with the real clocks and a real file. */
#include "agent/loop/sample_file.h"

#include "tests/unit/agent/engine/world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct restart {
	char dir[32];
	struct saved_folder folder;
	struct world *world;
	struct sample_file file;
	struct sample before[STEERING_SAMPLES_MAX], after[STEERING_SAMPLES_MAX];
	unsigned before_count, after_count;
};

static int64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ns_of_timespec(&ts);
}

/* The small world lives an hour ago by the real clock, so that its samples are
 * from the past. */
static int setup(void **state)
{
	struct restart *r = calloc(1, sizeof(*r));
	char why[SAVED_FOLDER_WHY_MAX];

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "%s", "samples-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_true(saved_folder_open(&r->folder, r->dir, why));
	r->world = world_new(2, 0, 0);
	r->world->now = r->world->wall = real_now() - 3600 * NS_PER_S;
	r->world->keep_keys = true;
	world_start(r->world);
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	world_run(r->world, 100 * NS_PER_S);
	*state = r;
	return 0;
}

static bool all(const void *self, const char *name)
{
	(void)self;
	(void)name;
	return true;
}

static int teardown(void **state)
{
	struct restart *r = *state;

	sample_file_close(&r->file);
	world_end(r->world);
	saved_folder_sweep(&r->folder, all, NULL);
	saved_folder_close(&r->folder);
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

/* Makes this process as old as that. */
static void grow_old(struct restart *r, int64_t ns)
{
	r->file.born.raw_ns -= ns;
	r->file.born.osc_ns -= ns;
	r->file.last = r->file.born;
}

static void save(struct restart *r)
{
	grow_old(r, 100 * NS_PER_S);
	r->before_count =
	    steering_copy_samples(r->world->engine.steering, 0, r->before);
	assert_true(r->before_count >= 4);
	sample_file_save(&r->file, &r->world->engine);
	sample_file_close(&r->file);
}

static void start_again(struct restart *r)
{
	world_restart(r->world, false);
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	r->after_count =
	    steering_copy_samples(r->world->engine.steering, 0, r->after);
}

static void samples_go_on_in_the_next_process(void **state)
{
	struct restart *r = *state;
	struct timescale old = r->world->engine.timescale;
	struct wall now;
	int64_t shift_ns;

	save(r);
	start_again(r);
	now.ns = real_now();
	shift_ns = timescale_osc(&r->world->engine.timescale, now).ns -
		   timescale_osc(&old, now).ns;
	assert_int_equal(r->after_count, r->before_count);
	for (unsigned i = 0; i < r->after_count; i++) {
		const struct sample *a = &r->after[i], *b = &r->before[i];

		assert_true(
		    llabs(a->at.ns - b->at.ns - shift_ns) < 5 * NS_PER_US);
		assert_int_equal(
		    a->at.ns + a->offset_ns, b->at.ns + b->offset_ns);
		assert_int_equal(a->delay_ns, b->delay_ns);
	}
}

static void samples_of_another_server_are_not_restored(void **state)
{
	struct restart *r = *state;

	save(r);
	r->world->disk[0].keys.answer.addresses[0].address[3]++;
	start_again(r);
	assert_int_equal(r->after_count, 0);
	assert_true(
	    steering_copy_samples(r->world->engine.steering, 1, r->after) > 0);
}

static void a_short_life_saves_nothing(void **state)
{
	struct restart *r = *state;

	sample_file_save(&r->file, &r->world->engine);
	assert_int_equal(
	    faccessat(r->folder.fd, SAMPLE_FILE_NAME, F_OK, 0), -1);
}

/* The two clocks differ by a second, and both are right. */
static void a_leap_second_ends_the_comparison(void **state)
{
	struct restart *r = *state;

	grow_old(r, 600 * NS_PER_S);
	r->file.last.osc_ns += NS_PER_S;
	sample_file_save(&r->file, &r->world->engine);
	assert_int_equal(
	    faccessat(r->folder.fd, SAMPLE_FILE_NAME, F_OK, 0), -1);
	/* Some time later. */
	grow_old(r, 100 * NS_PER_S);
	sample_file_save(&r->file, &r->world->engine);
	assert_int_equal(faccessat(r->folder.fd, SAMPLE_FILE_NAME, F_OK, 0), 0);
}

static void a_damaged_file_is_replaced_by_the_next_save(void **state)
{
	struct restart *r = *state;
	int fd;

	save(r);
	fd = openat(r->folder.fd, SAMPLE_FILE_NAME, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "X", 1, 200), 1);
	close(fd);
	start_again(r);
	assert_int_equal(r->after_count, 0);
	world_run(r->world, 100 * NS_PER_S);
	save(r);
	start_again(r);
	assert_true(r->after_count > 0);
}

static void learn(struct restart *r)
{
	struct drift_learned l = {0};

	l.period[1].lag[2].worst = 3e-7;
	l.period[1].lag[2].windows = 30;
	steering_restore_drift(r->world->engine.steering, &l);
}

static void the_learned_drift_goes_on(void **state)
{
	struct restart *r = *state;
	struct drift_learned l;

	learn(r);
	save(r);
	start_again(r);
	steering_copy_drift(r->world->engine.steering, &l);
	assert_true(fabs(l.period[1].lag[2].worst - 3e-7) < 1e-14);
	assert_true(fabs(l.period[1].lag[2].windows - 30) < 1e-2);
}

static void a_damaged_file_of_the_drift_teaches_nothing(void **state)
{
	struct restart *r = *state;
	struct drift_learned l;
	int fd;

	learn(r);
	save(r);
	fd = openat(r->folder.fd, DRIFT_FILE_NAME, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "X", 1, 20), 1);
	close(fd);
	start_again(r);
	steering_copy_drift(r->world->engine.steering, &l);
	assert_int_equal(drift_bound_reason(&l), DRIFT_UNKNOWN);
	assert_true(r->after_count > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(samples_go_on_in_the_next_process),
	    TEST(samples_of_another_server_are_not_restored),
	    TEST(a_short_life_saves_nothing),
	    TEST(a_leap_second_ends_the_comparison),
	    TEST(a_damaged_file_is_replaced_by_the_next_save),
	    TEST(the_learned_drift_goes_on),
	    TEST(a_damaged_file_of_the_drift_teaches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
