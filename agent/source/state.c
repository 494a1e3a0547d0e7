#include "agent/source/state.h"

enum source_action source_apply(struct source *s, enum source_event event)
{
	struct source_rule rule = source_rule(s->stage, event);

	if (!rule.defined)
		return ACTION_NOTHING;
	s->step = (struct source_step){s->step.number + 1, s->stage, event};
	s->stage = rule.next;
	if (rule.action == ACTION_KEYS) {
		s->serial++;
		s->count.attempts++;
		s->count.begun++;
		s->retry_at = MONO_NEVER;
	}
	return rule.action;
}

bool source_expects(const struct source *s, enum source_event event)
{
	return source_rule(s->stage, event).defined;
}
