/* Random numbers from a fixed seed, so that a failure can be repeated. */
#ifndef TESTS_UNIT_NTS_RNG_H
#define TESTS_UNIT_NTS_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t rng_u64(struct rng *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. limit - 1 */
static inline size_t rng_below(struct rng *d, size_t limit)
{
	return (size_t)(rng_u64(d) % limit);
}

static inline void rng_bytes(struct rng *d, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)rng_u64(d);
}

#endif
