/*
 * Drops a process's rights to what it needs, and checks the result. A process
 * for which that fails must not go on.
 */
#ifndef AGENT_HOST_PRIVILEGES_H
#define AGENT_HOST_PRIVILEGES_H

#include "base/check.h"

#include <stdbool.h>
#include <sys/types.h>

#define PRIVILEGES_TEXT_MAX 400

struct identity {
	bool change; /* started as root: become uid and gid */
	uid_t uid;
	gid_t gid;
};

/*
 * The user that the processes become: `user` when started as root, else the one
 * that they have. False: `why` says what to do (the user does not exist, or is
 * root).
 */
bool privileges_identity(const char *user, struct identity *out,
    char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

/*
 * The user of the processes that talk to key servers: `name` with the group of
 * `agent`, or `agent` itself if root does not start the agent. False: `why`
 * says what to do, and `out` is `agent`.
 */
bool privileges_second_identity(const char *name, const struct identity *agent,
    struct identity *out, char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

/* True: CAP_SYS_TIME is effective, as root or given by a service manager. */
bool privileges_have_sys_time(void) MUST_USE;

/* Is `uid_map` (/proc/self/uid_map) that of a user namespace of its own, as in
 * a container without privileges? No process there can set the clock of the
 * machine. False if the file cannot be read. */
bool privileges_confined_users(const char *uid_map);

/*
 * Becomes `id` without supplementary groups, and keeps CAP_SYS_TIME or nothing
 * in all capability sets. Then the process gains no new privileges, leaves no
 * core dump, refuses ptrace(2), and has the umask 077. False: `why` names the
 * step that failed, and the process must exit.
 */
bool privileges_drop(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

/* What privileges_drop() checks at its end, by asking the kernel. */
bool privileges_verify(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

#endif
