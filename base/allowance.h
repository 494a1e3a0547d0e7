/* How often something may happen: `burst` times at once, then `per_s` times a
 * second. */
#ifndef BASE_ALLOWANCE_H
#define BASE_ALLOWANCE_H

#include "base/check.h"
#include "base/time.h"

#include <stdbool.h>

struct allowance_limit {
	double burst, per_s;
};

struct allowance {
	double left;
	struct mono at; /* when `left` was right */
};

/* Starts with a whole burst. */
static inline struct allowance allowance_full(
    const struct allowance_limit *limit, struct mono now)
{
	return (struct allowance){limit->burst, now};
}

static inline double allowance_left(const struct allowance *a,
    const struct allowance_limit *limit, struct mono now)
{
	double left = a->left + s_of_ns(now.ns - a->at.ns) * limit->per_s;

	return left > limit->burst ? limit->burst : left;
}

/* May it happen now? Counts it. */
static inline MUST_USE bool allowance_spend(
    struct allowance *a, const struct allowance_limit *limit, struct mono now)
{
	a->left = allowance_left(a, limit, now);
	a->at = now;
	if (a->left < 1)
		return false;
	a->left--;
	return true;
}

#endif
