#include "agent/source/log_budget.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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

/* "trouble a" and so on: another sentence for each number. */
static const char *sentence(unsigned i, char out[32])
{
	snprintf(out, 32, "trouble %c", 'a' + (int)i);
	return out;
}

/* It remembers the newest sentences: an older one is a line again. */
static void the_oldest_sentence_is_forgotten(void **state)
{
	struct log_budget n = {0};
	char text[32];

	(void)state;
	for (unsigned i = 0; i <= BUDGET_SAID_MAX; i++) {
		n.spent = 0;
		assert_int_equal(
		    log_budget_trouble(&n, sentence(i, text), at_s(0), at_s(1)),
		    BUDGET_LINE);
	}
	for (unsigned i = 1; i <= BUDGET_SAID_MAX; i++)
		assert_int_equal(
		    log_budget_trouble(&n, sentence(i, text), at_s(0), at_s(1)),
		    BUDGET_NONE);
	n.spent = 0;
	assert_int_equal(
	    log_budget_trouble(&n, sentence(0, text), at_s(0), at_s(1)),
	    BUDGET_LINE);
}

/* Who forges answers chooses the sentences. The machine has been up for a day.
 */
static unsigned lines_of_a_circle(unsigned sentences, int64_t heard_s)
{
	struct log_budget n = {0};
	char text[32];
	unsigned said = 0;

	for (unsigned i = 0; i < 86400 / 16; i++)
		said +=
		    lines(log_budget_trouble(&n, sentence(i % sentences, text),
			at_s(heard_s), at_s(86400 + 16 * i)));
	return said;
}

static void sentences_in_a_circle_get_a_few_lines(void **state)
{
	(void)state;
	/* Never heard, and heard once: eight lines, and eight more when it is
	 * gone. */
	for (unsigned sentences = 9; sentences <= 26; sentences++) {
		assert_true(
		    lines_of_a_circle(sentences, 0) <= 2 * BUDGET_LINES_MAX);
		assert_true(lines_of_a_circle(sentences, 86000) <=
			    2 * BUDGET_LINES_MAX);
	}
}

static void a_source_that_was_never_heard_is_gone_after_a_while(void **state)
{
	struct log_budget n = {0};
	char text[32];
	unsigned said = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		said += lines(log_budget_trouble(
		    &n, sentence(i, text), at_s(0), at_s(86400 + i)));
	assert_int_equal(said, BUDGET_LINES_MAX);
	assert_int_equal(
	    log_budget_trouble(&n, "late", at_s(0), at_s(86999)), BUDGET_NONE);
	assert_int_equal(
	    log_budget_trouble(&n, "late", at_s(0), at_s(87000)), BUDGET_LINE);
}

static void each_silence_lifts_the_silence_once(void **state)
{
	struct log_budget n = {.muted = true, .spent = BUDGET_LINES_MAX};

	(void)state;
	for (int64_t heard = 1000; heard < 20000; heard += 1000) {
		n.muted = true;
		n.trouble_at = at_s(heard);
		assert_int_equal(log_budget_trouble(
				     &n, "no", at_s(heard), at_s(heard + 599)),
		    BUDGET_NONE);
		assert_int_equal(log_budget_trouble(
				     &n, "no", at_s(heard), at_s(heard + 600)),
		    BUDGET_LINE);
		n.muted = true;
		assert_int_equal(log_budget_trouble(
				     &n, "new", at_s(heard), at_s(heard + 700)),
		    BUDGET_NONE);
		n.said_count = 0;
	}
}

static void other_foreign_words_are_not_another_sentence(void **state)
{
	struct log_budget n = {0};
	unsigned said = 0;
	char text[64];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text),
		    "the certificate is for \"%c%c%c\", not for us",
		    'a' + (int)(i % 26), 'a' + (int)(i / 26 % 26),
		    'a' + (int)(i / 676));
		said += lines(log_budget_trouble(
		    &n, text, at_s(0), at_s(86400 + 16 * i)));
	}
	assert_int_equal(said, 1);
	assert_int_equal(
	    log_budget_trouble(&n, "the certificate is for \"a\", not for them",
		at_s(0), at_s(102400)),
	    BUDGET_LINE);
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
	    cmocka_unit_test(sentences_in_a_circle_get_a_few_lines),
	    cmocka_unit_test(
		a_source_that_was_never_heard_is_gone_after_a_while),
	    cmocka_unit_test(each_silence_lifts_the_silence_once),
	    cmocka_unit_test(other_foreign_words_are_not_another_sentence),
	    cmocka_unit_test(a_source_that_comes_and_goes_gets_a_few_lines),
	    cmocka_unit_test(the_last_line_says_so),
	    cmocka_unit_test(after_a_steady_hour_the_budget_is_full_again),
	    cmocka_unit_test(a_source_that_is_gone_gets_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
