/* Which sandbox a process asks for. */
#ifndef AGENT_HOST_SANDBOX_REQUEST_H
#define AGENT_HOST_SANDBOX_REQUEST_H

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

#define SANDBOX_TEXT_MAX 400
#define SANDBOX_FOLDERS_MAX 4

enum sandbox_level {
	SANDBOX_OFF,
	/* The kernel logs what the filter would deny, and denies nothing. */
	SANDBOX_LOG,
	SANDBOX_ON,
};

enum sandbox_profile {
	SANDBOX_KEEPER,
	SANDBOX_GUARD,
	SANDBOX_ENGINE,
	SANDBOX_RESOLVER,
	SANDBOX_JOB,
	SANDBOX_LOADER,
	SANDBOX_SAVER,
	SANDBOX_LOGGER,
	SANDBOX_EXPORTER,
	SANDBOX_CMDMON, /* ntsagent-cmdmon, a program of its own */
	SANDBOX_PROFILES,
};

/* What a process may do with its own sockets, if the configuration asks. */
enum sandbox_own_end {
	SANDBOX_BINDS = 1,   /* bind one to an internet address or UDP port */
	SANDBOX_DEVICES = 2, /* bind one to a device */
	SANDBOX_MARKS = 4,   /* set the DSCP */
};

/* What the configuration adds to a profile. All texts are borrowed. NULL and ""
 * in a list are skipped. */
struct sandbox_request {
	enum sandbox_profile profile;
	enum sandbox_level level;
	enum log_target log_target; /* where a denied call is logged */
	/* Files in these folders may be written and removed. */
	const char *writes[SANDBOX_FOLDERS_MAX];
	/* Files in these folders may be removed. */
	const char *removes[SANDBOX_FOLDERS_MAX];
	/* Files and folders that a profile with a list may read, too. */
	const char *const *reads;
	unsigned read_count;
	uint16_t ke_port;  /* TCP port that a job may connect to; 0: none */
	bool any_tcp_port; /* SRV records name the port */
	unsigned own_end;  /* enum sandbox_own_end */
	int program;	   /* the file that may be executed; -1: none */
};

#endif
