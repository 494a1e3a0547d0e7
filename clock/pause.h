/*
 * A clock that has stood still: a virtual machine that was paused, moved or
 * restored lags afterwards, and so do all its clocks, so that none of them
 * tells. What tells is answers: all servers are ahead at once, by the same, and
 * by more than any oscillator goes wrong. Until they have said so, the samples
 * of those that do are held back. Pure.
 */
#ifndef CLOCK_PAUSE_H
#define CLOCK_PAUSE_H

#include "base/check.h"
#include "base/limits.h"
#include "base/time.h"

/* A lapse is longer than this and than what a clock could lose at
 * PAUSE_FREQ_PPM since it was last measured; what is less, the filter mends. */
#define PAUSE_LEAST_NS (20 * NS_PER_MS)
#define PAUSE_FREQ_PPM 100.0
/* Whoever is alone must say it so often, and nobody is held back for longer. */
#define PAUSE_STRIKES 3

/* What a source's last answer said. */
struct pause_voice {
	unsigned strikes;  /* answers in a row that the clock lags; 0: it does
			      not */
	struct mono first; /* of them, or the last answer */
	int64_t lag_ns, bound_ns;
};

struct pause {
	struct pause_voice voices[SOURCES_MAX];
};

enum pause_verdict {
	PAUSE_NONE,  /* take the sample */
	PAUSE_DOUBT, /* hold it back, ask again, and ask the others */
	PAUSE_FOUND, /* the clock has stood still for lag_ns */
};

/* An answer of `source`: the clock is behind by `lag_ns` against what was known
 * of it, +- `bound_ns`, `since_ns` after that was known. `voters`: one bit for
 * each source whose word counts, this one included or not. After PAUSE_FOUND
 * nothing is remembered. */
enum pause_verdict pause_judge(struct pause *l, unsigned source,
    struct pause_voice answer, int64_t since_ns, uint64_t voters) MUST_USE;

#endif
