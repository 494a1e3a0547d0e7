#include "agent/keeper/ration.h"

#include <string.h>

struct mono ration_next(const struct ration *r)
{
	if (r->used < r->most)
		return (struct mono){0};
	return mono_after(r->at[0], r->period_ns);
}

struct mono ration_wait(const struct ration *r, bool wanted, struct mono now)
{
	const struct mono next = ration_next(r);

	return wanted && !mono_due(next, now) ? next : MONO_NEVER;
}

void ration_use(struct ration *r, struct mono now)
{
	if (r->used == r->most)
		memmove(&r->at[0], &r->at[1], --r->used * sizeof(r->at[0]));
	r->at[r->used++] = now;
}
