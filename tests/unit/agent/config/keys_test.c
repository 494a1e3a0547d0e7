/* Every key of the table: values that it takes and values that it refuses. The
 * manual and the example file must have it. */
#include "agent/config/keys.h"

#include "tests/unit/agent/config/config_room.h"

#define VALUES_MAX 10

/* clang-format off */
static const struct row {
	const char *section, *name;
	const char *good[VALUES_MAX], *bad[VALUES_MAX];
} rows[] = {
{"agent", "user", {"ntsagent", "nobody", "0ntp"}, {"", "902", "0"}},
    {"agent", "user-resolver", {"ntsagent-resolver", "nobody"}, {"", "903"}},
{"agent", "status-socket", {"/run/x", "none"}, {"", "run/x", "None", "/run/"}},
{"agent", "pidfile", {"/run/x.pid", "none"}, {"", "x.pid", "/run/"}},
{"agent", "sandbox", {"yes", "log", "no", "Require"},
	{"", "on", "off", "1", "yes log"}},
{"agent", "bind-address", {"192.0.2.1", "2001:db8::1", "127.0.0.1, ::1", "::1 10.0.0.1", "any", "Any"},
	{"", ",", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "::ffff:1.2.3.4", "10.0.0.1 10.0.0.2", "eth0"}},
{"agent", "bind-device", {"eth0", "a23456789012345", "vrf-blue", "eth0.7", "none"},
	{"", "a234567890123456", "a b", "a/b", "..", "."}},
{"agent", "source-port", {"1", "123", "65535", "random", "Random"},
	{"", "0", "65536", "-1", "ntp", "auto", "123 124"}},
{"agent", "dscp", {"0", "46", "63"}, {"", "64", "-1", "EF", "0x2e", "46 1"}},
{"nts", "trusted-certs",
	{"/", "/a", "/a /b,/c", "/a , /b"}, {"", ",", "a", "/a b", "/a # b", "/a/*.crt"}},
{"nts", "crl-files",
	{"/", "/a", "/a /b,/c", "/a , /b"}, {"", ",", "a", "/a b", "/a # b", "/a/*.crt"}},
{"nts", "system-certs", {"yes", "true"}, {"", "maybe"}},
{"nts", "aeads", {"30", "30 15", "17, 15, 30"},
	{"", "0", "1", "15 15", "30 15 17 16", "-15", "AES", "015000000015", "30 1"}},
{"nts", "ke-timeout", {"1s", "1000ms", "300", "5m"},
	{"", "0", "999ms", "301s", "10 minutes", "-1"}},
{"nts", "saved-keys", {"/a", "none"}, {"", "a", "yes"}},
{"clock", "driftfile", {"/a", "none"}, {"", "a", "./a", "/a/", "/"}},
{"clock", "last-good-time", {"/a", "none"}, {"", "a", "/a/"}},
{"clock", "leapseclist", {"/a", "none"}, {"", "a", "right/UTC", "/a/"}},
{"clock", "leapsectz", {"right/UTC", "/a", "none"}, {"", "../passwd", "right/../UTC"}},
{"clock", "bootstrap", {"off", "quorum", "Single"},
	{"", "yes", "no", "2", "quorum single"}},
{"clock", "makestep", {"0.1 3", "100ms 3", "1s,-1", "1 0", "no", "No"},
	{"", "1", "0 3", "1s -2", "1s 3 4", "x 3", "1s x", "-1s 3"}},
{"clock", "max-slew", {"1", "99000ppm", "1000ppb"},
	{"", "0", "99001", "-1", "1s", "fast"}},
{"clock", "max-drift", {"1ppm", "100000"}, {"", "0.5", "100001", "x"}},
{"clock", "refuse-threshold", {"1ms", "1000s", "no", "30d", "1s 0", "9s,1000000"},
	{"", "0", "0.9ms", "2e9", "none", "1s -1", "1s x", "1s 1 2", "1s 1000001"}},
{"clock", "maxdistance", {"1us", "16s"}, {"", "999ns", "16.1", "no"}},
{"clock", "maxjitter", {"1us", "1000s", "no"}, {"", "0", "999ns", "1001"}},
{"clock", "minstratum", {"0", "15"}, {"", "-1", "16", "1.5", "no"}},
{"clock", "maxstratum", {"1", "15"}, {"", "0", "16", "auto"}},
{"clock", "minsources", {"1"}, {"", "0", "65", "-1", "1.5", "two"}},
{"clock", "leapsecmode", {"system", "slew", "step", "ignore", "Ignore"}, {"", "smear", "no"}},
{"clock", "max-clock-error", {"1ppb", "10000ppm", "auto", "Auto"},
	{"", "0", "10001", "x", "no"}},
{"log", "level", {"error", "warning", "notice", "info", "DEBUG"},
	{"", "loud", "7", "err"}},
{"log", "target", {"stderr", "syslog", "Syslog"}, {"", "file", "/var/log/x"}},
{"log", "measurements", {"yes", "no"}, {"", "raw"}},
{"log", "statistics", {"yes", "no"}, {"", "x"}},
{"log", "tracking", {"yes", "no"}, {"", "x"}},
{"log", "log-dir", {"/a", "none"}, {"", "a"}},
{"log", "logbanner", {"0", "32", "1000000"}, {"", "-1", "1000001", "no"}},
{"source", "host", {"a", "ntp.example.com", "192.0.2.1", "2001:db8::1"},
	{"", "b c", "a/b", "[2001:db8::1]", "a,b"}},
{"source", "srv", {"yes", "no"}, {"", "example.net"}},
{"source", "ntsport", {"1", "65535"}, {"", "0", "65536", "-1", "ntske"}},
{"source", "port", {"123", "65535"}, {"", "0", "65536", "ntp"}},
{"source", "ipv4", {"yes", "no"}, {"", "4"}},
{"source", "ipv6", {"yes", "no"}, {"", "6"}},
{"source", "bind-address", {"192.0.2.1", "2001:db8::1", "127.0.0.1, ::1", "::1 10.0.0.1", "any", "Any"},
	{"", ",", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "::ffff:1.2.3.4", "10.0.0.1 10.0.0.2", "eth0"}},
{"source", "bind-device", {"eth0", "a23456789012345", "vrf-blue", "eth0.7", "none"},
	{"", "a234567890123456", "a b", "a/b", "..", "."}},
{"source", "source-port", {"1", "123", "65535", "random", "Random"},
	{"", "0", "65536", "-1", "ntp", "auto", "123 124"}},
{"source", "dscp", {"0", "46", "63"}, {"", "64", "-1", "EF", "0x2e", "46 1"}},
{"source", "iburst", {"yes", "no"}, {"", "4"}},
{"source", "minpoll", {"auto", "-4", "17", "64s"}, {"", "18", "-5", "63s"}},
{"source", "maxpoll", {"auto", "-4", "17", "64s"}, {"", "18", "-5", "63s"}},
{"source", "maxdelay", {"1us", "1000s"}, {"", "0", "1001s", "no"}},
{"source", "maxdelayratio", {"1", "1.5", "1000", "no", "No"},
	{"", "0.9", "1001", "-2", "2s", "2 3", "x"}},
{"source", "asymmetry", {"35us", "-35us", "0", "10s", "-10s"},
	{"", "10.1s", "-11", "2ppm", "no"}},
{"source", "prefer", {"yes", "no"}, {"", "x"}},
{"source", "noselect", {"no"}, {"", "x"}},
{"source", "trust", {"yes", "no"}, {"", "x"}},
{"source", "require", {"yes", "no"}, {"", "x"}},
{"pool", "sources", {"1", "63"}, {"", "0", "65", "x"}},
};
/* clang-format on */

static void load_row(
    struct config_room *r, const struct row *row, const char *value)
{
	bool of_source = strcmp(row->section, "source") == 0 ||
			 strcmp(row->section, "pool") == 0;
	char text[256];

	snprintf(text, sizeof(text), "[%s%s]\n%s = %s\n%s", row->section,
	    of_source ? " s" : "", row->name, value,
	    of_source ? "" : "[source s]\n");
	room_load(r, text);
}

static void accepts(struct config_room *r, const struct row *row)
{
	for (size_t i = 0; i < VALUES_MAX && row->good[i]; i++) {
		load_row(r, row, row->good[i]);
		if (r->errors != 0)
			fail_msg(
			    "%s = %s: %s", row->name, row->good[i], r->said);
	}
}

static void refuses(struct config_room *r, const struct row *row)
{
	const struct config_key *key = config_key_find(row->section, row->name);
	char expected[512];

	for (size_t i = 0; i < VALUES_MAX && row->bad[i]; i++) {
		load_row(r, row, row->bad[i]);
		snprintf(expected, sizeof(expected),
		    "%s:2: %s = %s: expected %s", r->path, row->name,
		    row->bad[i], key->expected);
		if (strncmp(r->said, expected, strlen(expected)) != 0)
			fail_msg("%s, not %s", r->said, expected);
		/* A hint may follow. */
		assert_non_null(strchr("\n;", r->said[strlen(expected)]));
		assert_int_equal(r->errors, 1);
	}
}

static void each_key(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_non_null(rows[i].good[0]);
		assert_non_null(rows[i].bad[0]);
		assert_non_null(config_key_find(rows[i].section, rows[i].name));
		accepts(*state, &rows[i]);
		refuses(*state, &rows[i]);
	}
}

/* A new key needs a row above. */
static void each_key_has_a_row(void **state)
{
	(void)state;
	assert_int_equal(config_key_count(), ARRAY_LEN(rows));
	for (size_t i = 0; i < config_key_count(); i++) {
		const struct config_key *key = config_key_at(i);

		assert_string_equal(key->section, rows[i].section);
		assert_string_equal(key->name, rows[i].name);
		assert_int_equal(config_key_index(key), i);
		assert_ptr_equal(config_key_find(key->section, key->name), key);
	}
}

/* Of the names, only those of binding_draft stand in two sections: [agent] and
 * [source]. If one is a word of chrony with advice, the advice has the key,
 * too. */
static void names_of_keys_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_key_count(); i++) {
		const struct config_key *key = config_key_at(i);

		const struct config_key *first =
		    config_key_find_anywhere(key->name);
		const char *advice;
		char here[80];

		if (first != key) {
			assert_int_equal(key->target, KEY_OF_DRAFT);
			assert_string_equal(first->section, "agent");
			assert_string_equal(key->section, "source");
		}
		advice = config_key_advice(key->name);
		snprintf(here, sizeof(here),
		    strcmp(key->section, "source") == 0
			? "%s = NUMBER in [%s NAME]"
			: "%s = FILE in [%s]",
		    key->name, key->section);
		if (advice && !strstr(advice, here))
			fail_msg("%s: %s", key->name, advice);
	}
	assert_null(config_key_find_anywhere("server"));
}

/* seal.key would be in the folder, and not next to it. */
static void final_slashes_are_no_part_of_a_path(void **state)
{
	static const struct {
		const char *value, *path;
	} paths[] = {
	    {"/a/keys", "/a/keys"},
	    {"/a/keys/", "/a/keys"},
	    {"/a/keys///", "/a/keys"},
	    {"//", "/"},
	};
	struct config_room *r = *state;
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		snprintf(text, sizeof(text),
		    "[nts]\nsaved-keys = %s\n[log]\nlog-dir = %s\n"
		    "[source s]\n",
		    paths[i].value, paths[i].value);
		room_load(r, text);
		assert_int_equal(r->errors, 0);
		assert_string_equal(r->config.saved_keys, paths[i].path);
		assert_string_equal(r->config.log_folder, paths[i].path);
	}
}

/* Only these functions read `min` and `max`. */
static void other_keys_have_no_limits(void **state)
{
	static const char *const limited[] = {"ke-timeout", "max-slew",
	    "max-drift", "refuse-threshold", "maxdistance", "maxjitter",
	    "minstratum", "maxstratum", "minsources", "max-clock-error",
	    "logbanner", "maxdelay", "maxdelayratio", "asymmetry", "sources"};
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < config_key_count(); i++) {
		const struct config_key *key = config_key_at(i);
		bool wanted = false;

		for (size_t j = 0; j < ARRAY_LEN(limited); j++)
			wanted |= strcmp(key->name, limited[j]) == 0;
		if (wanted)
			assert_true(key->min < key->max);
		else
			assert_true(key->min == 0 && key->max == 0);
		found += wanted;
	}
	assert_int_equal(found, ARRAY_LEN(limited));
}

/* The keys of a source set a struct of the source, all others the rest. */
static void the_section_fits_the_target(void **state)
{
	static const size_t sizes[] = {
	    [KEY_OF_CONFIG] = sizeof(struct config),
	    [KEY_OF_SOURCE] = sizeof(struct source_config),
	    [KEY_OF_DRAFT] = sizeof(struct source_draft),
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(sizes), KEY_TARGETS);
	for (size_t i = 0; i < config_key_count(); i++) {
		const struct config_key *key = config_key_at(i);

		if (key->target != KEY_OF_DRAFT ||
		    strcmp(key->section, "agent") != 0)
			assert_int_equal(strcmp(key->section, "source") == 0 ||
					     strcmp(key->section, "pool") == 0,
			    key->target != KEY_OF_CONFIG);
		assert_true(key->offset + key->size <= sizes[key->target]);
	}
}

/* What is suggested instead of an unknown key. */
static void a_typing_error_finds_its_key(void **state)
{
	static const struct {
		const char *section, *name;
		const char *expected; /* NULL: nothing is near */
	} words[] = {
	    {"clock", "minsurces", "minsources"},
	    {"clock", "mminsourcess", "minsources"},
	    {"clock", "MINSOURCES", "minsources"},
	    {"agent", "abcfile", "pidfile"}, /* 3 of 7 characters */
	    {"agent", "abcdile", NULL},	     /* 4 of 7 */
	    {"agent", "usxy", "user"},	     /* 2 of 4 */
	    {"agent", "uxyz", NULL},	     /* 3 of 4 */
	    {"nts", "xxxsted-certs", "trusted-certs"},
	    {"nts", "xxxxted-certs", NULL},
	    /* One typing error from maxdelay, three from max-slew here. */
	    {"clock", "maxdelaw", "max-slew"},
	    {"log", "maxdelaw", "maxdelay"},
	    {"clock", "maxdelay", "maxdelay"},
	    {"clock", "12345678901234567890123456789012345", NULL},
	    {"clock", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct config_key *key =
		    config_key_nearest(words[i].section, words[i].name);
		const char *found = key ? key->name : "nothing";

		if (strcmp(found,
			words[i].expected ? words[i].expected : "nothing") != 0)
			fail_msg("%s: %s", words[i].name, found);
	}
}

static void a_typing_error_finds_its_section(void **state)
{
	(void)state;
	assert_string_equal(config_section_nearest("clok"), "clock");
	assert_string_equal(config_section_nearest("Sources"), "source");
	assert_string_equal(config_section_nearest("agents"), "agent");
	assert_string_equal(config_section_nearest("nt"), "nts");
	assert_null(config_section_nearest("xyz1"));
	assert_null(config_section_nearest(""));
	assert_true(config_section_known("log"));
	assert_false(config_section_known("Log"));
}

static void long_paths_are_refused(void **state)
{
	struct config_room *r = *state;
	char text[400], path[260];

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[150] = '\0';
	snprintf(
	    text, sizeof(text), "[clock]\ndriftfile = %s\n[source s]\n", path);
	room_accepts(r, text);
	assert_string_equal(r->config.driftfile, path);
	path[107] = '\0';
	snprintf(text, sizeof(text),
	    "[agent]\nstatus-socket = %s\n[source s]\n", path);
	room_accepts(r, text);
	assert_string_equal(r->config.status_socket, path);
	path[107] = 'p';
	path[108] = '\0';
	snprintf(text, sizeof(text),
	    "[agent]\nstatus-socket = %s\n[source s]\n", path);
	room_load(r, text);
	assert_int_equal(r->errors, 1);
}

static void at_most_32_certificate_paths_fit(void **state)
{
	struct config_room *r = *state;
	char text[1024] = "[nts]\n";

	for (unsigned i = 0; i < TRUST_PATHS_MAX / 2; i++)
		strcat(text, "trusted-certs = /a /b\n");
	strcat(text, "[source s]\n");
	room_accepts(r, text);
	assert_int_equal(r->config.trust.path_count, TRUST_PATHS_MAX);
	strcat(text, "[nts]\ntrusted-certs = /c\n");
	room_load(r, text);
	assert_int_equal(r->errors, 1);
	assert_non_null(strstr(r->said, "at most 32 in all"));
	strcpy(text, "[nts]\n");
	for (unsigned i = 0; i < CRL_PATHS_MAX / 2; i++)
		strcat(text, "crl-files = /a /b\n");
	strcat(text, "[source s]\n");
	room_accepts(r, text);
	assert_int_equal(r->config.trust.crl_count, CRL_PATHS_MAX);
	strcat(text, "[nts]\ncrl-files = /c\n");
	room_load(r, text);
	assert_int_equal(r->errors, 1);
	assert_non_null(strstr(r->said, "at most 16 in all"));
}

/* No value here is a default. */
static const char other_values[] =
    "[agent]\nuser = u\nuser-resolver = v\nstatus-socket = none\npidfile = /p\n"
    "sandbox = require\n"
    "[nts]\ntrusted-certs = /a, /b\nsystem-certs = no\naeads = 17 30\n"
    "crl-files = /r\n"
    "ke-timeout = 2500ms\nsaved-keys = /k\n"
    "[clock]\ndriftfile = none\nlast-good-time = /g\n"
    "leapseclist = /l\nleapsectz = right/UTC\n"
    "bootstrap = single\nmakestep = 2s -1\nmax-slew = 7ppm\n"
    "max-drift = 8ppm\n"
    "refuse-threshold = 5s 6\nmaxdistance = 9s\nminsources = 2\n"
    "maxjitter = no\nminstratum = 3\nmaxstratum = 4\n"
    "leapsecmode = ignore\n"
    "max-clock-error = 3ppb\n"
    "[log]\nlevel = debug\ntarget = syslog\n"
    "measurements = yes\nstatistics = yes\ntracking = yes\n"
    "log-dir = /v\nlogbanner = 0\n"
    "[source one]\n[source two]\n";

static void assert_other_agent_and_nts(const struct config *c)
{
	assert_string_equal(c->user, "u");
	assert_string_equal(c->user_resolver, "v");
	assert_string_equal(c->status_socket, "");
	assert_string_equal(c->pidfile, "/p");
	assert_int_equal(c->sandbox, CONFINEMENT_REQUIRE);
	assert_int_equal(c->trust.path_count, 2);
	assert_string_equal(c->trust.paths[0], "/a");
	assert_string_equal(c->trust.paths[1], "/b");
	assert_int_equal(c->trust.crl_count, 1);
	assert_string_equal(c->trust.crls[0], "/r");
	assert_false(c->trust.system_certs);
	assert_int_equal(c->trust.aead_count, 2);
	assert_int_equal(c->trust.aeads[0], AEAD_AES_SIV_CMAC_512);
	assert_int_equal(c->trust.aeads[1], AEAD_AES_128_GCM_SIV);
	assert_int_equal(c->ke_timeout_ms, 2500);
	assert_string_equal(c->saved_keys, "/k");
}

static void assert_other_clock(const struct config *c)
{
	assert_string_equal(c->driftfile, "");
	assert_string_equal(c->goodtime_file, "/g");
	assert_string_equal(c->leap_table, "/l");
	assert_string_equal(c->leap_zone, "/usr/share/zoneinfo/right/UTC");
	assert_int_equal(c->bootstrap, BOOTSTRAP_SINGLE);
	assert_int_equal(c->steering.makestep_threshold_ns, 2 * NS_PER_S);
	assert_int_equal(c->steering.makestep_updates, -1);
	assert_float_equal(c->steering.max_slew_ppm, 7, 1e-9);
	assert_float_equal(c->max_freq_ppm, 8, 1e-9);
	assert_int_equal(c->steering.refuse_threshold_ns, 5 * NS_PER_S);
	assert_int_equal(c->steering.refuse_start, 6);
	assert_int_equal(c->steering.max_distance_ns, 9 * NS_PER_S);
	assert_int_equal(c->steering.max_jitter_ns, 0);
	assert_int_equal(c->steering.leap_mode, LEAP_MODE_IGNORE);
	assert_int_equal(c->steering.min_stratum, 3);
	assert_int_equal(c->steering.max_stratum, 4);
	assert_int_equal(c->steering.min_sources, 2);
	assert_float_equal(c->steering.max_clock_error_ppm, 0.003, 1e-12);
}

static void assert_other_log(const struct config *c)
{
	assert_true(c->log_measurements && c->log_statistics);
	assert_true(c->log_tracking);
	assert_string_equal(c->log_folder, "/v");
	assert_int_equal(c->log_banner, 0);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->log_target, LOG_TO_SYSLOG);
}

static void each_value_sets_its_field(void **state)
{
	struct config_room *r = *state;

	room_accepts(r, other_values);
	assert_other_agent_and_nts(&r->config);
	assert_other_clock(&r->config);
	assert_other_log(&r->config);
}

static void assert_default_clock(const struct config *c, const struct config *d)
{
	const struct steering_config *s = &c->steering, *t = &d->steering;

	assert_int_equal(s->makestep_threshold_ns, t->makestep_threshold_ns);
	assert_int_equal(s->makestep_updates, t->makestep_updates);
	assert_float_equal(s->max_slew_ppm, t->max_slew_ppm, 0);
	assert_int_equal(s->refuse_threshold_ns, t->refuse_threshold_ns);
	assert_int_equal(s->refuse_start, t->refuse_start);
	assert_int_equal(s->max_distance_ns, t->max_distance_ns);
	assert_int_equal(s->max_jitter_ns, t->max_jitter_ns);
	assert_int_equal(s->leap_mode, t->leap_mode);
	assert_int_equal(s->min_stratum, t->min_stratum);
	assert_int_equal(s->max_stratum, t->max_stratum);
	assert_int_equal(s->min_sources, t->min_sources);
	assert_float_equal(s->max_clock_error_ppm, t->max_clock_error_ppm, 0);
	assert_float_equal(c->max_freq_ppm, d->max_freq_ppm, 0);
	assert_string_equal(c->driftfile, d->driftfile);
	assert_string_equal(c->goodtime_file, d->goodtime_file);
	assert_string_equal(c->leap_table, d->leap_table);
	assert_string_equal(c->leap_zone, d->leap_zone);
	assert_int_equal(c->bootstrap, d->bootstrap);
}

static void assert_default_rest(const struct config *c, const struct config *d)
{
	assert_string_equal(c->user, d->user);
	assert_string_equal(c->user_resolver, d->user_resolver);
	assert_string_equal(c->status_socket, d->status_socket);
	assert_string_equal(c->pidfile, d->pidfile);
	assert_int_equal(c->sandbox, d->sandbox);
	assert_int_equal(c->trust.system_certs, d->trust.system_certs);
	assert_int_equal(c->ke_timeout_ms, d->ke_timeout_ms);
	assert_string_equal(c->saved_keys, d->saved_keys);
	assert_int_equal(c->log_level, d->log_level);
	assert_int_equal(c->log_target, d->log_target);
	assert_int_equal(c->log_measurements, d->log_measurements);
	assert_int_equal(c->log_statistics, d->log_statistics);
	assert_int_equal(c->log_tracking, d->log_tracking);
	assert_string_equal(c->log_folder, d->log_folder);
	assert_int_equal(c->log_banner, d->log_banner);
}

/* A later file sets every key back to its default. */
static void a_later_file_overrides(void **state)
{
	struct config_room *r = *state;
	struct config *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	config_defaults(d);
	room_folder(r, "conf.d");
	room_put(r, "conf.d/defaults.conf",
	    "[agent]\nuser = ntsagent\n"
	    "status-socket = /run/ntsagent/status.sock\npidfile = none\n"
	    "sandbox = yes\n"
	    "[nts]\nsystem-certs = yes\nke-timeout = 10s\n"
	    "saved-keys = /var/lib/ntsagent/keys\n"
	    "[clock]\ndriftfile = /var/lib/ntsagent/drift\n"
	    "last-good-time = /var/lib/ntsagent/last-good-time\n"
	    "leapseclist = /usr/share/zoneinfo/leap-seconds.list\n"
	    "leapsectz = none\n"
	    "bootstrap = quorum\nmakestep = 0.1 3\nmax-slew = 50000\n"
	    "max-drift = 100000\nrefuse-threshold = 1000s\nmaxdistance = 3s\n"
	    "maxjitter = 1s\nminstratum = 0\nmaxstratum = 15\n"
	    "leapsecmode = system\n"
	    "minsources = 1\nmax-clock-error = auto\n"
	    "[log]\nlevel = info\ntarget = stderr\n");
	room_accepts(r,
	    "[agent]\nuser = u\nstatus-socket = none\npidfile = /p\n"
	    "sandbox = log\n"
	    "[nts]\nsystem-certs = no\nke-timeout = 2500ms\n"
	    "saved-keys = none\n"
	    "[clock]\ndriftfile = none\nlast-good-time = none\n"
	    "leapseclist = none\nleapsectz = /z\nbootstrap = off\nmakestep = "
	    "no\nmax-slew = "
	    "7ppm\n"
	    "max-drift = 8ppm\nrefuse-threshold = no\nmaxdistance = 9s\n"
	    "maxjitter = 2s\nminstratum = 2\nmaxstratum = 9\n"
	    "leapsecmode = ignore\n"
	    "minsources = 2\nmax-clock-error = 3ppb\n"
	    "[log]\nlevel = debug\ntarget = syslog\n"
	    "[source one]\n[source two]\n");
	assert_default_clock(&r->config, d);
	assert_default_rest(&r->config, d);
	free(d);
}

static void assert_own(const struct endpoint *e, const char *expected)
{
	char text[ENDPOINT_TEXT_MAX];

	assert_string_equal(endpoint_text(e, false, text), expected);
	assert_int_equal(e->port, 0);
}

/* Whatever the order of the sections and files. */
static void a_source_has_the_rest_of_its_binding_from_agent(void **state)
{
	struct config_room *r = *state;
	const struct source_config *s = r->config.sources;

	room_folder(r, "conf.d");
	room_put(r, "conf.d/later.conf",
	    "[agent]\nbind-device = eth1\nsource-port = 1123\n");
	room_accepts(r,
	    "[source all]\n"
	    "[source address]\nbind-address = 192.0.2.8\n"
	    "[source device]\nbind-device = eth2\n"
	    "[source none]\nbind-address = any\nbind-device = none\n"
	    "source-port = random\ndscp = 0\n"
	    "[agent]\nbind-address = 192.0.2.9 ::1\nbind-device = eth0\n"
	    "dscp = 10\n");
	assert_own(&s[0].binding.ipv4, "192.0.2.9");
	assert_own(&s[0].binding.ipv6, "::1");
	assert_string_equal(s[0].binding.device, "eth1");
	assert_int_equal(s[0].binding.port, 1123);
	assert_int_equal(s[0].binding.dscp, 10);
	/* One key of the source replaces the whole key of [agent]. */
	assert_own(&s[1].binding.ipv4, "192.0.2.8");
	assert_own(&s[1].binding.ipv6, "none");
	assert_string_equal(s[1].binding.device, "eth1");
	assert_own(&s[2].binding.ipv4, "192.0.2.9");
	assert_string_equal(s[2].binding.device, "eth2");
	assert_int_equal(binding_needs(&s[3].binding), 0);
	assert_int_equal(config_binds(&r->config), BINDING_NEEDS_ALL);
}

static void nothing_is_bound_by_default(void **state)
{
	struct config_room *r = *state;

	room_accepts(r, "[source one]\n[source two]\n");
	assert_int_equal(config_binds(&r->config), 0);
	room_accepts(r, "[source one]\n[source two]\nsource-port = 123\n");
	assert_int_equal(config_binds(&r->config), BINDING_NEEDS_BIND);
	room_accepts(r, "[source one]\ndscp = 1\n[source two]\n");
	assert_int_equal(config_binds(&r->config), BINDING_NEEDS_DSCP);
	room_accepts(r, "[agent]\nbind-device = lo\n[source one]\n");
	assert_int_equal(config_binds(&r->config), BINDING_NEEDS_DEVICE);
}

static void each_value_of_a_source_sets_its_field(void **state)
{
	struct config_room *r = *state;
	const struct source_config *s = &r->config.sources[0];

	room_accepts(r,
	    "[source one]\nhost = h.example\nsrv = yes\nntsport = 1\n"
	    "port = 2\n"
	    "bind-address = 2001:db8::7 192.0.2.7\nbind-device = eth7\n"
	    "source-port = 7\ndscp = 46\n"
	    "ipv6 = yes\niburst = no\nminpoll = 3\nmaxpoll = 32s\n"
	    "maxdelay = 5ms\nmaxdelayratio = 2.5\nasymmetry = -3us\nprefer = "
	    "yes\ntrust = "
	    "yes\nrequire = yes\n"
	    "[source two]\nnoselect = yes\n");
	assert_int_equal(r->config.source_count, 2);
	assert_string_equal(s->name, "one");
	assert_string_equal(s->host, "h.example");
	assert_true(s->srv && s->member == 0 && !s->dropped);
	assert_own(&s->binding.ipv4, "192.0.2.7");
	assert_own(&s->binding.ipv6, "2001:db8::7");
	assert_string_equal(s->binding.device, "eth7");
	assert_int_equal(s->binding.port, 7);
	assert_int_equal(s->binding.dscp, 46);
	assert_int_equal(s->ke_port, 1);
	assert_int_equal(s->ntp_port, 2);
	assert_int_equal(s->family, FAMILY_IPV6);
	assert_false(s->iburst);
	assert_int_equal(s->minpoll, 3);
	assert_int_equal(s->maxpoll, 5);
	assert_int_equal(s->max_delay_ns, 5 * NS_PER_MS);
	assert_float_equal(s->max_delay_ratio, 2.5, 0);
	assert_int_equal(s->options.asymmetry_ns, -3000);
	assert_true(s->options.prefer && s->options.trust);
	assert_true(s->options.require && !s->options.noselect);
	assert_int_equal(s->line, 1);
	assert_string_equal(s->file, r->path);
	assert_true(s[1].options.noselect && s[1].iburst);
	assert_string_equal(s[1].host, "two");
	assert_int_equal(s[1].line, 20);
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_non_null(text);
	assert_in_range(fread(text, 1, 65535, f), 1, 65534);
	fclose(f);
	return text;
}

/* Has the text a line "#KEY = " or "KEY = "? */
static bool shipped(const char *text, const char *name)
{
	char commented[64], active[64];

	snprintf(commented, sizeof(commented), "\n#%s = ", name);
	snprintf(active, sizeof(active), "\n%s = ", name);
	return strstr(text, commented) || strstr(text, active);
}

static void manual_and_example_know_each_key(void **state)
{
	char *example = read_text("etc/ntsagent.conf");
	char *manual = read_text("man/ntsagent.conf.5");

	(void)state;
	for (size_t i = 0; i < config_key_count(); i++) {
		const char *name = config_key_at(i)->name;
		char word[64];

		if (!shipped(example, name))
			fail_msg("etc/ntsagent.conf: %s is missing", name);
		snprintf(word, sizeof(word), "Cm %s = ", name);
		if (!strstr(manual, word))
			fail_msg("ntsagent.conf(5): %s is missing", name);
	}
	free(example);
	free(manual);
}

/* Removes the "#" of lines such as "#key = value ; comment". */
static void activate(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		char name[32];

		line += *line == '\n';
		if (sscanf(line, "#%31[a-z0-9-] = ", name) != 1)
			continue;
		for (size_t i = 0; i < config_key_count(); i++)
			if (strcmp(config_key_at(i)->name, name) == 0)
				*line = ' ';
	}
}

static void assert_default_source(
    const struct source_config *s, const struct source_config *d)
{
	assert_string_equal(s->name, d->name);
	assert_string_equal(s->host, d->host);
	assert_int_equal(s->ke_port, d->ke_port);
	assert_int_equal(s->srv, d->srv);
	assert_int_equal(s->family, d->family);
	assert_int_equal(s->iburst, d->iburst);
	assert_int_equal(s->minpoll, d->minpoll);
	assert_int_equal(s->maxpoll, d->maxpoll);
	assert_int_equal(s->max_delay_ns, d->max_delay_ns);
	assert_float_equal(s->max_delay_ratio, d->max_delay_ratio, 0);
	assert_int_equal(s->options.prefer, d->options.prefer);
	assert_int_equal(s->options.noselect, d->options.noselect);
	assert_int_equal(s->options.trust, d->options.trust);
	assert_int_equal(s->options.require, d->options.require);
	assert_int_equal(s->options.asymmetry_ns, d->options.asymmetry_ns);
}

/* What the example file calls a default is one. */
static void example_shows_defaults(void **state)
{
	struct config_room *r = *state;
	char *text = read_text("etc/ntsagent.conf");
	struct config *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	room_accepts(r, text);
	assert_int_equal(r->config.source_count, 2);
	*d = r->config;
	/* The head of the pool is a comment: its key belongs to no source. */
	strstr(text, "#sources = ")[0] = ';';
	activate(text);
	room_accepts(r, text);
	assert_default_clock(&r->config, d);
	assert_default_rest(&r->config, d);
	assert_default_source(&r->config.sources[0], &d->sources[0]);
	/* The example shows other values for these three. */
	assert_string_equal(r->config.trust.paths[0], "/etc/pki/rootca.crt");
	assert_int_equal(r->config.trust.aead_count, 2);
	assert_int_equal(r->config.sources[0].ntp_port, 123);
	free(d);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_key, room_make, room_drop),
	    cmocka_unit_test(each_key_has_a_row),
	    cmocka_unit_test(names_of_keys_are_unique),
	    cmocka_unit_test_setup_teardown(
		final_slashes_are_no_part_of_a_path, room_make, room_drop),
	    cmocka_unit_test(other_keys_have_no_limits),
	    cmocka_unit_test(the_section_fits_the_target),
	    cmocka_unit_test(a_typing_error_finds_its_key),
	    cmocka_unit_test(a_typing_error_finds_its_section),
	    cmocka_unit_test_setup_teardown(
		long_paths_are_refused, room_make, room_drop),
	    cmocka_unit_test_setup_teardown(
		at_most_32_certificate_paths_fit, room_make, room_drop),
	    cmocka_unit_test_setup_teardown(
		each_value_sets_its_field, room_make, room_drop),
	    cmocka_unit_test_setup_teardown(
		a_later_file_overrides, room_make, room_drop),
	    cmocka_unit_test_setup_teardown(
		each_value_of_a_source_sets_its_field, room_make, room_drop),
	    cmocka_unit_test_setup_teardown(
		a_source_has_the_rest_of_its_binding_from_agent, room_make,
		room_drop),
	    cmocka_unit_test_setup_teardown(
		nothing_is_bound_by_default, room_make, room_drop),
	    cmocka_unit_test(manual_and_example_know_each_key),
	    cmocka_unit_test_setup_teardown(
		example_shows_defaults, room_make, room_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
