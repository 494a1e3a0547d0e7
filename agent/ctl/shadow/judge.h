/*
 * Whose estimate of the time is nearer to what the servers say. A core.
 *
 * Both programs estimate the time that this machine's clock should show. The
 * judge works in chronyd's time: the clock plus the correction that chronyd
 * still makes. So a slew between two readings moves nothing, and the estimate
 * of chronyd is 0.
 *
 * A new measurement, made by either program, judges both estimates as they were
 * read before it: neither has seen it. Measurements are weighted by their
 * precision. The difference of the mean squares does not contain the noise of
 * the paths, because both estimates meet the same noise.
 */
#ifndef AGENT_CTL_SHADOW_JUDGE_H
#define AGENT_CTL_SHADOW_JUDGE_H

#include "agent/ctl/shadow/agreement.h"

#include <stdbool.h>
#include <stdint.h>

enum judged { JUDGED_AGENT, JUDGED_CHRONYD, JUDGED_COUNT };

#define JUDGE_MEASURED_MAX AGREEMENT_MAX

/* The latest measurement of a server: by how much the clock (AGENT) or
 * chronyd's time (CHRONYD) is fast against it; positive: ahead. */
struct measured {
	enum judged by;
	unsigned place;	     /* in the list of that program */
	uint8_t address[16]; /* IPv4: zeros behind it */
	double fast_s;	     /* when it was made */
	double now_fast_s;   /* with what chronyd has corrected since; chronyd
				alone */
	double error_s;	     /* the largest */
	double age_s;
};

/* Both programs at one time. */
struct judge_reading {
	double mono_s, wall_s;
	double agent_fast_s; /* the agent's estimate: the clock is fast */
	double correction_s; /* chronyd's time is the clock and this */
	double bound_s[JUDGED_COUNT]; /* claimed: the largest error */
	double updated_s; /* chronyd's last update; another value: a new one */
	unsigned count;
	struct measured measured[JUDGE_MEASURED_MAX];
};

/* Sums of consecutive measurements, each weighted. */
struct batch {
	double weight, squares[JUDGED_COUNT];
};

#define JUDGE_BATCHES 64

struct judge {
	bool has_last;
	struct judge_reading last;
	unsigned long readings, gaps, judged, left_out, no_agreement;
	double first_wall_s, last_wall_s;
	double bound_sum_s[JUDGED_COUNT];
	unsigned long broken[JUDGED_COUNT];
	double broken_wall_s[JUDGED_COUNT]; /* the last time */
	int leader;			    /* of all so far; -1: nobody yet */
	double leader_wall_s;		    /* since when */
	unsigned long per_batch;
	unsigned batches; /* that are begun */
	unsigned long in_batch;
	struct batch batch[JUDGE_BATCHES];
	unsigned most_servers;
};

void judge_init(struct judge *j);

/* Readings come in the order of time. After a gap, or when the clock was
 * stepped, the next one judges nothing. */
void judge_take(struct judge *j, const struct judge_reading *r);

/* `certain` says whether the difference is larger than chance explains: 2.5
 * standard deviations of the batches. */
struct verdict {
	int nearer; /* enum judged; -1: there is nothing to judge by */
	bool certain;
	double miss_s[JUDGED_COUNT]; /* RMS of the residuals */
};

struct verdict judge_verdict(const struct judge *j);

#endif
