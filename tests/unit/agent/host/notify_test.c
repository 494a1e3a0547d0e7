/* What the service manager receives. */
#include "agent/host/notify.h"

#include "agent/host/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/descriptors.h"

static int listener(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(at.sun_path, path, len);
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&at,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	return fd;
}

static void hears(const char *path)
{
	static const char said[] = "READY=1\nSTATUS=well";
	char heard[64] = "";
	int fd = listener(path);

	setenv("NOTIFY_SOCKET", path, 1);
	notify_manager(said);
	assert_int_equal(
	    recv(fd, heard, sizeof(heard) - 1, 0), sizeof(said) - 1);
	assert_string_equal(heard, said);
	close(fd);
}

static void test_path(void **state)
{
	char dir[] = "/tmp/notify-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	hears(path);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

static void test_abstract(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "@ntsagent-test-%ld", (long)getpid());
	hears(path);
}

/* The shortest and the longest name that fit, and one that is too long. */
static void test_lengths(void **state)
{
	enum { MOST = sizeof(((struct sockaddr_un *)0)->sun_path) };
	char path[MOST + 1];
	int fd;

	(void)state;
	hears("@n");
	memset(path, '@', sizeof(path));
	path[MOST - 1] = '\0';
	hears(path);
	path[MOST - 1] = '@';
	path[MOST] = '\0';
	fd = listener(path);
	setenv("NOTIFY_SOCKET", path, 1);
	notify_manager("READY=1");
	assert_int_equal(recv(fd, path, sizeof(path), 0), -1);
	close(fd);
}

/* A parent may have closed standard input. */
static void test_any_descriptor(void **state)
{
	int fd = listener("@ntsagent-test-descriptor"), saved = input_free();
	bool open;
	char byte;

	(void)state;
	setenv("NOTIFY_SOCKET", "@ntsagent-test-descriptor", 1);
	notify_manager("READY=1");
	open = input_is_open();
	input_back(saved);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_false(open);
	close(fd);
}

static void test_reloading(void **state)
{
	char path[64], heard[96] = "";
	long long usec = 0, before_usec;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "@ntsagent-test-%ld", (long)getpid());
	fd = listener(path);
	setenv("NOTIFY_SOCKET", path, 1);
	before_usec = clocks_mono().ns / NS_PER_US;
	notify_reloading();
	assert_true(recv(fd, heard, sizeof(heard) - 1, 0) > 0);
	assert_int_equal(
	    sscanf(heard, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
	assert_true(before_usec <= usec);
	assert_true(usec <= clocks_mono().ns / NS_PER_US);
	close(fd);
}

static void the_watchdog_is_of_one_process(void **state)
{
	static const struct {
		const char *usec, *pid; /* "self": ours */
		int64_t expected_ns;
	} rows[] = {
	    {NULL, NULL, 0},
	    {"60000000", NULL, 60 * NS_PER_S},
	    {"60000000", "self", 60 * NS_PER_S},
	    {"1", "self", 1000},
	    {"60000000", "1", 0},
	    {"60000000", "", 0},
	    {"60000000", "me", 0},
	    {"", NULL, 0},
	    {"0", NULL, 0},
	    {"-1", NULL, 0},
	    {"60s", NULL, 0},
	    {" 60", NULL, 0},
	    {"9223372036854775807", NULL, 0},
	    {"99999999999999999999", NULL, 0},
	};
	char self[16];

	(void)state;
	snprintf(self, sizeof(self), "%ld", (long)getpid());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (rows[i].usec)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid)
			setenv("WATCHDOG_PID",
			    strcmp(rows[i].pid, "self") == 0 ? self
							     : rows[i].pid,
			    1);
		if (notify_watchdog_ns() != rows[i].expected_ns)
			fail_msg("row %zu", i);
	}
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* sd_notify(3) knows paths from the root and abstract names only. */
static void test_relative(void **state)
{
	char dir[] = "/tmp/notify-XXXXXX", byte;
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd, got;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	fd = listener("relative");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_manager("READY=1");
	got = (int)recv(fd, &byte, 1, 0);
	close(fd);
	unlink("relative");
	assert_int_equal(fchdir(here), 0);
	close(here);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(got, -1);
}

/* No variable, no listener, no address: never a failure. */
static void test_nobody(void **state)
{
	static const char *const paths[] = {"", "/", "relative",
	    "/no/such/socket", "@no-such-abstract-socket", "vsock:2:1234"};
	char long_path[300];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		setenv("NOTIFY_SOCKET", paths[i], 1);
		notify_manager("READY=1");
	}
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", long_path, 1);
	notify_manager("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_path),
	    cmocka_unit_test(test_abstract),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_any_descriptor),
	    cmocka_unit_test(test_reloading),
	    cmocka_unit_test(the_watchdog_is_of_one_process),
	    cmocka_unit_test(test_relative),
	    cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
