/* The system calls of each set, with the arguments that they may have. */
#ifndef AGENT_HOST_SANDBOX_CALLS_H
#define AGENT_HOST_SANDBOX_CALLS_H

#include <stddef.h>
#include <stdint.h>

#define CALL_CHECKS_MAX 6 /* no call has more arguments */

/* Sets of system calls. */
enum call_set {
	CALLS_BASE = 1 << 0,	 /* memory, time, open descriptors, the log */
	CALLS_CLOCK = 1 << 1,	 /* sets the clock */
	CALLS_READ = 1 << 2,	 /* opens files for reading */
	CALLS_WRITE = 1 << 3,	 /* changes files */
	CALLS_CODE = 1 << 4,	 /* maps the code of a library */
	CALLS_NETWORK = 1 << 5,	 /* UDP */
	CALLS_LOOKUP = 1 << 6,	 /* name lookup and TCP */
	CALLS_ENGINE = 1 << 7,	 /* what the engine's loop waits for; netlink */
	CALLS_START = 1 << 8,	 /* starts the program again */
	CALLS_TERM = 1 << 9,	 /* sends SIGTERM */
	CALLS_KILL = 1 << 10,	 /* sends SIGKILL */
	CALLS_SECRETS = 1 << 11, /* locks memory */
	/* Only if it is configured: */
	CALLS_BIND = 1 << 12,	/* binds to an internet address */
	CALLS_DEVICE = 1 << 13, /* binds to a device */
	CALLS_DSCP = 1 << 14,	/* marks packets */
	CALLS_SERVE = 1 << 15,	/* takes clients */
	CALLS_STATUS = 1 << 16, /* reads the agent's status socket */
	CALLS_LIMIT = 1 << 17,	/* limits its waits for descriptors */
	/* Where nothing is denied: what else would be logged at each lookup. */
	CALLS_UNLOGGED = 1 << 18,
};

enum check_kind {
	CHECK_IS,      /* the argument is `value` */
	CHECK_IS_NOT,  /* it is another value */
	CHECK_AT_MOST, /* it is at most `value`, without a sign */
	CHECK_LACKS,   /* it has none of `bits` */
	CHECK_BUT_FOR, /* it is `value`, with or without `bits` */
	CHECK_OWN_PID, /* it is the id of this process */
};

struct call_check {
	uint8_t kind;	  /* enum check_kind */
	uint8_t argument; /* from 0 on */
	uint32_t value, bits;
};

/* A call is allowed when all checks of one of its rules hold. Two checks of a
 * rule are for two arguments. */
struct call_rule {
	const char *name; /* as libseccomp has it; unknown ones are skipped */
	uint32_t sets;	  /* enum call_set */
	/* Not allowed: fails with this errno; 0: allowed. */
	uint16_t refused_with;
	uint16_t check_count; /* at most CALL_CHECKS_MAX */
	const struct call_check *checks;
};

const struct call_rule *calls_rules(size_t *count);

/* How many different calls the sets allow. */
unsigned calls_count(uint32_t sets);

#endif
