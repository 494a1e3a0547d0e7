#include "agent/link/config_judge.h"

#include "agent/config/keys.h"
#include "agent/config/values.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define MAKESTEP_MAX_NS (1000000 * NS_PER_S)
#define MAKESTEP_UPDATES_MAX 1000000

/* One member: what may stand in it. */
struct member {
	size_t offset, size;
	bool (*judge)(const struct member *m, const void *value);
	/* The key of ntsagent.conf(5) whose range it has, in the unit of the
	 * key times `scale`; NULL: the range is `min` to `max`. */
	const char *key;
	double scale, min, max;
};

static void range_of(const struct member *m, double *min, double *max)
{
	const struct config_key *key =
	    m->key ? config_key_find_anywhere(m->key) : NULL;

	*min = key ? key->min * m->scale : m->min;
	*max = key ? key->max * m->scale : m->max;
}

static bool in_range(const struct member *m, double value)
{
	double min, max;

	range_of(m, &min, &max);
	return isfinite(value) && value >= min && value <= max;
}

/* Texts. */

static bool is_text(const struct member *m, const void *value)
{
	return memchr(value, '\0', m->size) != NULL;
}

/* Lines for an administrator. */
static bool are_texts(const struct member *m, const void *value)
{
	const char(*text)[UNUSED_FILE_TEXT_MAX] = value;

	for (size_t i = 0; i < m->size / sizeof(*text); i++)
		if (!memchr(text[i], '\0', sizeof(*text)))
			return false;
	return true;
}

static bool is_word(const struct member *m, const void *value)
{
	char copy[FILE_PATH_MAX];

	return is_text(m, value) && value_text(value, copy, sizeof(copy));
}

/* "NAME#3" is a source of a pool. */
static bool is_name(const struct member *m, const void *value)
{
	char name[SOURCE_NAME_MAX], copy[SOURCE_NAME_MAX];

	if (!is_text(m, value))
		return false;
	memcpy(name, value, sizeof(name));
	name[strcspn(name, "#")] = '\0';
	return value_host(name, copy, sizeof(copy));
}

static bool is_host(const struct member *m, const void *value)
{
	char copy[HOST_MAX];

	return is_text(m, value) && value_host(value, copy, sizeof(copy));
}

/* An absolute path, or "" for none. */
static bool is_path(const struct member *m, const void *value)
{
	const char *path = value;

	return path[0] == '\0' || (path[0] == '/' && is_word(m, value));
}

static bool is_socket(const struct member *m, const void *value)
{
	struct sockaddr_un address;

	return is_path(m, value) && strlen(value) < sizeof(address.sun_path);
}

/* Numbers. */

/* Only the byte shows a bool that is neither true nor false. */
static bool is_bool(const struct member *m, const void *value)
{
	unsigned char byte;

	static_assert(sizeof(bool) == 1, "a bool is a byte");
	memcpy(&byte, value, m->size);
	return byte <= 1;
}

static bool is_double(const struct member *m, const void *value)
{
	return in_range(m, *(const double *)value);
}

/* 0 stands for `auto` or `no`. */
static bool is_double_or_0(const struct member *m, const void *value)
{
	return *(const double *)value == 0 || is_double(m, value);
}

static bool is_int64(const struct member *m, const void *value)
{
	return in_range(m, (double)*(const int64_t *)value);
}

/* 0 stands for `no`. */
static bool is_limit(const struct member *m, const void *value)
{
	return *(const int64_t *)value == 0 || is_int64(m, value);
}

static bool is_int(const struct member *m, const void *value)
{
	return in_range(m, *(const int *)value);
}

static bool is_poll(const struct member *m, const void *value)
{
	return *(const int *)value == POLL_AUTO || is_int(m, value);
}

/* Also an enum, which has the size of an unsigned int. */
static bool is_unsigned(const struct member *m, const void *value)
{
	static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
			  sizeof(enum family_choice) == sizeof(unsigned),
	    "the size of an enum");
	return in_range(m, *(const unsigned *)value);
}

static bool is_port(const struct member *m, const void *value)
{
	return in_range(m, *(const uint16_t *)value);
}

static bool is_trust(const struct member *m, const void *value)
{
	(void)m;
	return trust_config_valid(value);
}

static bool is_binding(const struct member *m, const void *value)
{
	(void)m;
	return binding_valid(value);
}

static bool is_options(const struct member *m, const void *value)
{
	const struct source_options *o = value;
	const struct member flag = {.size = sizeof(bool)};
	const struct member asymmetry = {.key = "asymmetry", .scale = 1e9};

	(void)m;
	static_assert(
	    sizeof(*o) ==
		offsetof(struct source_options, asymmetry_ns) + sizeof(int64_t),
	    "another option");
	return is_int64(&asymmetry, &o->asymmetry_ns) &&
	       is_bool(&flag, &o->prefer) && is_bool(&flag, &o->noselect) &&
	       is_bool(&flag, &o->trust) && is_bool(&flag, &o->require);
}

/* The tables. */

#define AT(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define KEY(key, scale) key, scale, 0, 0
#define RANGE(min, max) NULL, 1, min, max
#define NO_RANGE RANGE(0, 0)

/* clang-format off */
#define ROW(member, judge, range) \
	{AT(struct steering_config, member), judge, range},
static const struct member of_steering[] = {
	ROW(makestep_threshold_ns, is_int64, RANGE(1, MAKESTEP_MAX_NS))
	ROW(makestep_updates, is_int, RANGE(-1, MAKESTEP_UPDATES_MAX))
	ROW(max_slew_ppm, is_double, KEY("max-slew", 1))
	/* The engine sets it; a file does not. */
	ROW(max_freq_ppm, is_double, NO_RANGE)
	ROW(refuse_threshold_ns, is_limit, KEY("refuse-threshold", 1e9))
	ROW(refuse_start, is_unsigned, RANGE(0, MAKESTEP_UPDATES_MAX))
	ROW(max_distance_ns, is_int64, KEY("maxdistance", 1e9))
	ROW(max_jitter_ns, is_limit, KEY("maxjitter", 1e9))
	ROW(min_stratum, is_unsigned, KEY("minstratum", 1))
	ROW(max_stratum, is_unsigned, KEY("maxstratum", 1))
	ROW(min_sources, is_unsigned, KEY("minsources", 1))
	ROW(leap_mode, is_unsigned, RANGE(LEAP_MODE_SYSTEM, LEAP_MODE_IGNORE))
	ROW(max_clock_error_ppm, is_double_or_0, KEY("max-clock-error", 1))
};
#undef ROW

#define ROW(member, judge, range) \
	{AT(struct source_config, member), judge, range},
static const struct member of_source[] = {
	ROW(name, is_name, NO_RANGE)
	ROW(host, is_host, NO_RANGE)
	ROW(srv, is_bool, NO_RANGE)
	ROW(dropped, is_bool, NO_RANGE)
	ROW(member, is_unsigned, RANGE(0, SOURCES_MAX))
	ROW(ke_port, is_port, RANGE(1, UINT16_MAX))
	ROW(ntp_port, is_port, RANGE(0, UINT16_MAX))
	ROW(family, is_unsigned, RANGE(FAMILY_ANY, FAMILY_IPV6))
	ROW(binding, is_binding, NO_RANGE)
	ROW(iburst, is_bool, NO_RANGE)
	ROW(minpoll, is_poll, RANGE(POLL_LOG2_MIN, POLL_LOG2_MAX))
	ROW(maxpoll, is_poll, RANGE(POLL_LOG2_MIN, POLL_LOG2_MAX))
	ROW(max_delay_ns, is_int64, KEY("maxdelay", 1e9))
	ROW(max_delay_ratio, is_double_or_0, KEY("maxdelayratio", 1))
	ROW(options, is_options, NO_RANGE)
	ROW(line, is_unsigned, RANGE(0, UINT32_MAX))
	ROW(file, is_text, NO_RANGE)
};
#undef ROW

static bool is_steering(const struct member *m, const void *value);

#define ROW(member, judge, range) \
	{AT(struct config, member), judge, range},
static const struct member of_config[] = {
	ROW(file, is_text, NO_RANGE)
	ROW(user, is_word, NO_RANGE)
	ROW(user_resolver, is_word, NO_RANGE)
	ROW(status_socket, is_socket, NO_RANGE)
	ROW(pidfile, is_path, NO_RANGE)
	ROW(sandbox, is_unsigned, RANGE(CONFINEMENT_YES, CONFINEMENT_REQUIRE))
	ROW(trust, is_trust, NO_RANGE)
	ROW(ke_timeout_ms, is_unsigned, KEY("ke-timeout", 1e3))
	ROW(saved_keys, is_path, NO_RANGE)
	ROW(steering, is_steering, NO_RANGE)
	ROW(max_freq_ppm, is_double, KEY("max-drift", 1))
	ROW(driftfile, is_path, NO_RANGE)
	ROW(goodtime_file, is_path, NO_RANGE)
	ROW(leap_table, is_path, NO_RANGE)
	ROW(leap_zone, is_path, NO_RANGE)
	ROW(bootstrap, is_unsigned, RANGE(BOOTSTRAP_OFF, BOOTSTRAP_SINGLE))
	ROW(log_level, is_unsigned, RANGE(LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG))
	ROW(log_target, is_unsigned, RANGE(LOG_TO_STDERR, LOG_TO_SYSLOG))
	ROW(log_measurements, is_bool, NO_RANGE)
	ROW(log_statistics, is_bool, NO_RANGE)
	ROW(log_tracking, is_bool, NO_RANGE)
	ROW(log_folder, is_path, NO_RANGE)
	ROW(log_banner, is_unsigned, KEY("logbanner", 1))
	ROW(binding, is_binding, NO_RANGE)
	ROW(unused_file_count, is_unsigned, RANGE(0, UINT32_MAX))
	ROW(unused_files, are_texts, NO_RANGE)
	ROW(source_count, is_unsigned, RANGE(1, SOURCES_MAX))
};
#undef ROW
/* clang-format on */

static bool all_valid(
    const struct member *members, size_t count, const void *base)
{
	for (size_t i = 0; i < count; i++) {
		const struct member *m = &members[i];

		if (!m->judge(m, (const char *)base + m->offset))
			return false;
	}
	return true;
}

static bool is_steering(const struct member *m, const void *value)
{
	(void)m;
	return all_valid(of_steering, ARRAY_LEN(of_steering), value);
}

/* What several members are together. */

static bool name_is_free(const struct config *c, unsigned before)
{
	for (unsigned i = 0; i < before; i++)
		if (strcmp(c->sources[i].name, c->sources[before].name) == 0)
			return false;
	return true;
}

/* The number at the end of the name is that of the source in its pool. */
static bool member_valid(const struct source_config *s)
{
	const char *end = strchr(s->name, '#');
	char number[16];

	if (s->member == 0 || !end)
		return s->member == 0 && !end;
	snprintf(number, sizeof(number), "#%u", s->member);
	return strcmp(end, number) == 0;
}

static bool source_valid(const struct config *c, unsigned i)
{
	const struct source_config *s = &c->sources[i];

	return all_valid(of_source, ARRAY_LEN(of_source), s) &&
	       (s->minpoll == POLL_AUTO || s->maxpoll == POLL_AUTO ||
		   s->minpoll <= s->maxpoll) &&
	       member_valid(s) && name_is_free(c, i);
}

static bool trust_usable(const struct trust_config *t)
{
	for (unsigned i = 0; i < t->path_count; i++)
		if (t->paths[i][0] != '/')
			return false;
	for (unsigned i = 0; i < t->crl_count; i++)
		if (t->crls[i][0] != '/')
			return false;
	return t->system_certs || t->path_count > 0;
}

bool config_valid(const struct config *c)
{
	unsigned selectable = 0;

	if (!all_valid(of_config, ARRAY_LEN(of_config), c) ||
	    !trust_usable(&c->trust))
		return false;
	for (unsigned i = 0; i < c->source_count; i++) {
		if (!source_valid(c, i))
			return false;
		selectable += !c->sources[i].options.noselect;
	}
	return c->steering.min_sources <= selectable &&
	       c->steering.min_stratum <= c->steering.max_stratum;
}
