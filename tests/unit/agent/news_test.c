#include "agent/news.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct mono at_s(int64_t s)
{
	return (struct mono){s * NS_PER_S};
}

static unsigned lines(enum news_verdict v)
{
	return v != NEWS_NONE;
}

static void a_trouble_is_told_once_until_all_is_well(void **state)
{
	struct news n = {0};

	(void)state;
	assert_int_equal(
	    news_trouble(&n, "no answer", at_s(0), at_s(10)), NEWS_LINE);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(
		    news_trouble(&n, "no answer", at_s(0), at_s(20 + 16 * i)),
		    NEWS_NONE);
	assert_int_equal(news_well(&n, at_s(90000)), NEWS_LINE);
	assert_int_equal(news_well(&n, at_s(90016)), NEWS_NONE);
	assert_int_equal(
	    news_trouble(&n, "no answer", at_s(90016), at_s(90100)), NEWS_LINE);
}

static void numbers_make_no_new_sentence(void **state)
{
	struct news n = {0};

	(void)state;
	assert_int_equal(
	    news_trouble(&n, "since 10:01", at_s(0), at_s(1)), NEWS_LINE);
	assert_int_equal(
	    news_trouble(&n, "since 11:59", at_s(0), at_s(2)), NEWS_NONE);
	assert_int_equal(
	    news_trouble(&n, "refused", at_s(0), at_s(3)), NEWS_LINE);
}

static void a_source_that_comes_and_goes_is_told_of_a_few_times(void **state)
{
	struct news n = {0};
	unsigned said = 0;

	(void)state;
	for (int64_t s = 0; s < 86400; s += 32) {
		said += lines(news_trouble(&n, "no", at_s(s - 16), at_s(s)));
		said += lines(news_well(&n, at_s(s + 16)));
	}
	assert_int_equal(said, NEWS_BUDGET);
}

static void the_last_line_says_so(void **state)
{
	struct news n = {0};
	enum news_verdict v = NEWS_NONE;

	(void)state;
	for (int i = 0; i < NEWS_BUDGET / 2; i++) {
		assert_int_equal(
		    news_trouble(&n, "no", at_s(i), at_s(i)), NEWS_LINE);
		v = news_well(&n, at_s(i));
	}
	assert_int_equal(v, NEWS_LAST_LINE);
}

static void after_a_steady_hour_that_is_told_and_all_counts_anew(void **state)
{
	struct news n = {.muted = true, .spent = NEWS_BUDGET};

	(void)state;
	n.trouble_at = at_s(1000);
	assert_int_equal(news_well(&n, at_s(4000)), NEWS_NONE);
	assert_int_equal(news_well(&n, at_s(4600)), NEWS_STEADY);
	assert_int_equal(news_well(&n, at_s(4616)), NEWS_NONE);
	assert_int_equal(
	    news_trouble(&n, "no", at_s(4616), at_s(4700)), NEWS_LINE);
}

/* A real outage is told of even by one that came and went before. */
static void gone_is_not_coming_and_going(void **state)
{
	struct news n = {.muted = true, .spent = NEWS_BUDGET};
	unsigned said = 0;

	(void)state;
	n.trouble_at = at_s(1000);
	for (int64_t s = 1000; s < 86400; s += 60)
		said += lines(news_trouble(&n, "no", at_s(1000), at_s(s)));
	assert_int_equal(said, 1);
	assert_int_equal(news_well(&n, at_s(86400)), NEWS_LINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_trouble_is_told_once_until_all_is_well),
	    cmocka_unit_test(numbers_make_no_new_sentence),
	    cmocka_unit_test(
		a_source_that_comes_and_goes_is_told_of_a_few_times),
	    cmocka_unit_test(the_last_line_says_so),
	    cmocka_unit_test(
		after_a_steady_hour_that_is_told_and_all_counts_anew),
	    cmocka_unit_test(gone_is_not_coming_and_going),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
