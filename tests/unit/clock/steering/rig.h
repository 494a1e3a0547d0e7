/*
 * A steering with a clock that obeys at once: an oscillator with an error of
 * its own, servers that know the truth, and paths that queue.
 */
#ifndef TESTS_UNIT_CLOCK_STEERING_RIG_H
#define TESTS_UNIT_CLOCK_STEERING_RIG_H

#include "clock/steering/steering.h"

#include "tests/unit/clock/chance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_START_NS (INT64_C(1735689600) * NS_PER_S)
#define RIG_SOURCES 4

struct rig {
	struct chance chance;
	struct steering *steering;
	struct timescale ledger;
	struct osc now;
	struct wall wall;      /* the same instant */
	double offset_s, freq; /* truth minus oscillator */
	struct clock_command last;
	unsigned commands;
	int64_t up_ns, down_ns; /* one way, in addition to the base */
	double queue_s;		/* mean queueing delay of one way */
};

static const struct steering_config rig_usual = {
    .makestep_threshold_ns = NS_PER_S,
    .makestep_updates = 3,
    .max_slew_ppm = 83333,
    .refuse_threshold_ns = 1000 * NS_PER_S,
    .refuse_start = 1,
    .max_distance_ns = 3 * NS_PER_S,
    .max_jitter_ns = NS_PER_S,
    .max_stratum = 15,
    .min_sources = 1,
    .max_clock_error_ppm = 1,
};

/* NULL: no options, the usual configuration. */
static inline void rig_open(struct rig *r, unsigned sources,
    const struct source_options *options, const struct steering_config *config)
{
	static const struct source_options none[SOURCES_MAX];
	const struct clock_change start = {.at = {RIG_START_NS}};

	*r = (struct rig){.chance = {1},
	    .now = {RIG_START_NS},
	    .wall = {RIG_START_NS},
	    .freq = 2e-5,
	    .queue_s = 1e-5};
	timescale_init(&r->ledger, &start);
	r->steering = steering_new(config ? config : &rig_usual,
	    options ? options : none, sources, 0, 100);
	assert_non_null(r->steering);
}

static inline void rig_close(struct rig *r)
{
	steering_free(r->steering);
}

static inline int64_t rig_truth_ns(const struct rig *r)
{
	return ns_of_s(
	    r->offset_s + r->freq * s_of_ns(r->now.ns - RIG_START_NS));
}

/* Positive: the corrected clock is slow. */
static inline int64_t rig_error_ns(const struct rig *r)
{
	return rig_truth_ns(r) - timescale_added_ns(&r->ledger, r->wall);
}

static inline void rig_wait(struct rig *r, double seconds)
{
	int64_t ns = ns_of_s(seconds);

	r->now.ns += ns;
	r->wall.ns += ns + ns_of_s(seconds * r->last.freq_ppm * 1e-6);
}

static inline struct sample rig_sample(struct rig *r, int64_t wrong_ns)
{
	int64_t e1 =
	    ns_of_s(chance_exponential(&r->chance, r->queue_s)) + r->up_ns;
	int64_t e2 =
	    ns_of_s(chance_exponential(&r->chance, r->queue_s)) + r->down_ns;

	return (struct sample){
	    .at = r->now,
	    .offset_ns = rig_truth_ns(r) + wrong_ns + (e1 - e2) / 2,
	    .delay_ns = 200 * NS_PER_US + e1 + e2,
	    .dispersion_ns = 60,
	    .root_delay_ns = 10 * NS_PER_US,
	    .root_dispersion_ns = 10 * NS_PER_US,
	    .stratum = 2,
	};
}

static inline void rig_add(struct rig *r, unsigned source, int64_t wrong_ns)
{
	struct sample m = rig_sample(r, wrong_ns);

	steering_add(r->steering, source, &m);
	steering_set_reach(r->steering, source, 1);
}

/* Carries out a command at once: how a slew lasts is for tests/sim. */
static inline void rig_obey(struct rig *r, const struct clock_command *c)
{
	const struct clock_change change = {.at = r->wall,
	    .step_ns = c->step_ns + c->slew_ns,
	    .freq_ppm = c->freq_ppm};

	timescale_change(&r->ledger, &change);
	r->wall.ns += change.step_ns;
	steering_applied(r->steering, KEEPER_OK);
	r->last = *c;
	r->commands++;
}

/* All turns of a replay, and the decision. */
static inline bool rig_decide(struct rig *r, struct clock_command *c)
{
	bool decided;

	do
		decided = steering_update(r->steering, &r->ledger, r->wall, c);
	while (steering_is_busy(r->steering));
	return decided;
}

static inline bool rig_update(struct rig *r)
{
	struct clock_command c;

	if (!rig_decide(r, &c))
		return false;
	rig_obey(r, &c);
	return true;
}

/* Another program steps the clock. */
static inline void rig_jump(struct rig *r, int64_t ns)
{
	timescale_foreign_step(&r->ledger, r->wall, ns);
	r->wall.ns += ns;
}

/* `wrong_ns`: by how much each source lies; NULL: none does. */
static inline void rig_poll(struct rig *r, unsigned sources, unsigned rounds,
    double interval_s, const int64_t *wrong_ns)
{
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned k = 0; k < sources; k++) {
			rig_wait(r, interval_s / sources);
			rig_add(r, k, wrong_ns ? wrong_ns[k] : 0);
			(void)rig_update(r);
		}
}

static inline struct source_view rig_view(const struct rig *r, unsigned source)
{
	struct source_view v;

	steering_source_view(r->steering, source, &r->ledger, r->wall, &v);
	steering_source_details(r->steering, source, &r->ledger, r->wall, &v);
	return v;
}

static inline char rig_mark(const struct rig *r, unsigned source)
{
	return select_state_mark(rig_view(r, source).state);
}

static inline struct tracking rig_track(const struct rig *r)
{
	struct tracking t;

	steering_tracking(r->steering, &r->ledger, r->wall, &t);
	return t;
}

#endif
