/*
 * What is remembered of the biases of one path's routes: what the way there is
 * longer than the way back, and what the server is wrong by, cannot be seen
 * while a route lasts, but the next route shows the difference. When a route
 * comes back, so does its bias. Pure; seconds; positive: the server seems
 * ahead.
 */
#ifndef CLOCK_FILTER_ROUTE_H
#define CLOCK_FILTER_ROUTE_H

#include "clock/filter/box.h"
#include "clock/filter/delay.h"

struct route_table {
	struct {
		bool known;
		unsigned number; /* as in delay_track */
		struct belief bias;
	} routes[DELAY_ROUTES];
};

/* NULL: this route was never left. */
const struct belief *route_recall(
    const struct route_table *table, unsigned number);

/* One of the routes that `t` has forgotten makes room. */
void route_learn(struct route_table *table, const struct delay_track *t,
    unsigned number, struct belief bias);

#endif
