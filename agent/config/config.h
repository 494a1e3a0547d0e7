/*
 * The configuration as one value: the files of /etc/ntsagent after they were
 * read and judged (agent/config/load.h). A reload makes a new value of it.
 */
#ifndef AGENT_CONFIG_CONFIG_H
#define AGENT_CONFIG_CONFIG_H

#include "base/limits.h"
#include "base/log.h"
#include "clock/steering/steering.h"
#include "resolver/job.h"

/* The build may name another folder (CONFDIR of the Makefile). */
#ifndef NTSAGENT_CONFDIR
#define NTSAGENT_CONFDIR "/etc/ntsagent"
#endif
#define CONFIG_DEFAULT_PATH NTSAGENT_CONFDIR "/ntsagent.conf"
#define CONFIG_SAVED_KEYS "/var/lib/ntsagent/keys"
/* So many updates have no refuse-threshold, if no number is configured. */
#define REFUSE_START 1
/* minpoll or maxpoll that is not configured: the agent chooses by the path. */
#define POLL_AUTO 127
/* The range of a configured minpoll or maxpoll, in log2 seconds. */
#define POLL_LOG2_MIN (-4)
#define POLL_LOG2_MAX 17

/* Which servers may set a clock that is too wrong to check certificates by. */
enum bootstrap_policy {
	BOOTSTRAP_OFF,	  /* none */
	BOOTSTRAP_QUORUM, /* a majority of independent servers */
	BOOTSTRAP_SINGLE, /* one server, if no other one answers */
};

struct source_config {
	char name[SOURCE_NAME_MAX]; /* [source NAME] */
	char host[HOST_MAX];	    /* host; NAME if it is not configured */
	uint16_t ke_port;	    /* ntsport */
	uint16_t ntp_port;	    /* port; 0: the usual one. A negotiated
				       port overrides both. */
	enum family_choice family;  /* from ipv4 and ipv6 */
	bool iburst;
	int minpoll, maxpoll; /* log2 seconds, or POLL_AUTO */
	int64_t max_delay_ns; /* maxdelay */
	/* maxdelayratio: to the shortest delay of the latest answers; 0: no
	 * limit. */
	double max_delay_ratio;
	struct source_options options;
	unsigned line; /* of the section's head */
	char file[FILE_PATH_MAX];
};

struct config {
	char file[FILE_PATH_MAX]; /* the main file, as the caller named it */
	/* [agent] */
	char user[64];
	char status_socket[FILE_PATH_MAX]; /* "" for `none` */
	char pidfile[FILE_PATH_MAX];	   /* "" for `none` */
	/* [nts] */
	struct trust_config trust;
	uint32_t ke_timeout_ms;
	char saved_keys[FILE_PATH_MAX]; /* a folder; "" for `none` */
	/* [clock] */
	struct steering_config steering;
	double max_freq_ppm;		   /* max-drift */
	char driftfile[FILE_PATH_MAX];	   /* "" for `none` */
	char goodtime_file[FILE_PATH_MAX]; /* "" for `none` */
	enum bootstrap_policy bootstrap;
	/* [log] */
	enum log_level log_level;
	enum log_target log_target;
	/* [source NAME] */
	unsigned source_count;
	struct source_config sources[SOURCES_MAX];
};

/* The value of every key that no file sets. There is no source. */
void config_defaults(struct config *out);

/* The same for a source, without its name and host. */
void config_source_defaults(struct source_config *out);

#endif
