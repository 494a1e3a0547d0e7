/* What the administrator configures of the steering. */
#ifndef CLOCK_STEERING_CONFIG_H
#define CLOCK_STEERING_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Who executes a leap second. */
enum leap_mode {
	LEAP_MODE_SYSTEM, /* the kernel, which is armed */
	LEAP_MODE_SLEW,	  /* the agent: it slews from the leap second on */
	LEAP_MODE_STEP,	  /* the agent: it steps at the leap second */
	LEAP_MODE_IGNORE, /* nobody: the clock follows the servers' answers */
};

struct steering_config {
	/* makestep: an offset above the threshold is stepped instead of slewed,
	 * but only in the first `makestep_updates` updates (0: never, -1:
	 * always). */
	int64_t makestep_threshold_ns;
	int makestep_updates;
	double max_slew_ppm;
	/* Of the base frequency; 0: what the kernel takes. */
	double max_freq_ppm;
	/* After `refuse_start` updates a larger correction is refused: the
	 * clock is not steered, and the status says so. 0: no limit. It does
	 * not bind steps that makestep allows always. */
	int64_t refuse_threshold_ns;
	unsigned refuse_start;
	/* A source with a larger root distance is unusable. */
	int64_t max_distance_ns;
	/* A source whose own answers scatter by more is unusable; 0: no limit.
	 */
	int64_t max_jitter_ns;
	/* A source of another stratum is unusable. */
	unsigned min_stratum, max_stratum;
	unsigned min_sources; /* independent sources needed to steer */
	enum leap_mode leap_mode;
	/* Growth of a bound while no sample arrives; 0: as learned. */
	double max_clock_error_ppm;
};

/* Has makestep the count -1? */
static inline bool steering_config_always_steps(const struct steering_config *c)
{
	return c->makestep_updates < 0;
}

#endif
