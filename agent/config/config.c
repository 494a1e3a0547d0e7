#include "agent/config/config.h"

void config_defaults(struct config *out)
{
	*out = (struct config){
	    .user = "ntsagent",
	    .status_socket = "/run/ntsagent/status.sock",
	    .driftfile = "/var/lib/ntsagent/drift",
	    .goodtime_file = "/var/lib/ntsagent/last-good-time",
	    .bootstrap = BOOTSTRAP_QUORUM,
	    .trust = {.system_certs = true},
	    .ke_timeout_ms = 10000,
	    .saved_keys = CONFIG_SAVED_KEYS,
	    .max_freq_ppm = 500,
	    .log_level = LOG_LEVEL_INFO,
	    .log_target = LOG_TO_STDERR,
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
