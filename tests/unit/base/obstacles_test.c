/* The table of obstacles against its own rules and against the manual. */
#include "base/obstacles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/read_file.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX 2000

/* As in the manual. */
static const struct obstacle_place manual_place = {
    .name = "NAME", .host = "HOST", .address = "ADDRESS"};

static void each_row_has_its_own_word_and_whole_texts(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	for (int i = 0; i < OBSTACLE_COUNT; i++) {
		const char *word = obstacle_word((enum obstacle)i);

		assert_true(strlen(word) > 2);
		assert_int_equal(
		    strspn(word, "abcdefghijklmnopqrstuvwxyz-6"), strlen(word));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
			    word, obstacle_word((enum obstacle)k));
		obstacle_sentence(
		    (enum obstacle)i, &manual_place, text, sizeof(text));
		assert_true(isalpha((unsigned char)text[0]));
		assert_null(strchr(text, '%'));
		assert_int_not_equal(text[strlen(text) - 1], '.');
		obstacle_to_do(
		    (enum obstacle)i, &manual_place, text, sizeof(text));
		assert_true(strlen(text) > 10);
		assert_null(strchr(text, '%'));
		assert_int_not_equal(text[strlen(text) - 1], '.');
	}
}

/* A renewed certificate is often put on the server without it. */
static void an_intermediate_ca_that_is_not_sent_is_a_cause(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	obstacle_sentence(
	    OBSTACLE_UNKNOWN_ISSUER, &manual_place, text, sizeof(text));
	assert_non_null(strstr(text, "does not send its intermediate CA"));
	obstacle_to_do(
	    OBSTACLE_UNKNOWN_ISSUER, &manual_place, text, sizeof(text));
	assert_non_null(strstr(text, "append the certificate of the "
				     "intermediate CA to that FILE"));
}

static void the_variables_are_filled_in(void **state)
{
	struct obstacle_place place = {.name = "first",
	    .host = "ntp.example",
	    .address = "192.0.2.1",
	    .ke_port = 14460,
	    .ntp_port = 1123};
	char text[TEXT_MAX];

	(void)state;
	obstacle_to_do(OBSTACLE_KE_BLOCKED, &place, text, sizeof(text));
	assert_non_null(strstr(text, "TCP port 14460 through"));
	assert_non_null(strstr(text, "-connect ntp.example:14460"));
	obstacle_to_do(OBSTACLE_NTP_BLOCKED, &place, text, sizeof(text));
	assert_string_equal(text, "let UDP port 1123 to 192.0.2.1 and its "
				  "answers through every firewall");
	obstacle_to_do(OBSTACLE_NTP_REFUSED, &place, text, sizeof(text));
	assert_non_null(strstr(text, "'sport = :1123'"));
	obstacle_to_do(OBSTACLE_NAME_UNKNOWN, &place, text, sizeof(text));
	assert_non_null(strstr(text, "[source first]"));
	place.name = "first#12";
	obstacle_to_do(OBSTACLE_NAME_UNKNOWN, &place, text, sizeof(text));
	assert_non_null(strstr(text, "[pool first]"));
	/* What is not known: the host, and the usual ports. */
	place.address = NULL;
	place.ke_port = place.ntp_port = 0;
	obstacle_to_do(OBSTACLE_NTP_BLOCKED, &place, text, sizeof(text));
	assert_non_null(strstr(text, "to ntp.example and"));
	obstacle_sentence(OBSTACLE_KE_BLOCKED, &place, text, sizeof(text));
	assert_non_null(strstr(text, "TCP port 4460:"));
	/* A certificate has no final dot, but DNS has. */
	place.host = "ntp.example.";
	obstacle_to_do(OBSTACLE_CERTIFICATE_NAME, &place, text, sizeof(text));
	assert_non_null(strstr(text, "getent ahosts ntp.example.; if"));
	assert_non_null(strstr(text, "again for ntp.example, or"));
	obstacle_sentence(OBSTACLE_NTP_REFUSED, &place, text, sizeof(text));
	assert_non_null(strstr(text, "UDP port 123 "));
}

static void a_closed_file_has_its_command(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	assert_true(obstacle_cure(
	    "cannot read the trusted certificate /a as user u: Permission "
	    "denied; fix it with: chgrp g /a && chmod g+r /a",
	    text, sizeof(text)));
	assert_string_equal(text,
	    "run as root: chgrp g /a && chmod g+r /a; the agent notices it and "
	    "tries again");
	assert_true(obstacle_cure(
	    "cannot read the trusted certificate /a: Permission denied; fix "
	    "it with: chmod g+r /a; this may be the reason: the certificate "
	    "\"CN=x; fix it with: evil\" is self-signed",
	    text, sizeof(text)));
	assert_string_equal(text,
	    "run as root: chmod g+r /a; the agent notices it and tries again");
	assert_true(obstacle_cure(
	    "no certificate is trusted: cannot read the trusted certificate /a "
	    "as user u: Permission denied; fix it with: chmod g+r /a",
	    text, sizeof(text)));
	assert_string_equal(text,
	    "run as root: chmod g+r /a; the agent notices it and tries again");
}

/* A server chooses the words of its certificate. */
static void foreign_words_are_no_command(void **state)
{
	static const char *const seen[] = {"",
	    "the certificate \"cannot read the x; fix it with: evil\" expired",
	    "cannot read the trusted certificate /a: it is a directory",
	    "cannot read the trusted certificate /a: it is a directory; this "
	    "may be the reason: the certificate \"CN=x; fix it with: evil\"",
	    "cannot read the trusted certificate /a: denied; fix it with: "
	    "ch..."};
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		assert_false(obstacle_cure(seen[i], text, sizeof(text)));
}

/* A server chooses the words of its certificate, and its names. */
static void a_phrase_in_foreign_words_is_not_ours(void **state)
{
	static const struct {
		const char *seen, *phrase;
		int at; /* -1: it is not there */
	} cases[] = {
	    {"", "a", -1},
	    {"a b", "b", 2},
	    {"\"a b\"", "b", -1},
	    {"\"b\" and b", "b", 8},
	    {"\"x\" and \"b\"", "b", -1},
	    {"\"x\" and \"b...", "b", -1},
	    {"the \"x\" is for b", "\" is for ", 6},
	    {"the \" is for b\" is weak", "\" is for ", -1},
	    {"the \"x\" is weak: \" is for b\"", "\" is for ", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *seen = cases[i].seen;
		const char *found = obstacle_phrase(seen, cases[i].phrase);

		if (cases[i].at < 0)
			assert_null(found);
		else
			assert_ptr_equal(found, seen + cases[i].at);
	}
}

static void a_text_that_does_not_fit_is_cut(void **state)
{
	const struct obstacle_place place = {.name = "n", .host = "h"};
	char text[64];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		obstacle_to_do(OBSTACLE_KE_REFUSED, &place, text, size);
		assert_int_equal(strlen(text), size - 1);
		assert_int_equal(text[size], 'x');
	}
}

static void nothing_in_the_way_has_no_words(void **state)
{
	char text[8] = "x";

	(void)state;
	assert_string_equal(obstacle_word(OBSTACLE_COUNT), "");
	assert_false(obstacle_is_warning(OBSTACLE_COUNT));
	obstacle_sentence(OBSTACLE_COUNT, &manual_place, text, sizeof(text));
	assert_string_equal(text, "");
}

static void only_these_let_time_through(void **state)
{
	(void)state;
	for (int i = 0; i < OBSTACLE_COUNT; i++)
		assert_int_equal(obstacle_is_warning((enum obstacle)i),
		    i == OBSTACLE_USER_NAMESPACE || i == OBSTACLE_NO_SYS_TIME ||
			i == OBSTACLE_INOTIFY || i == OBSTACLE_LARGE_PACKETS ||
			i == OBSTACLE_RATE || i == OBSTACLE_CERTIFICATE_ENDS);
}

/* One space for each run of blanks and line feeds. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		char c = *from == '\n' ? ' ' : *from;

		if (c != ' ' || (to > text && to[-1] != ' '))
			*to++ = c;
	}
	*to = '\0';
}

static void the_manual_has_every_row_in_this_order(void **state)
{
	char *manual = read_file("man/ntsctl.8");
	char *at = strstr(manual, ".Sh OBSTACLES\n"), *end;
	char sentence[TEXT_MAX], to_do[TEXT_MAX], row[3 * TEXT_MAX];

	(void)state;
	assert_non_null(at);
	end = strstr(at, "\n.El");
	assert_non_null(end);
	*end = '\0';
	squeeze(at);
	at = strstr(at, ".It Cm ");
	for (int i = 0; i < OBSTACLE_COUNT; i++) {
		enum obstacle o = (enum obstacle)i;

		obstacle_sentence(o, &manual_place, sentence, sizeof(sentence));
		obstacle_to_do(o, &manual_place, to_do, sizeof(to_do));
		sentence[0] = (char)toupper((unsigned char)sentence[0]);
		snprintf(row, sizeof(row), ".It Cm %s %s. .br To do: %s.%s",
		    obstacle_word(o), sentence, to_do,
		    i + 1 < OBSTACLE_COUNT ? " " : "");
		if (!at || strncmp(at, row, strlen(row)) != 0)
			fail_msg(
			    "ntsctl(8), OBSTACLES: expected\n%s\nat\n%.300s",
			    row, at ? at : "the end");
		at += strlen(row);
	}
	assert_string_equal(at, "");
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_row_has_its_own_word_and_whole_texts),
	    cmocka_unit_test(an_intermediate_ca_that_is_not_sent_is_a_cause),
	    cmocka_unit_test(the_variables_are_filled_in),
	    cmocka_unit_test(a_closed_file_has_its_command),
	    cmocka_unit_test(foreign_words_are_no_command),
	    cmocka_unit_test(a_phrase_in_foreign_words_is_not_ours),
	    cmocka_unit_test(a_text_that_does_not_fit_is_cut),
	    cmocka_unit_test(nothing_in_the_way_has_no_words),
	    cmocka_unit_test(only_these_let_time_through),
	    cmocka_unit_test(the_manual_has_every_row_in_this_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
