/*
 * Each member of a configuration, set to values that no file can lead to. The
 * lists of members are complete, or this file does not compile: their sizes add
 * up to that of the struct, and with -Werror every member has an initializer.
 */
#include "agent/link/config_judge.h"

#include "tests/unit/agent/config/config_room.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>

/* The members. */

#define CONFIG_MEMBERS(X)                                                      \
	X(file, {0})                                                           \
	X(user, {0})                                                           \
	X(user_resolver, {0})                                                  \
	X(status_socket, {0})                                                  \
	X(pidfile, {0})                                                        \
	X(sandbox, 0)                                                          \
	X(trust, {0})                                                          \
	X(ke_timeout_ms, 0)                                                    \
	X(saved_keys, {0})                                                     \
	X(steering, {0})                                                       \
	X(max_freq_ppm, 0)                                                     \
	X(driftfile, {0})                                                      \
	X(goodtime_file, {0})                                                  \
	X(leap_table, {0})                                                     \
	X(leap_zone, {0})                                                      \
	X(bootstrap, 0)                                                        \
	X(log_level, 0)                                                        \
	X(log_target, 0)                                                       \
	X(log_measurements, 0)                                                 \
	X(log_statistics, 0)                                                   \
	X(log_tracking, 0)                                                     \
	X(log_folder, {0})                                                     \
	X(log_banner, 0)                                                       \
	X(binding, {.dscp = 0})                                                \
	X(unused_file_count, 0)                                                \
	X(unused_files, {{0}})                                                 \
	X(source_count, 0)                                                     \
	X(sources, {[0] = {.name = ""}})

#define STEERING_MEMBERS(X)                                                    \
	X(makestep_threshold_ns, 0)                                            \
	X(makestep_updates, 0)                                                 \
	X(max_slew_ppm, 0)                                                     \
	X(max_freq_ppm, 0)                                                     \
	X(refuse_threshold_ns, 0)                                              \
	X(refuse_start, 0)                                                     \
	X(max_distance_ns, 0)                                                  \
	X(max_jitter_ns, 0)                                                    \
	X(min_stratum, 0)                                                      \
	X(max_stratum, 0)                                                      \
	X(min_sources, 0)                                                      \
	X(leap_mode, 0)                                                        \
	X(max_clock_error_ppm, 0)

#define TRUST_MEMBERS(X)                                                       \
	X(system_certs, 0)                                                     \
	X(path_count, 0)                                                       \
	X(paths, {{0}})                                                        \
	X(crl_count, 0) X(crls, {{0}}) X(aead_count, 0) X(aeads, {0})

#define OPTION_MEMBERS(X)                                                      \
	X(prefer, 0)                                                           \
	X(noselect, 0) X(trust, 0) X(require, 0) X(asymmetry_ns, 0)

#define SOURCE_MEMBERS(X)                                                      \
	X(name, {0})                                                           \
	X(host, {0})                                                           \
	X(srv, 0)                                                              \
	X(dropped, 0)                                                          \
	X(member, 0)                                                           \
	X(ke_port, 0)                                                          \
	X(ntp_port, 0)                                                         \
	X(family, 0)                                                           \
	X(binding, {.dscp = 0})                                                \
	X(iburst, 0)                                                           \
	X(minpoll, 0)                                                          \
	X(maxpoll, 0)                                                          \
	X(max_delay_ns, 0)                                                     \
	X(max_delay_ratio, 0)                                                  \
	X(options, {0})                                                        \
	X(line, 0)                                                             \
	X(file, {0})

#define BINDING_MEMBERS(X)                                                     \
	X(ipv4, {.port = 0})                                                   \
	X(ipv6, {.port = 0}) X(device, {0}) X(port, 0) X(dscp, 0) X(reserved, 0)

/* A struct of the listed members has the size of the real one, and an
 * initializer for each leaves none out (-Wmissing-field-initializers). A member
 * is listed with the zero of its type. */
#define COMPLETE(type, MEMBERS)                                                \
	struct type##_listed {                                                 \
		MEMBERS(OF_##type)                                             \
	};                                                                     \
	static_assert(sizeof(struct type##_listed) == sizeof(struct type),     \
	    "struct " #type " has a member that the list lacks");              \
	static const struct type type##_zero = {MEMBERS(NOTHING)};

#define NOTHING(member, zero) zero,
#define OF_config(member, zero) __typeof__(((struct config *)0)->member) member;
#define OF_source_config(member, zero)                                         \
	__typeof__(((struct source_config *)0)->member) member;
#define OF_trust_config(member, zero)                                          \
	__typeof__(((struct trust_config *)0)->member) member;
#define OF_source_options(member, zero)                                        \
	__typeof__(((struct source_options *)0)->member) member;
#define OF_binding(member, zero)                                               \
	__typeof__(((struct binding *)0)->member) member;
#define OF_steering_config(member, zero)                                       \
	__typeof__(((struct steering_config *)0)->member) member;

/* clang-format off */
COMPLETE(config, CONFIG_MEMBERS)
COMPLETE(binding, BINDING_MEMBERS)
COMPLETE(source_config, SOURCE_MEMBERS)
COMPLETE(trust_config, TRUST_MEMBERS)
COMPLETE(steering_config, STEERING_MEMBERS)
COMPLETE(source_options, OPTION_MEMBERS)
/* clang-format on */

/* The faults. */

struct fault {
	const char *member;
	size_t offset, size;
	/* `count` values of `size` bytes; NULL: a text without its end. */
	const void *values;
	size_t count;
};

#define AT(member)                                                             \
#member, offsetof(struct config, member),                              \
	    sizeof(((struct config *)0)->member)
#define VALUES(type, member, ...)                                              \
	{                                                                      \
		AT(member), (const type[]){__VA_ARGS__},                       \
		    ARRAY_LEN(((const type[]){__VA_ARGS__}))                   \
	}
#define ENDLESS(member)                                                        \
	{                                                                      \
		AT(member), NULL, 1                                            \
	}
/* A text that ends, and is wrong. */
#define TEXT(member, text)                                                     \
	{                                                                      \
#member, offsetof(struct config, member), sizeof(text), text,  \
		    1                                                          \
	}
#define PATH(member) ENDLESS(member), TEXT(member, "x"), TEXT(member, "/\n")
#define BOOL(member) VALUES(unsigned char, member, 2, 255)
#define DOUBLE(member, ...)                                                    \
	VALUES(double, member, NAN, INFINITY, -INFINITY, __VA_ARGS__)

/* clang-format off */
static const struct fault faults[] = {
	ENDLESS(file),
	ENDLESS(user_resolver), TEXT(user_resolver, ""),
	TEXT(user_resolver, "a\nb"),
	ENDLESS(user), TEXT(user, ""), TEXT(user, "a\nb"),
	PATH(status_socket),
	PATH(pidfile),
	BOOL(trust.system_certs),
	VALUES(unsigned, trust.path_count, TRUST_PATHS_MAX + 1, UINT_MAX),
	ENDLESS(trust.paths[0]), TEXT(trust.paths[0], "x"),
	TEXT(trust.paths[0], ""), ENDLESS(trust.paths[1]),
	VALUES(unsigned, trust.crl_count, CRL_PATHS_MAX + 1, UINT_MAX),
	ENDLESS(trust.crls[0]), TEXT(trust.crls[0], "x"),
	TEXT(trust.crls[0], ""),
	VALUES(unsigned, trust.aead_count, AEAD_COUNT + 1, UINT_MAX),
	VALUES(unsigned, trust.aeads[0], 0, 1, 16, UINT_MAX),
	VALUES(uint32_t, ke_timeout_ms, 0, 999, 300001, UINT32_MAX),
	PATH(saved_keys),
	VALUES(int64_t, steering.makestep_threshold_ns, 0, -1, INT64_MIN,
		1000000 * NS_PER_S + 1000, INT64_MAX),
	VALUES(int, steering.makestep_updates, -2, 1000001, INT_MIN, INT_MAX),
	DOUBLE(steering.max_slew_ppm, 0, 0.9, 99001, -1),
	DOUBLE(steering.max_freq_ppm, 1, -1),
	VALUES(int64_t, steering.refuse_threshold_ns, -1, 1,
		NS_PER_MS - 1, INT64_MAX, INT64_MIN),
	VALUES(unsigned, steering.refuse_start, 1000001, UINT_MAX),
	VALUES(int64_t, steering.max_distance_ns, 0, 999,
		16 * NS_PER_S + 1, -1, INT64_MAX),
	VALUES(int64_t, steering.max_jitter_ns, 1, 999,
		1000 * NS_PER_S + 1000, -1, INT64_MAX),
	/* The default of maxstratum is 15. */
	VALUES(unsigned, steering.min_stratum, 16, UINT_MAX),
	VALUES(unsigned, steering.max_stratum, 0, 16, UINT_MAX),
	/* Two sources of the three may be selected. */
	VALUES(unsigned, steering.min_sources, 0, 3, SOURCES_MAX + 1, UINT_MAX),
	VALUES(unsigned, steering.leap_mode, LEAP_MODE_IGNORE + 1, UINT_MAX),
	DOUBLE(steering.max_clock_error_ppm, 0.0009, 10001, -1, -0.001),
	DOUBLE(max_freq_ppm, 0, 0.9, 100001, -1),
	PATH(driftfile),
	PATH(goodtime_file),
	PATH(leap_table),
	VALUES(unsigned, sandbox, CONFINEMENT_REQUIRE + 1, UINT_MAX),
	PATH(leap_zone),
	VALUES(unsigned, bootstrap, BOOTSTRAP_SINGLE + 1, UINT_MAX),
	VALUES(unsigned, log_level, LOG_LEVEL_ERROR - 1, LOG_LEVEL_DEBUG + 1,
		0, UINT_MAX),
	VALUES(unsigned, log_target, LOG_TO_SYSLOG + 1, UINT_MAX),
	BOOL(log_measurements), BOOL(log_statistics), BOOL(log_tracking),
	PATH(log_folder),
	VALUES(unsigned, log_banner, 1000001, UINT_MAX),
	VALUES(uint8_t, binding.dscp, 64, 255),
	ENDLESS(unused_files[0]), ENDLESS(unused_files[UNUSED_FILES_SHOWN - 1]),
	VALUES(unsigned, source_count, 0, SOURCES_MAX + 1, UINT_MAX),
	ENDLESS(sources[1].name), TEXT(sources[1].name, ""),
	TEXT(sources[1].name, "a b"), TEXT(sources[1].name, "a"),
	TEXT(sources[1].name, "b#1"), TEXT(sources[1].name, "#1"),
	BOOL(sources[1].srv), BOOL(sources[1].dropped),
	VALUES(unsigned, sources[1].member, 1, SOURCES_MAX + 1, UINT_MAX),
	TEXT(sources[3].name, "p"), TEXT(sources[3].name, "p#2"),
	TEXT(sources[3].name, "p#1x"), TEXT(sources[3].name, "p q#1"),
	VALUES(unsigned, sources[3].member, 0, 2),
	TEXT(sources[2].name, "b"),
	ENDLESS(sources[1].host), TEXT(sources[1].host, ""),
	TEXT(sources[1].host, "a/b"),
	VALUES(uint16_t, sources[1].ke_port, 0),
	VALUES(unsigned, sources[1].family, FAMILY_IPV6 + 1, UINT_MAX),
	VALUES(uint8_t, sources[1].binding.ipv4.family, 6, 7),
	VALUES(uint8_t, sources[1].binding.ipv6.family, 4, 255),
	VALUES(uint8_t, sources[1].binding.device[15], 'x'),
	VALUES(uint8_t, sources[1].binding.device[0], '/', ' ', 0x7f, 0x80),
	VALUES(uint8_t, sources[1].binding.dscp, 64, 255),
	VALUES(uint8_t, sources[1].binding.reserved, 1),
	BOOL(sources[1].iburst),
	VALUES(int, sources[1].minpoll, POLL_LOG2_MIN - 1, POLL_LOG2_MAX + 1,
		9, INT_MIN, INT_MAX),
	VALUES(int, sources[1].maxpoll, POLL_LOG2_MIN - 1, POLL_LOG2_MAX + 1,
		5, INT_MIN, INT_MAX),
	VALUES(int64_t, sources[1].max_delay_ns, 0, 999,
		1000 * NS_PER_S + 1000, -1, INT64_MAX),
	DOUBLE(sources[1].max_delay_ratio, 0.9, 1001, -1),
	BOOL(sources[1].options.prefer),
	BOOL(sources[1].options.noselect),
	BOOL(sources[1].options.trust),
	BOOL(sources[1].options.require),
	VALUES(int64_t, sources[1].options.asymmetry_ns, 10 * NS_PER_S + 1000,
		-10 * NS_PER_S - 1000, INT64_MAX, INT64_MIN),
	ENDLESS(sources[1].file),
};

/* Every value of these is one that a file can lead to. */
static const char *const without_fault[] = {"ntp_port", "line", "port",
    "unused_file_count"};
/* clang-format on */

/* Is `member` one of the names in a path such as "sources[1].options.trust"? */
static bool names(const char *path, const char *member)
{
	while (*path) {
		size_t len = strcspn(path, ".[");

		if (len == strlen(member) && strncmp(path, member, len) == 0)
			return true;
		path += len;
		path += strcspn(path, ".");
		path += *path == '.';
	}
	return false;
}

static void has_a_fault(const char *member)
{
	for (size_t i = 0; i < ARRAY_LEN(without_fault); i++)
		if (strcmp(without_fault[i], member) == 0)
			return;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (names(faults[i].member, member))
			return;
	fail_msg("no fault is tried with %s", member);
}

static void each_member_has_a_fault(void **state)
{
	(void)state;
#define X(member, zero) has_a_fault(#member);
	CONFIG_MEMBERS(X)
	SOURCE_MEMBERS(X)
	TRUST_MEMBERS(X)
	STEERING_MEMBERS(X)
	OPTION_MEMBERS(X)
	BINDING_MEMBERS(X)
#undef X
	assert_int_equal(config_zero.source_count, 0);
	assert_int_equal(source_config_zero.line, 0);
	assert_int_equal(trust_config_zero.path_count, 0);
	assert_int_equal(steering_config_zero.min_sources, 0);
	assert_false(source_options_zero.trust);
	assert_int_equal(binding_zero.dscp, 0);
}

/* With something in every member. */
static void load_good(struct config_room *r)
{
	room_accepts(r, "[agent]\npidfile = /p\nsandbox = log\n"
			"[nts]\ntrusted-certs = /a /b\ncrl-files = "
			"/c\nsystem-certs = no\naeads = 15 30\n"
			"[source a]\n[source b]\nminpoll = 6\nmaxpoll = 8\n"
			"bind-address = 192.0.2.1 ::1\nbind-device = eth0\n"
			"source-port = 1\ndscp = 1\n"
			"[source c]\nnoselect = yes\n"
			"[pool p]\nsources = 1\nnoselect = yes\n");
	assert_true(config_valid(&r->config));
}

static void spoil(struct config *c, const struct fault *f, size_t i)
{
	char *at = (char *)c + f->offset;

	if (f->values) {
		memcpy(at, (const char *)f->values + i * f->size, f->size);
		return;
	}
	memset(at, 'a', f->size);
	if (at[f->size - 1] == at[0])
		at[0] = '/';
}

static void each_fault_is_refused(void **state)
{
	struct config_room *r = *state;
	struct config *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	load_good(r);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		for (size_t j = 0; j < faults[i].count; j++) {
			*c = r->config;
			spoil(c, &faults[i], j);
			if (config_valid(c))
				fail_msg("%s: fault %zu is taken",
				    faults[i].member, j);
		}
	}
	free(c);
}

static void a_text_without_end_is_refused_whatever_its_letters(void **state)
{
	struct config_room *r = *state;

	load_good(r);
	memset(r->config.sources[0].name, 'n', SOURCE_NAME_MAX);
	assert_false(config_valid(&r->config));
	load_good(r);
	memset(r->config.sources[0].host, 'n', HOST_MAX);
	assert_false(config_valid(&r->config));
	load_good(r);
	memset(r->config.user, 'n', sizeof(r->config.user));
	assert_false(config_valid(&r->config));
	load_good(r);
	memset(r->config.user_resolver, 'n', sizeof(r->config.user_resolver));
	assert_false(config_valid(&r->config));
	load_good(r);
	r->config.user_resolver[0] = '\0';
	assert_false(config_valid(&r->config));
}

static void no_trust_at_all_is_refused(void **state)
{
	struct config_room *r = *state;

	load_good(r);
	r->config.trust.path_count = 0;
	assert_false(config_valid(&r->config));
	r->config.trust.system_certs = true;
	assert_true(config_valid(&r->config));
}

/* What config_load() accepts passes: the limits of each key. */
static const char *const good[] = {
    "[agent]\nuser = u\nstatus-socket = none\npidfile = none\n",
    "[agent]\nsandbox = require\n",
    "[nts]\nke-timeout = 1s\n",
    "[nts]\nke-timeout = 300s\nsaved-keys = none\n",
    "[nts]\naeads = 17, 15, 30\ntrusted-certs = /a\n",
    "[clock]\ndriftfile = none\nlast-good-time = none\nbootstrap = off\n",
    "[clock]\nbootstrap = single\nmakestep = no\n",
    "[clock]\nmakestep = 1ns -1\nmax-slew = 1ppm\nmax-drift = 1ppm\n",
    "[clock]\nmakestep = 1000000 1000000\nmax-slew = 99000ppm\n",
    "[clock]\nmax-drift = 500ppm\nrefuse-threshold = no\n",
    "[clock]\nrefuse-threshold = 1ms\nmaxdistance = 1us\n",
    "[clock]\nrefuse-threshold = 1e9\nmaxdistance = 16s\n",
    "[clock]\nmax-clock-error = 1ppb\n",
    "[clock]\nmax-clock-error = auto\n",
    "[clock]\nmax-clock-error = 10000ppm\nminsources = 2\n",
    "[log]\nlevel = error\ntarget = syslog\n",
    "[log]\nlevel = debug\ntarget = stderr\n",
    "[source x]\nntsport = 1\nport = 1\nipv4 = no\nminpoll = -4\n",
    "[source x]\nntsport = 65535\nport = 65535\nipv6 = no\nmaxpoll = 17\n",
    "[source x]\nminpoll = 17\nmaxpoll = 17\nmaxdelay = 1us\n",
    "[source x]\nminpoll = -4\nmaxpoll = -4\nmaxdelay = 1000s\n",
    "[source x]\niburst = no\nprefer = yes\ntrust = yes\nrequire = yes\n",
    "[source x]\nnoselect = yes\nhost = 2001:db8::1%eth0\n",
};

static void what_a_file_may_say_is_accepted(void **state)
{
	struct config_room *r = *state;
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		snprintf(
		    text, sizeof(text), "%s[source a]\n[source b]\n", good[i]);
		room_accepts(r, text);
		if (!config_valid(&r->config))
			fail_msg("refused: %s", good[i]);
	}
}

static void as_many_sources_as_there_may_be(void **state)
{
	struct config_room *r = *state;
	char text[4096] = "[clock]\nminsources = 64\n";

	for (int i = 0; i < SOURCES_MAX; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "[source s%d]\n", i);
	}
	room_accepts(r, text);
	assert_true(config_valid(&r->config));
	strcpy(r->config.sources[SOURCES_MAX - 1].name, "s0");
	assert_false(config_valid(&r->config));
}

static void the_shipped_file_is_accepted(void **state)
{
	struct config_room *r = *state;

	room_load_path(r, "etc/ntsagent.conf");
	assert_int_equal(r->errors, 0);
	assert_true(config_valid(&r->config));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_member_has_a_fault),
	    TEST(each_fault_is_refused),
	    TEST(a_text_without_end_is_refused_whatever_its_letters),
	    TEST(no_trust_at_all_is_refused),
	    TEST(what_a_file_may_say_is_accepted),
	    TEST(as_many_sources_as_there_may_be),
	    TEST(the_shipped_file_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
