#include "agent/foreign/tables.h"

#define CLIENT "the agent serves no time and opens no port"

/* ntp.toml(5). A word with a dot at its end stands for all words that begin
 * with it. */
/* clang-format off */
#define NO_LIMIT "refuse-threshold in [clock] limits each correction, and the agent has a daily budget of steps"
#define NTPD_RS_WORDS(X) \
X("source.mode", DIRECTIVE, TAKEN, NULL, "nts: a section [source NAME]; nts-pool: a section [pool NAME]; server and pool: a comment") \
X("source.address", DIRECTIVE, TAKEN, NULL, "the name of the section, and ntsport in [source NAME]") \
X("source.certificate-authority", DIRECTIVE, TAKEN, NULL, "trusted-certs in [nts]; all sources share them") \
X("source.poll-interval-limits.min", DIRECTIVE, TAKEN, NULL, "minpoll in [source NAME]") \
X("source.poll-interval-limits.max", DIRECTIVE, TAKEN, NULL, "maxpoll in [source NAME]") \
X("source.initial-poll-interval", DIRECTIVE, NEEDLESS, NULL, "the agent begins with a burst") \
X("source.count", DIRECTIVE, TAKEN, NULL, "sources in [pool NAME]; a pool without NTS becomes a comment") \
X("source.ignore", DIRECTIVE, LOST, NULL, "write a section [source NAME] for each server that you want, instead of the pool") \
X("source.ntp-version", DIRECTIVE, NEEDLESS, NULL, "NTS needs NTP version 4") \
X("source.path", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("source.precision", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("source.accuracy", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("source.period", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("source-defaults.poll-interval-limits.min", DIRECTIVE, TAKEN, NULL, "minpoll in each [source NAME]") \
X("source-defaults.poll-interval-limits.max", DIRECTIVE, TAKEN, NULL, "maxpoll in each [source NAME]") \
X("source-defaults.initial-poll-interval", DIRECTIVE, NEEDLESS, NULL, "the agent begins with a burst") \
X("synchronization.minimum-agreeing-sources", DIRECTIVE, TAKEN, NULL, "minsources in [clock]") \
X("synchronization.single-step-panic-threshold", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock]; the agent does not end, it refuses the correction") \
X("synchronization.single-step-panic-threshold.forward", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock], the smaller of both directions") \
X("synchronization.single-step-panic-threshold.backward", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock], the smaller of both directions") \
X("synchronization.startup-step-panic-threshold", DIRECTIVE, LOST, NULL, "bootstrap in [clock] has the rules for a wrong clock at the start") \
X("synchronization.startup-step-panic-threshold.", DIRECTIVE, LOST, NULL, "bootstrap in [clock] has the rules for a wrong clock at the start") \
X("synchronization.accumulated-step-panic-threshold", DIRECTIVE, LOST, NULL, NO_LIMIT) \
X("synchronization.accumulated-step-panic-threshold.", DIRECTIVE, LOST, NULL, NO_LIMIT) \
X("synchronization.local-stratum", DIRECTIVE, NEEDLESS, NULL, CLIENT) \
X("synchronization.algorithm.", DIRECTIVE, NEEDLESS, NULL, "the agent learns this by itself") \
X("synchronization.", DIRECTIVE, LOST, NULL, "the agent learns what it needs, and [clock] has the limits") \
X("observability.log-level", DIRECTIVE, TAKEN, NULL, "level in [log]") \
X("observability.", DIRECTIVE, NEEDLESS, NULL, "ntsctl uses status-socket in [agent]") \
X("server.", DIRECTIVE, LOST, NULL, CLIENT) \
X("nts-ke-server.", DIRECTIVE, LOST, NULL, CLIENT) \
X("keyset.", DIRECTIVE, NEEDLESS, NULL, CLIENT)
/* clang-format on */

FOREIGN_TABLES(ntpd_rs_words, ntpd_rs_reasons, NTPD_RS_WORDS)
