/* What must be true of a configuration, wherever it comes from. */
#ifndef TESTS_FUZZ_CONFIG_LIMITS_H
#define TESTS_FUZZ_CONFIG_LIMITS_H

#include "agent/config/config.h"
#include "agent/link/config_judge.h"
#include "resolver/frame.h"
#include "tests/fuzz/target.h"

static inline bool in_range(double x, double min, double max)
{
	return x >= min && x <= max;
}

static inline void check_path(const char path[FILE_PATH_MAX])
{
	MUST(ends_within(path, FILE_PATH_MAX));
	MUST(path[0] == '/' || path[0] == '\0');
}

static inline void check_source(const struct config *c, unsigned i)
{
	const struct source_config *s = &c->sources[i];

	MUST(ends_within(s->name, sizeof(s->name)) && s->name[0]);
	MUST(ends_within(s->host, sizeof(s->host)) && s->host[0]);
	MUST(!strpbrk(s->host, " \t\"\\/;#"));
	MUST(s->ke_port > 0 && s->line > 0);
	MUST(s->family <= FAMILY_IPV6);
	MUST(s->minpoll == POLL_AUTO ||
	     in_range(s->minpoll, POLL_LOG2_MIN, POLL_LOG2_MAX));
	MUST(s->maxpoll == POLL_AUTO ||
	     in_range(s->maxpoll, POLL_LOG2_MIN, POLL_LOG2_MAX));
	MUST(s->minpoll == POLL_AUTO || s->minpoll <= s->maxpoll);
	MUST(s->max_delay_ns > 0);
	MUST(s->max_delay_ratio == 0 || in_range(s->max_delay_ratio, 1, 1000));
	for (unsigned j = 0; j < i; j++)
		MUST(strcmp(s->name, c->sources[j].name) != 0);
}

static inline void check_steering(const struct steering_config *s)
{
	MUST(s->makestep_threshold_ns > 0 && s->makestep_updates >= -1);
	MUST(in_range(s->max_slew_ppm, 1, 99000));
	MUST(s->refuse_threshold_ns >= 0 && s->max_distance_ns > 0);
	MUST(s->max_jitter_ns >= 0);
	MUST(s->min_stratum <= s->max_stratum && s->max_stratum <= 15);
	MUST(s->min_sources >= 1 && s->min_sources <= SOURCES_MAX);
	MUST(s->max_clock_error_ppm == 0 ||
	     in_range(s->max_clock_error_ppm, 0.001, 10000));
}

static inline void check_trust(const struct trust_config *t)
{
	MUST(t->path_count <= TRUST_PATHS_MAX && t->aead_count <= AEAD_COUNT);
	MUST(t->system_certs || t->path_count > 0);
	for (unsigned i = 0; i < t->path_count; i++)
		check_path(t->paths[i]);
	for (unsigned i = 0; i < t->aead_count; i++)
		MUST(aead_key_len(t->aeads[i]) > 0);
}

static inline void check_config(const struct config *c)
{
	MUST(ends_within(c->user, sizeof(c->user)) && c->user[0]);
	MUST(ends_within(c->user_resolver, sizeof(c->user_resolver)) &&
	     c->user_resolver[0]);
	check_path(c->status_socket);
	check_path(c->pidfile);
	MUST((unsigned)c->sandbox <= CONFINEMENT_REQUIRE);
	check_path(c->driftfile);
	check_path(c->goodtime_file);
	check_path(c->leap_table);
	check_path(c->leap_zone);
	check_trust(&c->trust);
	check_steering(&c->steering);
	MUST(in_range(c->max_freq_ppm, 1, 100000));
	MUST(c->ke_timeout_ms >= 1 && c->ke_timeout_ms <= KE_TIMEOUT_MAX_MS);
	MUST(in_range(c->log_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG));
	MUST(c->log_target == LOG_TO_STDERR || c->log_target == LOG_TO_SYSLOG);
	check_path(c->log_folder);
	MUST(c->log_banner <= 1000000);
	MUST(c->source_count >= 1 && c->source_count <= SOURCES_MAX);
	for (unsigned i = 0; i < c->source_count; i++)
		check_source(c, i);
	/* Another process accepts what a file may say. */
	MUST(config_valid(c));
}

#endif
