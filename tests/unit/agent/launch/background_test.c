/* Into the background: what the launcher tells, and what is left behind. */
#include "agent/launch/background.h"

#include "tests/unit/agent/launch/heard.h"
#include "tests/unit/descriptors.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The status of a launcher whose agent does `act`, and ends with status 0. */
static int launcher_of(void (*act)(int *launcher_fd))
{
	pid_t pid;
	int status, of_agent;

	/* The agent, which outlives its launcher, becomes a child of this. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = fork();
	if (pid == 0) {
		const pid_t launcher = getpid();
		int fd = -1, before = descriptors_open();

		if (!background_enter(&fd) || getpid() == launcher ||
		    getsid(0) != getpid() || descriptors_open() != before + 1 ||
		    fcntl(fd, F_GETFD) != FD_CLOEXEC)
			_exit(9);
		act(&fd);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(waitpid(-1, &of_agent, 0) > 0);
	assert_true(WIFEXITED(of_agent));
	assert_int_equal(WEXITSTATUS(of_agent), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void report_success(int *fd)
{
	background_report(fd);
	/* The second time there is nobody to report to. */
	if (*fd != -1)
		_exit(1);
	background_report(fd);
}

static void end_early(int *fd)
{
	(void)fd;
}

static void the_launcher_tells_success(void **state)
{
	struct heard *h = *state;

	assert_int_equal(launcher_of(report_success), 0);
	heard_nothing(h);
}

static void the_launcher_tells_failure(void **state)
{
	struct heard *h = *state;

	assert_int_equal(launcher_of(end_early), 1);
	heard_says(h, "the start failed: see above, or the system log");
}

static bool leads_to_null(int fd)
{
	struct stat null, st;

	return stat("/dev/null", &null) == 0 && fstat(fd, &st) == 0 &&
	       st.st_rdev == null.st_rdev && S_ISCHR(st.st_mode);
}

static void leave(int *fd)
{
	char folder[8];

	int before = descriptors_open();

	if (!background_leave_terminal() || descriptors_open() != before)
		_exit(1);
	if (leads_to_null(0) && leads_to_null(1) && leads_to_null(2) &&
	    getcwd(folder, sizeof(folder)) && strcmp(folder, "/") == 0)
		background_report(fd);
}

static void the_terminal_and_the_folder_are_left(void **state)
{
	(void)state;
	assert_int_equal(launcher_of(leave), 0);
}

/* With no descriptor left, in a process of its own. */
static int without_descriptors(bool (*succeeds)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const struct rlimit none = {.rlim_cur = 3, .rlim_max = 3};

		if (setrlimit(RLIMIT_NOFILE, &none) != 0)
			_exit(9);
		_exit(succeeds());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static bool enters(void)
{
	int fd = -1;

	return background_enter(&fd);
}

static void failures_are_told(void **state)
{
	struct heard *h = *state;

	assert_int_equal(without_descriptors(enters), 0);
	heard_says(h, "cannot start in the background: Too many open files");
	assert_int_equal(without_descriptors(background_leave_terminal), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, heard_make, heard_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_launcher_tells_success),
	    TEST(the_launcher_tells_failure),
	    TEST(the_terminal_and_the_folder_are_left),
	    TEST(failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
