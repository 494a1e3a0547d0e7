#include "clock/steering/unseen_error.h"

#include "clock/steering/state.h"

#include <math.h>

/* No error is larger than half the delay. That is taken as three standard
 * deviations, so one is the delay divided by this. */
#define HALF_DELAY 6.0
/* If the floor of a path has changed, the error is often half of the change:
 * not the least likely one, but just within three standard deviations. */
#define RANGE_PARTS 5.0
/* Up to this part of a delay, s, may be time in the two machines, all of it on
 * one way: a process wakes up late, a stamp is taken early. */
#define MACHINE_DELAY_S 60e-6
/* Long paths are asymmetric by a share of their delay. */
#define PATH_SHARE 0.005
/* A path may be on a detour or behind a full line since before the start, and
 * all of that may be on one way. Most of it ends within minutes. So the half
 * delay counts whole while the path is watched for less than this time, s, and
 * then falls with one over the time: that is the chance of an end that was not
 * seen in so long. */
#define YOUNG_S 600.0
/* If the delays have no sharp lower edge, it is uncertain where the floor is,
 * by this share of the softness of the edge. */
#define SOFT_SHARE 0.3
/* A way that is busier than the other one is another line, which may also take
 * longer when it is empty, by this share of the mean queue. */
#define LOPSIDED_SHARE 0.15
/* If even the smallest delays are far apart, nothing shows the floor. It is
 * uncertain by this share of the mean queue. */
#define EDGELESS_SHARE 0.6
/* The edge ratio of a sharp edge is below the first of these; at the second,
 * there is surely none. */
#define EDGE_SHARP 1.5
#define EDGE_NONE 4.5

/* The difference between the longest and the shortest floor that a path has
 * had, s. All of it may be on one way. A congestion that ended does not count.
 */
static double range_of_floors(const struct delay_track *t)
{
	double least = INFINITY, most = 0;

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		const struct delay_route *r = &t->routes[i];

		if (r->samples == 0 || r->congested)
			continue;
		least = fmin(least, r->floor);
		most = fmax(most, r->floor);
	}
	return fmax(most - least, 0);
}

/* What all paths may have in common: this machine, and the line that all of
 * them use. */
static double common_sd(const struct steering_source *src)
{
	const struct delay_route *r = delay_shortest_route(&src->delay);
	double floor = r ? r->floor : 0;
	double machines = fmin(floor, MACHINE_DELAY_S) / HALF_DELAY;
	double all = floor / HALF_DELAY;
	double young = YOUNG_S / fmax(src->watched_s, YOUNG_S);

	return fmin(machines + PATH_SHARE * floor + young * all, all);
}

static double edgeless_sd(const struct delay_track *t)
{
	const struct delay_route *r = delay_route(t, t->route);
	double ratio = r ? delay_edge_ratio(t, r) : 1;
	double none = (ratio - EDGE_SHARP) / (EDGE_NONE - EDGE_SHARP);

	return EDGELESS_SHARE * t->queue * fmin(fmax(none, 0), 1);
}

/* What the path alone shows of its asymmetry. */
static double own_sd(const struct steering_source *src)
{
	return (range_of_floors(&src->delay) + creep_range(&src->creep) +
		   src->jump_s) /
		   RANGE_PARTS +
	       SOFT_SHARE * error_model_softness(&src->error_model) *
		   src->delay.quiet +
	       LOPSIDED_SHARE *
		   error_model_lopsided(&src->error_model, &src->delay) *
		   src->delay.queue +
	       edgeless_sd(&src->delay);
}

/* What all paths show may be the work of one line that they share: several
 * sources do not reduce it. What a path shows beyond that is its own. */
double unseen_sd(const struct steering *s)
{
	double common = 0, square = 0, shared = INFINITY;
	double own[ESTIMATE_SOURCES];

	if (s->member_count == 0)
		return 0;
	for (unsigned i = 0; i < s->member_count; i++) {
		const struct steering_source *src = &s->sources[s->members[i]];

		own[i] = own_sd(src);
		shared = fmin(shared, own[i]);
		common += common_sd(src);
	}
	for (unsigned i = 0; i < s->member_count; i++)
		square += (own[i] - shared) * (own[i] - shared);
	return shared + (common + sqrt(square)) / s->member_count;
}
