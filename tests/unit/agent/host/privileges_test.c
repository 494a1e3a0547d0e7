/* Dropping privileges, in children that end afterwards. */
#include "agent/host/privileges.h"

#include <cap-ng.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

/* Calls that fail, or claim a right, once a test names them here. */
enum broken {
	NOTHING,
	CAPNG_APPLY,
	CAPNG_GET,
	RESUID,
	RESGID,
	AMBIENT,
	NO_NEW_PRIVS,
	DUMPABLE,
	WAY_BACK,  /* setuid(0) succeeds */
	GROUPS,	   /* there are supplementary groups */
	NO_GROUPS, /* there are none */
	USERS,	   /* users cannot be looked up */
	NO_USER,   /* there is none; POSIX lets errno be as it was */
};

static enum broken broken;
static bool has_sys_time;
/* Of the three users and groups of this process, which getresuid() and
 * getresgid() report wrongly; -1: none. */
static int wrong_uid = -1, wrong_gid = -1;
/* The only user that there is, once a test has set it. */
static struct passwd *user;
/* What libcap-ng finds, once a test has set it: this capability, and one that
 * is kept as it should be. */
static struct {
	bool set, kept;
	capng_type_t type;
	unsigned cap;
} found;

int capng_apply(capng_select_t set)
{
	int (*real)(capng_select_t);

	*(void **)&real = dlsym(RTLD_NEXT, "capng_apply");
	return broken == CAPNG_APPLY ? -1 : real(set);
}

int capng_get_caps_process(void)
{
	int (*real)(void);

	*(void **)&real = dlsym(RTLD_NEXT, "capng_get_caps_process");
	return broken == CAPNG_GET ? -1 : real();
}

int capng_have_capability(capng_type_t which, unsigned int cap)
{
	int (*real)(capng_type_t, unsigned int);

	if (found.set)
		return (which == found.type && cap == found.cap) ||
		       (found.kept && cap == CAP_SYS_TIME &&
			   (which == CAPNG_EFFECTIVE ||
			       which == CAPNG_PERMITTED));
	*(void **)&real = dlsym(RTLD_NEXT, "capng_have_capability");
	return has_sys_time && cap == CAP_SYS_TIME ? 1 : real(which, cap);
}

/* Fails as a system call does. */
static int refuse(void)
{
	errno = ENOSYS;
	return -1;
}

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
	uid_t *const all[] = {real, effective, saved};
	int result = (int)syscall(SYS_getresuid, real, effective, saved);

	if (broken == RESUID)
		return refuse();
	if (wrong_uid >= 0)
		++*all[wrong_uid];
	return result;
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
	gid_t *const all[] = {real, effective, saved};
	int result = (int)syscall(SYS_getresgid, real, effective, saved);

	if (broken == RESGID)
		return refuse();
	if (wrong_gid >= 0)
		++*all[wrong_gid];
	return result;
}

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *);

	if (broken == USERS) {
		errno = EIO;
		return NULL;
	}
	if (broken == NO_USER)
		return NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "getpwnam");
	return user ? user : real(name);
}

int getgroups(int size, gid_t list[])
{
	if (broken == GROUPS || broken == NO_GROUPS || broken == WAY_BACK)
		return broken == GROUPS;
	return (int)syscall(SYS_getgroups, size, list);
}

int setuid(uid_t uid)
{
	if (broken == WAY_BACK && uid == 0)
		return 0;
	return (int)syscall(SYS_setuid, uid);
}

int prctl(int option, ...)
{
	unsigned long arg[4];
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		arg[i] = va_arg(args, unsigned long);
	va_end(args);
	if ((broken == AMBIENT && option == PR_CAP_AMBIENT) ||
	    (broken == NO_NEW_PRIVS && option == PR_SET_NO_NEW_PRIVS) ||
	    (broken == DUMPABLE && option == PR_SET_DUMPABLE))
		return refuse();
	return (int)syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
}

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
	struct rlimit core;
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
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0);
	CHECK(core.rlim_cur == 0 && core.rlim_max == 0);
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

#define NO_NAMESPACE 77

/* Nothing is mounted on "/" there: the mounts above the root are not shown. */
static bool is_below_chroot(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], at[4096];
	bool whole = false;

	while (mounts && !whole && fgets(line, sizeof(line), mounts))
		whole = sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 &&
			strcmp(at, "/") == 0;
	if (mounts)
		fclose(mounts);
	return mounts && !whole;
}

/* The namespace of `unshare --map-root-user`. */
static int root_of_a_namespace(void)
{
	char why[PRIVILEGES_TEXT_MAX] = "", map[32];
	struct identity id;
	int fd;

	snprintf(map, sizeof(map), "0 %u 1", (unsigned)geteuid());
	if (unshare(CLONE_NEWUSER) != 0)
		return errno == EPERM ? NO_NAMESPACE : 1;
	fd = open("/proc/self/uid_map", O_WRONLY);
	CHECK(write(fd, map, strlen(map)) == (ssize_t)strlen(map));
	close(fd);
	CHECK(geteuid() == 0);
	CHECK(!privileges_identity("nobody", &id, why));
	CHECK(strstr(why,
	    "the user \"nobody\" (uid 65534, gid 65534) has no mapping in "
	    "this user namespace, so no process can become it: give the "
	    "container a range of users"));
	return 0;
}

static void a_user_without_a_mapping_is_explained(void **state)
{
	int status = in_child(root_of_a_namespace);

	(void)state;
	/* Linux allows none below chroot(2), and may allow none to a user. */
	if (status == NO_NAMESPACE && geteuid() != 0)
		skip();
	if (status == NO_NAMESPACE)
		assert_true(is_below_chroot());
	else
		assert_int_equal(status, 0);
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

/* Each step that fails is named, and then nothing has succeeded. */
static int tells_each_step(void)
{
	static const struct {
		enum broken call;
		bool changes; /* the user */
		const char *words;
	} rows[] = {
	    {CAPNG_APPLY, false, ": capng_apply"},
	    {AMBIENT, false, ": clearing the ambient capabilities: Function"},
	    {NO_NEW_PRIVS, false, ": no_new_privs: Function not implemented"},
	    {DUMPABLE, false, ": PR_SET_DUMPABLE: Function not implemented"},
	    {RESUID, false, ": reading the user: Function not implemented"},
	    {RESGID, false, ": reading the user: Function not implemented"},
	    {CAPNG_GET, false, ": reading the capabilities"},
	    {GROUPS, true, ": supplementary groups are left"},
	    {WAY_BACK, true, ": the way back to root is open"},
	};
	struct identity id = {.uid = getuid(), .gid = getgid()};
	char why[PRIVILEGES_TEXT_MAX] = "";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool done;

		why[0] = '\0';
		broken = rows[i].call;
		id.change = rows[i].changes;
		done = rows[i].changes ? privileges_verify(&id, false, why)
				       : privileges_drop(&id, false, why);
		broken = NOTHING;
		CHECK(!done);
		if (!strstr(why, rows[i].words))
			fprintf(stderr, "row %zu: ", i);
		CHECK(strstr(why, rows[i].words));
	}
	id.change = false;
	CHECK(privileges_drop(&id, false, why));
	return 0;
}

/* No single user, group or capability may be wrong. */
static int checks_each_right(void)
{
	static const struct {
		capng_type_t type;
		unsigned cap;
		bool changed, keep, holds;
	} rows[] = {
	    {CAPNG_EFFECTIVE, CAP_LAST_CAP + 1, false, false, true},
	    {CAPNG_EFFECTIVE, CAP_LAST_CAP + 1, false, true, true},
	    {CAPNG_EFFECTIVE, CAP_LAST_CAP + 1, true, true, true},
	    {CAPNG_EFFECTIVE, 0, false, false, false},
	    {CAPNG_EFFECTIVE, CAP_SYS_TIME, false, false, false},
	    {CAPNG_EFFECTIVE, CAP_LAST_CAP, false, true, false},
	    {CAPNG_PERMITTED, 0, false, false, false},
	    {CAPNG_PERMITTED, CAP_SYS_TIME, false, false, false},
	    {CAPNG_PERMITTED, CAP_LAST_CAP, false, true, false},
	    {CAPNG_INHERITABLE, CAP_SYS_TIME, false, true, false},
	    {CAPNG_INHERITABLE, CAP_LAST_CAP, false, false, false},
	    {CAPNG_AMBIENT, CAP_SYS_TIME, false, true, false},
	    {CAPNG_AMBIENT, 0, false, false, false},
	    /* Without root the bounding set cannot be changed. */
	    {CAPNG_BOUNDING_SET, 0, false, false, true},
	    {CAPNG_BOUNDING_SET, 0, true, false, false},
	    {CAPNG_BOUNDING_SET, CAP_LAST_CAP, true, true, false},
	};
	struct identity id;
	char why[PRIVILEGES_TEXT_MAX] = "";

	if (geteuid() == 0)
		CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
		      setuid(NOBODY) == 0);
	CHECK(privileges_identity("any", &id, why));
	CHECK(privileges_drop(&id, false, why));
	for (int i = 0; i < 3; i++) {
		wrong_uid = i;
		CHECK(!privileges_verify(&id, false, why));
		wrong_uid = -1;
		wrong_gid = i;
		CHECK(!privileges_verify(&id, false, why));
		wrong_gid = -1;
		CHECK(strstr(why, "the user is not the expected one"));
	}
	CHECK(privileges_verify(&id, false, why));
	found.set = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		id.change = rows[i].changed;
		broken = rows[i].changed ? NO_GROUPS : NOTHING;
		found.kept = rows[i].keep;
		found.type = rows[i].type;
		found.cap = rows[i].cap;
		if (privileges_verify(&id, rows[i].keep, why) != rows[i].holds)
			fprintf(stderr, "row %zu: ", i);
		CHECK(
		    privileges_verify(&id, rows[i].keep, why) == rows[i].holds);
	}
	return 0;
}

static void test_each_right(void **state)
{
	(void)state;
	assert_int_equal(in_child(checks_each_right), 0);
}

static void test_each_step(void **state)
{
	(void)state;
	assert_int_equal(in_child(tells_each_step), 0);
}

static void test_sys_time(void **state)
{
	bool there, unknown;

	(void)state;
	has_sys_time = true;
	there = privileges_have_sys_time();
	broken = CAPNG_GET;
	unknown = privileges_have_sys_time();
	broken = NOTHING;
	has_sys_time = false;
	assert_true(there);
	assert_false(unknown);
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
	/* Of an earlier call. */
	errno = EIO;
	assert_false(privileges_identity("no-such-user", &id, why));
	assert_non_null(strstr(why, "the user \"no-such-user\" does not"));
	assert_non_null(strstr(why, "useradd --system"));
	assert_false(privileges_identity("root", &id, why));
	assert_non_null(strstr(why, "root"));
	assert_true(privileges_identity("nobody", &id, why));
	assert_true(id.change && id.uid != 0 && id.gid != 0);
}

/* It has the group of the first one. */
static void test_second_identity(void **state)
{
	const struct identity agent = {.change = true, .uid = 12, .gid = 34};
	const struct identity same = {.uid = 56, .gid = 78};
	struct passwd one = {.pw_uid = 99, .pw_gid = 100};
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id;

	(void)state;
	user = &one;
	assert_true(privileges_second_identity("x", &agent, &id, why));
	assert_true(id.change && id.uid == 99 && id.gid == 34);
	assert_true(privileges_second_identity("x", &same, &id, why));
	assert_true(!id.change && id.uid == 56 && id.gid == 78);
	one.pw_uid = 0;
	assert_false(privileges_second_identity("x", &agent, &id, why));
	assert_non_null(strstr(why, "(user-resolver = in [agent])"));
	assert_true(id.change && id.uid == 12 && id.gid == 34);
	user = NULL;
	broken = NO_USER;
	assert_false(privileges_second_identity("x", &agent, &id, why));
	broken = NOTHING;
	assert_non_null(strstr(why, "another one (user-resolver = in"));
	assert_int_equal(id.uid, 12);
}

/* Neither root nor a member of its group will do. */
static void test_rights_of_the_user(void **state)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		bool holds;
	} rows[] = {{12, 34, true}, {0, 34, false}, {12, 0, false}};
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct passwd one = {
		    .pw_uid = rows[i].uid, .pw_gid = rows[i].gid};
		bool holds;

		user = &one;
		holds = privileges_identity("ntsagent", &id, why);
		user = NULL;
		assert_int_equal(holds, rows[i].holds);
		assert_int_equal(id.change, holds);
		assert_int_equal(id.uid, holds ? 12 : 0);
		assert_int_equal(id.gid, holds ? 34 : 0);
	}
	broken = USERS;
	assert_false(privileges_identity("ntsagent", &id, why));
	broken = NOTHING;
	assert_string_equal(
	    why, "cannot look up the user \"ntsagent\": Input/output error");
	broken = NO_USER;
	errno = EIO;
	assert_false(privileges_identity("ntsagent", &id, why));
	broken = NOTHING;
	assert_non_null(strstr(why, "the user \"ntsagent\" does not exist"));
}

static bool confined_by(const char *text)
{
	char path[] = P_tmpdir "/ntsagent-map-XXXXXX";
	int fd = mkstemp(path);
	bool confined;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	confined = privileges_confined_users(path);
	unlink(path);
	return confined;
}

static void a_user_namespace_is_recognised(void **state)
{
	(void)state;
	assert_false(confined_by("         0          0 4294967295\n"));
	assert_true(confined_by("         0          0      65536\n"));
	assert_true(confined_by("         0     100000 4294967295\n"));
	assert_true(confined_by("      1000       1000          1\n"));
	assert_false(confined_by(""));
	assert_false(privileges_confined_users("/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_user_namespace_is_recognised),
	    cmocka_unit_test(test_root_drops),
	    cmocka_unit_test(test_root_keeps_sys_time),
	    cmocka_unit_test(test_user_drops),
	    cmocka_unit_test(test_cannot_change),
	    cmocka_unit_test(test_each_property),
	    cmocka_unit_test(test_each_step),
	    cmocka_unit_test(test_each_right),
	    cmocka_unit_test(test_rights_of_the_user),
	    cmocka_unit_test(test_sys_time),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_second_identity),
	    cmocka_unit_test(a_user_without_a_mapping_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
