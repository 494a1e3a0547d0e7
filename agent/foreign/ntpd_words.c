#include "agent/foreign/tables.h"

#define OWN_FILES "the agent has its own files and folders"
#define KEYS_NOT "symmetric keys are not supported: every source uses NTS"
#define LEARNED "the agent learns this by itself"
#define ONLY_CLIENT "the agent is only a client"

/* ntp.conf(5) of NTPsec, words that only ntpd has, and ntpd.conf(5) of
 * OpenNTPD. A word of two parts is a
 * directive and its first argument. */
/* clang-format off */
#define NTPD_WORDS(X) \
X("server", DIRECTIVE, TAKEN, NULL, "a section [source NAME]; a server without nts becomes a comment") \
X("pool", DIRECTIVE, TAKEN, NULL, "a section [pool NAME]; a pool without nts becomes a comment") \
X("peer", DIRECTIVE, LOST, NULL, ONLY_CLIENT) \
X("broadcast", DIRECTIVE, LOST, NULL, ONLY_CLIENT) \
X("broadcastclient", DIRECTIVE, LOST, NULL, "every source uses NTS, and broadcast has none") \
X("manycastclient", DIRECTIVE, LOST, NULL, "write a section [source NAME] for each server") \
X("manycastserver", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("multicastclient", DIRECTIVE, LOST, NULL, "every source uses NTS, and multicast has none") \
X("unpeer", DIRECTIVE, LOST, NULL, "remove the section [source NAME]") \
X("refclock", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("fudge", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("phone", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("nts ca", DIRECTIVE, TAKEN, NULL, "trusted-certs in [nts]") \
X("nts aead", DIRECTIVE, TAKEN, NULL, "aeads in [nts]") \
X("nts cert", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("nts key", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("nts cookie", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("nts port", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("nts enable", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("nts disable", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("nts mintls", DIRECTIVE, NEEDLESS, NULL, "the agent uses TLS 1.3") \
X("nts maxtls", DIRECTIVE, NEEDLESS, NULL, "the agent uses TLS 1.3") \
X("nts tlsciphersuites", DIRECTIVE, LOST, NULL, "the agent takes the suites of the OpenSSL library") \
X("nts tlscipherserverpreference", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("nts tlsecdhcurves", DIRECTIVE, LOST, NULL, "the agent takes the groups of the OpenSSL library") \
X("driftfile", DIRECTIVE, NEEDLESS, NULL, "the agent keeps its own drift file; --with-state takes over its contents") \
X("leapfile", DIRECTIVE, TAKEN, NULL, "leapseclist in [clock], for TAI only") \
X("leapsmearinterval", DIRECTIVE, LOST, NULL, "leapsecmode in [clock] says what happens at a leap second") \
X("includefile", DIRECTIVE, TAKEN, NULL, "the file is read, too") \
X("tinker panic", DIRECTIVE, TAKEN, NULL, "refuse-threshold in [clock]; the agent does not end, it refuses the correction") \
X("tinker step", DIRECTIVE, TAKEN, NULL, "makestep in [clock], for the first three updates; later offsets are slewed") \
X("tinker stepfwd", DIRECTIVE, LOST, NULL, "makestep in [clock] has one threshold for both directions") \
X("tinker stepback", DIRECTIVE, LOST, NULL, "makestep in [clock] has one threshold for both directions") \
X("tinker stepout", DIRECTIVE, NEEDLESS, NULL, LEARNED) \
X("tinker allan", DIRECTIVE, NEEDLESS, NULL, LEARNED) \
X("tinker dispersion", DIRECTIVE, LOST, NULL, "max-clock-error in [clock] says how fast the bound grows") \
X("tinker freq", DIRECTIVE, NEEDLESS, NULL, LEARNED) \
X("tinker huffpuff", DIRECTIVE, NEEDLESS, NULL, "the agent weighs every packet by its delay") \
X("tos minsane", DIRECTIVE, TAKEN, NULL, "minsources in [clock]") \
X("tos maxdist", DIRECTIVE, TAKEN, NULL, "maxdistance in [clock]") \
X("tos floor", DIRECTIVE, TAKEN, NULL, "minstratum in [clock]") \
X("tos ceiling", DIRECTIVE, TAKEN, NULL, "maxstratum in [clock], one less") \
X("tos minclock", DIRECTIVE, NEEDLESS, NULL, "the agent combines the sources that help") \
X("tos maxclock", DIRECTIVE, NEEDLESS, NULL, "sources in [pool NAME] says how many servers of a pool are used") \
X("tos mindist", DIRECTIVE, NEEDLESS, NULL, "the agent compares the sources by their root distances") \
X("tos mindisp", DIRECTIVE, NEEDLESS, NULL, "the agent compares the sources by their root distances") \
X("tos cohort", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("tos orphan", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("tos orphanwait", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("tos bcpollbstep", DIRECTIVE, NEEDLESS, NULL, ONLY_CLIENT) \
X("tos beacon", DIRECTIVE, NEEDLESS, NULL, ONLY_CLIENT) \
X("restrict", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("unrestrict", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("discard", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("limit", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("mru", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("interface", DIRECTIVE, LOST, NULL, "bind-address and bind-device in [agent] say where requests leave") \
X("nic", DIRECTIVE, LOST, NULL, "bind-address and bind-device in [agent] say where requests leave") \
X("extra", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("dscp", DIRECTIVE, LOST, NULL, "write dscp in [agent]") \
X("ttl", DIRECTIVE, NEEDLESS, NULL, ONLY_CLIENT) \
X("ntpsigndsocket", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("keys", DIRECTIVE, NEEDLESS, NULL, KEYS_NOT) \
X("keysdir", DIRECTIVE, NEEDLESS, NULL, KEYS_NOT) \
X("trustedkey", DIRECTIVE, NEEDLESS, NULL, KEYS_NOT) \
X("controlkey", DIRECTIVE, NEEDLESS, NULL, "ntsctl needs no key") \
X("requestkey", DIRECTIVE, NEEDLESS, NULL, "ntsctl needs no key") \
X("crypto", DIRECTIVE, LOST, NULL, "Autokey is not supported: every source uses NTS") \
X("autokey", DIRECTIVE, LOST, NULL, "Autokey is not supported: every source uses NTS") \
X("revoke", DIRECTIVE, NEEDLESS, NULL, "Autokey is not supported: every source uses NTS") \
X("enable", DIRECTIVE, NEEDLESS, NULL, "the agent has no such switches") \
X("disable", DIRECTIVE, NEEDLESS, NULL, "the agent has no such switches; ntsagentd --no-clock only measures") \
X("statistics", DIRECTIVE, LOST, NULL, "measurements, statistics and tracking in [log] have chronyd's columns, not ntpd's") \
X("statsdir", DIRECTIVE, NEEDLESS, NULL, OWN_FILES) \
X("filegen", DIRECTIVE, NEEDLESS, NULL, OWN_FILES) \
X("logfile", DIRECTIVE, LOST, NULL, "target in [log] says where the log goes") \
X("logconfig", DIRECTIVE, NEEDLESS, NULL, "level in [log] says what is logged") \
X("pidfile", DIRECTIVE, NEEDLESS, NULL, "systemd knows the process; else pidfile in [agent]") \
X("saveconfigdir", DIRECTIVE, NEEDLESS, NULL, OWN_FILES) \
X("rlimit", DIRECTIVE, NEEDLESS, NULL, "the agent locks the memory with its keys") \
X("setvar", DIRECTIVE, NEEDLESS, NULL, "ntsctl --json shows the variables") \
X("trap", DIRECTIVE, LOST, NULL, "the agent sends no messages") \
X("mdnstries", DIRECTIVE, NEEDLESS, NULL, SERVES_NOT) \
X("reset", DIRECTIVE, NEEDLESS, NULL, "the agent's counters are never reset") \
X("servers", DIRECTIVE, TAKEN, NULL, "a comment: OpenNTPD has no NTS") \
X("sensor", DIRECTIVE, LOST, NULL, "reference clocks are not supported") \
X("constraint", DIRECTIVE, NEEDLESS, NULL, "NTS authenticates each server") \
X("constraints", DIRECTIVE, NEEDLESS, NULL, "NTS authenticates each server") \
X("query", DIRECTIVE, LOST, NULL, "bind-address and bind-device in [agent] say where requests leave") \
X("listen", DIRECTIVE, LOST, NULL, SERVES_NOT) \
X("nts", OPTION, TAKEN, NULL, "every source uses NTS") \
X("ca", OPTION, TAKEN, NULL, "trusted-certs in [nts]; all sources share them") \
X("cert", OPTION, LOST, NULL, "the agent shows no certificate of its own") \
X("noval", OPTION, LOST, NULL, "the agent always checks the certificate of a server") \
X("ask", OPTION, LOST, NULL, "the server of the key exchange chooses the server for NTP") \
X("require", OPTION, LOST, NULL, "the server of the key exchange chooses the server for NTP") \
X("aead", OPTION, NEEDLESS, NULL, "the agent offers all algorithms; aeads in [nts]") \
X("minpoll", OPTION, TAKEN, NULL, "the same in [source NAME], from -4 to 17") \
X("maxpoll", OPTION, TAKEN, NULL, "the same in [source NAME], from -4 to 17") \
X("iburst", OPTION, TAKEN, NULL, "iburst in [source NAME]; without it: iburst = no") \
X("burst", OPTION, NEEDLESS, NULL, "the agent decides on bursts") \
X("prefer", OPTION, TAKEN, NULL, "prefer = yes in [source NAME]") \
X("noselect", OPTION, TAKEN, NULL, "noselect = yes in [source NAME]") \
X("true", OPTION, LOST, NULL, "no server is right by decree; trust in [source NAME] gives it the vote") \
X("preempt", OPTION, NEEDLESS, NULL, "the agent keeps all configured sources") \
X("key", OPTION, LOST, NULL, KEYS_NOT) \
X("autokey", OPTION, LOST, NULL, "Autokey is not supported: every source uses NTS") \
X("version", OPTION, NEEDLESS, NULL, "NTS needs NTP version 4") \
X("mode", OPTION, NEEDLESS, NULL, "reference clocks are not supported") \
X("bias", OPTION, LOST, NULL, "asymmetry in [source NAME], once you have measured the path") \
X("xleave", OPTION, LOST, NULL, "interleaved mode is not supported yet") \
X("ttl", OPTION, NEEDLESS, NULL, ONLY_CLIENT)
/* clang-format on */

FOREIGN_TABLES(ntpd_words, ntpd_reasons, NTPD_WORDS)
