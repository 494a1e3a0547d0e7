/*
 * From root to what a process really needs, checked afterwards. A process that
 * could not be brought there must not go on.
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
 * Whom the processes will be: `user` when started as root, else who we are.
 * False: `why` says what to do (no such user, or it is root itself).
 */
bool privileges_identity(const char *user, struct identity *out,
    char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

/* CAP_SYS_TIME is effective: as root, or given by a service manager. */
bool privileges_have_sys_time(void) MUST_USE;

/*
 * Become `id` without supplementary groups, keep CAP_SYS_TIME or nothing, in
 * all sets; no new privileges, no core dump, no ptrace, umask 077. False: `why`
 * names the step that failed; the process is then in no state to go on.
 */
bool privileges_drop(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

/* What privileges_drop checks at its end, by asking the kernel. */
bool privileges_verify(const struct identity *id, bool keep_sys_time,
    char why[PRIVILEGES_TEXT_MAX]) MUST_USE;

#endif
