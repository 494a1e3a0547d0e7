/* Commands of chronyc(1) that ntsctl does not have. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_command_of_chronyc_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
