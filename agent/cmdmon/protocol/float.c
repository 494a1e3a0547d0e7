#include "agent/cmdmon/protocol/float.h"

#include <math.h>

#define COEFFICIENT_BITS 25
#define COEFFICIENT_MASK ((UINT32_C(1) << COEFFICIENT_BITS) - 1)
#define COEFFICIENT_MAX ((1 << (COEFFICIENT_BITS - 1)) - 1)
#define COEFFICIENT_MIN (-COEFFICIENT_MAX - 1)
#define EXPONENT_MIN (-64)
#define EXPONENT_MAX 63

static uint32_t join(int exponent, long coefficient)
{
	return (uint32_t)exponent << COEFFICIENT_BITS |
	       ((uint32_t)coefficient & COEFFICIENT_MASK);
}

static uint32_t largest(double x)
{
	return join(EXPONENT_MAX, x < 0 ? COEFFICIENT_MIN : COEFFICIENT_MAX);
}

uint32_t cmdmon_float_of(double x)
{
	int exponent;
	long coefficient;

	if (isnan(x) || x == 0)
		return 0;
	if (isinf(x))
		return largest(x);
	/* x is a fraction from 1/2 to 1 times 2^exponent; the coefficient has
	 * 24 bits without its sign. */
	frexp(x, &exponent);
	exponent++;
	if (exponent < EXPONENT_MIN)
		exponent = EXPONENT_MIN;
	if (exponent > EXPONENT_MAX)
		return largest(x);
	coefficient = lrint(ldexp(x, COEFFICIENT_BITS - exponent));
	/* Rounded up to the next power of two, which has one bit more. */
	if (coefficient > COEFFICIENT_MAX) {
		if (exponent == EXPONENT_MAX)
			return largest(x);
		coefficient /= 2;
		exponent++;
	}
	return coefficient == 0 ? 0 : join(exponent, coefficient);
}

double cmdmon_float_value(uint32_t bits)
{
	int exponent = (int)(bits >> COEFFICIENT_BITS);
	long coefficient = (long)(bits & COEFFICIENT_MASK);

	if (exponent > EXPONENT_MAX)
		exponent -= 1 << (32 - COEFFICIENT_BITS);
	if (coefficient > COEFFICIENT_MAX)
		coefficient -= 1L << COEFFICIENT_BITS;
	return ldexp((double)coefficient, exponent - COEFFICIENT_BITS);
}
