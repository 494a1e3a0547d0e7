/* The seals of the drift file and the last good time. */
#include "agent/saved/sealed_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/agent/saved/test_key.h"
#include "tests/unit/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIFT_TEXT "           -3.000000             0.250000\n"

static const struct sealed_text drift = {&test_key, DRIFT_KIND};
static const struct sealed_text good_time = {&test_key, GOOD_TIME_KIND};

static char path[64];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), P_tmpdir "/ntsagent-sealed-%d", getpid());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int load(const struct sealed_text *t, double *freq_ppm)
{
	const struct file_seal seal = sealed_text_of(t);
	double sd;

	return drift_file_load(path, &seal, freq_ppm, &sd);
}

static void save(void)
{
	const struct file_seal seal = sealed_text_of(&drift);

	assert_int_equal(drift_file_save(path, &seal, 3, 0.25), 0);
}

/* The first line is that of chrony, and stays readable. */
static void a_saved_drift_is_read_again(void **state)
{
	double freq = 0;
	char *text;

	(void)state;
	save();
	text = read_file(path);
	assert_int_equal(
	    strncmp(text, DRIFT_TEXT "seal ", sizeof(DRIFT_TEXT) + 4), 0);
	assert_int_equal(strlen(text), strlen(DRIFT_TEXT) + 5 + 32 + 1);
	free(text);
	assert_int_equal(load(&drift, &freq), 0);
	assert_true(freq == 3);
}

static void a_changed_drift_is_refused(void **state)
{
	double freq = 1;
	char *text;

	(void)state;
	save();
	text = read_file(path);
	for (size_t i = 0; i + 1 < strlen(text); i++) {
		char was = text[i];
		int err;

		text[i] = was == '1' ? '2' : '1';
		put(text);
		err = load(&drift, &freq);
		if (err != SEAL_LINE_BROKEN && err != -EINVAL)
			fail_msg("byte %zu: %d", i, err);
		text[i] = was;
	}
	/* A tag that is cut. */
	text[strlen(text) - 2] = '\0';
	put(text);
	assert_int_equal(load(&drift, &freq), SEAL_LINE_BROKEN);
	free(text);
	assert_true(freq == 1);
}

static void a_seal_is_for_one_kind_and_one_key(void **state)
{
	const struct seal_key other = {.there = 1, .bytes = {9}};
	const struct sealed_text forged = {&other, DRIFT_KIND};
	double freq;

	(void)state;
	save();
	assert_int_equal(load(&good_time, &freq), SEAL_LINE_BROKEN);
	assert_int_equal(load(&forged, &freq), SEAL_LINE_BROKEN);
}

static void a_seal_needs_the_key(void **state)
{
	const struct seal_key none = {.there = 0};
	const struct sealed_text keyless = {&none, DRIFT_KIND};
	const struct file_seal seal = sealed_text_of(&keyless);
	double freq;
	char *text;

	(void)state;
	save();
	assert_int_equal(load(&keyless, &freq), -ENOKEY);
	/* Without a key the numbers are written all the same. */
	assert_int_equal(drift_file_save(path, &seal, 3, 0.25), 0);
	text = read_file(path);
	assert_string_equal(text, DRIFT_TEXT);
	free(text);
}

/* One that an administrator put there, as from chrony. */
static void a_file_of_the_administrator_needs_no_seal(void **state)
{
	const struct file_seal seal = sealed_text_of(&drift);
	const uid_t me = geteuid();
	double freq;

	(void)state;
	put(DRIFT_TEXT);
	assert_int_equal(load(&drift, &freq), 0);
	assert_int_equal(seal.check(&drift, DRIFT_TEXT, NULL, 0), 0);
	assert_int_equal(seal.check(&drift, DRIFT_TEXT, NULL, me), 0);
	assert_int_equal(
	    seal.check(&drift, DRIFT_TEXT, NULL, me + 1), SEAL_LINE_MISSING);
	if (me != 0)
		return;
	assert_int_equal(lchown(path, 65534, 65534), 0);
	assert_int_equal(load(&drift, &freq), SEAL_LINE_MISSING);
}

static void a_good_time_is_sealed_too(void **state)
{
	const struct file_seal seal = sealed_text_of(&good_time);
	int64_t s = 0;

	(void)state;
	assert_int_equal(last_good_time_save(path, &seal, 1800000000), 0);
	assert_int_equal(last_good_time_load(path, &seal, &s), 0);
	assert_int_equal(s, 1800000000);
	put("1800000001\nseal 00112233445566778899aabbccddeeff\n");
	assert_int_equal(
	    last_good_time_load(path, &seal, &s), SEAL_LINE_BROKEN);
	put("seal 00112233445566778899aabbccddeeff\n");
	assert_int_equal(last_good_time_load(path, &seal, &s), -EINVAL);
}

static void each_refusal_has_its_words(void **state)
{
	(void)state;
	assert_true(sealed_text_refused(SEAL_LINE_BROKEN) &&
		    sealed_text_refused(SEAL_LINE_MISSING) &&
		    sealed_text_refused(-ENOKEY));
	assert_false(sealed_text_refused(0) || sealed_text_refused(-EINVAL));
	assert_string_equal(sealed_text_error(SEAL_LINE_BROKEN),
	    "has a broken seal: it was changed or copied, or seal.key is "
	    "another one");
	assert_string_equal(sealed_text_error(SEAL_LINE_MISSING),
	    "has no seal and does not belong to root (if you copied it, give "
	    "it to root: chown root)");
	assert_string_equal(sealed_text_error(-ENOKEY),
	    "has a seal that cannot be checked without seal.key");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_saved_drift_is_read_again),
	    TEST(a_changed_drift_is_refused),
	    TEST(a_seal_is_for_one_kind_and_one_key),
	    TEST(a_seal_needs_the_key),
	    TEST(a_file_of_the_administrator_needs_no_seal),
	    TEST(a_good_time_is_sealed_too),
	    TEST(each_refusal_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
