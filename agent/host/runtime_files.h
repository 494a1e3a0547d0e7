/*
 * What is made in the file system before privileges are dropped: directories,
 * the status socket, the pid file. All the messages are sentences for the log.
 */
#ifndef AGENT_HOST_RUNTIME_FILES_H
#define AGENT_HOST_RUNTIME_FILES_H

#include "agent/host/privileges.h"

#define RUNTIME_TEXT_MAX 512

/* Makes the directory that `path` lies in, for `owner`, mode 0755. One that is
 * there stays as it is. "" is no path and needs none. */
bool runtime_make_directory(const char *path, const struct identity *owner,
    char why[RUNTIME_TEXT_MAX]) MUST_USE;

/* Makes the directory `path` itself, for `owner`, mode 0700, and the one that
 * it lies in. One that is there stays as it is. "" is no path and needs none.
 */
bool runtime_make_private(const char *path, const struct identity *owner,
    char why[RUNTIME_TEXT_MAX]) MUST_USE;

/*
 * The status socket: listening, non-blocking, mode 0666. A socket that nobody
 * listens on any more is replaced; where another agent listens for longer than
 * a second, `why` names its process, and *running is true. Returns a
 * descriptor, or -1.
 */
int runtime_listen(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX]) MUST_USE;

/* The same for the control socket, with mode 0600: its folder's other users
 * cannot even connect. */
int runtime_listen_private(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX]) MUST_USE;

/* There is one clock, so one agent may steer it: the kernel holds this lock
 * until the process ends. */
#define RUNTIME_LOCK "/run/ntsagent/lock"

/*
 * False: `why`; with *running, another process has held it for longer than a
 * second, and is named. Else it cannot be had at all, which is no reason not
 * to start. A new file is `owner`'s alone.
 */
bool runtime_lock(const char *path, const struct identity *owner, bool *running,
    char why[RUNTIME_TEXT_MAX]) MUST_USE;

/*
 * Writes our process id, mode 0644. False: `why`; when it names a process that
 * runs and is an ntsagentd, *running is true.
 */
bool runtime_write_pid(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX]) MUST_USE;

#endif
