/*
 * From what was seen of each source to the obstacle in its way and to a verdict
 * on all of them. A core: no clock is read, nothing is printed.
 */
#ifndef AGENT_CHECK_JUDGE_H
#define AGENT_CHECK_JUDGE_H

#include "agent/check/seen.h"
#include "agent/config/config.h"
#include "base/obstacles.h"

/* The exit statuses of a monitoring plugin (Nagios, Icinga). */
enum check_status {
	CHECK_OK,
	CHECK_WARNING,
	CHECK_CRITICAL,
	CHECK_UNKNOWN,
	CHECK_STATUS_COUNT,
};

/* "OK", "WARNING", ... */
const char *check_status_word(enum check_status status);

/* How the process that talked to the server ended. */
enum probe_end {
	PROBE_DONE, /* the probe is complete */
	PROBE_LATE, /* it was stopped at the limit */
	/* By a signal, or it sent nonsense, or it closed its link too early. */
	PROBE_CRASHED,
	PROBE_NOT_RUN, /* it could not be started, or could not confine itself
			*/
};

#define CHECK_TEXT_MAX 1400

struct source_verdict {
	enum check_status status;
	enum obstacle obstacle; /* OBSTACLE_COUNT: none */
	/* The sentence of the obstacle, what was seen of it, and what to do; ""
	 * if nothing is wrong, or nothing more is known. */
	char problem[CHECK_TEXT_MAX], seen[CHECK_TEXT_MAX];
	char to_do[CHECK_TEXT_MAX];
};

struct judge_limits {
	int64_t max_distance_ns; /* maxdistance */
	int64_t now_s;		 /* CLOCK_REALTIME when the check began */
	/* Neither root nor the agent's user: what this user cannot read, the
	 * agent may. */
	bool other_user;
	/* OpenSSL is in FIPS mode, and has an algorithm of NTS. */
	bool fips;
};

void judge_source(const struct source_config *s, const struct probe *p,
    enum probe_end end, const struct judge_limits *limits,
    struct source_verdict *out);

/* One source of the configuration, with all that is known of it. */
struct checked_source {
	const struct source_config *config;
	struct probe probe;
	enum probe_end end;
	struct source_verdict verdict;
};

/* The verdict on all sources together. */
struct check_verdict {
	enum check_status status;
	unsigned good;	  /* sources that the agent could use */
	unsigned servers; /* of these; a server may have two names */
	/* The clock of this machine is wrong, by all that was seen. */
	bool clock_wrong;
	char summary[CHECK_TEXT_MAX];
};

/* Changes the verdicts on the sources, too, if the clock of this machine turns
 * out to be wrong. `min_sources` is minsources. */
void judge_all(struct checked_source *sources, unsigned count,
    unsigned min_sources, const struct judge_limits *limits,
    struct check_verdict *out);

#endif
