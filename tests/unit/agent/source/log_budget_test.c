#include "agent/source/log_budget.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct mono at_s(int64_t s)
{
	return (struct mono){s * NS_PER_S};
}

static unsigned lines(enum log_budget_answer v)
{
	return v != BUDGET_NONE;
}

static void a_trouble_is_logged_once_until_all_is_well(void **state)
{
	struct log_budget n = {0};

	(void)state;
	assert_int_equal(log_budget_trouble(&n, "no answer", at_s(0), at_s(10)),
	    BUDGET_LINE);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(log_budget_trouble(&n, "no answer", at_s(0),
				     at_s(20 + 16 * i)),
		    BUDGET_NONE);
	assert_int_equal(log_budget_well(&n, at_s(90000)), BUDGET_LINE);
	assert_int_equal(log_budget_well(&n, at_s(90016)), BUDGET_NONE);
	assert_int_equal(
	    log_budget_trouble(&n, "no answer", at_s(90016), at_s(90100)),
	    BUDGET_LINE);
}

static void another_number_is_not_another_sentence(void **state)
{
	struct log_budget n = {0};

	(void)state;
	assert_int_equal(
	    log_budget_trouble(&n, "since 10:01", at_s(0), at_s(1)),
	    BUDGET_LINE);
	assert_int_equal(
	    log_budget_trouble(&n, "since 11:59", at_s(0), at_s(2)),
	    BUDGET_NONE);
	assert_int_equal(
	    log_budget_trouble(&n, "refused", at_s(0), at_s(3)), BUDGET_LINE);
}

/* It remembers the newest eight: an older one is a line again. */
static void the_oldest_sentence_is_forgotten(void **state)
{
	static const char *const texts[] = {
	    "a", "b", "c", "d", "e", "f", "g", "h", "i"};
	struct log_budget n = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		n.spent = 0;
		assert_int_equal(
		    log_budget_trouble(&n, texts[i], at_s(0), at_s(1)),
		    BUDGET_LINE);
	}
	for (size_t i = 1; i < ARRAY_LEN(texts); i++)
		assert_int_equal(
		    log_budget_trouble(&n, texts[i], at_s(0), at_s(1)),
		    BUDGET_NONE);
	n.spent = 0;
	assert_int_equal(
	    log_budget_trouble(&n, "a", at_s(0), at_s(1)), BUDGET_LINE);
}

static void a_source_that_comes_and_goes_gets_a_few_lines(void **state)
{
	struct log_budget n = {0};
	unsigned said = 0;

	(void)state;
	for (int64_t s = 0; s < 86400; s += 32) {
		said +=
		    lines(log_budget_trouble(&n, "no", at_s(s - 16), at_s(s)));
		said += lines(log_budget_well(&n, at_s(s + 16)));
	}
	assert_int_equal(said, BUDGET_LINES_MAX);
}

static void the_last_line_says_so(void **state)
{
	struct log_budget n = {0};
	enum log_budget_answer v = BUDGET_NONE;

	(void)state;
	for (int i = 0; i < BUDGET_LINES_MAX / 2; i++) {
		assert_int_equal(log_budget_trouble(&n, "no", at_s(i), at_s(i)),
		    BUDGET_LINE);
		v = log_budget_well(&n, at_s(i));
	}
	assert_int_equal(v, BUDGET_LAST_LINE);
}

static void after_a_steady_hour_the_budget_is_full_again(void **state)
{
	struct log_budget n = {.muted = true, .spent = BUDGET_LINES_MAX};

	(void)state;
	n.trouble_at = at_s(1000);
	assert_int_equal(log_budget_well(&n, at_s(4000)), BUDGET_NONE);
	assert_int_equal(log_budget_well(&n, at_s(4600)), BUDGET_STEADY);
	assert_int_equal(log_budget_well(&n, at_s(4616)), BUDGET_NONE);
	assert_int_equal(
	    log_budget_trouble(&n, "no", at_s(4616), at_s(4700)), BUDGET_LINE);
}

/* A real outage is a line even for a source that came and went before. */
static void a_source_that_is_gone_gets_a_line(void **state)
{
	struct log_budget n = {.muted = true, .spent = BUDGET_LINES_MAX};
	unsigned said = 0;

	(void)state;
	n.trouble_at = at_s(1000);
	for (int64_t s = 1000; s < 86400; s += 60)
		said +=
		    lines(log_budget_trouble(&n, "no", at_s(1000), at_s(s)));
	assert_int_equal(said, 1);
	assert_int_equal(log_budget_well(&n, at_s(86400)), BUDGET_LINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_trouble_is_logged_once_until_all_is_well),
	    cmocka_unit_test(another_number_is_not_another_sentence),
	    cmocka_unit_test(the_oldest_sentence_is_forgotten),
	    cmocka_unit_test(a_source_that_comes_and_goes_gets_a_few_lines),
	    cmocka_unit_test(the_last_line_says_so),
	    cmocka_unit_test(after_a_steady_hour_the_budget_is_full_again),
	    cmocka_unit_test(a_source_that_is_gone_gets_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
