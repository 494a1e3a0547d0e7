#include "agent/host/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(char why[PRIVILEGES_TEXT_MAX], const char *step)
{
	snprintf(why, PRIVILEGES_TEXT_MAX, "cannot drop privileges: %s", step);
	return false;
}

static bool fail_errno(char why[PRIVILEGES_TEXT_MAX], const char *step)
{
	snprintf(why, PRIVILEGES_TEXT_MAX, "cannot drop privileges: %s: %s",
	    step, strerror(errno));
	return false;
}

/* `key` in [agent] names it. */
static bool no_such_user(
    const char *user, const char *key, char why[PRIVILEGES_TEXT_MAX])
{
	snprintf(why, PRIVILEGES_TEXT_MAX,
	    "the user \"%s\" does not exist; make it with `useradd --system "
	    "--no-create-home --shell /usr/sbin/nologin %s` or "
	    "`systemd-sysusers`, or name another one (%s = in [agent])",
	    user, user, key);
	return false;
}

/* A line of the map of a user namespace. */
struct id_range {
	unsigned long first, outside, count;
};

static bool next_range(FILE *map, struct id_range *out)
{
	char line[128], *rest = line;

	if (!fgets(line, sizeof(line), map))
		return false;
	out->first = strtoul(rest, &rest, 10);
	out->outside = strtoul(rest, &rest, 10);
	out->count = strtoul(rest, &rest, 10);
	return true;
}

/* Has the map of a user namespace this number? Without /proc: perhaps. */
static bool is_mapped(const char *path, unsigned id)
{
	FILE *map = fopen(path, "re");
	bool found = !map;
	struct id_range r;

	while (!found && next_range(map, &r))
		found = id >= r.first && id - r.first < r.count;
	if (map)
		fclose(map);
	return found;
}

/* The first namespace maps all 2^32 - 1 users to themselves. */
bool privileges_confined_users(const char *uid_map)
{
	FILE *map = fopen(uid_map, "re");
	struct id_range r;
	bool got = map && next_range(map, &r);

	if (map)
		fclose(map);
	return got && r.count > 0 &&
	       (r.first != 0 || r.outside != 0 || r.count != UINT32_MAX);
}

/* In a namespace without it, no process can become the user. */
static bool is_here(const struct passwd *pw, char why[PRIVILEGES_TEXT_MAX])
{
	if (is_mapped("/proc/self/uid_map", pw->pw_uid) &&
	    is_mapped("/proc/self/gid_map", pw->pw_gid))
		return true;
	snprintf(why, PRIVILEGES_TEXT_MAX,
	    "the user \"%.64s\" (uid %u, gid %u) has no mapping in this user "
	    "namespace, so no process can become it: give the container a "
	    "range of users (unshare: --map-auto), or start the agent as "
	    "another user than root",
	    pw->pw_name, (unsigned)pw->pw_uid, (unsigned)pw->pw_gid);
	return false;
}

/* False: `why`; `*pw` is NULL if no user has this name. */
static bool look_up(const char *user, const char *key, const struct passwd **pw,
    char why[PRIVILEGES_TEXT_MAX])
{
	errno = 0;
	*pw = getpwnam(user);
	if (*pw)
		return true;
	if (!errno)
		return no_such_user(user, key, why);
	snprintf(why, PRIVILEGES_TEXT_MAX, "cannot look up the user \"%s\": %s",
	    user, strerror(errno));
	return false;
}

static bool is_powerless(const struct passwd *pw, const char *user,
    const char *key, char why[PRIVILEGES_TEXT_MAX])
{
	if (pw->pw_uid != 0 && pw->pw_gid != 0)
		return true;
	snprintf(why, PRIVILEGES_TEXT_MAX,
	    "the user \"%s\" is root or in its group: name one without rights "
	    "(%s = in [agent])",
	    user, key);
	return false;
}

bool privileges_identity(
    const char *user, struct identity *out, char why[PRIVILEGES_TEXT_MAX])
{
	const struct passwd *pw;

	*out = (struct identity){.uid = getuid(), .gid = getgid()};
	if (geteuid() != 0)
		return true;
	if (!look_up(user, "user", &pw, why) ||
	    !is_powerless(pw, user, "user", why) || !is_here(pw, why))
		return false;
	*out = (struct identity){
	    .change = true, .uid = pw->pw_uid, .gid = pw->pw_gid};
	return true;
}

bool privileges_second_identity(const char *name, const struct identity *agent,
    struct identity *out, char why[PRIVILEGES_TEXT_MAX])
{
	static const char key[] = "user-resolver";
	const struct passwd *pw;

	*out = *agent;
	if (!agent->change)
		return true;
	if (!look_up(name, key, &pw, why) ||
	    !is_powerless(pw, name, key, why) || !is_here(pw, why))
		return false;
	out->uid = pw->pw_uid;
	return true;
}

bool privileges_have_sys_time(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_TIME);
}

/* Sets libcap-ng's state to no capability, or to CAP_SYS_TIME alone. */
static void choose(bool keep_sys_time)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (keep_sys_time)
		capng_update(
		    CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_TIME);
}

static bool change_user(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX])
{
	int result;

	choose(keep_sys_time);
	result = capng_change_id((int)id->uid, (int)id->gid,
	    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
	if (result == 0)
		return true;
	snprintf(why, PRIVILEGES_TEXT_MAX,
	    "cannot drop privileges: capng_change_id to uid %u "
	    "failed at step %d (are CAP_SETUID, CAP_SETGID and CAP_SETPCAP "
	    "there?)",
	    (unsigned)id->uid, -result);
	return false;
}

/* Without root the bounding set cannot be changed; with no_new_privs the
 * process can gain nothing from it. */
static bool drop_capabilities(bool keep_sys_time, char why[PRIVILEGES_TEXT_MAX])
{
	choose(keep_sys_time);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return fail(why, "capng_apply");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return fail_errno(why, "clearing the ambient capabilities");
	return true;
}

static bool verify_ids(const struct identity *id, char why[PRIVILEGES_TEXT_MAX])
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) != 0 ||
	    getresgid(&g[0], &g[1], &g[2]) != 0)
		return fail_errno(why, "reading the user");
	for (int i = 0; i < 3; i++)
		if (u[i] != id->uid || g[i] != id->gid)
			return fail(why, "the user is not the expected one");
	if (!id->change)
		return true;
	if (getgroups(0, NULL) != 0)
		return fail(why, "supplementary groups are left");
	if (setuid(0) == 0)
		return fail(why, "the way back to root is open");
	return true;
}

static bool verify_capabilities(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX])
{
	if (capng_get_caps_process() != 0)
		return fail(why, "reading the capabilities");
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool keep = keep_sys_time && cap == CAP_SYS_TIME;

		if (capng_have_capability(CAPNG_EFFECTIVE, cap) != keep ||
		    capng_have_capability(CAPNG_PERMITTED, cap) != keep ||
		    capng_have_capability(CAPNG_INHERITABLE, cap) ||
		    capng_have_capability(CAPNG_AMBIENT, cap) ||
		    (id->change &&
			capng_have_capability(CAPNG_BOUNDING_SET, cap)))
			return fail(why, "a capability is not as expected");
	}
	return true;
}

bool privileges_verify(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX])
{
	if (!verify_ids(id, why) ||
	    !verify_capabilities(id, keep_sys_time, why))
		return false;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return fail(why, "no_new_privs is not set");
	if (prctl(PR_GET_DUMPABLE) != 0)
		return fail(why, "the process can be dumped");
	return true;
}

bool privileges_drop(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX])
{
	umask(077);
	if (id->change ? !change_user(id, keep_sys_time, why)
		       : !drop_capabilities(keep_sys_time, why))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(why, "no_new_privs");
	/* After the change of user, which resets it: neither a core dump nor
	 * another process of this user may read keys. */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return fail_errno(why, "PR_SET_DUMPABLE");
	/* Some core handlers look only at this limit. A sandbox may forbid the
	 * call; the check below does not need it. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	return privileges_verify(id, keep_sys_time, why);
}
