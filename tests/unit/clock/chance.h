/* Random numbers that repeat: seeded draws for the tests of the clock. */
#ifndef TESTS_UNIT_CLOCK_CHANCE_H
#define TESTS_UNIT_CLOCK_CHANCE_H

#include <math.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

/* splitmix64; 0 < result < 1 */
static inline double chance_uniform(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static inline double chance_between(struct chance *c, double low, double high)
{
	return low + (high - low) * chance_uniform(c);
}

static inline double chance_exponential(struct chance *c, double mean)
{
	return -mean * log(chance_uniform(c));
}

static inline double chance_normal(struct chance *c)
{
	double length = sqrt(-2 * log(chance_uniform(c)));

	return length * cos(2 * M_PI * chance_uniform(c));
}

#endif
