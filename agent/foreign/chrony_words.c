#include "agent/foreign/tables.h"

#define RTC_NOT                                                                \
	"leave it out: the agent does not read the RTC, and the kernel sets "  \
	"it"

/* Every directive of chrony.conf(5) and every option of a server there. */
/* clang-format off */
#define CHRONY_WORDS(X) \
X("server", DIRECTIVE, TAKEN, "write a section [source NAME] for each server; one without nts cannot be used", "a section [source NAME]; a server without nts becomes a comment") \
X("pool", DIRECTIVE, TAKEN, "write a section [pool NAME]", "a section [pool NAME]") \
X("nts", OPTION, TAKEN, "every source uses NTS; leave it out", "every source uses NTS") \
X("ntstrustedcerts", DIRECTIVE, TAKEN, "write trusted-certs in [nts]", "trusted-certs in [nts]; all sources share them") \
X("nosystemcert", DIRECTIVE, TAKEN, "write system-certs = no in [nts]", "system-certs = no in [nts]") \
X("ntsaeads", DIRECTIVE, TAKEN, "write aeads in [nts]", "aeads in [nts]") \
X("ntsdumpdir", DIRECTIVE, NEEDLESS, "write saved-keys in [nts]", "the agent keeps keys in its own folder, saved-keys in [nts]") \
X("ntscachedir", DIRECTIVE, NEEDLESS, "write saved-keys in [nts]", "the agent keeps keys in its own folder, saved-keys in [nts]") \
X("nocerttimecheck", DIRECTIVE, NEEDLESS, "see bootstrap in [clock]: the agent sets a wrong clock first and then checks all dates", "bootstrap in [clock]: the agent sets a wrong clock first and then checks all dates") \
X("certset", OPTION, LOST, "all sources share the trusted certificates of [nts]", NULL) \
X("rtcsync", DIRECTIVE, NEEDLESS, "leave it out: the kernel sets the RTC while the clock is synchronised", NULL) \
X("ntsrefresh", DIRECTIVE, NEEDLESS, "leave it out: the agent renews keys daily, and when the server needs it", NULL) \
X("maxntsretry", OPTION, NEEDLESS, "leave it out: the agent tries a key exchange again within minutes", NULL) \
X("allow", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("deny", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("local", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("manual", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("smoothtime", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("clientloglimit", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("ratelimit", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("ntsserverkey", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("ntsservercert", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("ntsprocesses", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("ntsrotate", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("peer", DIRECTIVE, LOST, "leave it out: the agent is only a client", NULL) \
X("refclock", DIRECTIVE, LOST, "reference clocks are not supported", NULL) \
X("hwtimestamp", DIRECTIVE, LOST, "hardware time stamps are not supported yet", NULL) \
X("xleave", OPTION, LOST, "interleaved mode is not supported yet", NULL) \
X("keyfile", DIRECTIVE, NEEDLESS, "symmetric keys are not supported: every source uses NTS", "symmetric keys are not supported: every source uses NTS") \
X("key", OPTION, LOST, "symmetric keys are not supported: every source uses NTS", NULL) \
X("maxslewrate", DIRECTIVE, TAKEN, "write max-slew in [clock]", "max-slew in [clock]") \
X("maxdrift", DIRECTIVE, TAKEN, "write max-drift in [clock]", "max-drift in [clock]") \
X("maxchange", DIRECTIVE, TAKEN, "write refuse-threshold = OFFSET START in [clock]", "refuse-threshold in [clock]; the agent does not end, it refuses the correction") \
X("maxclockerror", DIRECTIVE, TAKEN, "write max-clock-error in [clock]", "max-clock-error in [clock]") \
X("maxupdateskew", DIRECTIVE, NEEDLESS, "leave it out: the agent weighs an estimate by its uncertainty", NULL) \
X("burst", OPTION, NEEDLESS, "write iburst for a burst at the start; the agent decides on later ones", "the agent decides on bursts") \
X("minsamples", ANYWHERE, NEEDLESS, "leave it out: the agent weighs all its measurements", NULL) \
X("maxsamples", ANYWHERE, NEEDLESS, "leave it out: the agent weighs all its measurements", NULL) \
X("polltarget", OPTION, NEEDLESS, "leave it out: the agent chooses the poll interval by the uncertainty", NULL) \
X("filter", OPTION, NEEDLESS, "leave it out: the agent weighs every packet by its delay", NULL) \
X("offset", OPTION, TAKEN, "write asymmetry in [source NAME], minus twice the offset", "asymmetry in [source NAME], minus twice the offset") \
X("mindelay", OPTION, NEEDLESS, "leave it out: the agent learns the shortest delay", NULL) \
X("fallbackdrift", DIRECTIVE, NEEDLESS, "leave it out: the agent learns when the mean serves", NULL) \
X("combinelimit", DIRECTIVE, NEEDLESS, "leave it out: the agent combines the sources that help", NULL) \
X("reselectdist", DIRECTIVE, NEEDLESS, "leave it out: the selected source changes only for a clearly better one", NULL) \
X("stratumweight", DIRECTIVE, NEEDLESS, "leave it out: the root distance decides", NULL) \
X("maxdelaydevratio", OPTION, NEEDLESS, "leave it out: the agent weighs every packet by its delay", NULL) \
X("maxdelayquant", OPTION, NEEDLESS, "leave it out: the agent weighs every packet by its delay", NULL) \
X("cmdallow", DIRECTIVE, LOST, "leave it out: the status is only for this machine", NULL) \
X("cmddeny", DIRECTIVE, NEEDLESS, "leave it out: the status is only for this machine", NULL) \
X("bindcmdaddress", DIRECTIVE, NEEDLESS, "write status-socket in [agent]", "ntsctl uses status-socket in [agent]") \
X("cmdport", DIRECTIVE, NEEDLESS, "ntsctl uses status-socket in [agent]; other programs use ntsagent-cmdmon(8)", "ntsctl uses status-socket in [agent]; other programs use ntsagent-cmdmon(8)") \
X("logdir", DIRECTIVE, NEEDLESS, "write log-dir in [log]", "the agent has its own folder, log-dir in [log]") \
X("log", DIRECTIVE, TAKEN, "write measurements, statistics or tracking = yes in [log]", "measurements, statistics and tracking in [log]") \
X("dumpdir", DIRECTIVE, NEEDLESS, "write saved-keys in [nts]: its folder also keeps the measurements", "the agent keeps measurements in its own folder, saved-keys in [nts]") \
X("initstepslew", DIRECTIVE, TAKEN, "write makestep in [clock]", "makestep in [clock] for one update, unless the file has makestep") \
X("include", DIRECTIVE, TAKEN, "put more files into conf.d in the folder of the main file", "the files are read, too") \
X("confdir", DIRECTIVE, TAKEN, "put more files into conf.d in the folder of the main file", "the files *.conf of the folders are read, too") \
X("sourcedir", DIRECTIVE, TAKEN, "put sections [source NAME] into files *.conf of sources.d in the folder of the main file", "the files *.sources of the folders are read once; later files go into sources.d") \
X("port 0", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("authselectmode", DIRECTIVE, NEEDLESS, "leave it out: every source uses NTS", NULL) \
X("acquisitionport", DIRECTIVE, TAKEN, "write source-port in [agent] or [source NAME]", "source-port in [agent]") \
X("bindacqaddress", DIRECTIVE, TAKEN, "write bind-address in [agent] or [source NAME]", "bind-address in [agent]") \
X("bindacqdevice", DIRECTIVE, TAKEN, "write bind-device in [agent] or [source NAME]", "bind-device in [agent]") \
X("dscp", DIRECTIVE, TAKEN, NULL, "dscp in [agent]") \
X("maxunreach", ANYWHERE, NEEDLESS, "leave it out: a server that is silent loses its vote", NULL) \
X("refresh", DIRECTIVE, NEEDLESS, "leave it out: the agent looks a name up again when its server is silent", NULL) \
X("maxsources", OPTION, TAKEN, "write sources = NUMBER in [pool NAME]", "sources in [pool NAME]") \
X("clockprecision", DIRECTIVE, NEEDLESS, "leave it out: the agent measures how coarse the clock is", NULL) \
X("corrtimeratio", DIRECTIVE, NEEDLESS, "write max-slew in [clock], which limits a slew", "max-slew in [clock] limits a slew") \
X("tempcomp", DIRECTIVE, NEEDLESS, "leave it out: the agent follows the frequency by its measurements", NULL) \
X("presend", OPTION, NEEDLESS, "leave it out: the agent chooses the poll interval by the uncertainty", NULL) \
X("offline", OPTION, LOST, "leave it out, and give the order ntsctl offline", "give the order ntsctl offline") \
X("auto_offline", OPTION, LOST, "leave it out, and give the order ntsctl offline", "give the order ntsctl offline") \
X("version", OPTION, NEEDLESS, "leave it out: NTS needs NTP version 4", NULL) \
X("extfield", OPTION, NEEDLESS, "leave it out: the agent chooses the extension fields", NULL) \
X("copy", OPTION, NEEDLESS, "leave it out: the agent is only a client", NULL) \
X("bindaddress", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("binddevice", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("broadcast", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("noclientlog", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("ntpsigndsocket", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("maxntsconnections", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("ntsntpserver", DIRECTIVE, LOST, SERVES_NOT, NULL) \
X("ntsratelimit", DIRECTIVE, NEEDLESS, SERVES_NOT, NULL) \
X("ptpport", DIRECTIVE, LOST, "impossible here, because the agent does not send NTP over PTP", NULL) \
X("ptpdomain", DIRECTIVE, NEEDLESS, "impossible here, because the agent does not send NTP over PTP", NULL) \
X("bindcmddevice", DIRECTIVE, NEEDLESS, "leave it out: the status is only for this machine", NULL) \
X("cmdratelimit", DIRECTIVE, NEEDLESS, "leave it out: the status is only for this machine", NULL) \
X("opencommands", DIRECTIVE, NEEDLESS, "leave it out: the status is only for this machine", NULL) \
X("commandkey", DIRECTIVE, NEEDLESS, "leave it out: ntsctl needs no key", NULL) \
X("generatecommandkey", DIRECTIVE, NEEDLESS, "leave it out: ntsctl needs no key", NULL) \
X("hwclockfile", DIRECTIVE, NEEDLESS, RTC_NOT, NULL) \
X("rtcautotrim", DIRECTIVE, LOST, RTC_NOT, NULL) \
X("rtcdevice", DIRECTIVE, NEEDLESS, RTC_NOT, NULL) \
X("rtconutc", DIRECTIVE, NEEDLESS, RTC_NOT, NULL) \
X("rtcfile", DIRECTIVE, LOST, RTC_NOT, NULL) \
X("logbanner", DIRECTIVE, TAKEN, NULL, "the same in [log]") \
X("logchange", DIRECTIVE, NEEDLESS, "leave it out: the log has each step, and the larger slews as offsets", NULL) \
X("mailonchange", DIRECTIVE, LOST, "impossible here, because the agent sends no mail: watch the log, or ntsctl --json", NULL) \
X("hwtstimeout", DIRECTIVE, NEEDLESS, "hardware time stamps are not supported yet", NULL) \
X("maxtxbuffers", DIRECTIVE, NEEDLESS, "hardware time stamps are not supported yet", NULL) \
X("lock_all", DIRECTIVE, NEEDLESS, "leave it out: the agent locks the memory with its keys", NULL) \
X("sched_priority", DIRECTIVE, NEEDLESS, "leave it out: the kernel stamps the packets", NULL) \
X("dumponexit", DIRECTIVE, NEEDLESS, "leave it out: the agent saves its measurements by itself", NULL) \
X("linux_hz", DIRECTIVE, NEEDLESS, "leave it out: Linux does not need it any more", NULL) \
X("linux_freq_scale", DIRECTIVE, NEEDLESS, "leave it out: Linux does not need it any more", NULL) \
X("driftfile", DIRECTIVE, NEEDLESS, "leave it out: the agent keeps its own; its place is driftfile = FILE in [clock]", "the agent keeps its own drift file; --with-state takes over its contents") \
X("makestep", DIRECTIVE, TAKEN, NULL, "the same in [clock]; without it: makestep = no") \
X("maxdistance", DIRECTIVE, TAKEN, NULL, "the same in [clock]") \
X("maxjitter", DIRECTIVE, TAKEN, NULL, "the same in [clock]") \
X("minsources", DIRECTIVE, TAKEN, NULL, "the same in [clock]") \
X("minstratum", DIRECTIVE, TAKEN, NULL, "the same in [clock]") \
X("minstratum", OPTION, LOST, NULL, "mark the server noselect, or the others prefer") \
X("maxstratum", DIRECTIVE, TAKEN, NULL, "the same in [clock]") \
X("leapsecmode", DIRECTIVE, TAKEN, NULL, "the same in [clock]") \
X("leapsectz", DIRECTIVE, TAKEN, NULL, "the same in [clock], for TAI only") \
X("leapseclist", DIRECTIVE, TAKEN, NULL, "the same in [clock], for TAI only") \
X("user", DIRECTIVE, NEEDLESS, NULL, "the agent has its own user, user in [agent]") \
X("pidfile", DIRECTIVE, NEEDLESS, NULL, "systemd knows the process; else pidfile in [agent]") \
X("port", DIRECTIVE, NEEDLESS, "leave it out: the agent serves no time; the port of a server is port = NUMBER in [source NAME]", "the agent serves no time and opens no port") \
X("port", OPTION, TAKEN, NULL, "the same in [source NAME]") \
X("ntsport", DIRECTIVE, NEEDLESS, "leave it out: the agent serves no time; the port of a server is ntsport = NUMBER in [source NAME]", "the agent serves no time and opens no port") \
X("ntsport", OPTION, TAKEN, NULL, "the same in [source NAME]") \
X("ipv4", OPTION, TAKEN, NULL, "ipv4 = yes in [source NAME]") \
X("ipv6", OPTION, TAKEN, NULL, "ipv6 = yes in [source NAME]") \
X("iburst", OPTION, TAKEN, NULL, "iburst in [source NAME]; without it: iburst = no") \
X("minpoll", OPTION, TAKEN, NULL, "the same in [source NAME], from -4 to 17") \
X("maxpoll", OPTION, TAKEN, NULL, "the same in [source NAME], from -4 to 17") \
X("maxdelay", OPTION, TAKEN, NULL, "the same in [source NAME]") \
X("maxdelayratio", OPTION, TAKEN, NULL, "the same in [source NAME]") \
X("asymmetry", OPTION, NEEDLESS, NULL, "the agent learns the jitter; its key asymmetry is the offset of a path") \
X("prefer", OPTION, TAKEN, NULL, "prefer = yes in [source NAME]") \
X("noselect", OPTION, TAKEN, NULL, "noselect = yes in [source NAME]") \
X("trust", OPTION, TAKEN, NULL, "trust = yes in [source NAME]") \
X("require", OPTION, TAKEN, NULL, "require = yes in [source NAME]")

const struct foreign_advice chrony_advice[] = {
	CHRONY_WORDS(FOREIGN_ADVICE) {NULL, NULL}};
/* clang-format on */

FOREIGN_TABLES(chrony_words, chrony_reasons, CHRONY_WORDS)
