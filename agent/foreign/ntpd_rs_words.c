#include "agent/foreign/tables.h"

#define CLIENT "the agent serves no time and opens no port"
#define NO_LIMIT                                                               \
	"refuse-threshold in [clock] limits each correction, and the agent "   \
	"has a daily budget of steps"

/* ntp.toml(5). A word with a dot at its end stands for all words that begin
 * with it. */
/* clang-format off */
const struct foreign_word ntpd_rs_words[] = {
{"source.mode", DIRECTIVE, TAKEN, NULL, "nts: a section [source NAME]; nts-pool: a section [pool NAME]; server and pool: a comment"},
{"source.address", DIRECTIVE, TAKEN, NULL, "the name of the section, and ntsport in [source NAME]"},
{"source.certificate-authority", DIRECTIVE, TAKEN, NULL, "trusted-certs in [nts]; all sources share them"},
{"source.poll-interval-limits.min", DIRECTIVE, TAKEN, NULL, "minpoll in [source NAME]"},
{"source.poll-interval-limits.max", DIRECTIVE, TAKEN, NULL, "maxpoll in [source NAME]"},
{"source.initial-poll-interval", DIRECTIVE, NEEDLESS, NULL, "the agent begins with a burst"},
{"source.count", DIRECTIVE, TAKEN, NULL, "sources in [pool NAME]; a pool without NTS becomes a comment"},
{"source.ignore", DIRECTIVE, LOST, NULL, "write a section [source NAME] for each server that you want, instead of the pool"},
{"source.ntp-version", DIRECTIVE, NEEDLESS, NULL, "NTS needs NTP version 4"},
{"source.path", DIRECTIVE, LOST, NULL, "reference clocks are not supported"},
{"source.precision", DIRECTIVE, LOST, NULL, "reference clocks are not supported"},
{"source.accuracy", DIRECTIVE, LOST, NULL, "reference clocks are not supported"},
{"source.period", DIRECTIVE, LOST, NULL, "reference clocks are not supported"},
{"source-defaults.poll-interval-limits.min", DIRECTIVE, TAKEN, NULL, "minpoll in each [source NAME]"},
{"source-defaults.poll-interval-limits.max", DIRECTIVE, TAKEN, NULL, "maxpoll in each [source NAME]"},
{"source-defaults.initial-poll-interval", DIRECTIVE, NEEDLESS, NULL, "the agent begins with a burst"},
{"synchronization.minimum-agreeing-sources", DIRECTIVE, TAKEN, NULL, "minsources in [clock]"},
{"synchronization.single-step-panic-threshold", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock]; the agent does not end, it refuses the correction"},
{"synchronization.single-step-panic-threshold.forward", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock], the smaller of both directions"},
{"synchronization.single-step-panic-threshold.backward", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock], the smaller of both directions"},
{"synchronization.startup-step-panic-threshold", DIRECTIVE, LOST, NULL, "bootstrap in [clock] has the rules for a wrong clock at the start"},
{"synchronization.startup-step-panic-threshold.", DIRECTIVE, LOST, NULL, "bootstrap in [clock] has the rules for a wrong clock at the start"},
{"synchronization.accumulated-step-panic-threshold", DIRECTIVE, LOST, NULL, NO_LIMIT},
{"synchronization.accumulated-step-panic-threshold.", DIRECTIVE, LOST, NULL, NO_LIMIT},
{"synchronization.local-stratum", DIRECTIVE, NEEDLESS, NULL, CLIENT},
{"synchronization.algorithm.", DIRECTIVE, NEEDLESS, NULL, "the agent learns this by itself"},
{"synchronization.", DIRECTIVE, LOST, NULL, "the agent learns what it needs, and [clock] has the limits"},
{"observability.log-level", DIRECTIVE, TAKEN, NULL, "level in [log]"},
{"observability.", DIRECTIVE, NEEDLESS, NULL, "ntsctl uses status-socket in [agent]"},
{"server.", DIRECTIVE, LOST, NULL, CLIENT},
{"nts-ke-server.", DIRECTIVE, LOST, NULL, CLIENT},
{"keyset.", DIRECTIVE, NEEDLESS, NULL, CLIENT},
{NULL, ANYWHERE, LOST, NULL, NULL},
};
/* clang-format on */
