#include "agent/config/keys.h"

#include "agent/config/values.h"
#include "agent/foreign/words.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
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

/* A number is an id, not a name. Some systems have names such as "0ntp". */
static bool set_user(
    const struct config_key *key, const char *value, void *target)
{
	return value[strspn(value, "0123456789")] != '\0' &&
	       value_text(value, field(key, target), key->size);
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

/* The last slash divides the folder of a file from its name. */
static void drop_final_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
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
	if (value[0] != '/' || !value_text(value, path, key->size))
		return false;
	drop_final_slashes(path);
	return true;
}

static bool set_file(
    const struct config_key *key, const char *value, void *target)
{
	size_t len = strlen(value);

	return len > 0 && value[len - 1] != '/' && set_path(key, value, target);
}

/* The name of a time zone becomes the path of its file. */
static bool set_zone(
    const struct config_key *key, const char *value, void *target)
{
	char path[FILE_PATH_MAX];

	if (strcmp(value, "none") == 0 || value[0] == '/')
		return set_path(key, value, target);
	if (value[0] == '\0' || strstr(value, "..") ||
	    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", value) >=
		(int)sizeof(path))
		return false;
	return set_path(key, path, target);
}

/* bind(2) takes shorter paths than open(2). */
static bool set_socket(
    const struct config_key *key, const char *value, void *target)
{
	struct sockaddr_un address;

	return strlen(value) < sizeof(address.sun_path) &&
	       set_file(key, value, target);
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

/* Adds absolute paths to the first *count of at most `max` in `paths`. */
static bool add_paths(const char *value, char paths[][FILE_PATH_MAX],
    unsigned *count, unsigned max)
{
	char path[FILE_PATH_MAX];
	unsigned words = 0;
	size_t len;

	while ((len = value_word(&value, path, sizeof(path))) > 0) {
		if (len >= sizeof(path) || path[0] != '/' ||
		    strchr(path, '*') || *count == max ||
		    !value_text(path, paths[*count], FILE_PATH_MAX))
			return false;
		++*count;
		words++;
	}
	return words > 0;
}

static bool set_trusted_certs(
    const struct config_key *key, const char *value, void *target)
{
	struct trust_config *trust = field(key, target);

	return add_paths(
	    value, trust->paths, &trust->path_count, TRUST_PATHS_MAX);
}

static bool set_crl_files(
    const struct config_key *key, const char *value, void *target)
{
	struct trust_config *trust = field(key, target);

	return add_paths(value, trust->crls, &trust->crl_count, CRL_PATHS_MAX);
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

static bool set_confinement(
    const struct config_key *key, const char *value, void *target)
{
	static const char *const words[] = {
	    [CONFINEMENT_YES] = "yes",
	    [CONFINEMENT_LOG] = "log",
	    [CONFINEMENT_NO] = "no",
	    [CONFINEMENT_REQUIRE] = "require",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i]) != 0)
			continue;
		*(enum confinement *)field(key, target) = (enum confinement)i;
		return true;
	}
	return false;
}

static bool set_leap_mode(
    const struct config_key *key, const char *value, void *target)
{
	static const char *const words[] = {
	    [LEAP_MODE_SYSTEM] = "system",
	    [LEAP_MODE_SLEW] = "slew",
	    [LEAP_MODE_STEP] = "step",
	    [LEAP_MODE_IGNORE] = "ignore",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i]) != 0)
			continue;
		*(enum leap_mode *)field(key, target) = (enum leap_mode)i;
		return true;
	}
	return false;
}

static bool set_own_address(
    const struct config_key *key, const char *value, void *target)
{
	struct binding_draft *d = field(key, target);

	if (!value_own_addresses(value, &d->value.ipv4, &d->value.ipv6))
		return false;
	d->address_set = true;
	return true;
}

/* A name, or `none`. */
static bool set_device(
    const struct config_key *key, const char *value, void *target)
{
	struct binding_draft *d = field(key, target);
	struct binding b = d->value;

	memset(b.device, 0, sizeof(b.device));
	if (strcmp(value, "none") != 0 &&
	    (!value_text(value, b.device, sizeof(b.device)) ||
		strcmp(value, ".") == 0 || strcmp(value, "..") == 0))
		return false;
	if (!binding_valid(&b))
		return false;
	d->value = b;
	d->device_set = true;
	return true;
}

/* A port, or `random`, which is stored as 0. */
static bool set_source_port(
    const struct config_key *key, const char *value, void *target)
{
	struct binding_draft *d = field(key, target);
	int64_t port = 0;

	if (strcasecmp(value, "random") != 0 &&
	    !value_integer(value, 1, UINT16_MAX, &port))
		return false;
	d->value.port = (uint16_t)port;
	d->port_set = true;
	return true;
}

static bool set_dscp(
    const struct config_key *key, const char *value, void *target)
{
	struct binding_draft *d = field(key, target);
	int64_t dscp;

	if (!value_integer(value, 0, BINDING_DSCP_MAX, &dscp))
		return false;
	d->value.dscp = (uint8_t)dscp;
	d->dscp_set = true;
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
#define FIELD(set, type, of, member) FIELD_THAT(false, set, type, of, member)
#define FIELD_REPEATS(set, type, of, member)                                   \
	FIELD_THAT(true, set, type, of, member)
#define FIELD_THAT(repeats, set, type, of, member)                             \
	set, KEY_OF_##of, repeats, sizeof(MEMBER(of, member)),                 \
	    offsetof(STRUCT_OF_##of, member) * HAS_TYPE(of, member, type)
/* 1, with a check at compile time. */
#define HAS_TYPE(of, member, type)                                             \
	sizeof(struct {                                                        \
		static_assert(                                                 \
		    _Generic(MEMBER(of, member), type : 1, default : 0),       \
		    #member " has another type");                              \
		char one;                                                      \
	})

#define USER(of, member) FIELD(set_user, char *, of, member)
#define HOST(of, member) FIELD(set_host, char *, of, member)
#define PATH(of, member) FIELD(set_path, char *, of, member)
#define FILE_AT(of, member) FIELD(set_file, char *, of, member)
#define ZONE(of, member) FIELD(set_zone, char *, of, member)
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
	FIELD_REPEATS(set_trusted_certs, struct trust_config, of, member)
#define CRLS(of, member)                                                       \
	FIELD_REPEATS(set_crl_files, struct trust_config, of, member)
#define AEADS(of, member) FIELD(set_aeads, struct trust_config, of, member)
#define BOOTSTRAP(of, member)                                                  \
	FIELD(set_bootstrap, enum bootstrap_policy, of, member)
#define CONFINEMENT(of, member)                                                \
	FIELD(set_confinement, enum confinement, of, member)
#define LEAP_MODE(of, member) FIELD(set_leap_mode, enum leap_mode, of, member)
#define LEVEL(of, member) FIELD(set_level, enum log_level, of, member)
#define TARGET(of, member) FIELD(set_target, enum log_target, of, member)

#define OWN_ADDRESS(of, member)                                                \
	FIELD(set_own_address, struct binding_draft, of, member)
#define DEVICE(of, member) FIELD(set_device, struct binding_draft, of, member)
#define SOURCE_PORT(of, member)                                                \
	FIELD(set_source_port, struct binding_draft, of, member)
#define DSCP(of, member) FIELD(set_dscp, struct binding_draft, of, member)

#define YES_NO "yes or no"
#define A_PATH "an absolute path, or none"
#define A_FILE "the absolute path of a file, or none"
#define A_POLL                                                                 \
	"auto, the log2 of the seconds from -4 to 17, or a time that is a "    \
	"power of two (16s)"
#define AN_OWN_ADDRESS                                                         \
	"an IPv4 and an IPv6 address of this host, or one of them, not "       \
	"link-local (for that: bind-device), or any"
#define A_DEVICE "the name of a network device, at most 15 bytes, or none"
#define A_SOURCE_PORT "a UDP port from 1 to 65535, or random"
#define A_DSCP "a number from 0 to 63"
/* Linux changes the length of a tick by 10 % at most. The discipline keeps base
 * frequency and slew together below that. */
#define MAX_SLEW_PPM 99000
#define MAX_DRIFT_PPM 100000

/* clang-format off */
static const struct config_key keys[] = {
{"agent", "user", USER(CONFIG, user), 0, 0, "the name of a user"},
{"agent", "user-resolver", USER(CONFIG, user_resolver), 0, 0,
	"the name of a user"},
{"agent", "status-socket", SOCKET(CONFIG, status_socket), 0, 0,
	"the absolute path of a socket, at most 107 bytes, or none"},
{"agent", "pidfile", FILE_AT(CONFIG, pidfile), 0, 0, A_FILE},
{"agent", "sandbox", CONFINEMENT(CONFIG, sandbox), 0, 0,
	"yes, log, no or require"},
{"agent", "bind-address", OWN_ADDRESS(DRAFT, binding), 0, 0,
	AN_OWN_ADDRESS},
{"agent", "bind-device", DEVICE(DRAFT, binding), 0, 0, A_DEVICE},
{"agent", "source-port", SOURCE_PORT(DRAFT, binding), 0, 0,
	A_SOURCE_PORT},
{"agent", "dscp", DSCP(DRAFT, binding), 0, 0, A_DSCP},

{"nts", "trusted-certs", CERTS(CONFIG, trust), 0, 0,
	"absolute paths of PEM files or directories, at most 32 in all"},
{"nts", "crl-files", CRLS(CONFIG, trust), 0, 0,
	"absolute paths of PEM files or directories, at most 16 in all"},
{"nts", "system-certs", BOOL(CONFIG, trust.system_certs), 0, 0, YES_NO},
{"nts", "aeads", AEADS(CONFIG, trust), 0, 0,
	"algorithm numbers out of 30, 15 and 17, each once"},
{"nts", "ke-timeout", TIMEOUT_MS(CONFIG, ke_timeout_ms), 1, 300,
	"a time from 1s to 300s"},
{"nts", "saved-keys", PATH(CONFIG, saved_keys), 0, 0, A_PATH},

{"clock", "driftfile", FILE_AT(CONFIG, driftfile), 0, 0, A_FILE},
{"clock", "last-good-time", FILE_AT(CONFIG, goodtime_file), 0, 0, A_FILE},
{"clock", "leapseclist", FILE_AT(CONFIG, leap_table), 0, 0, A_FILE},
{"clock", "leapsectz", ZONE(CONFIG, leap_zone), 0, 0,
	"the name of a time zone (right/UTC), an absolute path, or none"},
{"clock", "bootstrap", BOOTSTRAP(CONFIG, bootstrap), 0, 0,
	"off, quorum or single"},
{"clock", "makestep", MAKESTEP(CONFIG, steering), 0, 0,
	"a threshold and a number of updates (0.1s 3), or no"},
{"clock", "max-slew", PPM(CONFIG, steering.max_slew_ppm), 1, MAX_SLEW_PPM,
	"a frequency from 1ppm to 99000ppm"},
{"clock", "max-drift", PPM(CONFIG, max_freq_ppm), 1, MAX_DRIFT_PPM,
	"a frequency from 1ppm to 100000ppm"},
{"clock", "refuse-threshold", REFUSAL(CONFIG, steering), 0.001, 1e9,
	"a time of at least 1ms and perhaps a number of updates (1000s 1), or no"},
{"clock", "maxdistance", DURATION(CONFIG, steering.max_distance_ns), 1e-6, 16,
	"a time from 1us to 16s"},
{"clock", "maxjitter", LIMIT(CONFIG, steering.max_jitter_ns), 1e-6, 1000,
	"a time from 1us to 1000s, or no"},
{"clock", "minstratum", COUNT(CONFIG, steering.min_stratum), 0, 15,
	"a number from 0 to 15"},
{"clock", "maxstratum", COUNT(CONFIG, steering.max_stratum), 1, 15,
	"a number from 1 to 15"},
{"clock", "minsources", COUNT(CONFIG, steering.min_sources), 1,
	SOURCES_MAX, "a number from 1 to 64"},
{"clock", "leapsecmode", LEAP_MODE(CONFIG, steering.leap_mode), 0, 0,
	"system, slew, step or ignore"},
{"clock", "max-clock-error", DRIFT(CONFIG, steering.max_clock_error_ppm),
	0.001, 10000, "a frequency from 1ppb to 10000ppm, or auto"},

{"log", "level", LEVEL(CONFIG, log_level), 0, 0,
	"error, warning, notice, info or debug"},
{"log", "target", TARGET(CONFIG, log_target), 0, 0,
	"stderr or syslog"},
{"log", "measurements", BOOL(CONFIG, log_measurements), 0, 0, YES_NO},
{"log", "statistics", BOOL(CONFIG, log_statistics), 0, 0, YES_NO},
{"log", "tracking", BOOL(CONFIG, log_tracking), 0, 0, YES_NO},
{"log", "log-dir", PATH(CONFIG, log_folder), 0, 0, A_PATH},
{"log", "logbanner", COUNT(CONFIG, log_banner), 0, 1000000,
	"a number from 0 to 1000000"},

{"source", "host", HOST(SOURCE, host), 0, 0,
	"a host name or an IP address"},
{"source", "srv", BOOL(SOURCE, srv), 0, 0, YES_NO},
{"source", "ntsport", PORT(SOURCE, ke_port), 0, 0,
	"a TCP port from 1 to 65535"},
{"source", "port", PORT(SOURCE, ntp_port), 0, 0,
	"a UDP port from 1 to 65535"},
{"source", "ipv4", SAID(DRAFT, ipv4), 0, 0, YES_NO},
{"source", "ipv6", SAID(DRAFT, ipv6), 0, 0, YES_NO},
{"source", "bind-address", OWN_ADDRESS(DRAFT, binding), 0, 0,
	AN_OWN_ADDRESS},
{"source", "bind-device", DEVICE(DRAFT, binding), 0, 0, A_DEVICE},
{"source", "source-port", SOURCE_PORT(DRAFT, binding), 0, 0,
	A_SOURCE_PORT},
{"source", "dscp", DSCP(DRAFT, binding), 0, 0, A_DSCP},
{"source", "iburst", BOOL(SOURCE, iburst), 0, 0, YES_NO},
{"source", "minpoll", POLL(SOURCE, minpoll), 0, 0, A_POLL},
{"source", "maxpoll", POLL(SOURCE, maxpoll), 0, 0, A_POLL},
{"source", "maxdelay", DURATION(SOURCE, max_delay_ns), 1e-6, 1000,
	"a time from 1us to 1000s"},
{"source", "maxdelayratio", RATIO(SOURCE, max_delay_ratio), 1, 1000,
	"a number from 1 to 1000, or no"},
{"source", "asymmetry", DURATION(SOURCE, options.asymmetry_ns), -10, 10,
	"a time from -10s to 10s"},
{"source", "prefer", BOOL(SOURCE, options.prefer), 0, 0, YES_NO},
{"source", "noselect", BOOL(SOURCE, options.noselect), 0, 0,
	YES_NO},
{"source", "trust", BOOL(SOURCE, options.trust), 0, 0, YES_NO},
{"source", "require", BOOL(SOURCE, options.require), 0, 0,
	YES_NO},

{"pool", "sources", COUNT(DRAFT, sources), 1, SOURCES_MAX,
	"a number from 1 to 64"},
};

static_assert(ARRAY_LEN(keys) <= CONFIG_KEYS_MAX, "raise CONFIG_KEYS_MAX");

static const char *const sections[] = {
	"agent", "nts", "clock", "log", "source", "pool"};
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

static bool belongs(const struct config_key *key, const char *section)
{
	return strcmp(key->section, section) == 0 ||
	       (strcmp(section, "pool") == 0 &&
		   strcmp(key->section, "source") == 0);
}

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (belongs(&keys[i], section) &&
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
	return foreign_chrony_advice(name);
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
		if (apart < best_here && belongs(&keys[i], section)) {
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
