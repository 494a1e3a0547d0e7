/*
 * A clock that has stood still: a virtual machine that was paused, moved or
 * restored lags afterwards, and so do all its clocks, so that none of them
 * tells. What tells is answers: all servers are ahead at once, by the same, and
 * by more than any oscillator goes wrong. Until they have said so, the samples
 * of those that do are held back. Pure.
 */
#ifndef AGENT_LAPSE_H
#define AGENT_LAPSE_H

#include "agent/config.h"
#include "base/check.h"

/* A lapse is longer than this and than what a clock could lose at
 * LAPSE_FREQ_PPM since it was last measured; what is less, the filter mends. */
#define LAPSE_LEAST_NS (20 * NS_PER_MS)
#define LAPSE_FREQ_PPM 100.0
/* Whoever is alone must say it so often, and nobody is held back for longer. */
#define LAPSE_STRIKES 3

/* What a source's last answer said. */
struct lapse_voice {
	unsigned strikes;  /* answers in a row that the clock lags; 0: it does
			      not */
	struct mono first; /* of them, or the last answer */
	int64_t lag_ns, bound_ns;
};

struct lapse {
	struct lapse_voice voices[CONFIG_SOURCES_MAX];
};

enum lapse_verdict {
	LAPSE_NONE,  /* take the sample */
	LAPSE_DOUBT, /* hold it back, ask again, and ask the others */
	LAPSE_FOUND, /* the clock has stood still for lag_ns */
};

/* An answer of `source`: the clock is behind by `lag_ns` against what was known
 * of it, +- `bound_ns`, `since_ns` after that was known. `voters`: one bit for
 * each source whose word counts, this one included or not. After LAPSE_FOUND
 * nothing is remembered. */
enum lapse_verdict lapse_judge(struct lapse *l, unsigned source,
    struct lapse_voice answer, int64_t since_ns, uint64_t voters) MUST_USE;

#endif
