/*
 * The configuration as one value: the files of /etc/ntsagent after they were
 * read and judged (agent/config/load.h). A reload makes a new value of it.
 */
#ifndef AGENT_CONFIG_CONFIG_H
#define AGENT_CONFIG_CONFIG_H

#include "base/limits.h"
#include "base/log.h"
#include "clock/steering/steering.h"
#include "resolver/binding.h"
#include "resolver/job.h"

/* The build may name another folder (CONFDIR of the Makefile). */
#ifndef NTSAGENT_CONFDIR
#define NTSAGENT_CONFDIR "/etc/ntsagent"
#endif
#define CONFIG_DEFAULT_PATH NTSAGENT_CONFDIR "/ntsagent.conf"
#define CONFIG_SAVED_KEYS "/var/lib/ntsagent/keys"
#define CONFIG_USER_RESOLVER "ntsagent-resolver"
/* So many updates have no refuse-threshold, if no number is configured. */
#define REFUSE_START 1
/* minpoll or maxpoll that is not configured: the agent chooses by the path. */
#define POLL_AUTO 127
/* The range of a configured minpoll or maxpoll, in log2 seconds. */
#define POLL_LOG2_MIN (-4)
#define POLL_LOG2_MAX 17
/* So many files of sources.d that are not used are shown with their error. */
#define UNUSED_FILES_SHOWN 4
#define UNUSED_FILE_TEXT_MAX 512

/* Which servers may set a clock that is too wrong to check certificates by. */
enum bootstrap_policy {
	BOOTSTRAP_OFF,	  /* none */
	BOOTSTRAP_QUORUM, /* a majority of independent servers */
	BOOTSTRAP_SINGLE, /* one server, if no other one answers */
};

/* How far the processes are confined (agent/host/sandbox). */
enum confinement {
	CONFINEMENT_YES, /* as far as the kernel can */
	CONFINEMENT_LOG, /* nothing is denied; the kernel logs it */
	CONFINEMENT_NO,
	CONFINEMENT_REQUIRE, /* no start on a kernel that lacks a part */
};

struct source_config {
	/* [source NAME], or NAME#1, NAME#2... of [pool NAME] */
	char name[SOURCE_NAME_MAX];
	char host[HOST_MAX]; /* host; NAME if it is not configured */
	/* srv: the key servers are those of the SRV records of `host`. */
	bool srv;
	bool dropped;	   /* from a file of sources.d */
	unsigned member;   /* which source of its pool, from 1; 0: no pool */
	uint16_t ke_port;  /* ntsport */
	uint16_t ntp_port; /* port; 0: the usual one. A negotiated
			      port overrides both. */
	enum family_choice family; /* from ipv4 and ipv6 */
	/* bind-address, bind-device, source-port, dscp: those of the source,
	 * or else those of [agent] */
	struct binding binding;
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
	/* Of resolver and jobs. The default need not exist. */
	char user_resolver[64];
	char status_socket[FILE_PATH_MAX]; /* "" for `none` */
	char pidfile[FILE_PATH_MAX];	   /* "" for `none` */
	enum confinement sandbox;
	/* [nts] */
	struct trust_config trust;
	uint32_t ke_timeout_ms;
	char saved_keys[FILE_PATH_MAX]; /* a folder; "" for `none` */
	/* [clock] */
	struct steering_config steering;
	double max_freq_ppm;		   /* max-drift */
	char driftfile[FILE_PATH_MAX];	   /* "" for `none` */
	char goodtime_file[FILE_PATH_MAX]; /* "" for `none` */
	char leap_table[FILE_PATH_MAX];	   /* leapseclist; "" for `none` */
	char leap_zone[FILE_PATH_MAX]; /* leapsectz, its file; "" for `none`;
					  else it is used, not leap_table */
	enum bootstrap_policy bootstrap;
	/* [log] */
	enum log_level log_level;
	enum log_target log_target;
	/* The files of measurements; their folder; so many lines between two
	 * banners, 0: no banner. */
	bool log_measurements, log_statistics, log_tracking;
	char log_folder[FILE_PATH_MAX]; /* log-dir; "" for `none` */
	unsigned log_banner;		/* logbanner */
	/* What [agent] says for all sources; each has it in its own binding. */
	struct binding binding;
	/* Files of sources.d that have an error, so that their sources are not
	 * used; the first ones as "FILE:LINE: what is wrong". */
	unsigned unused_file_count;
	char unused_files[UNUSED_FILES_SHOWN][UNUSED_FILE_TEXT_MAX];
	/* [source NAME] and [pool NAME] */
	unsigned source_count;
	struct source_config sources[SOURCES_MAX];
};

/* The value of every key that no file sets. There is no source. */
void config_defaults(struct config *out);

/* The same for a source, without its name and host. */
void config_source_defaults(struct source_config *out);

/* The source of this name; NULL: there is none. */
const struct source_config *config_find_source(
    const struct config *c, const char *name);

/* Is this the source of that name, or one of the pool of that name? */
bool config_source_is(const struct source_config *s, const char *name);

/* Do both come from one [pool NAME]? */
bool config_same_pool(
    const struct source_config *a, const struct source_config *b);

/* The length of the name of the pool in the name of its source; 0: it is in no
 * pool. */
size_t config_pool_len(const struct source_config *s);

/* What the bindings of all sources need: BINDING_NEEDS_... */
unsigned config_binds(const struct config *config);

#endif
