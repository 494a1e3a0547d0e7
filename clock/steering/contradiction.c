#include "clock/steering/contradiction.h"

#include "clock/steering/candidates.h"

/* Two sources prove nothing against each other. */
#define WITNESSES_LEAST 3
#define ANSWER_WAIT_NS (5 * NS_PER_S)

static int64_t magnitude(int64_t ns)
{
	return ns < 0 ? -ns : ns;
}

static bool is_outside(const struct steering *s, int64_t offset_ns)
{
	return offset_ns < s->selection.truth_low_ns ||
	       offset_ns > s->selection.truth_high_ns;
}

/* Is the sample nearer to the estimate than to the majority's interval? */
static bool leads_away(const struct steering *s, const struct sample *m,
    const struct carry *c, int64_t offset_ns)
{
	int64_t says_ns = carried_offset_ns(m, c);
	int64_t edge_ns = offset_ns < s->selection.truth_low_ns
			      ? s->selection.truth_low_ns
			      : s->selection.truth_high_ns;

	return magnitude(says_ns - offset_ns) < magnitude(says_ns - edge_ns);
}

/*
 * The time of the sample that began to lead there; now: there is none. At the
 * latest decision the estimate was not there, so that is the first one since.
 * A server may have lied there long ago, too: of older samples only the latest
 * counts.
 */
static struct osc leads_since(const struct steering *s,
    const struct steering_source *src, const struct carry *c, int64_t offset_ns)
{
	struct osc first = c->now;

	for (unsigned i = 0; i < src->count; i++) {
		const struct sample *m = &const_record(src, i)->sample;

		if (m->at.ns <= s->decided.ns && first.ns < c->now.ns)
			break;
		if (leads_away(s, m, c, offset_ns))
			first = m->at;
	}
	return first;
}

/* The time of the first sample of all members that led there. */
static struct osc first_leading(
    const struct steering *s, const struct carry *c, int64_t offset_ns)
{
	struct osc first = c->now;

	for (unsigned k = 0; k < s->member_count; k++) {
		struct osc since =
		    leads_since(s, &s->sources[s->members[k]], c, offset_ns);

		if (since.ns < first.ns)
			first = since;
	}
	return first;
}

/* It is in the majority, and the administrator did not prefer another one. */
static bool is_witness(const struct steering_source *src)
{
	return src->count > 0 && src->state >= SELECT_OUTLIER &&
	       src->state != SELECT_NOT_PREFERRED;
}

/* It may be in the majority once it has answered. What a few members say of the
 * frequency, the others must confirm: if the members were asked, each answer of
 * them would bring their next request. */
static bool may_bear_witness(
    const struct steering *s, const struct steering_source *src)
{
	return src->count > 0 && src->state >= SELECT_NO_MAJORITY &&
	       src->state != SELECT_NOT_PREFERRED &&
	       !(s->freq_limited && src->slot >= 0);
}

/* What the latest samples of the witnesses say of the estimate. */
struct testimony {
	unsigned all, against;
	/* By samples that are younger than the first one that led away. */
	unsigned heard_for, heard_against;
};

static struct testimony hear(
    const struct steering *s, const struct carry *c, int64_t offset_ns)
{
	const struct osc first = first_leading(s, c, offset_ns);
	struct testimony t = {0};

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];
		const struct sample *m = &const_record(src, 0)->sample;
		bool against;

		if (!is_witness(src))
			continue;
		against = magnitude(offset_ns - carried_offset_ns(m, c)) >
			  carried_distance_ns(m, c);
		t.all++;
		t.against += against;
		if (m->at.ns >= first.ns)
			*(against ? &t.heard_against : &t.heard_for) += 1;
	}
	return t;
}

static void expel(struct steering *s, const struct carry *c, int64_t offset_ns)
{
	for (unsigned k = 0; k < s->member_count; k++) {
		struct steering_source *src = &s->sources[s->members[k]];

		if (leads_since(s, src, c, offset_ns).ns < c->now.ns)
			src->expelled = src->outside = true;
	}
}

/* At first the others are asked, and have some time to answer. */
static bool must_wait(
    struct steering *s, const struct testimony *t, struct osc now)
{
	if (!s->contradicted)
		s->contradicted_at = now;
	if (2 * t->against > t->all)
		return true;
	return 2 * t->heard_for < t->all &&
	       now.ns - s->contradicted_at.ns < ANSWER_WAIT_NS;
}

/* False: it does not contradict the estimate. */
static bool judge(struct steering *s, struct osc now, int64_t offset_ns)
{
	struct carry c = carry_to(s, now);
	struct testimony t;

	/* The estimated frequency may be a lie, too. */
	c.freq = s->base_freq;
	t = hear(s, &c, offset_ns);
	if (t.all < WITNESSES_LEAST || !must_wait(s, &t, now))
		return false;
	if (2 * t.heard_against > t.all)
		expel(s, &c, offset_ns);
	return true;
}

bool contradiction_found(struct steering *s, struct osc now, int64_t offset_ns)
{
	bool before = s->contradicted;

	s->contradicted = !s->starting && is_outside(s, offset_ns) &&
			  judge(s, now, offset_ns);
	s->wants_witnesses |= s->contradicted && !before;
	return s->contradicted;
}

uint64_t contradiction_witnesses(const struct steering *s)
{
	uint64_t wanted = 0;

	for (unsigned i = 0; s->wants_witnesses && i < s->source_count; i++)
		if (may_bear_witness(s, &s->sources[i]))
			wanted |= UINT64_C(1) << i;
	return wanted;
}
