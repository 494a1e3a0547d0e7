#include "agent/source/log_budget.h"

#include <string.h>

/* A hash (FNV-1a) that is the same for the same sentence with another date,
 * port or count in it. */
static uint32_t hash_but_for_numbers(const char *text)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *text; text++)
		if (*text < '0' || *text > '9')
			hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
	return hash;
}

static bool was_said(const struct log_budget *n, uint32_t hash)
{
	for (unsigned i = 0; i < n->said_count; i++)
		if (n->said[i] == hash)
			return true;
	return false;
}

static void remember(struct log_budget *n, uint32_t hash)
{
	/* Full: the first one is the most likely not to come again. */
	if (n->said_count == BUDGET_SAID_MAX)
		memmove(&n->said[0], &n->said[1],
		    --n->said_count * sizeof(n->said[0]));
	n->said[n->said_count++] = hash;
}

static bool steady(const struct log_budget *n, struct mono now)
{
	return now.ns - n->trouble_at.ns >= BUDGET_STEADY_NS;
}

static enum log_budget_answer spend(struct log_budget *n)
{
	n->muted = ++n->spent >= BUDGET_BUDGET;
	return n->muted ? BUDGET_LAST_LINE : BUDGET_LINE;
}

enum log_budget_answer log_budget_trouble(struct log_budget *n,
    const char *text, struct mono heard_at, struct mono now)
{
	uint32_t hash = hash_but_for_numbers(text);

	if (steady(n, now) ||
	    (n->muted && now.ns - heard_at.ns >= BUDGET_GONE_NS)) {
		n->muted = false;
		n->spent = 0;
	}
	n->trouble_at = now;
	if (n->muted || was_said(n, hash))
		return BUDGET_NONE;
	remember(n, hash);
	return spend(n);
}

enum log_budget_answer log_budget_well(struct log_budget *n, struct mono now)
{
	bool trouble = n->said_count > 0;

	n->said_count = 0;
	if (!n->muted)
		return trouble ? spend(n) : BUDGET_NONE;
	if (!steady(n, now))
		return BUDGET_NONE;
	n->muted = false;
	n->spent = 0;
	return BUDGET_STEADY;
}
