/* A reload: another list of sources, while the clock is steered. */
#include "clock/steering/feed.h"
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

static void take_sources(struct steering *s, const struct steering *old,
    const struct source_options *options, const int *from)
{
	for (unsigned i = 0; i < s->source_count; i++) {
		if (from[i] >= 0)
			s->sources[i] = old->sources[from[i]];
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
	take_sources(s, old, options, from);
	take_members(s, old, from);
	if (s->replay_due && s->member_count > 0)
		feed_replay(s);
	return s;
}
