/* Seeded draws, so that a property that fails fails again. */
#ifndef TESTS_UNIT_NTS_DRAW_H
#define TESTS_UNIT_NTS_DRAW_H

#include <stddef.h>
#include <stdint.h>

struct draw {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t draw_u64(struct draw *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. limit - 1 */
static inline size_t draw_below(struct draw *d, size_t limit)
{
	return (size_t)(draw_u64(d) % limit);
}

static inline void draw_bytes(struct draw *d, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)draw_u64(d);
}

#endif
