#include "agent/check/agreement.h"

/* The offset of a clock that nobody sets, so that a step or a slew between two
 * answers makes no difference. The zero is arbitrary. */
static int64_t unmoved_offset_ns(const struct probe *p)
{
	const struct probe_sample *s = &p->time.sample;

	return s->offset_ns - s->wall_minus_raw_ns;
}

bool agreement_one_server(const struct probe *a, const struct probe *b)
{
	const struct probe_sample *x = &a->time.sample, *y = &b->time.sample;

	return endpoint_same_host(&a->keys.address, &b->keys.address) ||
	       (ke_same_key(a->keys.facts.key, b->keys.facts.key) &&
		   x->reference != 0 && x->reference == y->reference &&
		   x->stratum == y->stratum);
}

static bool is_another_name(const struct voter *voters, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (agreement_one_server(voters[i].probe, voters[k].probe))
			return true;
	return false;
}

struct agreement agreement_judge(struct voter *voters, unsigned count)
{
	struct select_source s[SOURCES_MAX] = {0};
	struct select_result r;

	for (unsigned i = 0; i < count; i++)
		s[i] = (struct select_source){
		    .state = SELECT_COMBINED,
		    .options.trust = voters[i].options.trust,
		    .duplicate = is_another_name(voters, i),
		    .offset_ns = unmoved_offset_ns(voters[i].probe) -
				 unmoved_offset_ns(voters[0].probe),
		    .distance_ns = voters[i].probe->time.sample.distance_ns +
				   AGREEMENT_SLACK_NS / 2,
		};
	r = select_sources(s, count, 1, -1);
	for (unsigned i = 0; i < count; i++)
		voters[i].wrong = s[i].state == SELECT_FALSETICKER ||
				  s[i].state == SELECT_UNTRUSTED;
	return (struct agreement){
	    .voters = r.voters,
	    .agreeing = r.agreeing,
	    .majority = r.outcome != SELECT_NO_MAJORITY,
	};
}
