/*
 * A floor that creeps: the base delay of a path follows the load of a far
 * network or a satellite for hours. It is learned from the smallest delays of
 * blocks of samples. What the floor crept is taken off the delays before
 * `delay` sees them, so the path still has one route and one floor.
 *
 * A creep is taken to be on both ways alike: no packet shows more.
 *
 * Shorter blocks show sooner that a floor creeps, but not where it is. They
 * tell that no delay shows which way is busier: most of it may be what the
 * floor crept. Pure; seconds.
 */
#ifndef CLOCK_FILTER_CREEP_H
#define CLOCK_FILTER_CREEP_H

#include <stdbool.h>

#define CREEP_BLOCK 8	/* samples of a block: the floor is followed */
#define CREEP_SHORT 4	/* the same: only the creep is seen */
#define CREEP_BLOCKS 32 /* that are kept */

struct creep {
	struct creep_block {
		double at, least; /* of the smallest delay */
		double mean;
	} blocks[CREEP_BLOCKS];
	unsigned block;	 /* CREEP_BLOCK or CREEP_SHORT */
	unsigned count;	 /* blocks since the route began */
	unsigned filled; /* samples of the block under way */
	struct creep_block filling;
	bool creeps;
	double at, level, rate; /* of the floor: s at a time, s/s */
	double lowest, highest; /* levels so far */
};

void creep_init(struct creep *c, unsigned block);

/* How far the floor has crept at a time. At most half of the delay. */
double creep_at(const struct creep *c, double at, double delay);

/* Takes in a delay as it was measured. `floor`: that of the route, less what
 * crept, and as low as the queues can have hidden; `queue`: the mean queueing
 * delay. */
void creep_add(
    struct creep *c, double at, double delay, double floor, double queue);

/* The path takes another route: the blocks say nothing about the new one. The
 * floor stays where it has crept to by `now`. */
void creep_restart(struct creep *c, double now);

/* The difference between the highest and the lowest level so far; 0: it has
 * never crept. */
double creep_range(const struct creep *c);

#endif
