#include "clock/filter/route.h"

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
