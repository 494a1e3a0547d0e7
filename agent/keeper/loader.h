/*
 * Reading the configuration again while the agent runs.
 *
 * The keeper's process, which the signals reach, is in charge: the engine may
 * not choose the limits that it is held to. It leaves the reading to the
 * loader, a process without any right, so that a slow disk delays no slew and
 * no parser runs with the right to set the clock. What the loader finds is one
 * fixed-size message, which the keeper passes on to the engine. With an error
 * in the file, the whole old configuration stays in force.
 *
 * All processes run as the agent's user by then: that user must be able to read
 * the files.
 */
#ifndef AGENT_KEEPER_LOADER_H
#define AGENT_KEEPER_LOADER_H

#include "agent/host/child.h"
#include "agent/link/config_link.h"

#define RELOAD_TIMEOUT_NS (10 * NS_PER_S)

/* Reads `path`, or with `base` the files of sources.d next to it; fills all but
 * the serial. Needs no right but to read. */
void loader_read(
    const char *path, const struct config *base, struct reload_result *out);

/* A file of sources.d that root has read at the start, and that the agent's
 * user cannot read: refuses the result, so that its sources, which are in use,
 * are not lost. `old`: the configuration in force. */
void loader_judge_access(const struct config *old, struct reload_result *out);

/* Puts what cannot change while the agent runs back to what it is in `old`, and
 * adds a line to `text` for each such change. */
void loader_keep(
    const struct config *old, struct config *fresh, char text[RELOAD_TEXT_MAX]);

/* The loader's process: takes a load_order from `fd`, and sends the result.
 * Returns an exit status. */
int loader_main(int fd);

/* The keeper's side. */
struct loader {
	const struct child_starter *starter; /* borrowed */
	const char *path; /* absolute: the agent may have changed its folder */
	const struct config *in_force; /* borrowed; NULL: it is not known */
	unsigned binds; /* BINDING_NEEDS_... that the sandboxes allow */
	struct child loader;
	int loader_fd; /* -1: none is at work */
	uint32_t serial;
	struct mono give_up;
};

/* Starts the loader. With `base`, the configuration in force, it reads only the
 * files of sources.d; NULL: all files. 0; -EBUSY: it is at work; another
 * -errno.
 */
int loader_start(struct loader *r, uint32_t serial, const struct config *base,
    struct mono now) MUST_USE;

/* True: the loader has ended, with a result or without; `out` is filled. */
bool loader_collect(
    struct loader *r, struct mono now, struct reload_result *out) MUST_USE;

/* When loader_collect() must be called even if loader_fd is not readable;
 * MONO_NEVER. */
struct mono loader_deadline(const struct loader *r);

/* Ends a loader that is at work. */
void loader_stop(struct loader *r);

#endif
