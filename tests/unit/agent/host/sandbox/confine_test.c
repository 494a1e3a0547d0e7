/* What the log says when this build or this kernel lacks the sandbox. */
#include "agent/host/sandbox/confine.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/agent/host/sandbox/fake_sandbox.h"
#include "tests/unit/log_text.h"

static struct {
	bool enters;
	struct sandbox_request request; /* the last one */
} sandbox;

bool sandbox_enter(const struct sandbox_request *r, char why[SANDBOX_TEXT_MAX])
{
	sandbox.request = *r;
	if (!sandbox.enters)
		snprintf(why, SANDBOX_TEXT_MAX, "%s", "a step failed");
	return sandbox.enters;
}

/* Puts what is logged into `t`. */
static bool confined(struct log_text *t, char why[SANDBOX_TEXT_MAX])
{
	bool ok;

	log_text_begin(t);
	ok = sandbox_confine(SANDBOX_CMDMON, why);
	log_text_end(t);
	return ok;
}

static void one_line_says_what_is_missing(void **state)
{
	static const struct {
		const char *missing, *impossible;
		enum sandbox_level level;
		const char *says; /* "": nothing */
	} rows[] = {
	    {"", "", SANDBOX_ON, ""},
	    {"Landlock", "", SANDBOX_ON,
		"this kernel has no Landlock: the sandbox works without\n"},
	    {"", "a build", SANDBOX_OFF, "there is no sandbox: a build\n"},
	    {"Landlock", "a build", SANDBOX_OFF,
		"there is no sandbox: a build\n"},
	};

	(void)state;
	sandbox.enters = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char expected[400] = "", why[SANDBOX_TEXT_MAX];
		struct log_text log;

		fake_sandbox.missing = rows[i].missing;
		fake_sandbox.impossible = rows[i].impossible;
		if (rows[i].says[0])
			snprintf(expected, sizeof(expected),
			    "ntsagent-cmdmon[%ld]: %s", (long)getpid(),
			    rows[i].says);
		assert_true(confined(&log, why));
		assert_string_equal(log.text, expected);
		assert_int_equal(sandbox.request.profile, SANDBOX_CMDMON);
		assert_int_equal(sandbox.request.level, rows[i].level);
	}
}

static void a_step_that_fails_ends_the_process(void **state)
{
	char why[SANDBOX_TEXT_MAX];
	struct log_text log;

	(void)state;
	fake_sandbox.missing = fake_sandbox.impossible = "";
	sandbox.enters = false;
	assert_false(confined(&log, why));
	assert_string_equal(why, "a step failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_line_says_what_is_missing),
	    cmocka_unit_test(a_step_that_fails_ends_the_process),
	};

	log_program("ntsagent-cmdmon");
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
