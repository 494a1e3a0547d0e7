#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/fake_agent.h"

#include "agent/ctl/orders.h"

static struct captured ordered(
    const char *status_socket, const char *verb, const char *name)
{
	struct captured c;
	struct control control;

	captured_begin(&c);
	control =
	    (struct control){"ntsctl", status_socket, c.to_out, c.to_errors};
	c.status = (int)order_send(&control, verb, name);
	captured_end(&c);
	return c;
}

static void assert_outcome(struct captured o, enum exit_status status,
    const char *out, const char *errors)
{
	assert_string_equal(o.out, out);
	assert_string_equal(o.errors, errors);
	assert_int_equal(o.status, status);
	captured_free(&o);
}

/* Starts an agent that answers on its control socket; returns the path of the
 * status socket that belongs to it. */
static const char *start(struct fake_agent *a, const char *answer)
{
	static char status_socket[80];
	char control[ORDER_PATH_MAX];

	agent_start(a, (const char *const[]){answer}, 1);
	snprintf(status_socket, sizeof(status_socket), "%s/x.sock", a->folder);
	order_path(status_socket, control);
	assert_int_equal(rename(a->path, control), 0);
	assert_true(strlen(control) < sizeof(a->path));
	strcpy(a->path, control);
	return status_socket;
}

static void what_was_done_is_printed(void **state)
{
	struct fake_agent a;
	const char *at = start(&a, "ok: 1 source asked again\nand more\n");

	(void)state;
	assert_outcome(ordered(at, "retry", "office"), EXIT_OK,
	    "1 source asked again\nand more\n", "");
	agent_end(&a);
}

static void a_refusal_goes_to_the_errors(void **state)
{
	struct fake_agent a;
	const char *at = start(&a, "error: line one\nline \033two\n");

	(void)state;
	assert_outcome(ordered(at, "step", NULL), EXIT_REFUSED, "",
	    "ntsctl: line one\nntsctl: line \\x1btwo\n");
	agent_end(&a);
}

static void no_answer_is_an_error(void **state)
{
	struct fake_agent a;
	const char *at = start(&a, "");
	struct captured o;

	(void)state;
	o = ordered(at, "step", NULL);
	assert_int_equal(o.status, EXIT_NO_STATUS);
	assert_contains(o.errors, "without an answer");
	captured_free(&o);
	agent_end(&a);
}

static void no_agent_is_an_error(void **state)
{
	struct captured o = ordered("/nowhere/status.sock", "retry", NULL);

	(void)state;
	assert_int_equal(o.status, EXIT_NO_STATUS);
	assert_contains(o.errors, "nothing listens on /nowhere/control.sock");
	captured_free(&o);
}

static void what_cannot_be_a_name_is_not_sent(void **state)
{
	char long_name[200];

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_outcome(ordered("/nowhere/status.sock", "retry", long_name),
	    EXIT_USAGE, "", "ntsctl: this is not the name of a source\n");
	assert_outcome(ordered("/nowhere/status.sock", "retry", "a\nstep"),
	    EXIT_USAGE, "", "ntsctl: this is not the name of a source\n");
}

static void the_path_is_the_agents(void **state)
{
	char path[ORDER_PATH_MAX];

	(void)state;
	order_path("/run/ntsagent/status.sock", path);
	assert_string_equal(path, "/run/ntsagent/control.sock");
	order_path("/run/a.sock", path);
	assert_string_equal(path, "/run/a.sock.control");
	order_path("/run/mystatus.sock", path);
	assert_string_equal(path, "/run/mystatus.sock.control");
}

/* An agent that answers with the order that it has read. */
static void start_echo(struct fake_agent *a, const char *control)
{
	int fd;

	make_folder(a);
	snprintf(a->path, sizeof(a->path), "%s/%s", a->folder, control);
	fd = listen_at(a->path);
	a->pid = fork_for_test();
	while (a->pid == 0) {
		int peer = accept(fd, NULL, NULL);
		char line[200] = "ok: ";
		size_t len = 4;

		while (
		    line[len - 1] != '\n' && recv(peer, line + len, 1, 0) == 1)
			len++;
		write_whole(peer, line, len);
		close(peer);
	}
	close(fd);
}

static void an_order_is_sent_as_one_line(void **state)
{
	char status_socket[80], longest[128], answer[160];
	struct fake_agent a;

	(void)state;
	start_echo(&a, "control.sock");
	snprintf(
	    status_socket, sizeof(status_socket), "%s/status.sock", a.folder);
	assert_outcome(
	    ordered(status_socket, "step", NULL), EXIT_OK, "step\n", "");
	assert_outcome(ordered(status_socket, "retry", "office"), EXIT_OK,
	    "retry office\n", "");
	/* The agent reads 127 bytes, of which the last is the line feed. */
	memset(longest, 'a', sizeof(longest));
	longest[127 - strlen("retry \n")] = '\0';
	snprintf(answer, sizeof(answer), "retry %s\n", longest);
	assert_outcome(
	    ordered(status_socket, "retry", longest), EXIT_OK, answer, "");
	assert_outcome(ordered("/nowhere/status.sock", "retryx", longest),
	    EXIT_USAGE, "", "ntsctl: this is not the name of a source\n");
	agent_end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_done_is_printed),
	    cmocka_unit_test(a_refusal_goes_to_the_errors),
	    cmocka_unit_test(no_answer_is_an_error),
	    cmocka_unit_test(no_agent_is_an_error),
	    cmocka_unit_test(what_cannot_be_a_name_is_not_sent),
	    cmocka_unit_test(the_path_is_the_agents),
	    cmocka_unit_test(an_order_is_sent_as_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
