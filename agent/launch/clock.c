#include "agent/launch/clock.h"

#include "agent/keeper/keeper_loop.h"
#include "agent/saved/last_good_time.h"
#include "base/log.h"
#include "clock/kernel/drift_file.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The keeper would never set a frequency beyond max-drift: such a file is
 * damaged, or of another machine. */
static bool drift_fits(const struct config *config, double freq_ppm)
{
	double most_ppm = config->max_freq_ppm;

	if (fabs(freq_ppm) <= most_ppm)
		return true;
	log_warning("%s says %+.3f ppm, and max-drift is %g ppm: not used",
	    config->driftfile, freq_ppm, most_ppm);
	return false;
}

/* True: `freq_ppm` and `sd_ppm` are those of the drift file. */
static bool load_drift(
    const struct config *config, double *freq_ppm, double *sd_ppm)
{
	const char *path = config->driftfile;
	int err;

	if (!path[0])
		return false;
	err = drift_file_load(path, freq_ppm, sd_ppm);
	if (err == -ENOENT)
		log_info("no drift file yet: %s", path);
	else if (err == -EINVAL)
		log_warning("%s is not a drift file: not used", path);
	else if (err)
		log_warning("cannot read %s: %s", path, strerror(-err));
	if (err || !drift_fits(config, *freq_ppm))
		return false;
	log_info("frequency %+.3f ppm +- %.3f ppm from %s", *freq_ppm, *sd_ppm,
	    path);
	return true;
}

bool launch_clock_take(struct launch_clock *c, const struct config *config,
    bool no_clock, const struct clock_ops *ops)
{
	struct keeper_limits limits = keeper_limits_of(config, no_clock);
	double freq_ppm, sd_ppm;
	bool saved = load_drift(config, &freq_ppm, &sd_ppm);
	struct keeper_report report;
	int err;

	limits.earliest_ns = c->earliest_ns = earliest_time_find(config);
	earliest_time_check(config, c->earliest_ns, ops->now(ops->self));
	err = keeper_start(
	    &c->keeper, &limits, ops, saved ? &freq_ppm : NULL, &report);
	if (err) {
		log_error("the kernel does not let us set the clock: %s",
		    strerror(-err));
		return false;
	}
	c->first = report.changes[0];
	/* Without a drift file the kernel's frequency is the best guess: an
	 * earlier run of the agent may have found it. */
	c->freq_ppm = saved ? freq_ppm : c->keeper.base_freq_ppm;
	c->freq_sd_ppm = saved ? sd_ppm : FREQ_SD_UNKNOWN_PPM;
	return true;
}
