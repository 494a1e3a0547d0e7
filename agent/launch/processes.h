/*
 * The table of all processes of the agent: who starts them, what they may do,
 * what they have. Every process starts from its row; agent/launch/README.md
 * shows the table as text.
 */
#ifndef AGENT_LAUNCH_PROCESSES_H
#define AGENT_LAUNCH_PROCESSES_H

#include "agent/host/sandbox/request.h"
#include "agent/launch/mains.h"

enum process_id {
	PROCESS_KEEPER,
	PROCESS_GUARD,
	PROCESS_ENGINE,
	PROCESS_RESOLVER,
	PROCESS_JOB,
	PROCESS_LOADER,
	PROCESS_SAVER,
	PROCESS_LOGGER,
	PROCESS_COUNT,
};

/* What the death of a process means for the agent. */
enum process_death {
	DEATH_ENDS_AGENT,
	DEATH_IS_REPORTED, /* in the log or to the engine; the agent goes on */
};

/* What a descriptor is, as far as the kernel tells. */
enum descriptor_kind {
	DESCRIPTOR_LINK,    /* SOCK_SEQPACKET, AF_UNIX */
	DESCRIPTOR_LISTENS, /* SOCK_STREAM, AF_UNIX */
	DESCRIPTOR_PIPE,
	DESCRIPTOR_FILE,
};

struct descriptor {
	const char *name; /* NULL: behind the last one */
	enum descriptor_kind kind;
	bool optional; /* it may be missing */
};

struct process {
	const char *name;
	const char *started_by;
	const char *purpose; /* a phrase for the documents */
	bool keeps_sys_time; /* CAP_SYS_TIME, unless no_clock */
	bool second_user;    /* `user-resolver`, not `user` */
	/* Sent by the kernel when the parent dies; 0: it outlives its parent
	 * for as long as it takes to end a slew. */
	int follows_with;
	/* SIGTERM, SIGINT and SIGHUP to all processes at once do not end it: it
	 * ends when its link or pipe closes. */
	bool ignores_ends;
	enum sandbox_profile sandbox; /* what confines it */
	enum process_death death;
	process_main *main;
	/* What it has behind the descriptors 0 to 2, from CHILD_FIRST_FD on.
	 * The first is its link to the process that starts it; a process that
	 * says when it is ready closes it then. */
	struct descriptor descriptors[CHILD_FDS_MAX];
};

const struct process *process_at(enum process_id id);

/* PROCESS_COUNT: there is none of this name. */
enum process_id process_find(const char *name);

/* How many descriptors the row has. */
unsigned process_descriptors(const struct process *p);

#endif
