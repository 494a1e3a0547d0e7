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
#ifndef AGENT_RELOAD_H
#define AGENT_RELOAD_H

#include "agent/config.h"
#include "agent/privileges.h"
#include "agent/process.h"

#include <poll.h>

#define RELOAD_TEXT_MAX 3072
#define RELOAD_PATIENCE_NS (10 * NS_PER_S)

/* Engine to keeper: somebody has ordered it. */
struct reload_request {
	uint32_t serial; /* never 0 */
};

/* Loader to keeper, keeper to engine. */
struct reload_result {
	uint32_t serial; /* of the request; 0: a signal asked */
	uint32_t ok;	 /* else `config` is not to be used */
	/* What is wrong, or what needs a restart: lines, "" when nothing. */
	char text[RELOAD_TEXT_MAX];
	struct config config;
};

/* Each: 1: done, 0: would block, -1: the other side is gone or broken. */
int reload_send_request(int fd, const struct reload_request *r) MUST_USE;
int reload_receive_request(int fd, struct reload_request *out) MUST_USE;
int reload_send_result(int fd, const struct reload_result *r) MUST_USE;
int reload_receive_result(int fd, struct reload_result *out) MUST_USE;

/* Reads `path`; fills all but the serial. Needs no right but to read. */
void reload_read(const char *path, struct reload_result *out);

/* What cannot change while the agent runs stays in `fresh` as it is in `old`,
 * and is told in `text`, a line each. */
void reload_keep(
    const struct config *old, struct config *fresh, char text[RELOAD_TEXT_MAX]);

/* The keeper's side. */
struct reload {
	const char *path; /* absolute: the agent may have changed its folder */
	const struct identity *identity; /* who we are by now: no change */
	struct child loader;
	int loader_fd; /* -1: none is at work */
	uint32_t serial;
	struct mono give_up;
};

/* Starts the loader. One at a time: 0, or -EBUSY and the like. */
int reload_start(struct reload *r, uint32_t serial, struct mono now) MUST_USE;

/* True: the loader has ended, one way or the other; `out` is filled. */
bool reload_collect(
    struct reload *r, struct mono now, struct reload_result *out) MUST_USE;

/* When reload_collect has something without its descriptor; MONO_NEVER. */
struct mono reload_deadline(const struct reload *r);

/* Ends a loader at work. */
void reload_stop(struct reload *r);

#endif
