#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Redirects standard error to a pipe and keeps what is written. */
struct capture {
	int saved, pipe[2];
	char text[4096];
};

static void capture_begin(struct capture *c)
{
	assert_int_equal(pipe(c->pipe), 0);
	c->saved = dup(STDERR_FILENO);
	dup2(c->pipe[1], STDERR_FILENO);
}

static void capture_end(struct capture *c)
{
	ssize_t n;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->pipe[1]);
	n = read(c->pipe[0], c->text, sizeof(c->text) - 1);
	c->text[n > 0 ? n : 0] = '\0';
	close(c->pipe[0]);
}

static void control_characters_cannot_start_a_line(void **state)
{
	struct capture c;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	capture_begin(&c);
	log_info("name %s end", "a\nntsagentd[1]: forged\x1b[2J");
	capture_end(&c);
	assert_non_null(
	    strstr(c.text, "name a ntsagentd[1]: forged [2J end\n"));
	assert_ptr_equal(strchr(c.text, '\n'), c.text + strlen(c.text) - 1);
}

static void another_program_has_its_own_name(void **state)
{
	struct capture c;

	(void)state;
	log_program("ntsagent-x");
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	capture_begin(&c);
	log_info("here");
	capture_end(&c);
	log_program("ntsagentd");
	assert_int_equal(strncmp(c.text, "ntsagent-x[", 11), 0);
}

static void a_message_above_the_level_is_dropped(void **state)
{
	struct capture c;

	(void)state;
	log_open(LOG_TO_STDERR, LOG_LEVEL_WARNING);
	capture_begin(&c);
	log_notice("hidden");
	log_warning("shown");
	capture_end(&c);
	assert_null(strstr(c.text, "hidden"));
	assert_non_null(strstr(c.text, "shown"));
}

/* Makes standard error the stream that systemd connects to the journal. */
static void open_journal(enum log_level most_verbose)
{
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(LOG_TO_STDERR, most_verbose);
}

static void the_journal_gets_the_level_as_a_prefix(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	open_journal(LOG_LEVEL_INFO);
	log_error("broken");
	capture_end(&c);
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(c.text, "<3>broken\n");
}

static void each_function_logs_with_its_level(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	open_journal(LOG_LEVEL_DEBUG);
	log_process("engine");
	log_error("a %d", 1);
	log_warning("b");
	log_notice("c");
	log_info("d");
	log_debug("e");
	log_line(LOG_LEVEL_NOTICE, "f %s", "g");
	log_set_level(LOG_LEVEL_NOTICE);
	log_info("dropped");
	log_line(LOG_LEVEL_DEBUG, "dropped");
	log_notice("h");
	capture_end(&c);
	log_process("");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(c.text, "<3>a 1\n<4>b\n<5>c\n<6>d\n"
				    "<7>engine: e\n<5>f g\n<5>h\n");
}

static void a_redirected_standard_error_is_not_the_journal(void **state)
{
	struct capture c;

	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	capture_begin(&c);
	log_error("broken");
	capture_end(&c);
	unsetenv("JOURNAL_STREAM");
	assert_non_null(strstr(c.text, "]: broken\n"));
}

static void a_long_line_is_cut_and_has_its_newline(void **state)
{
	struct capture c;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	capture_begin(&c);
	log_info("%s", text);
	capture_end(&c);
	assert_true(strlen(c.text) < 1400);
	assert_int_equal(c.text[strlen(c.text) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(control_characters_cannot_start_a_line),
	    cmocka_unit_test(a_message_above_the_level_is_dropped),
	    cmocka_unit_test(another_program_has_its_own_name),
	    cmocka_unit_test(the_journal_gets_the_level_as_a_prefix),
	    cmocka_unit_test(each_function_logs_with_its_level),
	    cmocka_unit_test(a_redirected_standard_error_is_not_the_journal),
	    cmocka_unit_test(a_long_line_is_cut_and_has_its_newline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
