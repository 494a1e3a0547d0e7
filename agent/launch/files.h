/* The files that the agent makes before it drops its rights, and removes when
 * it ends. */
#ifndef AGENT_LAUNCH_FILES_H
#define AGENT_LAUNCH_FILES_H

#include "agent/config/config.h"
#include "agent/config/options.h"
#include "agent/host/privileges.h"
#include "agent/link/start_link.h"
#include "agent/saved/seal_key.h"

struct launch_files {
	int status_fd, control_fd; /* listening; -1: none */
	int history_fd;		   /* for agent/loop; -1: none */
	/* What is to be removed at the end. */
	bool status_bound, control_bound, history_made, pid_written;
	bool few_descriptors; /* too few for a status */
	struct seal_key seal; /* secret; agent/saved/seal_key.h */
	/* Why nothing is saved, in words; "": nothing is in the way so far. */
	char not_saved[START_NOT_SAVED_MAX];
};

/*
 * Makes folders, sockets, pid file, lock and the key of the seals, logs what
 * fails (but `not_saved`, which the engine logs), and warns of other programs
 * that steer the clock. False: the agent must not start. -Q makes nothing, so
 * that it may run while the agent does. A folder of saved keys that cannot be
 * used is removed from `config`.
 */
bool launch_files_open(struct launch_files *f, struct config *config,
    const struct run_options *run, const struct identity *identity) MUST_USE;

/* Closes the sockets; the engine has its own copies. */
void launch_files_close(struct launch_files *f);

/* Removes the files, as far as the rights that are left allow it. */
void launch_files_remove(
    const struct launch_files *f, const struct config *config);

#endif
