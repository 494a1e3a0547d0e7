/*
 * The remembered biases of one path's routes. The asymmetry of a route and the
 * error of the server cannot be seen while the route lasts; the change to the
 * next route shows the difference. When a route comes back, so does its bias.
 * Pure; seconds; positive: the server seems ahead.
 */
#ifndef CLOCK_FILTER_ROUTE_H
#define CLOCK_FILTER_ROUTE_H

#include "clock/filter/box.h"
#include "clock/filter/delay.h"

struct route_table {
	struct {
		bool known;
		unsigned number; /* as in struct delay_track */
		struct gaussian bias;
	} routes[DELAY_ROUTES];
};

/* NULL: the bias of this route is not known. */
const struct gaussian *route_recall(
    const struct route_table *table, unsigned number);

/* Remembers the bias of a route in place of an older value, in a free place, or
 * in place of a route that `t` has forgotten. */
void route_learn(struct route_table *table, const struct delay_track *t,
    unsigned number, struct gaussian bias);

/*
 * A route mostly differs from the one before as much there as back, so that its
 * bias is the old one, or on one way only, so that its bias changes by half of
 * the difference. How much more likely does a change by `change` make what the
 * first samples show than a change anywhere within +- sqrt(3) * sd? `was`: the
 * bias before; `now`: the bias after the samples, estimated from a prior of
 * `was` with a variance that was inflated by sd^2.
 */
double route_odds(
    struct gaussian was, struct gaussian now, double change, double sd);

#endif
