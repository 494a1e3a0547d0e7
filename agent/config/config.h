/*
 * The configuration as one value. Read at the start and for each reload
 * (agent/keeper/loader.h), judged whole; nothing else in the agent reads a file
 * in /etc.
 */
#ifndef AGENT_CONFIG_CONFIG_H
#define AGENT_CONFIG_CONFIG_H

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "clock/steering/steering.h"
#include "resolver/job.h"

#include <stdio.h>

/* The build names the folder (CONFDIR of the Makefile). */
#ifndef NTSAGENT_CONFDIR
#define NTSAGENT_CONFDIR "/etc/ntsagent"
#endif
#define CONFIG_DEFAULT_PATH NTSAGENT_CONFDIR "/ntsagent.conf"
#define CONFIG_SAVED_KEYS "/var/lib/ntsagent/keys"
/* minpoll, maxpoll: not configured. The pace then chooses by the path. */
#define POLL_AUTO 127
#define POLL_LOG2_MIN (-4)
#define POLL_LOG2_MAX 17

/* Whom to believe when the clock is too wrong to check certificates by. */
enum bootstrap_policy {
	BOOTSTRAP_OFF,	  /* nobody */
	BOOTSTRAP_QUORUM, /* a majority of independent servers */
	BOOTSTRAP_SINGLE, /* if need be, one alone */
};

struct source_config {
	char name[SOURCE_NAME_MAX]; /* [source NAME] */
	char host[HOST_MAX];	    /* host = ..., default: NAME */
	uint16_t ke_port;	    /* ntsport */
	uint16_t ntp_port;	    /* port; a negotiated one beats it */
	enum family_choice family;  /* ipv4 = yes, ipv6 = yes */
	bool iburst;		    /* default yes */
	int minpoll, maxpoll;	    /* log2 s or POLL_AUTO */
	int64_t max_delay_ns;	    /* maxdelay */
	struct source_options options;
	unsigned line; /* where it was configured */
	char file[FILE_PATH_MAX];
};

struct config {
	char file[FILE_PATH_MAX]; /* the main one, as it was named */
	/* [agent] */
	char user[64];			   /* "ntsagent" */
	char status_socket[FILE_PATH_MAX]; /* "" when `none` */
	char pidfile[FILE_PATH_MAX];	   /* "" by default */
	/* [nts] */
	struct trust_config trust;
	uint32_t ke_timeout_ms;
	char saved_keys[FILE_PATH_MAX]; /* a folder; "" when `none` */
	/* [clock] */
	struct steering_config steering;
	double max_freq_ppm;
	char driftfile[FILE_PATH_MAX];	   /* "" when `none` */
	char goodtime_file[FILE_PATH_MAX]; /* "" when `none` */
	enum bootstrap_policy bootstrap;
	/* [log] */
	enum log_level log_level;
	enum log_target log_target;
	/* [source NAME] */
	unsigned source_count;
	struct source_config sources[SOURCES_MAX];
};

/*
 * Reads `path` and, after it, conf.d/NAME.conf beside it in the order of the
 * names. Every error goes to `errors` as one line: file, line, key, what was
 * expected, the nearest known key. Returns the number of errors; `out` is only
 * to be used when that is 0.
 */
unsigned config_load(
    const char *path, struct config *out, FILE *errors) MUST_USE;

/* The defaults, without any source. */
void config_defaults(struct config *out);

#endif
