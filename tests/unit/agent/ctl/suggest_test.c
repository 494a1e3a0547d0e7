/* Words that ntsctl does not know. */
#include "agent/ctl/suggest.h"

#include "agent/ctl/program.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The commands of chronyc(1), 4.8. */
static const char *const of_chronyc[] = {"accheck", "activity", "add", "allow",
    "authdata", "authhash", "burst", "clients", "cmdaccheck", "cmdallow",
    "cmddeny", "cyclelogs", "delete", "deny", "dfreq", "dns", "doffset", "dump",
    "help", "keygen", "local", "makestep", "manual", "maxdelay",
    "maxdelaydevratio", "maxdelayratio", "maxpoll", "maxupdateskew", "minpoll",
    "minstratum", "ntpdata", "offline", "offset", "online", "onoffline",
    "password", "polltarget", "refresh", "rekey", "reload", "reselect",
    "reselectdist", "reset", "retries", "rtcdata", "selectdata", "selectopts",
    "serverstats", "settime", "shutdown", "smoothing", "smoothtime",
    "sourcename", "sources", "sourcestats", "timeout", "tracking", "trimrtc",
    "waitsync", "writertc"};

static char *errors_of(char *word, int *status)
{
	char program[] = "ntsctl", option[] = "-s", at[] = "/nonexistent/sock";
	char *argv[] = {program, option, at, word, NULL};
	char *text = NULL, *ignored = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);
	FILE *out = open_memstream(&ignored, &size);

	*status = ctl_main(NULL, 4, argv, out, errors);
	fclose(errors);
	fclose(out);
	free(ignored);
	return text;
}

/* Each is there, or one line says what the agent does instead. */
static void no_command_of_chronyc_is_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of_chronyc); i++) {
		char word[32], *text;
		int status;

		snprintf(word, sizeof(word), "%s", of_chronyc[i]);
		if (strcmp(word, "waitsync") == 0) /* it would wait */
			continue;
		text = errors_of(word, &status);
		if (strstr(text, "there is no command"))
			fail_msg("%s", text);
		if (suggest_instead(word)) {
			assert_non_null(strstr(text, word));
			assert_int_equal(status, 1);
			assert_ptr_equal(
			    strchr(text, '\n'), text + strlen(text) - 1);
		}
		free(text);
	}
}

static void letters_are_counted(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
	    {"", "", 0},
	    {"sources", "sources", 0},
	    {"source", "sources", 1},
	    {"sorces", "sources", 1},
	    {"soucres", "sources", 1},
	    {"trakcing", "tracking", 1},
	    {"xtracking", "tracking", 1},
	    {"abc", "", 3},
	    {"a-word-that-is-much-longer-than-31-letters", "", 31},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    suggest_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(
		    suggest_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
}

static void only_a_near_word_is_offered(void **state)
{
	static const struct {
		const char *word, *candidate;
		bool near;
	} rows[] = {
	    {"stat", "status", true},
	    {"brust", "burst", true},
	    {"dumb", "dump", true},
	    {"abcd", "dump", false},
	    {"trackers", "tracking", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *best = NULL;
		unsigned distance = SUGGEST_FAR;

		suggest_nearer(
		    rows[i].word, rows[i].candidate, &best, &distance);
		assert_int_equal(best != NULL, rows[i].near);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_command_of_chronyc_is_unknown),
	    cmocka_unit_test(letters_are_counted),
	    cmocka_unit_test(only_a_near_word_is_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
