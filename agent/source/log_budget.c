#include "agent/source/log_budget.h"

#include <string.h>

/* FNV-1a without the digits, and without what stands in double quotes: another
 * date, port or count changes nothing, nor do the words of somebody else, who
 * could choose other ones each time. */
static uint32_t hash_of_sentence(const char *text)
{
	uint32_t hash = UINT32_C(2166136261);
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text < '0' || *text > '9'))
			hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
	}
	return hash;
}

bool log_budget_same(const char *a, const char *b)
{
	return hash_of_sentence(a) == hash_of_sentence(b);
}

static bool was_said(const struct log_budget *b, uint32_t hash)
{
	for (unsigned i = 0; i < b->said_count; i++)
		if (b->said[i] == hash)
			return true;
	return false;
}

static void remember(struct log_budget *b, uint32_t hash)
{
	/* Full: the oldest sentence is the least likely to come again. */
	if (b->said_count == BUDGET_SAID_MAX)
		memmove(&b->said[0], &b->said[1],
		    --b->said_count * sizeof(b->said[0]));
	b->said[b->said_count++] = hash;
}

static bool steady(const struct log_budget *b, struct mono now)
{
	return now.ns - b->trouble_at.ns >= BUDGET_STEADY_NS;
}

static enum log_budget_answer spend(struct log_budget *b)
{
	b->muted = ++b->spent >= BUDGET_LINES_MAX;
	return b->muted ? BUDGET_LAST_LINE : BUDGET_LINE;
}

/* Ends the mute of a source that is gone, once for each silence: who forges
 * answers can invent new troubles for as long as the silence lasts. */
static bool gone(struct log_budget *b, struct mono heard_at, struct mono now)
{
	struct mono since = heard_at.ns != 0 ? heard_at : b->first_at;

	if (!b->muted || now.ns - since.ns < BUDGET_GONE_NS ||
	    since.ns <= b->lifted_for.ns)
		return false;
	b->lifted_for = since;
	return true;
}

enum log_budget_answer log_budget_trouble(struct log_budget *b,
    const char *text, struct mono heard_at, struct mono now)
{
	uint32_t hash = hash_of_sentence(text);

	if (b->first_at.ns == 0)
		b->first_at = now;
	if (steady(b, now) || gone(b, heard_at, now)) {
		b->muted = false;
		b->spent = 0;
	}
	b->trouble_at = now;
	if (b->muted || was_said(b, hash))
		return BUDGET_NONE;
	remember(b, hash);
	return spend(b);
}

enum log_budget_answer log_budget_well(struct log_budget *b, struct mono now)
{
	bool trouble = b->said_count > 0;

	b->said_count = 0;
	if (!b->muted)
		return trouble ? spend(b) : BUDGET_NONE;
	if (!steady(b, now))
		return BUDGET_NONE;
	b->muted = false;
	b->spent = 0;
	return BUDGET_STEADY;
}
