/* ntsctl watch on a pseudo terminal: what it sends, and what it leaves. */
#include "agent/ctl/watch/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\x1b[?1049h"
#define LEAVE "\x1b[?1049l"
#define HIDDEN "\x1b[?25l"
#define SHOWN "\x1b[?25h"
#define WAIT_MS 10000

/* A child with a terminal of its own, and all that it wrote. */
struct session {
	pid_t pid;
	int master;
	struct termios before;
	size_t len;
	char text[1 << 20];
};

static bool no_status(
    const char *socket, struct snapshot *out, char why[static WATCH_ERROR_MAX])
{
	(void)socket;
	(void)out;
	snprintf(why, WATCH_ERROR_MAX, "no agent in this test");
	return false;
}

static int run_watch(bool full)
{
	const struct view v = {.out = stdout, .screen = full, .width = 80};

	alarm(60);
	return (int)watch_run(
	    "/nowhere/status.sock", "0.2", no_status, &v, stderr);
}

/* Makes the terminal that of this process. */
static bool takes_terminal(int fd)
{
	return setsid() >= 0 && ioctl(fd, TIOCSCTTY, 0) == 0 &&
	       dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
	       dup2(fd, STDERR_FILENO) >= 0;
}

static int setup(void **state)
{
	const struct winsize size = {.ws_row = 24, .ws_col = 80};
	struct session *s = calloc(1, sizeof(*s));
	int slave;

	assert_non_null(s);
	fflush(NULL);
	/* The modes are read before the child can change them. */
	assert_int_equal(openpty(&s->master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(s->master, &s->before), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		close(s->master);
		_exit(takes_terminal(slave) ? run_watch(true) : EXIT_USAGE);
	}
	close(slave);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct session *s = *state;

	kill(s->pid, SIGKILL);
	kill(s->pid, SIGCONT);
	close(s->master);
	free(s);
	return 0;
}

/* Reads until `part` comes after place `from`. False: it did not. */
static bool comes(struct session *s, size_t from, const char *part)
{
	struct pollfd fd = {.fd = s->master, .events = POLLIN};

	while (!strstr(s->text + from, part)) {
		ssize_t n;

		if (poll(&fd, 1, WAIT_MS) <= 0)
			return false;
		n = read(
		    s->master, s->text + s->len, sizeof(s->text) - 1 - s->len);
		if (n <= 0)
			return false;
		s->len += (size_t)n;
		s->text[s->len] = '\0';
	}
	return true;
}

static void assert_comes(struct session *s, size_t from, const char *part)
{
	if (!comes(s, from, part))
		fail_msg("'%s' did not come: %s", part, s->text + from);
}

static struct termios modes(const struct session *s)
{
	struct termios t;

	assert_int_equal(tcgetattr(s->master, &t), 0);
	return t;
}

static void assert_drawn(struct session *s, size_t from)
{
	assert_comes(s, from, "NO STATUS: no agent in this test");
	assert_comes(s, from, "q: quit");
	assert_int_equal(modes(s).c_lflag & (ICANON | ECHO), 0);
}

/* Everything is put back, and the child has ended with 0. */
static void assert_left(struct session *s, size_t from)
{
	int status;

	assert_comes(s, from, LEAVE);
	assert_comes(s, from, SHOWN);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

static void send_key(const struct session *s, char key)
{
	assert_int_equal(write(s->master, &key, 1), 1);
}

static void it_shows_the_other_screen_without_a_cursor(void **state)
{
	struct session *s = *state;

	assert_comes(s, 0, ENTER);
	assert_comes(s, 0, HIDDEN);
	assert_drawn(s, 0);
	assert_null(strstr(s->text, LEAVE));
}

static void q_ends_it_and_puts_all_back(void **state)
{
	struct session *s = *state;
	struct termios now;

	assert_drawn(s, 0);
	send_key(s, 'q');
	assert_left(s, 0);
	now = modes(s);
	assert_int_equal(now.c_lflag, s->before.c_lflag);
	assert_memory_equal(now.c_cc, s->before.c_cc, sizeof(now.c_cc));
}

static void other_keys_do_not_end_it(void **state)
{
	struct session *s = *state;
	size_t from;

	assert_drawn(s, 0);
	send_key(s, 'x');
	from = s->len;
	assert_drawn(s, from);
	send_key(s, 'q');
	assert_left(s, from);
}

static void control_c_ends_it(void **state)
{
	struct session *s = *state;

	assert_drawn(s, 0);
	send_key(s, 3);
	assert_left(s, 0);
}

static void a_signal_ends_it(void **state)
{
	struct session *s = *state;

	assert_drawn(s, 0);
	assert_int_equal(kill(s->pid, SIGTERM), 0);
	assert_left(s, 0);
	assert_int_equal(modes(s).c_lflag, s->before.c_lflag);
}

static void another_size_is_drawn_at_once(void **state)
{
	const struct winsize size = {.ws_row = 10, .ws_col = 40};
	struct session *s = *state;
	size_t from;

	assert_drawn(s, 0);
	from = s->len;
	assert_int_equal(ioctl(s->master, TIOCSWINSZ, &size), 0);
	assert_comes(s, from, "\x1b[2J");
	/* The narrow form of the last line. */
	assert_comes(s, from, "UTC  0.2s  q: quit");
}

/* A shell has its own screen while the process is stopped. */
static void a_stop_puts_all_back_until_it_goes_on(void **state)
{
	struct session *s = *state;
	size_t from;
	int status;

	assert_drawn(s, 0);
	from = s->len;
	assert_int_equal(kill(s->pid, SIGTSTP), 0);
	assert_int_equal(waitpid(s->pid, &status, WUNTRACED), s->pid);
	assert_true(WIFSTOPPED(status));
	assert_comes(s, from, LEAVE);
	assert_int_equal(modes(s).c_lflag, s->before.c_lflag);
	from = s->len;
	assert_int_equal(kill(s->pid, SIGCONT), 0);
	assert_comes(s, from, ENTER);
	assert_drawn(s, from);
	send_key(s, 'q');
	assert_left(s, from);
}

/* Nobody may wait for a terminal that is gone. */
static void a_terminal_that_is_gone_ends_it(void **state)
{
	struct session *s = *state;
	int status;

	assert_drawn(s, 0);
	close(s->master);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->master = -1;
}

/* Without a terminal: lines, and no escape sequence. */
static void a_pipe_gets_plain_lines(void **state)
{
	char text[4096] = "";
	size_t len = 0;
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(run_watch(false));
	}
	close(fds[1]);
	/* Two blocks. */
	while (len < sizeof(text) - 1) {
		const char *first = strstr(text, "NO STATUS");
		ssize_t n;

		if (first && strstr(first + 1, "NO STATUS"))
			break;
		n = read(fds[0], text + len, sizeof(text) - 1 - len);
		assert_true(n > 0);
		len += (size_t)n;
		text[len] = '\0';
	}
	assert_null(strchr(text, '\x1b'));
	assert_non_null(
	    strstr(text, " UTC\nNO STATUS: no agent in this test\n"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK);
	close(fds[0]);
}

static void a_wrong_interval_is_named(void **state)
{
	static const char *const wrong[] = {"x", "", "0", "0.1", "nan", "1e9"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const struct view v = {.out = stdout};
		char *text = NULL;
		size_t size;
		FILE *errors = open_memstream(&text, &size);

		assert_non_null(errors);
		assert_int_equal(
		    watch_run("/x", wrong[i], no_status, &v, errors),
		    EXIT_USAGE);
		fclose(errors);
		assert_non_null(strstr(text, "from 0.2 to 86400, not '"));
		free(text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(it_shows_the_other_screen_without_a_cursor),
	    TEST(q_ends_it_and_puts_all_back),
	    TEST(other_keys_do_not_end_it),
	    TEST(control_c_ends_it),
	    TEST(a_signal_ends_it),
	    TEST(another_size_is_drawn_at_once),
	    TEST(a_stop_puts_all_back_until_it_goes_on),
	    TEST(a_terminal_that_is_gone_ends_it),
	    cmocka_unit_test(a_pipe_gets_plain_lines),
	    cmocka_unit_test(a_wrong_interval_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
