/* The drift file and the last good time: what is read back, what is refused. */
#include "clock/kernel/drift_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/descriptors.h"

struct folder {
	char dir[64], file[96], fresh[96];
};

static int make_folder(void **state)
{
	struct folder *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "%s", "drift-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/drift", p->dir);
	snprintf(p->fresh, sizeof(p->fresh), "%s/drift.new", p->dir);
	*state = p;
	return 0;
}

static int drop_folder(void **state)
{
	struct folder *p = *state;

	unlink(p->file);
	unlink(p->fresh);
	assert_int_equal(rmdir(p->dir), 0); /* nothing else is left */
	free(p);
	return 0;
}

static void put(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void get(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
}

static void test_round_trip(void **state)
{
	static const double freqs[] = {
	    0, 7.123, -7.123, 0.000001, 499.999999, -500};
	const struct folder *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(freqs); i++) {
		double freq = 1, sd = 1;

		assert_int_equal(
		    drift_file_save(p->file, NULL, freqs[i], 0.25), 0);
		assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
		assert_true(fabs(freq - freqs[i]) < 1e-6);
		assert_true(fabs(sd - 0.25) < 1e-6);
	}
}

/* chrony's file says how fast the clock is; the correction is the opposite. */
static void test_format_is_chronys(void **state)
{
	const struct folder *p = *state;
	char text[128];
	double freq, sd;

	assert_int_equal(drift_file_save(p->file, NULL, 7.5, 0.125), 0);
	get(p->file, text, sizeof(text));
	assert_string_equal(
	    text, "           -7.500000             0.125000\n");
	assert_int_equal(drift_file_save(p->file, NULL, 0, 1), 0);
	get(p->file, text, sizeof(text));
	assert_null(strchr(text, '-'));
	put(p->file, "           -9.046283             0.011943\n", 42);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
	assert_true(fabs(freq - 9.046283) < 1e-9);
	assert_true(fabs(sd - 0.011943) < 1e-9);
}

/* A deviation that rounds to zero must not be read as zero. */
static void test_sd_is_never_zero(void **state)
{
	const struct folder *p = *state;
	double freq, sd;

	assert_int_equal(drift_file_save(p->file, NULL, 1, 1e-9), 0);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
	assert_true(sd > 0);
}

static void test_malformed_drift(void **state)
{
	static const char *const bad[] = {"", "\n", "1", "1\n", "1 \n",
	    "1 2 3\n", "1 2\n3 4\n", "a b\n", "1 b\n", "1,5 2\n", "nan 1\n",
	    "1 nan\n", "inf 1\n", "1 inf\n", "1e400 1\n", "1 1e400\n",
	    "0x10 1\n", "1 -1\n", "100001 1\n", "-100001 1\n", "1 100001\n",
	    "1 2 # note\n", "- -\n", "1e 2\n", "[agent]\n"};
	const struct folder *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		double freq = 42, sd = 43;

		put(p->file, bad[i], strlen(bad[i]));
		if (drift_file_load(p->file, NULL, &freq, &sd) != -EINVAL)
			fail_msg("taken: \"%s\"", bad[i]);
		assert_true(freq == 42 && sd == 43);
	}
	put(p->file, "1 2\0 3\n", 8);
	assert_int_equal(
	    drift_file_load(p->file, NULL, &(double){0}, &(double){0}),
	    -EINVAL);
}

static void test_too_long(void **state)
{
	const struct folder *p = *state;
	char text[4096];

	memset(text, ' ', sizeof(text));
	memcpy(text, "1 2", 3);
	put(p->file, text, sizeof(text));
	assert_int_equal(
	    drift_file_load(p->file, NULL, &(double){0}, &(double){0}),
	    -EINVAL);
}

static void test_not_a_plain_file(void **state)
{
	const struct folder *p = *state;
	double freq, sd;

	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), -ENOENT);
	put(p->fresh, "1 2\n", 4);
	assert_int_equal(symlink(p->fresh, p->file), 0);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), -EINVAL);
	unlink(p->file);
	/* A pipe without a writer: opening it must not wait. */
	assert_int_equal(mkfifo(p->file, 0600), 0);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), -EINVAL);
	unlink(p->file);
	assert_int_equal(drift_file_load(p->dir, NULL, &freq, &sd), -EINVAL);
}

static void test_refuses_to_save_nonsense(void **state)
{
	const struct folder *p = *state;

	assert_int_equal(drift_file_save(p->file, NULL, NAN, 1), -EINVAL);
	assert_int_equal(drift_file_save(p->file, NULL, 1, INFINITY), -EINVAL);
	assert_int_equal(drift_file_save(p->file, NULL, 1, -1), -EINVAL);
	assert_int_equal(drift_file_save(p->file, NULL, 2e5, 1), -EINVAL);
	assert_int_equal(last_good_time_save(p->file, NULL, 0), -EINVAL);
	assert_int_equal(
	    last_good_time_save(p->file, NULL, INT64_MAX), -EINVAL);
	assert_int_equal(access(p->file, F_OK), -1);
}

/* A link is replaced and its target left alone; so is a half-written file. */
static void test_save_replaces(void **state)
{
	const struct folder *p = *state;
	char victim[96], text[128];
	struct stat st;

	snprintf(victim, sizeof(victim), "%s/victim", p->dir);
	put(victim, "precious", 8);
	assert_int_equal(symlink(victim, p->file), 0);
	assert_int_equal(symlink(victim, p->fresh), 0);
	assert_int_equal(drift_file_save(p->file, NULL, 1, 1), 0);
	get(victim, text, sizeof(text));
	assert_string_equal(text, "precious");
	assert_int_equal(lstat(p->file, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(access(p->fresh, F_OK), -1);
	unlink(victim);
}

static void test_mode_beats_umask(void **state)
{
	const struct folder *p = *state;
	mode_t old = umask(077);
	struct stat st;

	assert_int_equal(last_good_time_save(p->file, NULL, 1), 0);
	umask(old);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void test_no_such_directory(void **state)
{
	const struct folder *p = *state;
	char path[160], long_path[5000];

	snprintf(path, sizeof(path), "%s/none/drift", p->dir);
	assert_int_equal(drift_file_save(path, NULL, 1, 1), -ENOENT);
	for (size_t i = 0; i < sizeof(long_path); i++)
		long_path[i] = i % 2 ? '/' : '.';
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(drift_file_save(long_path, NULL, 1, 1), -ENAMETOOLONG);
	/* With ".new" it is too long by one byte: no part of it is a name. */
	memcpy(long_path + PATH_MAX - 6, "/x", sizeof("/x"));
	assert_int_equal(strlen(long_path), PATH_MAX - 4);
	assert_int_equal(drift_file_save(long_path, NULL, 1, 1), -ENAMETOOLONG);
	assert_int_equal(access("x", F_OK), -1);
}

static void test_no_descriptor_is_left_open(void **state)
{
	const struct folder *p = *state;
	int before = descriptors_open();
	double freq, sd;

	assert_int_equal(drift_file_save(p->file, NULL, 1, 1), 0);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
	put(p->file, "no number\n", 10);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), -EINVAL);
	assert_int_equal(chmod(p->file, 0666), 0);
	assert_true(drift_file_load(p->file, NULL, &freq, &sd) != 0);
	assert_int_equal(descriptors_open(), before);
}

/* A folder lies where the file should be: nothing is left next to it. */
static void test_a_failure_leaves_no_new_file(void **state)
{
	const struct folder *p = *state;

	assert_int_equal(mkdir(p->file, 0700), 0);
	assert_int_equal(drift_file_save(p->file, NULL, 1, 1), -EISDIR);
	assert_int_equal(access(p->fresh, F_OK), -1);
	assert_int_equal(rmdir(p->file), 0);
}

/* The largest values that a file can hold. */
static void test_extreme_values_are_read_back(void **state)
{
	const struct folder *p = *state;
	int64_t seconds = 0;
	double freq = 0, sd = 0;

	assert_int_equal(
	    last_good_time_save(p->file, NULL, INT64_C(9223372036)), 0);
	assert_int_equal(last_good_time_load(p->file, NULL, &seconds), 0);
	assert_true(seconds == INT64_C(9223372036));
	assert_int_equal(
	    last_good_time_save(p->file, NULL, INT64_C(9223372037)), -EINVAL);
	assert_int_equal(last_good_time_save(p->file, NULL, 1), 0);
	assert_int_equal(last_good_time_load(p->file, NULL, &seconds), 0);
	assert_true(seconds == 1);
	assert_int_equal(drift_file_save(p->file, NULL, -100000, 100000), 0);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
	assert_true(freq == -100000 && sd == 100000);
	assert_int_equal(drift_file_save(p->file, NULL, 0, 0), 0);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
	assert_true(freq == 0 && sd == 1e-6);
}

/* One line of 127 characters is the longest. */
static void test_the_longest_line(void **state)
{
	const struct folder *p = *state;
	char text[128];
	double freq = 0, sd = 0;

	memset(text, ' ', sizeof(text));
	memcpy(text, "-3 2", 4);
	put(p->file, text, sizeof(text) - 1);
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), 0);
	assert_true(freq == 3 && sd == 2);
	put(p->file, text, sizeof(text));
	assert_int_equal(drift_file_load(p->file, NULL, &freq, &sd), -EINVAL);
}

static void test_goodtime(void **state)
{
	static const char *const bad[] = {"", "\n", "0\n", "-1\n", "12x\n",
	    "1.5\n", "99999999999999999999\n", "9223372037\n", "1 2\n", "x\n"};
	const struct folder *p = *state;
	int64_t seconds = 0;

	assert_int_equal(last_good_time_save(p->file, NULL, 1795400000), 0);
	assert_int_equal(last_good_time_load(p->file, NULL, &seconds), 0);
	assert_true(seconds == 1795400000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(p->file, bad[i], strlen(bad[i]));
		if (last_good_time_load(p->file, NULL, &seconds) != -EINVAL)
			fail_msg("taken: \"%s\"", bad[i]);
		assert_true(seconds == 1795400000);
	}
}

#define IN_FOLDER(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(test_round_trip),
	    IN_FOLDER(test_format_is_chronys),
	    IN_FOLDER(test_sd_is_never_zero),
	    IN_FOLDER(test_malformed_drift),
	    IN_FOLDER(test_too_long),
	    IN_FOLDER(test_not_a_plain_file),
	    IN_FOLDER(test_refuses_to_save_nonsense),
	    IN_FOLDER(test_save_replaces),
	    IN_FOLDER(test_mode_beats_umask),
	    IN_FOLDER(test_no_such_directory),
	    IN_FOLDER(test_no_descriptor_is_left_open),
	    IN_FOLDER(test_a_failure_leaves_no_new_file),
	    IN_FOLDER(test_extreme_values_are_read_back),
	    IN_FOLDER(test_the_longest_line),
	    IN_FOLDER(test_goodtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
