#include "agent/launch/clock.h"

#include "agent/host/privileges.h"
#include "agent/keeper/keeper_loop.h"
#include "agent/saved/last_good_time.h"
#include "agent/saved/sealed_text.h"
#include "base/log.h"
#include "clock/kernel/drift_file.h"
#include "clock/kernel/leap_file.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TAKEN_MAX 320
/* The last digit of a frequency in the log. */
#define FREQ_SHOWN_PPM 1e-3

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
static bool load_drift(const struct config *config, const struct seal_key *key,
    double *freq_ppm, double *sd_ppm)
{
	const struct sealed_text text = {key, DRIFT_KIND};
	const struct file_seal seal = sealed_text_of(&text);
	const char *path = config->driftfile;
	int err;

	if (!path[0])
		return false;
	err = drift_file_load(path, &seal, freq_ppm, sd_ppm);
	if (err == -ENOENT)
		log_info("no drift file yet: %s", path);
	else if (err == -EINVAL)
		log_warning("%s is not a drift file: not used", path);
	else if (sealed_text_refused(err))
		log_line(err == -ENOKEY ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		    "%s %s: not used", path, sealed_text_error(err));
	else if (err)
		log_warning("cannot read %s: %s", path, strerror(-err));
	if (err || !drift_fits(config, *freq_ppm))
		return false;
	log_info("frequency %+.3f ppm +- %.3f ppm from %s", *freq_ppm, *sd_ppm,
	    path);
	return true;
}

/* Adds a part of the sentence about what another program left. */
static void add_part(char text[TAKEN_MAX], const char *fmt, ...)
    PRINTF_LIKE(2, 3);
static void add_part(char text[TAKEN_MAX], const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list args;

	if (len > 0)
		len += (size_t)snprintf(text + len, TAKEN_MAX - len, ", ");
	va_start(args, fmt);
	vsnprintf(text + len, TAKEN_MAX - len, fmt, args);
	va_end(args);
}

/* One line: what was left in the kernel by programs before the agent. It is
 * gone by now; but for -q, a large frequency stays, and has a line of its own.
 */
static void log_found(const struct keeper *k)
{
	const struct kernel_found *f = &k->found;
	bool is_large = fabs(f->freq_ppm) > KEEPER_BELIEVED_PPM;
	enum log_level level = LOG_LEVEL_INFO;
	char text[TAKEN_MAX] = "";

	if (f->adjtime_ns != 0)
		add_part(text, "adjtime(3) had %+.6f s left to slew",
		    s_of_ns(f->adjtime_ns));
	if (f->offset_ns != 0)
		add_part(text, "the kernel's loop had %+.6f s left to slew",
		    s_of_ns(f->offset_ns));
	else if (f->loop)
		add_part(text, "the kernel's loop was on");
	if (f->leap != LEAP_NONE)
		add_part(text, "a leap second was armed");
	if (is_large && fabs(f->freq_ppm - k->became_ppm) >= FREQ_SHOWN_PPM)
		add_part(text, "the frequency was %+.3f ppm, now %+.3f ppm",
		    f->freq_ppm, k->became_ppm);
	else if (is_large && k->limits.keeps_freq)
		log_warning("the kernel's frequency is %+.3f ppm, of a slew or "
			    "of a rare oscillator: it is left as it is",
		    f->freq_ppm);
	if (text[0])
		level = LOG_LEVEL_WARNING;
	if (f->synchronised)
		add_part(text, "it counted as synchronised");
	if (text[0])
		log_line(level,
		    "the kernel clock was taken over: %s: put right", text);
}

/* The clock may be years behind: it is not before the earliest time. */
static void set_tai(const struct config *config, int64_t earliest_ns,
    const struct clock_ops *ops)
{
	int64_t now_ns = ops->now(ops->self).ns;
	int64_t at_s = (now_ns > earliest_ns ? now_ns : earliest_ns) / NS_PER_S;
	bool is_zone = config->leap_zone[0] != '\0';
	const char *path = is_zone ? config->leap_zone : config->leap_table;
	char text[LEAP_FILE_TEXT_MAX];
	struct leap_table table;
	enum leap_file found;
	int err = 0;

	if (!path[0] || !ops->set_tai)
		return;
	found = leap_file_read(path, is_zone, at_s, &table, text);
	if (found >= LEAP_FILE_EXPIRED)
		err = ops->set_tai(ops->self, table.tai_s);
	if (err)
		log_warning(
		    "cannot set the offset of CLOCK_TAI: %s", strerror(-err));
	/* The list is a default; a zone was asked for. */
	log_line(found == LEAP_FILE_GOOD ||
			 (found == LEAP_FILE_UNREADABLE && !is_zone)
		     ? LOG_LEVEL_INFO
		     : LOG_LEVEL_WARNING,
	    "%s", text);
}

bool launch_clock_take(struct launch_clock *c, const struct config *config,
    const struct seal_key *seal, const struct run_options *run,
    const struct clock_ops *ops)
{
	struct keeper_limits limits = keeper_limits_of(config, run->no_clock);
	double freq_ppm, sd_ppm;
	bool saved = load_drift(config, seal, &freq_ppm, &sd_ppm);
	struct keeper_report report;
	int err;

	limits.keeps_freq = run->once;
	limits.earliest_ns = c->earliest_ns = earliest_time_find(config, seal);
	earliest_time_check(config, c->earliest_ns, ops->now(ops->self));
	err = keeper_start(
	    &c->keeper, &limits, ops, saved ? &freq_ppm : NULL, &report);
	if (err) {
		log_error("the kernel does not let us set the clock: %s%s",
		    strerror(-err),
		    privileges_confined_users("/proc/self/uid_map")
			? ": this is a user namespace (a container): run the "
			  "agent on the host, or here with --no-clock"
			: "");
		return false;
	}
	if (!run->no_clock) {
		log_found(&c->keeper);
		set_tai(config, c->earliest_ns, ops);
	}
	c->first = report.changes[0];
	/* Without a drift file the kernel's frequency is the best guess: an
	 * earlier run of the agent may have found it. */
	c->freq_ppm = saved ? freq_ppm : c->keeper.base_freq_ppm;
	c->freq_sd_ppm = saved ? sd_ppm : FREQ_SD_UNKNOWN_PPM;
	return true;
}
