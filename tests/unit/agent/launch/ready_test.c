/* Children that become ready, end, hang, or are not waited for any more. */
#include "agent/launch/ready.h"

#include "base/log.h"
#include "resolver/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT 2
#define SHORT_NS (200 * NS_PER_MS)
#define LONG_NS (20 * NS_PER_S)

/* What a child does with its end of the socket. */
typedef void part(int fd);

static void is_ready(int fd)
{
	(void)!frame_send(fd, "", 1);
	pause();
}

static void hangs(int fd)
{
	(void)fd;
	pause();
}

static void is_killed(int fd)
{
	(void)fd;
	raise(SIGKILL);
}

static void gives_up(int fd)
{
	(void)fd;
	_exit(3);
}

static void asks_the_parent_to_end(int fd)
{
	(void)fd;
	kill(getppid(), SIGTERM);
	pause();
}

struct start {
	struct child children[COUNT];
	int ready[COUNT], signal_fd, old_stderr;
	FILE *log;
	char text[4096];
};

static pid_t start_child(part *plays, int *ready)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		plays(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	*ready = pair[0];
	return pid;
}

/* Waits for two children with these parts; the log is in s->text. */
static bool await(struct start *s, part *first, part *second, int64_t limit_ns)
{
	bool all;

	*s = (struct start){.signal_fd = child_catch_signals()};
	s->children[0] = (struct child){
	    .name = "engine", .pid = start_child(first, &s->ready[0])};
	s->children[1] = (struct child){
	    .name = "resolver", .pid = start_child(second, &s->ready[1])};
	s->log = tmpfile();
	assert_non_null(s->log);
	s->old_stderr = dup(STDERR_FILENO);
	dup2(fileno(s->log), STDERR_FILENO);
	all = ready_await(s->children, s->ready, COUNT, s->signal_fd, limit_ns);
	dup2(s->old_stderr, STDERR_FILENO);
	close(s->old_stderr);
	rewind(s->log);
	s->text[fread(s->text, 1, sizeof(s->text) - 1, s->log)] = '\0';
	fclose(s->log);
	for (unsigned i = 0; i < COUNT; i++) {
		close(s->ready[i]);
		if (!s->children[i].ended) {
			kill(s->children[i].pid, SIGKILL);
			waitpid(s->children[i].pid, NULL, 0);
		}
	}
	close(s->signal_fd);
	return all;
}

static void all_children_are_ready(void **state)
{
	struct start s;

	(void)state;
	assert_true(await(&s, is_ready, is_ready, LONG_NS));
	assert_string_equal(s.text, "");
}

static void what_keeps_the_start_is_logged(void **state)
{
	static const struct {
		part *first, *second;
		int64_t limit_ns;
		const char *log;
	} rows[] = {
	    {is_killed, is_ready, LONG_NS,
		"the start failed: the engine was killed by signal 9"},
	    {is_ready, is_killed, LONG_NS,
		"the start failed: the resolver was killed by signal 9"},
	    {is_ready, gives_up, LONG_NS,
		"the start failed: the resolver ended with exit status 3"},
	    {is_ready, hangs, SHORT_NS, "the start failed: the resolver hangs"},
	    {hangs, is_ready, SHORT_NS, "the start failed: the engine hangs"},
	    {asks_the_parent_to_end, is_ready, LONG_NS,
		"ended by a signal during the start"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct start s;

		if (await(&s, rows[i].first, rows[i].second, rows[i].limit_ns))
			fail_msg("row %zu is ready", i);
		if (!strstr(s.text, rows[i].log))
			fail_msg("row %zu: '%s' is not in: %s", i, rows[i].log,
			    s.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_children_are_ready),
	    cmocka_unit_test(what_keeps_the_start_is_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
