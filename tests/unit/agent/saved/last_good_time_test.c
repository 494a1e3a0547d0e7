#include "agent/saved/last_good_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t floor_with(const char *content)
{
	static struct config config;
	int64_t earliest_ns;
	FILE *f;

	snprintf(config.goodtime_file, sizeof(config.goodtime_file),
	    P_tmpdir "/ntsagent-floor-%d", getpid());
	f = fopen(config.goodtime_file, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
	earliest_ns = earliest_time_find(&config);
	unlink(config.goodtime_file);
	return earliest_ns;
}

static void the_later_of_file_and_program(void **state)
{
	struct config none = {.goodtime_file = ""};

	(void)state;
	assert_int_equal(floor_with("2000000000\n"), 2000000000 * NS_PER_S);
	assert_int_equal(floor_with("1000\n"), TIME_WRITTEN_S * NS_PER_S);
	assert_int_equal(floor_with("rubbish"), TIME_WRITTEN_S * NS_PER_S);
	assert_int_equal(earliest_time_find(&none), TIME_WRITTEN_S * NS_PER_S);
	strcpy(none.goodtime_file, "/nonexistent/last-good-time");
	assert_int_equal(earliest_time_find(&none), TIME_WRITTEN_S * NS_PER_S);
}

/* What is said for a clock that is `lag_ns` behind the floor. */
static void told(int64_t earliest_ns, int64_t lag_ns, char *out, size_t size)
{
	const struct config config = {.goodtime_file = "/lib/good"};
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_non_null(f);
	fflush(stderr);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	earliest_time_check(
	    &config, earliest_ns, (struct wall){earliest_ns - lag_ns});
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void a_clock_before_it_is_told(void **state)
{
	const int64_t earliest_ns = INT64_C(1800000000) * NS_PER_S;
	char text[400];

	(void)state;
	told(earliest_ns, 30 * NS_PER_S, text, sizeof(text));
	assert_string_equal(text, "");
	told(earliest_ns, 86400 * NS_PER_S, text, sizeof(text));
	assert_non_null(strstr(text,
	    "the clock is wrong: it says 2027-01-14 08:00:00 UTC, and "
	    "2027-01-15 08:00:00 UTC is past already, says /lib/good (if that "
	    "is wrong, remove the file and restart the agent)\n"));
	told(TIME_WRITTEN_S * NS_PER_S, 86400 * NS_PER_S, text, sizeof(text));
	assert_non_null(strstr(text, "00:00 UTC is past already\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_later_of_file_and_program),
	    cmocka_unit_test(a_clock_before_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
