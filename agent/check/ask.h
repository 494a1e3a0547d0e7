/* Authenticated requests for time, each over a socket of its own. The time
 * stamps are those of this process, not of the kernel: they widen the delay a
 * little. */
#ifndef AGENT_CHECK_ASK_H
#define AGENT_CHECK_ASK_H

#include "agent/check/seen.h"
#include "nts/fields.h"
#include "resolver/binding.h"

/*
 * Sends a few requests to `to`, the last one as large as a usual request can
 * be, and fills `out`. If none is answered, sends a plain request to find out
 * why. Uses up cookies of `a`. Each socket gets `binding`.
 * `granularity_ns`: the steps of CLOCK_REALTIME; 0: they are short.
 */
void ask_for_time(struct nts_assoc *a, const struct endpoint *to,
    const struct binding *binding, int64_t granularity_ns, struct mono deadline,
    struct probe_time *out);

/* Sends one plain request, to find an obstacle. */
void ask_plainly(const struct endpoint *to, const struct binding *binding,
    struct mono deadline, struct probe_time *out);

#endif
