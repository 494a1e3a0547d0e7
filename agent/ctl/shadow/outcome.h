/* What `ntsctl compare` says: five lines, CSV or JSON. */
#ifndef AGENT_CTL_SHADOW_OUTCOME_H
#define AGENT_CTL_SHADOW_OUTCOME_H

#include "agent/ctl/print/table.h"
#include "agent/ctl/shadow/judge.h"

struct outcome {
	struct field_int since_ns; /* 1970 */
	struct field_real compared_s;
	struct field_int servers;
	struct field_int judged, left_out, no_agreement, gaps;
	const char *nearer; /* ntsagentd or chronyd; NULL: cannot be told */
	struct field_int nearer_since_ns;
	struct field_int agent_miss_ns, chronyd_miss_ns;
	struct field_int agent_bound_ns, chronyd_bound_ns; /* means */
	struct field_int agent_broken, chronyd_broken;
	struct field_int agent_broken_at_ns, chronyd_broken_at_ns;
};

/* `j` has at least one reading. */
struct outcome outcome_of(const struct judge *j);

/* False: no memory. */
bool outcome_put(const struct outcome *o, const struct view *v) MUST_USE;

#endif
