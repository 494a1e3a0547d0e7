#include "agent/config/config.h"

#include <string.h>

void config_defaults(struct config *out)
{
	*out = (struct config){
	    .user = "ntsagent",
	    .user_resolver = CONFIG_USER_RESOLVER,
	    .status_socket = "/run/ntsagent/status.sock",
	    .sandbox = CONFINEMENT_YES,
	    .leap_table = "/usr/share/zoneinfo/leap-seconds.list",
	    .driftfile = "/var/lib/ntsagent/drift",
	    .goodtime_file = "/var/lib/ntsagent/last-good-time",
	    .bootstrap = BOOTSTRAP_QUORUM,
	    .trust = {.system_certs = true},
	    .ke_timeout_ms = 10000,
	    .saved_keys = CONFIG_SAVED_KEYS,
	    .max_freq_ppm = 100000,
	    .log_level = LOG_LEVEL_INFO,
	    .log_target = LOG_TO_STDERR,
	    .log_folder = "/var/log/ntsagent",
	    .log_banner = 32,
	    .steering =
		{
		    .makestep_threshold_ns = 100 * NS_PER_MS,
		    .makestep_updates = 3,
		    .max_slew_ppm = 50000,
		    .refuse_threshold_ns = 1000 * NS_PER_S,
		    .refuse_start = REFUSE_START,
		    .max_distance_ns = 3 * NS_PER_S,
		    .max_jitter_ns = NS_PER_S,
		    .max_stratum = 15,
		    .min_sources = 1,
		},
	};
}

void config_source_defaults(struct source_config *out)
{
	*out = (struct source_config){
	    .ke_port = KE_PORT,
	    .iburst = true,
	    .minpoll = POLL_AUTO,
	    .maxpoll = POLL_AUTO,
	    .max_delay_ns = 3 * NS_PER_S,
	};
}

const struct source_config *config_find_source(
    const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->source_count; i++)
		if (strcmp(c->sources[i].name, name) == 0)
			return &c->sources[i];
	return NULL;
}

size_t config_pool_len(const struct source_config *s)
{
	return s->member > 0 ? strcspn(s->name, "#") : 0;
}

bool config_source_is(const struct source_config *s, const char *name)
{
	size_t len = config_pool_len(s);

	return strcmp(s->name, name) == 0 ||
	       (len > 0 && strlen(name) == len &&
		   strncmp(s->name, name, len) == 0);
}

bool config_same_pool(
    const struct source_config *a, const struct source_config *b)
{
	size_t len = config_pool_len(a);

	return len > 0 && len == config_pool_len(b) &&
	       strncmp(a->name, b->name, len) == 0;
}

unsigned config_binds(const struct config *config)
{
	unsigned needs = 0;

	for (unsigned i = 0; i < config->source_count; i++)
		needs |= binding_needs(&config->sources[i].binding);
	return needs;
}
