/* Dropping privileges, in children that end afterwards. */
#include "agent/host/privileges.h"

#include <cap-ng.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

static int in_child(int (*test)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(test());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%d: %s: %s\n", __LINE__, #condition,  \
			    why);                                              \
			return 1;                                              \
		}                                                              \
	} while (0)

static int root_drops(void)
{
	struct identity id = {.change = true, .uid = NOBODY, .gid = NOBODY};
	gid_t groups[] = {0, 4};
	char why[PRIVILEGES_TEXT_MAX] = "";

	CHECK(setgroups(2, groups) == 0);
	CHECK(!privileges_verify(&id, false, why) && why[0]);
	CHECK(privileges_drop(&id, false, why));
	CHECK(getuid() == NOBODY && geteuid() == NOBODY);
	CHECK(getgid() == NOBODY && getgroups(0, NULL) == 0);
	CHECK(setuid(0) != 0 && setgid(0) != 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(umask(0) == 077);
	CHECK(!privileges_have_sys_time());
	CHECK(capng_get_caps_process() == 0);
	CHECK(capng_have_capabilities(CAPNG_SELECT_ALL) == CAPNG_NONE);
	CHECK(chown("/", 0, 0) != 0);
	return 0;
}

static int root_keeps_sys_time(void)
{
	struct identity id = {.change = true, .uid = NOBODY, .gid = NOBODY};
	char why[PRIVILEGES_TEXT_MAX] = "";

	CHECK(privileges_drop(&id, true, why));
	CHECK(privileges_have_sys_time());
	CHECK(getuid() == NOBODY && setuid(0) != 0);
	CHECK(capng_get_caps_process() == 0);
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		CHECK(capng_have_capability(CAPNG_PERMITTED, cap) ==
		      (cap == CAP_SYS_TIME));
	/* The check fails when it expects no capability. */
	CHECK(!privileges_verify(&id, false, why) && why[0]);
	return 0;
}

static int user_drops(void)
{
	struct identity id, other;
	char why[PRIVILEGES_TEXT_MAX] = "";

	if (geteuid() == 0)
		CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
		      setuid(NOBODY) == 0);
	CHECK(privileges_identity("no-such-user", &id, why));
	CHECK(!id.change && id.uid == getuid() && id.gid == getgid());
	CHECK(!privileges_have_sys_time());
	/* A capability that the process lacks cannot be kept. */
	CHECK(!privileges_drop(&id, true, why) && why[0]);
	CHECK(privileges_drop(&id, false, why));
	other = id;
	other.uid++;
	CHECK(!privileges_verify(&other, false, why));
	other = id;
	other.gid++;
	CHECK(!privileges_verify(&other, false, why));
	return 0;
}

/* Each property is checked by itself. */
static int checks_each_property(void)
{
	struct identity id;
	char why[PRIVILEGES_TEXT_MAX] = "";

	if (geteuid() == 0)
		CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
		      setuid(NOBODY) == 0);
	CHECK(privileges_identity("any", &id, why));
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	CHECK(!privileges_verify(&id, false, why));
	CHECK(strstr(why, "no_new_privs is not set"));
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(!privileges_verify(&id, false, why));
	CHECK(strstr(why, "the process can be dumped"));
	CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(privileges_verify(&id, false, why));
	CHECK(!privileges_verify(&id, true, why));
	CHECK(strstr(why, "a capability is not as expected"));
	id.change = true;
	CHECK(privileges_verify(&id, false, why) ||
	      strstr(why, "supplementary groups are left") ||
	      strstr(why, "a capability is not as expected"));
	return 0;
}

static void test_each_property(void **state)
{
	(void)state;
	assert_int_equal(in_child(checks_each_property), 0);
}

/* A user who may not change the user must not go on. */
static int cannot_change(void)
{
	struct identity id = {.change = true, .uid = 12345, .gid = 12345};
	char why[PRIVILEGES_TEXT_MAX] = "";

	if (geteuid() == 0)
		CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	CHECK(!privileges_drop(&id, false, why));
	CHECK(strstr(why, "12345"));
	return 0;
}

static void test_root_drops(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(root_drops), 0);
}

static void test_root_keeps_sys_time(void **state)
{
	(void)state;
	if (geteuid() != 0 || !privileges_have_sys_time())
		skip();
	assert_int_equal(in_child(root_keeps_sys_time), 0);
}

static void test_user_drops(void **state)
{
	(void)state;
	assert_int_equal(in_child(user_drops), 0);
}

static void test_cannot_change(void **state)
{
	(void)state;
	assert_int_equal(in_child(cannot_change), 0);
}

static void test_identity(void **state)
{
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_false(privileges_identity("no-such-user", &id, why));
	assert_non_null(strstr(why, "\"no-such-user\""));
	assert_non_null(strstr(why, "useradd --system"));
	assert_false(privileges_identity("root", &id, why));
	assert_non_null(strstr(why, "root"));
	assert_true(privileges_identity("nobody", &id, why));
	assert_true(id.change && id.uid != 0 && id.gid != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_root_drops),
	    cmocka_unit_test(test_root_keeps_sys_time),
	    cmocka_unit_test(test_user_drops),
	    cmocka_unit_test(test_cannot_change),
	    cmocka_unit_test(test_each_property),
	    cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
