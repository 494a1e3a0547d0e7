/* The obstacles of this machine. */
#include "agent/check/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSTANCES_MAX 4096

static void each_obstacle_is_a_warning(void **state)
{
	static const struct {
		struct machine machine;
		enum obstacle obstacle;
		const char *seen;
	} rows[] = {
	    {{.confined_users = true}, OBSTACLE_USER_NAMESPACE, ""},
	    {{.confined_users = true, .lacks_sys_time = true},
		OBSTACLE_USER_NAMESPACE, ""},
	    {{.lacks_sys_time = true}, OBSTACLE_NO_SYS_TIME, ""},
	    {{.watch_error = -EMFILE}, OBSTACLE_INOTIFY,
		"the limit of inotify instances or of open files is reached: "
		"sysctl fs.inotify.max_user_instances, ulimit -n"},
	    {{.watch_error = -ENOSPC}, OBSTACLE_INOTIFY,
		"the limit of inotify watches is reached: sysctl "
		"fs.inotify.max_user_watches"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct source_verdict v[MACHINE_MAX];

		assert_int_equal(machine_judge(&rows[i].machine, v), 1);
		assert_int_equal(v[0].obstacle, rows[i].obstacle);
		assert_int_equal(v[0].status, CHECK_WARNING);
		assert_true(obstacle_is_warning(v[0].obstacle));
		assert_string_equal(v[0].seen, rows[i].seen);
		assert_string_not_equal(v[0].problem, "");
		assert_string_not_equal(v[0].to_do, "");
	}
}

static void two_obstacles_are_two_verdicts(void **state)
{
	const struct machine m = {
	    .lacks_sys_time = true, .watch_error = -ENOSPC};
	struct source_verdict v[MACHINE_MAX];

	(void)state;
	assert_int_equal(machine_judge(&m, v), 2);
	assert_int_equal(v[1].obstacle, OBSTACLE_INOTIFY);
}

/* Without inotify in the kernel, no limit can help. */
static void nothing_in_the_way_has_no_verdict(void **state)
{
	const struct machine m = {.watch_error = -ENOSYS};
	struct source_verdict v[MACHINE_MAX];

	(void)state;
	assert_int_equal(machine_judge(&m, v), 0);
}

/* Runs in a child, whose exit status is the answer; 77: it cannot be tried. */
static int answer_of(bool (*question)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(question() ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct config *a_config(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		_exit(2);
	config_defaults(c);
	/* Root becomes this user, anybody else stays who it is. */
	snprintf(c->user, sizeof(c->user), "nobody");
	snprintf(c->trust.paths[0], sizeof(c->trust.paths[0]), "/");
	c->trust.path_count = 1;
	return c;
}

static bool sees_a_namespace(void)
{
	const unsigned me = geteuid();
	char map[32];
	int fd;

	if (unshare(CLONE_NEWUSER) != 0)
		_exit(77);
	snprintf(map, sizeof(map), "0 %u 1", me);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		_exit(77);
	close(fd);
	return machine_look(a_config()).confined_users;
}

static void a_user_namespace_is_seen(void **state)
{
	int answer = answer_of(sees_a_namespace);

	(void)state;
	if (answer == 77)
		skip();
	assert_int_equal(answer, 1);
}

/* Every user has a limit of its own, so the child becomes a user that nobody
 * has. */
static bool sees_a_full_inotify(void)
{
	struct config *c = a_config();
	int opened = 0;

	if (geteuid() == 0 && setresuid(54321, 54321, 54321) != 0)
		_exit(77);
	while (opened < INSTANCES_MAX && inotify_init1(IN_CLOEXEC) >= 0)
		opened++;
	if (opened == INSTANCES_MAX)
		_exit(77);
	/* An unknown user of the agent: this one judges. */
	snprintf(c->user, sizeof(c->user), "no-such-user");
	return machine_look(c).watch_error == -EMFILE;
}

static void a_full_inotify_is_seen(void **state)
{
	int answer = answer_of(sees_a_full_inotify);

	(void)state;
	if (answer == 77)
		skip();
	assert_int_equal(answer, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_obstacle_is_a_warning),
	    cmocka_unit_test(two_obstacles_are_two_verdicts),
	    cmocka_unit_test(nothing_in_the_way_has_no_verdict),
	    cmocka_unit_test(a_user_namespace_is_seen),
	    cmocka_unit_test(a_full_inotify_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
