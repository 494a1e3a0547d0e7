#include "agent/config/keys.h"

#include "agent/config/values.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static void *field(const struct config_key *key, void *base)
{
	return (char *)base + key->offset;
}

static bool set_bool(
    const struct config_key *key, const char *value, void *base)
{
	return value_bool(value, field(key, base));
}

static bool set_text(
    const struct config_key *key, const char *value, void *base)
{
	return value_text(value, field(key, base), key->size);
}

static bool set_host(
    const struct config_key *key, const char *value, void *base)
{
	return value_host(value, field(key, base), key->size);
}

/* ipv4 and ipv6 are judged together, when both are known. */
static bool set_said(
    const struct config_key *key, const char *value, void *base)
{
	bool yes;

	if (!value_bool(value, &yes))
		return false;
	*(enum said *)field(key, base) = yes ? SAID_YES : SAID_NO;
	return true;
}

/* An absolute path, or `none`. */
static bool set_path(
    const struct config_key *key, const char *value, void *base)
{
	char *path = field(key, base);

	if (strcmp(value, "none") == 0) {
		path[0] = '\0';
		return true;
	}
	return value[0] == '/' && value_text(value, path, key->size);
}

/* bind(2) takes a shorter path than open(2). */
static bool set_socket(
    const struct config_key *key, const char *value, void *base)
{
	struct sockaddr_un address;

	return strlen(value) < sizeof(address.sun_path) &&
	       set_path(key, value, base);
}

static bool set_port(
    const struct config_key *key, const char *value, void *base)
{
	int64_t port;

	if (!value_integer(value, 1, UINT16_MAX, &port))
		return false;
	*(uint16_t *)field(key, base) = (uint16_t)port;
	return true;
}

static bool set_count(
    const struct config_key *key, const char *value, void *base)
{
	int64_t n;

	if (!value_integer(value, (int64_t)key->min, (int64_t)key->max, &n))
		return false;
	*(unsigned *)field(key, base) = (unsigned)n;
	return true;
}

static bool set_poll(
    const struct config_key *key, const char *value, void *base)
{
	return value_poll(value, field(key, base));
}

static bool set_duration(
    const struct config_key *key, const char *value, void *base)
{
	return value_duration(value, (int64_t)(key->min * 1e9),
	    (int64_t)(key->max * 1e9), field(key, base));
}

/* The same, with `no` for zero: no limit. */
static bool set_limit(
    const struct config_key *key, const char *value, void *base)
{
	if (strcasecmp(value, "no") == 0) {
		*(int64_t *)field(key, base) = 0;
		return true;
	}
	return set_duration(key, value, base);
}

static bool set_timeout_ms(
    const struct config_key *key, const char *value, void *base)
{
	int64_t ns;

	if (!value_duration(value, (int64_t)(key->min * 1e9),
		(int64_t)(key->max * 1e9), &ns))
		return false;
	*(uint32_t *)field(key, base) = (uint32_t)(ns / NS_PER_MS);
	return true;
}

static bool set_ppm(const struct config_key *key, const char *value, void *base)
{
	return value_ppm(value, key->min, key->max, field(key, base));
}

/* "0.1s 3": threshold and updates; -1: always; `no`: never. */
static bool set_makestep(
    const struct config_key *key, const char *value, void *base)
{
	struct steering_config *s = field(key, base);
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

static bool set_trusted_certs(
    const struct config_key *key, const char *value, void *base)
{
	struct trust_config *trust = field(key, base);
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
    const struct config_key *key, const char *value, void *base)
{
	struct trust_config *trust = field(key, base);
	char word[8];
	size_t len;
	int64_t id;

	trust->aead_count = 0;
	while ((len = value_word(&value, word, sizeof(word))) > 0) {
		if (len >= sizeof(word) ||
		    !value_integer(word, 1, UINT16_MAX, &id) ||
		    aead_key_len((enum aead_id)id) == 0 ||
		    trust->aead_count == AEAD_KINDS)
			return false;
		for (unsigned i = 0; i < trust->aead_count; i++)
			if (trust->aeads[i] == (enum aead_id)id)
				return false;
		trust->aeads[trust->aead_count++] = (enum aead_id)id;
	}
	return trust->aead_count > 0;
}

static bool set_bootstrap(
    const struct config_key *key, const char *value, void *base)
{
	static const char *const words[] = {
	    [BOOTSTRAP_OFF] = "off",
	    [BOOTSTRAP_QUORUM] = "quorum",
	    [BOOTSTRAP_SINGLE] = "single",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i]) != 0)
			continue;
		*(enum bootstrap_policy *)field(key, base) =
		    (enum bootstrap_policy)i;
		return true;
	}
	return false;
}

static bool set_level(
    const struct config_key *key, const char *value, void *base)
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
		*(enum log_level *)field(key, base) = words[i].level;
		return true;
	}
	return false;
}

static bool set_target(
    const struct config_key *key, const char *value, void *base)
{
	enum log_target *target = field(key, base);

	if (strcasecmp(value, "stderr") == 0)
		*target = LOG_TO_STDERR;
	else if (strcasecmp(value, "syslog") == 0)
		*target = LOG_TO_SYSLOG;
	else
		return false;
	return true;
}

#define OF(member)                                                             \
	offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define OF_SOURCE(member)                                                      \
	offsetof(struct source_config, member),                                \
	    sizeof(((struct source_config *)0)->member)
#define OF_DRAFT(member)                                                       \
	offsetof(struct source_draft, member),                                 \
	    sizeof(((struct source_draft *)0)->member)

#define YES_NO "yes or no"
#define A_PATH "an absolute path, or none"
#define A_POLL                                                                 \
	"auto, the log2 of the seconds from -4 to 17, or a time that is a "    \
	"power of two (16s)"
/* A slew on top of the base frequency stays within KEEPER_TOTAL_MAX_PPM. */
#define MAX_SLEW_PPM 99000
/* The discipline never asks for more (MAXFREQ of Linux). */
#define MAX_DRIFT_PPM 500

/* clang-format off */
static const struct config_key keys[] = {
{"agent", "user", set_text, OF(user), 0, 0, false, "the name of a user"},
{"agent", "status-socket", set_socket, OF(status_socket), 0, 0, false,
	"an absolute path of at most 107 bytes, or none"},
{"agent", "pidfile", set_path, OF(pidfile), 0, 0, false, A_PATH},

{"nts", "trusted-certs", set_trusted_certs, OF(trust), 0, 0, true,
	"absolute paths of PEM files or directories, at most 32 in all"},
{"nts", "system-certs", set_bool, OF(trust.system_certs), 0, 0, false, YES_NO},
{"nts", "aeads", set_aeads, OF(trust), 0, 0, false,
	"algorithm numbers out of 30, 15 and 17, each once"},
{"nts", "ke-timeout", set_timeout_ms, OF(ke_timeout_ms), 1, 300, false,
	"a time from 1s to 300s"},
{"nts", "saved-keys", set_path, OF(saved_keys), 0, 0, false, A_PATH},

{"clock", "driftfile", set_path, OF(driftfile), 0, 0, false, A_PATH},
{"clock", "last-good-time", set_path, OF(goodtime_file), 0, 0, false, A_PATH},
{"clock", "bootstrap", set_bootstrap, OF(bootstrap), 0, 0, false,
	"off, quorum or single"},
{"clock", "makestep", set_makestep, OF(steering), 0, 0, false,
	"a threshold and a number of updates (0.1s 3), or no"},
{"clock", "max-slew", set_ppm, OF(steering.max_slew_ppm), 1, MAX_SLEW_PPM,
	false, "a frequency from 1ppm to 99000ppm"},
{"clock", "max-drift", set_ppm, OF(max_freq_ppm), 1, MAX_DRIFT_PPM, false,
	"a frequency from 1ppm to 500ppm"},
{"clock", "refuse-threshold", set_limit, OF(steering.refuse_threshold_ns),
	0.001, 1e9, false, "a time of at least 1ms, or no"},
{"clock", "maxdistance", set_duration, OF(steering.max_distance_ns), 1e-6, 16,
	false, "a time from 1us to 16s"},
{"clock", "minsources", set_count, OF(steering.min_sources), 1,
	SOURCES_MAX, false, "a number from 1 to 64"},
{"clock", "max-clock-error", set_ppm, OF(steering.max_clock_error_ppm), 0.001,
	10000, false, "a frequency from 1ppb to 10000ppm"},

{"log", "level", set_level, OF(log_level), 0, 0, false,
	"error, warning, notice, info or debug"},
{"log", "target", set_target, OF(log_target), 0, 0, false,
	"stderr or syslog"},

{"source", "host", set_host, OF_SOURCE(host), 0, 0, false,
	"a host name or an IP address"},
{"source", "ntsport", set_port, OF_SOURCE(ke_port), 0, 0, false,
	"a TCP port from 1 to 65535"},
{"source", "port", set_port, OF_SOURCE(ntp_port), 0, 0, false,
	"a UDP port from 1 to 65535"},
{"source", "ipv4", set_said, OF_DRAFT(ipv4), 0, 0, false, YES_NO},
{"source", "ipv6", set_said, OF_DRAFT(ipv6), 0, 0, false, YES_NO},
{"source", "iburst", set_bool, OF_SOURCE(iburst), 0, 0, false, YES_NO},
{"source", "minpoll", set_poll, OF_SOURCE(minpoll), 0, 0, false, A_POLL},
{"source", "maxpoll", set_poll, OF_SOURCE(maxpoll), 0, 0, false, A_POLL},
{"source", "maxdelay", set_duration, OF_SOURCE(max_delay_ns), 1e-6, 1000,
	false, "a time from 1us to 1000s"},
{"source", "prefer", set_bool, OF_SOURCE(options.prefer), 0, 0, false, YES_NO},
{"source", "noselect", set_bool, OF_SOURCE(options.noselect), 0, 0, false,
	YES_NO},
{"source", "trust", set_bool, OF_SOURCE(options.trust), 0, 0, false, YES_NO},
{"source", "require", set_bool, OF_SOURCE(options.require), 0, 0, false,
	YES_NO},
};

static_assert(ARRAY_LEN(keys) <= CONFIG_KEYS_MAX, "CONFIG_KEYS_MAX");

#define SERVES_NOT "leave it out: the agent serves no time and opens no port"

/* Names that administrators bring along from chrony. */
static const struct {
	const char *name, *advice;
} familiar[] = {
{"server", "a server is a section of its own: [source NAME]"},
{"pool", "pools are not supported: name each server in a [source NAME]"},
{"nts", "every source uses NTS; leave it out"},
{"ntstrustedcerts", "write trusted-certs in [nts]"},
{"nosystemcert", "write system-certs = no in [nts]"},
{"ntsaeads", "write aeads in [nts]"},
{"ntsdumpdir", "write saved-keys in [nts]"},
{"nocerttimecheck", "see bootstrap in [clock]: a wrong clock is set first, then all dates are checked"},
{"certset", "all sources share the trusted certificates of [nts]"},
{"rtcsync", "leave it out: the kernel sets the RTC while the clock is synchronised"},
{"rtcfile", "the agent does not read the RTC"},
{"ntsrefresh", "leave it out: keys are renewed daily, and when the server asks for it"},
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
{"peer", "leave it out: the agent only asks servers"},
{"refclock", "reference clocks are not supported"},
{"leapsectz", "leave it out: leap seconds come from the servers"},
{"leapseclist", "leave it out: leap seconds come from the servers"},
{"hwtimestamp", "hardware time stamps are not supported yet"},
{"xleave", "interleaved mode is not supported yet"},
{"keyfile", "symmetric keys are not supported: every source uses NTS"},
{"key", "symmetric keys are not supported: every source uses NTS"},
{"maxslewrate", "write max-slew in [clock]"},
{"maxdrift", "write max-drift in [clock]"},
{"maxchange", "write refuse-threshold in [clock]"},
{"maxclockerror", "write max-clock-error in [clock]"},
{"maxupdateskew", "leave it out: an estimate counts by its uncertainty"},
{"burst", "iburst starts with a burst; later ones are the agent's choice"},
{"minsamples", "leave it out: the agent weighs all it has measured"},
{"maxsamples", "leave it out: the agent weighs all it has measured"},
{"polltarget", "leave it out: the poll follows from the estimate's uncertainty"},
{"filter", "leave it out: every packet counts by its own delay"},
{"maxdelayratio", "leave it out: every packet counts by its own delay"},
{"maxdelaydevratio", "leave it out: every packet counts by its own delay"},
{"maxdelayquant", "leave it out: every packet counts by its own delay"},
{"cmdallow", "leave it out: the status is for this machine alone"},
{"cmddeny", "leave it out: the status is for this machine alone"},
{"bindcmdaddress", "write status-socket in [agent]"},
{"cmdport", "there is no command port; status-socket in [agent] is for ntsctl"},
{"logdir", "the log goes where target in [log] says"},
{"log", "there are no files of measurements: ntsctl(8) shows them"},
{"dumpdir", "leave it out: measurements are not kept on disk"},
{"initstepslew", "write makestep in [clock]"},
{"include", "put further files into conf.d beside the main file"},
{"confdir", "put further files into conf.d beside the main file"},
{"sourcedir", "put further files into conf.d beside the main file"},
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

/* Levenshtein's distance, case ignored; long words are not near anything. */
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

/* Near enough to be a slip of the finger. */
static bool slip(const char *name, size_t apart)
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
	/* A key as it is spelled elsewhere beats one like it here. */
	if (best > 0 && slip(name, best_here))
		return here;
	return slip(name, best) ? nearest : NULL;
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
	return slip(section, best) ? nearest : NULL;
}

bool config_section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i], section) == 0)
			return true;
	return false;
}
