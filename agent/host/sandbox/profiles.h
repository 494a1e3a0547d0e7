/* The table of profiles: what each process may do. */
#ifndef AGENT_HOST_SANDBOX_PROFILES_H
#define AGENT_HOST_SANDBOX_PROFILES_H

#include "agent/host/sandbox/calls.h"
#include "agent/host/sandbox/request.h"

#include <stdbool.h>
#include <sys/resource.h>

#define PROFILE_LIMITS_MAX 4

/* Which files a process may open for reading. */
enum profile_reads {
	READS_NOTHING,
	READS_LISTED, /* system files, and the list of the request */
	READS_ALL,
};

/* Which TCP ports a process may connect to, as far as the kernel can tell. */
enum profile_tcp {
	TCP_NONE,
	TCP_LISTED, /* DNS, and the port of the request */
	TCP_ALL,
};

struct profile_limit {
	int resource; /* RLIMIT_...; its value is both soft and hard */
	rlim_t value;
	const char *what; /* for the documents; NULL: behind the last one */
};

struct profile {
	const char *name; /* of the process */
	uint32_t calls;	  /* enum call_set */
	enum profile_reads reads;
	enum profile_tcp tcp;
	const char *writes; /* what `writes` of a request is; NULL: nothing */
	bool executes;	    /* the program of the request, the dynamic linker */
	/* Signals and abstract sockets reach only processes that this one has
	 * started. */
	bool signals_inside, abstract_inside;
	struct profile_limit limits[PROFILE_LIMITS_MAX];
};

const struct profile *profile_of(enum sandbox_profile profile);

/* What a profile allows, for the documents; derived from the tables. */
void profile_describe(
    enum sandbox_profile profile, char text[SANDBOX_TEXT_MAX]);

#endif
