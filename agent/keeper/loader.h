/*
 * Reading the configuration again while the agent runs.
 *
 * The keeper's process, which is the one that signals reach, does it: the
 * engine may not choose the limits that it is held to. It leaves the reading to
 * a child without any right, the loader, so that a slow disk makes no slew late
 * and no parser runs beside the right to set the clock. What the loader found
 * is one fixed-size message; it goes on to the engine as it is. All or nothing:
 * with an error the old configuration stays in force whole.
 *
 * All of them run as the agent's user by then: that user must be able to read
 * the files.
 */
#ifndef AGENT_KEEPER_LOADER_H
#define AGENT_KEEPER_LOADER_H

#include "agent/link/config_link.h"
#include "agent/host/privileges.h"
#include "agent/host/child.h"

#include <poll.h>

#define RELOAD_TIMEOUT_NS (10 * NS_PER_S)

/* Reads `path`; fills all but the serial. Needs no right but to read. */
void loader_read(const char *path, struct reload_result *out);

/* What cannot change while the agent runs stays in `fresh` as it is in `old`,
 * and is told in `text`, a line each. */
void loader_keep(
    const struct config *old, struct config *fresh, char text[RELOAD_TEXT_MAX]);

/* The keeper's side. */
struct loader {
	const char *path; /* absolute: the agent may have changed its folder */
	const struct identity *identity; /* who we are by now: no change */
	struct child loader;
	int loader_fd; /* -1: none is at work */
	uint32_t serial;
	struct mono give_up;
};

/* Starts the loader. One at a time: 0, or -EBUSY and the like. */
int loader_start(struct loader *r, uint32_t serial, struct mono now) MUST_USE;

/* True: the loader has ended, one way or the other; `out` is filled. */
bool loader_collect(
    struct loader *r, struct mono now, struct reload_result *out) MUST_USE;

/* When loader_collect has something without its descriptor; MONO_NEVER. */
struct mono loader_deadline(const struct loader *r);

/* Ends a loader at work. */
void loader_stop(struct loader *r);

#endif
