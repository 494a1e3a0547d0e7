/* A machine that lacks a part of the sandbox, or all of it. */
#include "agent/check/box.h"

#include "agent/check/check.h"
#include "tests/unit/agent/host/sandbox/fake_sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No process of this test gets so far. */
bool sandbox_enter(const struct sandbox_request *r, char why[SANDBOX_TEXT_MAX])
{
	(void)r;
	snprintf(why, SANDBOX_TEXT_MAX, "%s", "there is none");
	return false;
}

static void each_choice_has_its_words(void **state)
{
	static const struct {
		const char *missing, *impossible, *says;
		enum confinement wanted;
		bool goes_on;
	} rows[] = {
	    {"", "", "", CONFINEMENT_YES, true},
	    {"", "", "", CONFINEMENT_REQUIRE, true},
	    {"Landlock", "a build", "", CONFINEMENT_NO, true},
	    {"Landlock", "", "", CONFINEMENT_LOG, true},
	    {"Landlock", "",
		"this kernel has no Landlock: the sandbox works without",
		CONFINEMENT_YES, true},
	    {"Landlock", "",
		"this kernel has no Landlock: with sandbox = require the agent "
		"does not start",
		CONFINEMENT_REQUIRE, false},
	    {"", "a build", "there is no sandbox: a build", CONFINEMENT_YES,
		true},
	    {"", "a build", "there is no sandbox: a build", CONFINEMENT_LOG,
		true},
	    {"", "a build",
		"there is no sandbox: a build; with sandbox = require the "
		"agent does not start",
		CONFINEMENT_REQUIRE, false},
	};
	char text[BOX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fake_sandbox.missing = rows[i].missing;
		fake_sandbox.impossible = rows[i].impossible;
		assert_int_equal(
		    box_judge(rows[i].wanted, text), rows[i].goes_on);
		assert_string_equal(text, rows[i].says);
	}
}

/* The first line of the output says so, and the source is not in it. */
static void a_required_sandbox_stops_the_check(void **state)
{
	static const char text[] = "[agent]\nsandbox = require\n"
				   "[source near]\nhost = 127.0.0.1\n";
	char path[] = "/tmp/box-XXXXXX", *printed = NULL;
	int fd = mkstemp(path);
	const struct check_options options = {
	    .config_path = path, .live = true, .limit_s = 10};
	size_t size = 0;
	FILE *out = open_memstream(&printed, &size);

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(out);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	fake_sandbox.impossible = "";
	fake_sandbox.missing = "Landlock";
	assert_int_equal(check_run(&options, out), CHECK_UNKNOWN);
	fclose(out);
	unlink(path);
	assert_non_null(strstr(printed,
	    "UNKNOWN: no source is tried: this kernel has no Landlock: with "
	    "sandbox = require the agent does not start"));
	assert_null(strstr(printed, "\nnear"));
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_choice_has_its_words),
	    cmocka_unit_test(a_required_sandbox_stops_the_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
