#include "agent/cmdmon/turns.h"

static const struct allowance_limit limit = {TURNS_BURST, TURNS_PER_S};

void turns_init(struct turns *t, unsigned count, struct mono now)
{
	t->count = count;
	for (unsigned i = 0; i < count; i++) {
		t->of[i].allowance = allowance_full(&limit, now);
		t->of[i].resumes = now;
	}
}

bool turns_allow(struct turns *t, unsigned i, struct mono now)
{
	if (allowance_spend(&t->of[i].allowance, &limit, now))
		return true;
	t->of[i].resumes = mono_after(now, TURNS_PAUSE_MS * NS_PER_MS);
	return false;
}

bool turns_pauses(const struct turns *t, unsigned i, struct mono now)
{
	return !mono_due(t->of[i].resumes, now);
}

int turns_wait_ms(const struct turns *t, struct mono now)
{
	int64_t least_ns = 0;

	for (unsigned i = 0; i < t->count; i++) {
		int64_t left_ns = t->of[i].resumes.ns - now.ns;

		if (turns_pauses(t, i, now) &&
		    (least_ns == 0 || left_ns < least_ns))
			least_ns = left_ns;
	}
	return (int)((least_ns + NS_PER_MS - 1) / NS_PER_MS);
}
