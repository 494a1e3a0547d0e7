/* Children that become ready, end, hang, or are not waited for any more. */
#include "agent/launch/ready.h"

#include "agent/host/clocks.h"
#include "base/log.h"
#include "resolver/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/descriptors.h"

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

static void asks_the_parent_to_stop(int fd)
{
	(void)fd;
	kill(getppid(), SIGINT);
	pause();
}

static void asks_for_a_reload(int fd)
{
	kill(getppid(), SIGHUP);
	is_ready(fd);
}

static void is_done(int fd)
{
	(void)!frame_send(fd, "", 1);
	_exit(1);
}

static void closes_its_socket(int fd)
{
	close(fd);
	pause();
}

/* Much later than a child that follows another one. */
static void closes_its_socket_and_ends_late(int fd)
{
	close(fd);
	usleep(1500000);
	_exit(3);
}

static void is_done_soon(int fd)
{
	(void)!frame_send(fd, "", 1);
	usleep(100000);
	_exit(1);
}

/* With status 0, as a process that finds its link closed. */
static void follows(int fd)
{
	(void)fd;
	_exit(0);
}

/* Later than any process that is ended for good reason. */
static void is_done_late(int fd)
{
	(void)!frame_send(fd, "", 1);
	usleep(900000);
	_exit(0);
}

static void is_ready_and_dies(int fd)
{
	(void)!frame_send(fd, "", 1);
	raise(SIGKILL);
}

static void is_ready_late(int fd)
{
	usleep(300000);
	is_ready(fd);
}

/* Two children with these parts, and what must come of them. */
struct plan {
	part *first, *second;
	bool first_may_end;
	int64_t limit_ns;
	enum ready result;
	const char *log; /* what it says; NULL: nothing */
};

static const struct plan good = {
    is_ready_late, is_ready, false, LONG_NS, READY_ALL, NULL};

struct start {
	struct child children[COUNT];
	int ready[COUNT], old_stderr;
	FILE *file;
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

static sigset_t pending(void)
{
	sigset_t set;

	assert_int_equal(sigpending(&set), 0);
	return set;
}

/* Takes those of the test before. */
static void forget_signals(void)
{
	struct signalfd_siginfo info;
	int fd = child_catch_signals();

	assert_true(fd >= 0);
	while (read(fd, &info, sizeof(info)) > 0)
		continue;
	close(fd);
}

static void listen_to_log(struct start *s)
{
	s->file = tmpfile();
	assert_non_null(s->file);
	s->old_stderr = dup(STDERR_FILENO);
	dup2(fileno(s->file), STDERR_FILENO);
}

static void read_log(struct start *s)
{
	dup2(s->old_stderr, STDERR_FILENO);
	close(s->old_stderr);
	rewind(s->file);
	s->text[fread(s->text, 1, sizeof(s->text) - 1, s->file)] = '\0';
	fclose(s->file);
}

static void end_children(struct start *s)
{
	for (unsigned i = 0; i < COUNT; i++) {
		close(s->ready[i]);
		if (!s->children[i].ended) {
			kill(s->children[i].pid, SIGKILL);
			waitpid(s->children[i].pid, NULL, 0);
		}
	}
}

static enum ready await(struct start *s, const struct plan *p)
{
	enum ready result;

	forget_signals();
	s->children[0] = (struct child){
	    .name = "engine", .pid = start_child(p->first, &s->ready[0])};
	s->children[1] = (struct child){
	    .name = "resolver", .pid = start_child(p->second, &s->ready[1])};
	listen_to_log(s);
	result = ready_await(s->children, s->ready, COUNT,
	    p->first_may_end ? &s->children[0] : NULL, p->limit_ns);
	read_log(s);
	return result;
}

static void each_start_has_its_result_and_its_line(void **state)
{
	static const struct plan rows[] = {
	    {is_ready, is_ready, false, LONG_NS, READY_ALL, NULL},
	    {is_ready_late, is_ready_late, false, LONG_NS, READY_ALL, NULL},
	    {is_killed, is_ready, false, LONG_NS, READY_FAILED,
		"the start failed: the engine was killed by signal 9"},
	    {is_ready, is_killed, false, LONG_NS, READY_FAILED,
		"the start failed: the resolver was killed by signal 9"},
	    {is_ready, gives_up, false, LONG_NS, READY_FAILED,
		"the start failed: the resolver ended with exit status 3"},
	    {is_ready, hangs, false, SHORT_NS, READY_FAILED,
		"the start failed: the resolver is not ready after 0.2 s; if "
		"the machine is not overloaded, run ntsagentd -n -d to see "
		"where it stops\n"},
	    {hangs, is_ready, false, SHORT_NS, READY_FAILED,
		"the start failed: the engine is not ready after 0.2 s"},
	    {asks_the_parent_to_end, hangs, false, LONG_NS, READY_ENDED,
		"ended by a signal during the start"},
	    {hangs, asks_the_parent_to_stop, false, LONG_NS, READY_ENDED,
		"ended by a signal during the start"},
	    {closes_its_socket, is_ready, false, LONG_NS, READY_FAILED,
		"the start failed: the engine has closed its socket and does "
		"not end\n"},
	    /* A death is seen at once, even behind a child that is late. */
	    {hangs, is_killed, false, LONG_NS, READY_FAILED,
		"the start failed: the resolver was killed by signal 9"},
	    {hangs, is_ready_and_dies, false, LONG_NS, READY_FAILED,
		"the start failed: the resolver was killed by signal 9"},
	    {is_ready_and_dies, hangs, false, LONG_NS, READY_FAILED,
		"the start failed: the engine was killed by signal 9"},
	    {is_done, hangs, false, LONG_NS, READY_FAILED,
		"the start failed: the engine ended with exit status 1"},
	    /* An engine that may be done is awaited, but not the others. */
	    {is_done, is_ready, true, LONG_NS, READY_ALL, NULL},
	    {is_done, hangs, true, LONG_NS, READY_ALL, NULL},
	    /* The resolver follows the engine, and is collected first. */
	    {is_done_soon, is_done, true, LONG_NS, READY_ALL, NULL},
	    {is_done_late, follows, true, LONG_NS, READY_ALL, NULL},
	    {is_ready, gives_up, true, LONG_NS, READY_FAILED,
		"the start failed: the resolver ended with exit status 3"},
	    {is_ready_and_dies, hangs, true, LONG_NS, READY_FAILED,
		"the start failed: the engine was killed by signal 9"},
	    {gives_up, hangs, true, LONG_NS, READY_FAILED,
		"the start failed: the engine ended with exit status 3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *log = rows[i].log;
		struct mono began = clocks_mono();
		struct start s;

		if (await(&s, &rows[i]) != rows[i].result)
			fail_msg("row %zu: another result", i);
		if (log ? !strstr(s.text, log) : s.text[0] != '\0')
			fail_msg("row %zu: %s", i, s.text);
		if (clocks_mono().ns - began.ns > 5 * NS_PER_S)
			fail_msg("row %zu takes too long", i);
		end_children(&s);
	}
}

/* The cause of the start's failure may come half a second later, but not after
 * that. */
static void a_closed_socket_leaves_time_to_end(void **state)
{
	struct plan p = good;
	struct mono began = clocks_mono();
	struct start s;

	(void)state;
	p.first = closes_its_socket_and_ends_late;
	assert_int_equal(await(&s, &p), READY_FAILED);
	assert_true(clocks_mono().ns - began.ns >= NS_PER_S / 2);
	assert_non_null(
	    strstr(s.text, "the engine has closed its socket and does not"));
	end_children(&s);
}

/* The keeper's loop carries it out after the start. */
static void a_reload_waits_for_the_end_of_the_start(void **state)
{
	struct plan p = good;
	struct start s;
	sigset_t left;

	(void)state;
	p.second = asks_for_a_reload;
	assert_int_equal(await(&s, &p), READY_ALL);
	left = pending();
	assert_true(sigismember(&left, SIGHUP));
	end_children(&s);
}

/* A child that dies while the start is judged is dead for this function or for
 * the keeper's loop. */
static void no_death_is_lost(void **state)
{
	struct plan p = good;

	(void)state;
	p.first = is_ready;
	p.second = is_ready_and_dies;
	for (int i = 0; i < 100; i++) {
		struct start s;
		enum ready result = await(&s, &p);
		sigset_t left;

		while (waitid(P_PID, (id_t)s.children[1].pid, NULL,
			   WEXITED | WNOWAIT) != 0 &&
		       errno == EINTR)
			continue;
		left = pending();
		assert_true(
		    result == READY_FAILED ||
		    (!s.children[1].ended && sigismember(&left, SIGCHLD)));
		end_children(&s);
	}
}

static void no_descriptors_are_logged(void **state)
{
	enum ready result;
	struct rlimit before;
	struct start s;

	(void)state;
	forget_signals();
	listen_to_log(&s);
	before = descriptors_forbid();
	result = ready_await(s.children, s.ready, 0, NULL, LONG_NS);
	descriptors_allow(before);
	read_log(&s);
	assert_int_equal(result, READY_FAILED);
	assert_non_null(strstr(s.text, "the start failed: signals cannot be "
				       "taken: Too many open files"));
}

static void no_descriptor_stays_open(void **state)
{
	int before = descriptors_open();
	struct start s;

	(void)state;
	assert_int_equal(await(&s, &good), READY_ALL);
	end_children(&s);
	assert_int_equal(descriptors_open(), before);
}

static void descriptor_0_is_as_good_as_any(void **state)
{
	int saved = input_free();
	enum ready result = ready_await(NULL, NULL, 0, NULL, LONG_NS);
	bool closed = !input_is_open();

	(void)state;
	input_back(saved);
	assert_int_equal(result, READY_ALL);
	assert_true(closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_start_has_its_result_and_its_line),
	    cmocka_unit_test(a_closed_socket_leaves_time_to_end),
	    cmocka_unit_test(a_reload_waits_for_the_end_of_the_start),
	    cmocka_unit_test(no_death_is_lost),
	    cmocka_unit_test(no_descriptors_are_logged),
	    cmocka_unit_test(no_descriptor_stays_open),
	    cmocka_unit_test(descriptor_0_is_as_good_as_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
