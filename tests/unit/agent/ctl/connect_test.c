#include "tests/unit/agent/ctl/fake_agent.h"

#include "agent/ctl/fetch.h"

#include <poll.h>
#include <time.h>

static const struct connect_limits limits = {1 << 20, 5000};

/* Reading fails; the sentence contains `part` and the path. */
static void assert_refused(
    const char *path, const struct connect_limits *l, const char *part)
{
	char why[CONNECT_ERROR_MAX] = "";
	size_t len;

	assert_null(status_read(path, l, &len, why));
	assert_contains(why, part);
	assert_contains(why, path);
	assert_null(strchr(why, '\n'));
}

static void the_answer_is_read_to_its_end(void **state)
{
	size_t size = 300000, len = 0;
	char *big = malloc(size + 1), why[CONNECT_ERROR_MAX], *got;
	struct fake_agent a;

	(void)state;
	for (size_t i = 0; i < size; i++)
		big[i] = (char)('a' + i % 26);
	big[size] = '\0';
	agent_start(&a, (const char *const[]){big}, 1);
	got = status_read(a.path, &limits, &len, why);
	agent_end(&a);
	assert_non_null(got);
	assert_int_equal(len, size);
	assert_memory_equal(got, big, size);
	free(got);
	free(big);
}

static void an_empty_answer_is_an_answer(void **state)
{
	char why[CONNECT_ERROR_MAX], *got;
	struct fake_agent a;
	struct snapshot s;
	size_t len = 1;

	(void)state;
	agent_start(&a, (const char *const[]){""}, 1);
	got = status_read(a.path, &limits, &len, why);
	assert_non_null(got);
	assert_int_equal(len, 0);
	free(got);
	assert_false(snapshot_fetch(a.path, &s, why));
	assert_contains(why, "cannot be used: it is empty");
	agent_end(&a);
}

static void an_agent_that_does_not_run_is_named(void **state)
{
	struct fake_agent a = {.pid = 0};

	(void)state;
	make_folder(&a);
	assert_refused(a.path, &limits, "ntsagentd is not running");
	assert_refused(a.path, &limits, "systemctl restart ntsagent");
	/* The socket file is still there, its process is not. */
	close(listen_at(a.path));
	assert_refused(a.path, &limits, "ntsagentd is not running");
	agent_end(&a);
	assert_refused("/dev/null/status.sock", &limits, "is not running");
}

/* As another user, in a child. Returns its exit status: 0, it was refused. */
static int refused_permission(const char *path)
{
	char why[CONNECT_ERROR_MAX] = "";
	size_t len;

	if (geteuid() == 0 && setuid(65534) != 0)
		return 2;
	if (status_read(path, &limits, &len, why))
		return 3;
	if (!strstr(why, "no permission to connect"))
		return 4;
	if (control_ask(path, "step\n", &limits, why))
		return 5;
	return strstr(why, "only root may give orders") ? 0 : 6;
}

static void a_lack_of_permission_is_named(void **state)
{
	const char *const answers[] = {"{}"};
	struct fake_agent a;
	int status = -1;
	pid_t pid;

	(void)state;
	agent_start(&a, answers, 1);
	assert_int_equal(chmod(a.folder, geteuid() == 0 ? 0700 : 0), 0);
	pid = fork();
	if (pid == 0)
		_exit(refused_permission(a.path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	chmod(a.folder, 0700);
	agent_end(&a);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[200] = "/";

	(void)state;
	memset(path + 1, 'a', sizeof(path) - 2);
	path[sizeof(path) - 1] = '\0';
	assert_refused(path, &limits, "too long, 107 bytes at most");
}

static void an_answer_without_end_is_cut_off(void **state)
{
	const char *const answers[] = {"0123456789"};
	struct fake_agent a;
	char why[CONNECT_ERROR_MAX], *got;
	size_t len;

	(void)state;
	agent_start(&a, answers, 1);
	assert_refused(a.path, &(struct connect_limits){9, 5000},
	    "is longer than 9 bytes");
	got =
	    status_read(a.path, &(struct connect_limits){10, 5000}, &len, why);
	assert_non_null(got);
	free(got);
	agent_end(&a);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void assert_times_out(const char *path)
{
	int64_t begin = now_ms();

	assert_refused(path, &(struct connect_limits){1000, 200},
	    "did not finish its answer within 0.2 s");
	assert_in_range(now_ms() - begin, 150, 3000);
}

static void a_silent_agent_times_out(void **state)
{
	struct fake_agent a = {.pid = 0};
	int fd;

	(void)state;
	make_folder(&a);
	fd = listen_at(a.path); /* connections wait in its queue */
	assert_times_out(a.path);
	close(fd);
	agent_end(&a);
}

/* It ends with a client in its queue. */
static void an_agent_that_ends_gives_an_empty_answer(void **state)
{
	struct fake_agent a;
	char why[CONNECT_ERROR_MAX] = "", *answer;
	size_t len = 1;
	int fd;

	(void)state;
	make_folder(&a);
	fd = listen_at(a.path);
	a.pid = fork_for_test();
	if (a.pid == 0) {
		struct pollfd client = {.fd = fd, .events = POLLIN};

		poll(&client, 1, -1);
		_exit(0);
	}
	close(fd);
	answer = status_read(a.path, &limits, &len, why);
	if (!answer)
		fail_msg("%s", why);
	assert_int_equal(len, 0);
	free(answer);
	agent_end(&a);
}

static void a_slow_agent_times_out(void **state)
{
	struct fake_agent a;
	int fd;

	(void)state;
	make_folder(&a);
	fd = listen_at(a.path);
	a.pid = fork_for_test();
	if (a.pid == 0) {
		int peer = accept(fd, NULL, NULL);

		for (;;) {
			write_whole(peer, " ", 1);
			usleep(5000);
		}
	}
	close(fd);
	assert_times_out(a.path);
	agent_end(&a);
}

static void a_full_queue_times_out(void **state)
{
	struct fake_agent a = {.pid = 0};
	int fd, waiting[2];

	(void)state;
	make_folder(&a);
	fd = listen_at(a.path);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		struct sockaddr_un sa = {.sun_family = AF_UNIX};

		snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", a.path);
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(
		    waiting[i], (const struct sockaddr *)&sa, sizeof(sa));
	}
	assert_refused(a.path, &(struct connect_limits){1000, 200},
	    "ntsagentd does not answer");
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		close(waiting[i]);
	close(fd);
	agent_end(&a);
}

static void garbage_names_the_socket(void **state)
{
	const char *const answers[] = {"220 mail ESMTP\r\n"};
	char why[CONNECT_ERROR_MAX];
	struct fake_agent a;
	struct snapshot s;

	(void)state;
	agent_start(&a, answers, 1);
	assert_false(snapshot_fetch(a.path, &s, why));
	agent_end(&a);
	assert_contains(why, a.path);
	assert_contains(why, "cannot be used: it is not JSON");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_answer_is_read_to_its_end),
	    cmocka_unit_test(an_empty_answer_is_an_answer),
	    cmocka_unit_test(an_agent_that_does_not_run_is_named),
	    cmocka_unit_test(a_lack_of_permission_is_named),
	    cmocka_unit_test(a_path_that_is_too_long_is_refused),
	    cmocka_unit_test(an_answer_without_end_is_cut_off),
	    cmocka_unit_test(a_silent_agent_times_out),
	    cmocka_unit_test(an_agent_that_ends_gives_an_empty_answer),
	    cmocka_unit_test(a_slow_agent_times_out),
	    cmocka_unit_test(a_full_queue_times_out),
	    cmocka_unit_test(garbage_names_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
