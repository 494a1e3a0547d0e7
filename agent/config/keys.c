#include "agent/config/keys.h"

#include "agent/config/values.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static void *field(const struct config_key *key, void *target)
{
	return (char *)target + key->offset;
}

static bool set_bool(
    const struct config_key *key, const char *value, void *target)
{
	return value_bool(value, field(key, target));
}

static bool set_text(
    const struct config_key *key, const char *value, void *target)
{
	return value_text(value, field(key, target), key->size);
}

static bool set_host(
    const struct config_key *key, const char *value, void *target)
{
	return value_host(value, field(key, target), key->size);
}

/* ipv4 and ipv6 are judged together, after both are known. */
static bool set_said(
    const struct config_key *key, const char *value, void *target)
{
	bool yes;

	if (!value_bool(value, &yes))
		return false;
	*(enum said *)field(key, target) = yes ? SAID_YES : SAID_NO;
	return true;
}

/* An absolute path, or `none`. */
static bool set_path(
    const struct config_key *key, const char *value, void *target)
{
	char *path = field(key, target);

	if (strcmp(value, "none") == 0) {
		path[0] = '\0';
		return true;
	}
	return value[0] == '/' && value_text(value, path, key->size);
}

/* bind(2) takes shorter paths than open(2). */
static bool set_socket(
    const struct config_key *key, const char *value, void *target)
{
	struct sockaddr_un address;

	return strlen(value) < sizeof(address.sun_path) &&
	       set_path(key, value, target);
}

static bool set_port(
    const struct config_key *key, const char *value, void *target)
{
	int64_t port;

	if (!value_integer(value, 1, UINT16_MAX, &port))
		return false;
	*(uint16_t *)field(key, target) = (uint16_t)port;
	return true;
}

static bool set_count(
    const struct config_key *key, const char *value, void *target)
{
	int64_t n;

	if (!value_integer(value, (int64_t)key->min, (int64_t)key->max, &n))
		return false;
	*(unsigned *)field(key, target) = (unsigned)n;
	return true;
}

static bool set_poll(
    const struct config_key *key, const char *value, void *target)
{
	return value_poll(value, field(key, target));
}

static bool set_duration(
    const struct config_key *key, const char *value, void *target)
{
	return value_duration(value, (int64_t)(key->min * 1e9),
	    (int64_t)(key->max * 1e9), field(key, target));
}

/* A duration, or `no` for no limit, which is stored as 0. */
static bool set_limit(
    const struct config_key *key, const char *value, void *target)
{
	if (strcasecmp(value, "no") == 0) {
		*(int64_t *)field(key, target) = 0;
		return true;
	}
	return set_duration(key, value, target);
}

static bool set_timeout_ms(
    const struct config_key *key, const char *value, void *target)
{
	int64_t ns;

	if (!value_duration(value, (int64_t)(key->min * 1e9),
		(int64_t)(key->max * 1e9), &ns))
		return false;
	*(uint32_t *)field(key, target) = (uint32_t)(ns / NS_PER_MS);
	return true;
}

static bool set_ppm(
    const struct config_key *key, const char *value, void *target)
{
	return value_ppm(value, key->min, key->max, field(key, target));
}

/* A frequency, or `auto`, which is stored as 0. */
static bool set_drift(
    const struct config_key *key, const char *value, void *target)
{
	if (strcasecmp(value, "auto") == 0) {
		*(double *)field(key, target) = 0;
		return true;
	}
	return set_ppm(key, value, target);
}

/* A number, or `no` for no limit, which is stored as 0. */
static bool set_ratio(
    const struct config_key *key, const char *value, void *target)
{
	if (strcasecmp(value, "no") == 0) {
		*(double *)field(key, target) = 0;
		return true;
	}
	return value_number(value, key->min, key->max, field(key, target));
}

/* "0.1s 3": a threshold and a number of updates (-1: all); or `no`. */
static bool set_makestep(
    const struct config_key *key, const char *value, void *target)
{
	struct steering_config *s = field(key, target);
	char threshold[32], updates[32], more[2];
	int64_t ns, n;

	if (strcasecmp(value, "no") == 0) {
		s->makestep_updates = 0;
		return true;
	}
	if (value_word(&value, threshold, sizeof(threshold)) >=
		sizeof(threshold) ||
	    value_word(&value, updates, sizeof(updates)) >= sizeof(updates) ||
	    value_word(&value, more, sizeof(more)) > 0)
		return false;
	if (!value_duration(threshold, 1, 1000000 * NS_PER_S, &ns) ||
	    !value_integer(updates, -1, 1000000, &n))
		return false;
	s->makestep_threshold_ns = ns;
	s->makestep_updates = (int)n;
	return true;
}

/* "1000s 1": a threshold and the updates before it holds; or `no`. */
static bool set_refusal(
    const struct config_key *key, const char *value, void *target)
{
	struct steering_config *s = field(key, target);
	char threshold[32], start[32], more[2];
	int64_t ns, n = REFUSE_START;
	size_t len;

	if (strcasecmp(value, "no") == 0) {
		s->refuse_threshold_ns = 0;
		return true;
	}
	if (value_word(&value, threshold, sizeof(threshold)) >=
	    sizeof(threshold))
		return false;
	len = value_word(&value, start, sizeof(start));
	if (len >= sizeof(start) ||
	    (len > 0 && !value_integer(start, 0, 1000000, &n)) ||
	    value_word(&value, more, sizeof(more)) > 0 ||
	    !value_duration(threshold, (int64_t)(key->min * 1e9),
		(int64_t)(key->max * 1e9), &ns))
		return false;
	s->refuse_threshold_ns = ns;
	s->refuse_start = (unsigned)n;
	return true;
}

static bool set_trusted_certs(
    const struct config_key *key, const char *value, void *target)
{
	struct trust_config *trust = field(key, target);
	char path[FILE_PATH_MAX];
	unsigned words = 0;
	size_t len;

	while ((len = value_word(&value, path, sizeof(path))) > 0) {
		if (len >= sizeof(path) || path[0] != '/' ||
		    trust->path_count == TRUST_PATHS_MAX ||
		    !value_text(
			path, trust->paths[trust->path_count], FILE_PATH_MAX))
			return false;
		trust->path_count++;
		words++;
	}
	return words > 0;
}

static bool set_aeads(
    const struct config_key *key, const char *value, void *target)
{
	struct trust_config *trust = field(key, target);
	char word[8];
	size_t len;
	int64_t id;

	trust->aead_count = 0;
	while ((len = value_word(&value, word, sizeof(word))) > 0) {
		if (len >= sizeof(word) ||
		    !value_integer(word, 1, UINT16_MAX, &id) ||
		    aead_key_len((enum aead_id)id) == 0 ||
		    trust->aead_count == AEAD_COUNT)
			return false;
		for (unsigned i = 0; i < trust->aead_count; i++)
			if (trust->aeads[i] == (enum aead_id)id)
				return false;
		trust->aeads[trust->aead_count++] = (enum aead_id)id;
	}
	return trust->aead_count > 0;
}

static bool set_bootstrap(
    const struct config_key *key, const char *value, void *target)
{
	static const char *const words[] = {
	    [BOOTSTRAP_OFF] = "off",
	    [BOOTSTRAP_QUORUM] = "quorum",
	    [BOOTSTRAP_SINGLE] = "single",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i]) != 0)
			continue;
		*(enum bootstrap_policy *)field(key, target) =
		    (enum bootstrap_policy)i;
		return true;
	}
	return false;
}

static bool set_leap_mode(
    const struct config_key *key, const char *value, void *target)
{
	enum leap_mode *out = field(key, target);

	if (strcasecmp(value, "system") == 0)
		*out = LEAP_MODE_SYSTEM;
	else if (strcasecmp(value, "ignore") == 0)
		*out = LEAP_MODE_IGNORE;
	else
		return false;
	return true;
}

static bool set_level(
    const struct config_key *key, const char *value, void *target)
{
	static const struct {
		const char *word;
		enum log_level level;
	} words[] = {
	    {"error", LOG_LEVEL_ERROR},
	    {"warning", LOG_LEVEL_WARNING},
	    {"notice", LOG_LEVEL_NOTICE},
	    {"info", LOG_LEVEL_INFO},
	    {"debug", LOG_LEVEL_DEBUG},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i].word) != 0)
			continue;
		*(enum log_level *)field(key, target) = words[i].level;
		return true;
	}
	return false;
}

static bool set_target(
    const struct config_key *key, const char *value, void *target)
{
	enum log_target *out = field(key, target);

	if (strcasecmp(value, "stderr") == 0)
		*out = LOG_TO_STDERR;
	else if (strcasecmp(value, "syslog") == 0)
		*out = LOG_TO_SYSLOG;
	else
		return false;
	return true;
}

/*
 * The part of a row that says where the value goes: the function that sets it,
 * and the struct, offset and size of the field. Does not compile if the type
 * of the field is not the one that the function writes.
 */
#define STRUCT_OF_CONFIG struct config
#define STRUCT_OF_SOURCE struct source_config
#define STRUCT_OF_DRAFT struct source_draft
#define MEMBER(of, member) (((STRUCT_OF_##of *)0)->member)
#define FIELD(set, type, of, member)                                           \
	set, KEY_OF_##of,                                                      \
	    offsetof(STRUCT_OF_##of, member) * HAS_TYPE(of, member, type),     \
	    sizeof(MEMBER(of, member))
/* 1, with a check at compile time. */
#define HAS_TYPE(of, member, type)                                             \
	sizeof(struct {                                                        \
		static_assert(                                                 \
		    _Generic(MEMBER(of, member), type : 1, default : 0),       \
		    #member " has another type");                              \
		char one;                                                      \
	})

#define TEXT(of, member) FIELD(set_text, char *, of, member)
#define HOST(of, member) FIELD(set_host, char *, of, member)
#define PATH(of, member) FIELD(set_path, char *, of, member)
#define SOCKET(of, member) FIELD(set_socket, char *, of, member)
#define BOOL(of, member) FIELD(set_bool, bool, of, member)
#define SAID(of, member) FIELD(set_said, enum said, of, member)
#define PORT(of, member) FIELD(set_port, uint16_t, of, member)
#define COUNT(of, member) FIELD(set_count, unsigned, of, member)
#define POLL(of, member) FIELD(set_poll, int, of, member)
#define DURATION(of, member) FIELD(set_duration, int64_t, of, member)
#define LIMIT(of, member) FIELD(set_limit, int64_t, of, member)
#define TIMEOUT_MS(of, member) FIELD(set_timeout_ms, uint32_t, of, member)
#define PPM(of, member) FIELD(set_ppm, double, of, member)
#define DRIFT(of, member) FIELD(set_drift, double, of, member)
#define RATIO(of, member) FIELD(set_ratio, double, of, member)
#define MAKESTEP(of, member)                                                   \
	FIELD(set_makestep, struct steering_config, of, member)
#define REFUSAL(of, member)                                                    \
	FIELD(set_refusal, struct steering_config, of, member)
#define CERTS(of, member)                                                      \
	FIELD(set_trusted_certs, struct trust_config, of, member)
#define AEADS(of, member) FIELD(set_aeads, struct trust_config, of, member)
#define BOOTSTRAP(of, member)                                                  \
	FIELD(set_bootstrap, enum bootstrap_policy, of, member)
#define LEAP_MODE(of, member) FIELD(set_leap_mode, enum leap_mode, of, member)
#define LEVEL(of, member) FIELD(set_level, enum log_level, of, member)
#define TARGET(of, member) FIELD(set_target, enum log_target, of, member)

#define YES_NO "yes or no"
#define A_PATH "an absolute path, or none"
#define A_POLL                                                                 \
	"auto, the log2 of the seconds from -4 to 17, or a time that is a "    \
	"power of two (16s)"
/* Base frequency and slew together stay below KEEPER_TOTAL_MAX_PPM. */
#define MAX_SLEW_PPM 99000
/* MAXFREQ of Linux: the kernel refuses a higher frequency. */
#define MAX_DRIFT_PPM 500

/* clang-format off */
static const struct config_key keys[] = {
{"agent", "user", TEXT(CONFIG, user), 0, 0, false, "the name of a user"},
{"agent", "status-socket", SOCKET(CONFIG, status_socket), 0, 0, false,
	"an absolute path of at most 107 bytes, or none"},
{"agent", "pidfile", PATH(CONFIG, pidfile), 0, 0, false, A_PATH},

{"nts", "trusted-certs", CERTS(CONFIG, trust), 0, 0, true,
	"absolute paths of PEM files or directories, at most 32 in all"},
{"nts", "system-certs", BOOL(CONFIG, trust.system_certs), 0, 0, false, YES_NO},
{"nts", "aeads", AEADS(CONFIG, trust), 0, 0, false,
	"algorithm numbers out of 30, 15 and 17, each once"},
{"nts", "ke-timeout", TIMEOUT_MS(CONFIG, ke_timeout_ms), 1, 300, false,
	"a time from 1s to 300s"},
{"nts", "saved-keys", PATH(CONFIG, saved_keys), 0, 0, false, A_PATH},

{"clock", "driftfile", PATH(CONFIG, driftfile), 0, 0, false, A_PATH},
{"clock", "last-good-time", PATH(CONFIG, goodtime_file), 0, 0, false, A_PATH},
{"clock", "bootstrap", BOOTSTRAP(CONFIG, bootstrap), 0, 0, false,
	"off, quorum or single"},
{"clock", "makestep", MAKESTEP(CONFIG, steering), 0, 0, false,
	"a threshold and a number of updates (0.1s 3), or no"},
{"clock", "max-slew", PPM(CONFIG, steering.max_slew_ppm), 1, MAX_SLEW_PPM,
	false, "a frequency from 1ppm to 99000ppm"},
{"clock", "max-drift", PPM(CONFIG, max_freq_ppm), 1, MAX_DRIFT_PPM, false,
	"a frequency from 1ppm to 500ppm"},
{"clock", "refuse-threshold", REFUSAL(CONFIG, steering), 0.001, 1e9, false,
	"a time of at least 1ms and perhaps a number of updates (1000s 1), or no"},
{"clock", "maxdistance", DURATION(CONFIG, steering.max_distance_ns), 1e-6, 16,
	false, "a time from 1us to 16s"},
{"clock", "maxjitter", LIMIT(CONFIG, steering.max_jitter_ns), 1e-6, 1000,
	false, "a time from 1us to 1000s, or no"},
{"clock", "minstratum", COUNT(CONFIG, steering.min_stratum), 0, 15, false,
	"a number from 0 to 15"},
{"clock", "maxstratum", COUNT(CONFIG, steering.max_stratum), 1, 15, false,
	"a number from 1 to 15"},
{"clock", "minsources", COUNT(CONFIG, steering.min_sources), 1,
	SOURCES_MAX, false, "a number from 1 to 64"},
{"clock", "leapsecmode", LEAP_MODE(CONFIG, steering.leap_mode), 0, 0, false,
	"system or ignore"},
{"clock", "max-clock-error", DRIFT(CONFIG, steering.max_clock_error_ppm),
	0.001, 10000, false, "a frequency from 1ppb to 10000ppm, or auto"},

{"log", "level", LEVEL(CONFIG, log_level), 0, 0, false,
	"error, warning, notice, info or debug"},
{"log", "target", TARGET(CONFIG, log_target), 0, 0, false,
	"stderr or syslog"},

{"source", "host", HOST(SOURCE, host), 0, 0, false,
	"a host name or an IP address"},
{"source", "ntsport", PORT(SOURCE, ke_port), 0, 0, false,
	"a TCP port from 1 to 65535"},
{"source", "port", PORT(SOURCE, ntp_port), 0, 0, false,
	"a UDP port from 1 to 65535"},
{"source", "ipv4", SAID(DRAFT, ipv4), 0, 0, false, YES_NO},
{"source", "ipv6", SAID(DRAFT, ipv6), 0, 0, false, YES_NO},
{"source", "iburst", BOOL(SOURCE, iburst), 0, 0, false, YES_NO},
{"source", "minpoll", POLL(SOURCE, minpoll), 0, 0, false, A_POLL},
{"source", "maxpoll", POLL(SOURCE, maxpoll), 0, 0, false, A_POLL},
{"source", "maxdelay", DURATION(SOURCE, max_delay_ns), 1e-6, 1000,
	false, "a time from 1us to 1000s"},
{"source", "maxdelayratio", RATIO(SOURCE, max_delay_ratio), 1, 1000,
	false, "a number from 1 to 1000, or no"},
{"source", "asymmetry", DURATION(SOURCE, options.asymmetry_ns), -10, 10,
	false, "a time from -10s to 10s"},
{"source", "prefer", BOOL(SOURCE, options.prefer), 0, 0, false, YES_NO},
{"source", "noselect", BOOL(SOURCE, options.noselect), 0, 0, false,
	YES_NO},
{"source", "trust", BOOL(SOURCE, options.trust), 0, 0, false, YES_NO},
{"source", "require", BOOL(SOURCE, options.require), 0, 0, false,
	YES_NO},
};

static_assert(ARRAY_LEN(keys) <= CONFIG_KEYS_MAX, "raise CONFIG_KEYS_MAX");

#define SERVES_NOT "leave it out: the agent serves no time and opens no port"

/* Words of chrony.conf(5) that administrators may write. */
static const struct {
	const char *name, *advice;
} familiar[] = {
{"server", "write a section [source NAME] for each server"},
{"pool", "pools are not supported: write a section [source NAME] for each server"},
{"nts", "every source uses NTS; leave it out"},
{"ntstrustedcerts", "write trusted-certs in [nts]"},
{"nosystemcert", "write system-certs = no in [nts]"},
{"ntsaeads", "write aeads in [nts]"},
{"ntsdumpdir", "write saved-keys in [nts]"},
{"nocerttimecheck", "see bootstrap in [clock]: the agent sets a wrong clock first and then checks all dates"},
{"certset", "all sources share the trusted certificates of [nts]"},
{"rtcsync", "leave it out: the kernel sets the RTC while the clock is synchronised"},
{"rtcfile", "the agent does not read the RTC"},
{"ntsrefresh", "leave it out: the agent renews keys daily, and when the server needs it"},
{"allow", SERVES_NOT},
{"deny", SERVES_NOT},
{"local", SERVES_NOT},
{"manual", SERVES_NOT},
{"smoothtime", SERVES_NOT},
{"clientloglimit", SERVES_NOT},
{"ratelimit", SERVES_NOT},
{"ntsserverkey", SERVES_NOT},
{"ntsservercert", SERVES_NOT},
{"ntsprocesses", SERVES_NOT},
{"ntsrotate", SERVES_NOT},
{"peer", "leave it out: the agent is only a client"},
{"refclock", "reference clocks are not supported"},
{"leapsectz", "leave it out: the servers announce leap seconds"},
{"leapseclist", "leave it out: the servers announce leap seconds"},
{"hwtimestamp", "hardware time stamps are not supported yet"},
{"xleave", "interleaved mode is not supported yet"},
{"keyfile", "symmetric keys are not supported: every source uses NTS"},
{"key", "symmetric keys are not supported: every source uses NTS"},
{"maxslewrate", "write max-slew in [clock]"},
{"maxdrift", "write max-drift in [clock]"},
{"maxchange", "write refuse-threshold = OFFSET START in [clock]"},
{"maxclockerror", "write max-clock-error in [clock]"},
{"maxupdateskew", "leave it out: the agent weighs an estimate by its uncertainty"},
{"burst", "write iburst for a burst at the start; the agent decides on later ones"},
{"minsamples", "leave it out: the agent weighs all its measurements"},
{"maxsamples", "leave it out: the agent weighs all its measurements"},
{"polltarget", "leave it out: the agent chooses the poll interval by the uncertainty"},
{"filter", "leave it out: the agent weighs every packet by its delay"},
{"offset", "write asymmetry in [source NAME], minus twice the offset"},
{"mindelay", "leave it out: the agent learns the shortest delay"},
{"fallbackdrift", "leave it out: the agent keeps the last frequency"},
{"combinelimit", "leave it out: the agent combines the sources that help"},
{"reselectdist", "leave it out: the selected source changes only for a clearly better one"},
{"stratumweight", "leave it out: the root distance decides"},
{"maxdelaydevratio", "leave it out: the agent weighs every packet by its delay"},
{"maxdelayquant", "leave it out: the agent weighs every packet by its delay"},
{"cmdallow", "leave it out: the status is only for this machine"},
{"cmddeny", "leave it out: the status is only for this machine"},
{"bindcmdaddress", "write status-socket in [agent]"},
{"cmdport", "there is no command port: ntsctl uses status-socket in [agent]"},
{"logdir", "write target in [log], which says where the log goes"},
{"log", "the agent writes no log of measurements: ntsctl(8) shows them"},
{"dumpdir", "write saved-keys in [nts]: its folder also keeps the measurements"},
{"initstepslew", "write makestep in [clock]"},
{"include", "put more files into conf.d in the folder of the main file"},
{"confdir", "put more files into conf.d in the folder of the main file"},
{"sourcedir", "put more files into conf.d in the folder of the main file"},
};

static const char *const sections[] = {"agent", "nts", "clock", "log", "source"};
/* clang-format on */

size_t config_key_count(void)
{
	return ARRAY_LEN(keys);
}

const struct config_key *config_key_at(size_t i)
{
	return &keys[i];
}

size_t config_key_index(const struct config_key *key)
{
	return (size_t)(key - keys);
}

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].section, section) == 0 &&
		    strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const struct config_key *config_key_find_anywhere(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const char *config_key_advice(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(familiar); i++)
		if (strcasecmp(familiar[i].name, name) == 0)
			return familiar[i].advice;
	return NULL;
}

#define WORD_MAX 32

/* Levenshtein's distance without regard to case. A long word is far from every
 * other one. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (strncasecmp(&a[i - 1],
						      &b[j - 1], 1) != 0);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

/* Is the distance so short that the word is probably a typing error? */
static bool is_typing_error(const char *name, size_t apart)
{
	return apart <= 3 && 2 * apart <= strlen(name);
}

const struct config_key *config_key_nearest(
    const char *section, const char *name)
{
	const struct config_key *nearest = NULL, *here = NULL;
	size_t best = WORD_MAX, best_here = WORD_MAX;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t apart = distance(name, keys[i].name);

		if (apart < best) {
			best = apart;
			nearest = &keys[i];
		}
		if (apart < best_here &&
		    strcmp(keys[i].section, section) == 0) {
			best_here = apart;
			here = &keys[i];
		}
	}
	/* A key of exactly this name in another section is the better one. */
	if (best > 0 && is_typing_error(name, best_here))
		return here;
	return is_typing_error(name, best) ? nearest : NULL;
}

const char *config_section_nearest(const char *section)
{
	size_t best = WORD_MAX;
	const char *nearest = NULL;

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		size_t apart = distance(section, sections[i]);

		if (apart >= best)
			continue;
		best = apart;
		nearest = sections[i];
	}
	return is_typing_error(section, best) ? nearest : NULL;
}

bool config_section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i], section) == 0)
			return true;
	return false;
}
