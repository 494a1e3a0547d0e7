/* Takes over the kernel clock: drift file, earliest time, first frequency. */
#ifndef AGENT_LAUNCH_CLOCK_H
#define AGENT_LAUNCH_CLOCK_H

#include "agent/config/options.h"
#include "clock/kernel/keeper.h"
#include "agent/saved/seal_key.h"

struct launch_clock {
	struct keeper keeper;	      /* started */
	struct clock_change first;    /* where the ledger starts */
	double freq_ppm, freq_sd_ppm; /* as in clock_command; +- of it */
	int64_t earliest_ns;	      /* agent/saved/last_good_time.h */
};

/* False: the clock cannot be set; logged. */
bool launch_clock_take(struct launch_clock *c, const struct config *config,
    const struct seal_key *seal, const struct run_options *run,
    const struct clock_ops *ops) MUST_USE;

#endif
