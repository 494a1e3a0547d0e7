/*
 * Makes what has to be in the file system before the agent drops its rights:
 * directories, sockets, pid file and lock. `why` is a sentence for the log.
 */
#ifndef AGENT_HOST_RUNTIME_FILES_H
#define AGENT_HOST_RUNTIME_FILES_H

#include "agent/host/privileges.h"

#define RUNTIME_TEXT_MAX 512

/* What to do about this errno, as "; free some memory", or "". */
const char *runtime_cure(int error);

/* Does this errno mean that something is used up (space, descriptors, memory),
 * so that what was asked for is right? A function below that fails sets errno,
 * unless another agent is running. */
bool runtime_is_shortage(int error);

/* Makes the directory of `path`, owned by `owner`, mode 0755. An existing one
 * keeps its owner and mode. "" needs none. */
bool runtime_make_directory(const char *path, const struct identity *owner,
    char why[RUNTIME_TEXT_MAX]) MUST_USE;

/* Makes the directory `path` itself, owned by `owner`, mode 0700, and its
 * parent as runtime_make_directory() does. An existing one keeps its owner and
 * mode. "" needs none. */
bool runtime_make_private(const char *path, const struct identity *owner,
    char why[RUNTIME_TEXT_MAX]) MUST_USE;

/*
 * Makes the status socket: listening, non-blocking, mode 0666. Replaces a
 * socket on which no process listens any more. When another agent listens for
 * longer than a second, `why` names its process, and *running is true. Returns
 * a descriptor, or -1.
 */
int runtime_listen(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX]) MUST_USE;

/* Makes the control socket in the same way, with mode 0600: other users cannot
 * connect. */
int runtime_listen_private(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX]) MUST_USE;

/*
 * Makes a file of `size` bytes that every user may read, mode 0644, and
 * replaces an older one. All of its blocks are there, so that a write to its
 * memory never fails. Returns a descriptor to read and write, or -1.
 */
int runtime_make_shared(
    const char *path, size_t size, char why[RUNTIME_TEXT_MAX]) MUST_USE;

/* There is one clock, so one agent may steer it: it holds this lock until its
 * process ends. */
#define RUNTIME_LOCK "/run/ntsagent/lock"

/*
 * Takes the lock. False: `why` is the reason. With *running, another process,
 * which `why` names, has held it for longer than a second. Without, the lock
 * cannot be used at all, which does not keep the agent from starting. The file
 * belongs to `owner`, mode 0600.
 */
bool runtime_lock(const char *path, const struct identity *owner, bool *running,
    char why[RUNTIME_TEXT_MAX]) MUST_USE;

/*
 * Writes our process id, mode 0644. False: `why` is the reason; *running: the
 * file names an ntsagentd that is running.
 */
bool runtime_write_pid(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX]) MUST_USE;

#endif
