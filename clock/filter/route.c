#include "clock/filter/route.h"

#include <math.h>
#include <stddef.h>

const struct gaussian *route_recall(
    const struct route_table *table, unsigned number)
{
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		if (table->routes[i].known && table->routes[i].number == number)
			return &table->routes[i].bias;
	return NULL;
}

void route_learn(struct route_table *table, const struct delay_track *t,
    unsigned number, struct gaussian bias)
{
	unsigned place = DELAY_ROUTES;

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		bool known = table->routes[i].known;

		if (known && table->routes[i].number == number) {
			place = i;
			break;
		}
		if (!known || !delay_route(t, table->routes[i].number))
			place = i;
	}
	if (place == DELAY_ROUTES)
		return;
	table->routes[place].known = true;
	table->routes[place].number = number;
	table->routes[place].bias = bias;
}

double route_odds(
    struct gaussian was, struct gaussian now, double change, double sd)
{
	/* What the samples alone show, without the prior. */
	double info = 1 / now.var - 1 / (was.var + sd * sd);
	double var, residual, total;

	if (info <= 0)
		return 0;
	var = 1 / info;
	residual = (now.mean - was.mean) * var / now.var - change;
	total = var + was.var;
	return 2 * sqrt(3) * sd / sqrt(2 * M_PI * total) *
	       exp(-residual * residual / (2 * total));
}
