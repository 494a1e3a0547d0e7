/* A reload: another list of sources, while the clock is steered. */
#include "clock/steering/asymmetry.h"
#include "clock/steering/state.h"
#include "clock/steering/steering.h"

/* The new index of an old source; -1: it is gone. */
static int moved_to(const int *from, unsigned count, int old)
{
	for (unsigned i = 0; i < count; i++)
		if (from[i] == old && old >= 0)
			return (int)i;
	return -1;
}

/* Another asymmetry: corrects the samples by it instead of the old one. What
 * was learned of the source's biases is wrong now. */
static void correct_again(struct steering *s, struct steering_source *src,
    int64_t old_ns, int64_t asymmetry_ns)
{
	if (old_ns == asymmetry_ns)
		return;
	for (unsigned i = 0; i < src->count; i++) {
		struct sample *m = &record(src, i)->sample;

		m->offset_ns += asymmetry_error_ns(old_ns, m) -
				asymmetry_error_ns(asymmetry_ns, m);
	}
	src->kept = src->learned = (struct route_table){0};
	src->carried_ns = 0;
	src->carried_sd = 0;
	src->old_slot = -1;
	s->replay_due |= src->slot >= 0;
}

static void take_sources(struct steering *s, const struct steering *old,
    const struct source_options *options, const int *from)
{
	for (unsigned i = 0; i < s->source_count; i++) {
		if (from[i] >= 0)
			s->sources[i] = old->sources[from[i]];
		correct_again(s, &s->sources[i],
		    s->sources[i].options.asymmetry_ns,
		    options[i].asymmetry_ns);
		s->sources[i].options = options[i];
	}
}

/* Gives the members that stay their new slots. Their biases are still found by
 * old_slot. If a member is gone, the filter starts again from the records. */
static void take_members(
    struct steering *s, const struct steering *old, const int *from)
{
	s->member_count = 0;
	for (unsigned k = 0; k < old->member_count; k++) {
		int now = moved_to(from, s->source_count, (int)old->members[k]);

		if (now < 0)
			continue;
		s->sources[now].slot = (int)s->member_count;
		s->members[s->member_count++] = (unsigned)now;
	}
	if (s->member_count < old->member_count)
		s->replay_due = true;
}

struct steering *steering_adopt(const struct steering *old,
    const struct steering_config *config, const struct source_options *options,
    const int *from, unsigned count)
{
	struct steering *s = steering_new(config, options, count, 0, 0);
	struct steering_source *sources;

	if (!s)
		return NULL;
	sources = s->sources;
	*s = *old;
	s->sources = sources;
	s->source_count = count;
	s->config = s->discipline.config = *config;
	s->selection.selected = moved_to(from, count, old->selection.selected);
	if (s->selection.selected < 0 &&
	    s->selection.outcome == SELECT_SELECTED)
		s->selection.outcome = SELECT_NO_SAMPLES;
	take_sources(s, old, options, from);
	take_members(s, old, from);
	/* A replay that is under way counts by the old places. */
	s->replay_due |= s->replay.under_way;
	return s;
}
