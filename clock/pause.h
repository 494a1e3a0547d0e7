/*
 * A clock that stood still. A virtual machine that was paused, moved or
 * restored lags afterwards. All its clocks lag together, so none of them shows
 * it. The servers show it: all are ahead at once, by the same time, and by more
 * than any oscillator drifts. A lag that grows from one answer to the next as
 * fast as it came about is no pause: the frequency has changed, and the filter
 * corrects that. Until the votes decide, the samples that show a
 * lag are held back. Pure.
 */
#ifndef CLOCK_PAUSE_H
#define CLOCK_PAUSE_H

#include "base/check.h"
#include "base/limits.h"
#include "base/time.h"

/* A lag is a pause when it is longer than both limits: PAUSE_MIN_NS, and what
 * a clock loses at PAUSE_FREQ_PPM since its last measurement. The filter
 * corrects anything smaller. */
#define PAUSE_MIN_NS (20 * NS_PER_MS)
#define PAUSE_FREQ_PPM 100.0
/* A growing lag is explained by its growth if the clock would have lost no less
 * than the lag divided by this since its last measurement. */
#define PAUSE_RAMP_SHARE 1.5
/* No clock loses more by its frequency alone. */
#define PAUSE_SURE_PPM 100000.0
/* A source without other voters must report the lag this often, and the samples
 * of no source are held back for longer. */
#define PAUSE_STRIKES 3

/* The last answer of a source. */
struct pause_answer {
	unsigned strikes;  /* answers in a row with a lag; 0: no lag */
	struct mono first; /* time of the first of them; without a lag, of the
			      last answer */
	int64_t lag_ns, bound_ns;
	int64_t noise_ns; /* by so much its queues can change the lag */
	int64_t first_lag_ns, first_noise_ns; /* of the first of them */
	struct mono at;			      /* of the answer */
	bool ramp; /* the lag grows: the frequency has changed */
};

struct pause {
	struct pause_answer voices[SOURCES_MAX];
};

enum pause_verdict {
	PAUSE_NONE,  /* take the sample */
	PAUSE_DOUBT, /* hold it back, ask this and the other sources again */
	PAUSE_FOUND, /* the clock stood still for lag_ns */
};

/*
 * Judges an answer of `source`. Against the estimate of `since_ns` ago, the
 * clock is behind by answer.lag_ns +- answer.bound_ns. Of a lag that is not
 * longer than PAUSE_MIN_NS no other member counts. `voters`: one bit for
 * each source with a vote; the bit of `source` may be clear. PAUSE_FOUND clears
 * `p`.
 */
enum pause_verdict pause_judge(struct pause *p, unsigned source,
    struct pause_answer answer, int64_t since_ns, uint64_t voters) MUST_USE;

#endif
