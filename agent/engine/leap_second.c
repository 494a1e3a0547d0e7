#include "agent/engine/leap_second.h"

#include "clock/leap.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX 300
/* An announcement counts for so long: it ends at the leap second, but smearing
 * goes on. */
#define ANNOUNCED_NS (25 * 3600 * NS_PER_S)

static bool is_ours(const struct engine *e)
{
	enum leap_mode mode = e->config->steering.leap_mode;

	return mode == LEAP_MODE_SLEW || mode == LEAP_MODE_STEP;
}

/* What the kernel, or the agent in its place, does at the end of the day. */
static enum leap planned(const struct engine *e,
    const struct clock_command *command, enum leap kernel)
{
	if (!is_ours(e))
		return kernel;
	return command->synchronised
		   ? steering_leap_due(e->steering, e->now.wall)
		   : LEAP_NONE;
}

int64_t engine_leap_wait_ns(const struct engine *e, struct wall now)
{
	int64_t left_ns = e->leap.at.ns - now.ns;

	if (e->leap.ours || e->leap.armed == LEAP_NONE || e->leap.executed ||
	    left_ns > LEAP_FIXED_BEFORE_NS || left_ns <= -LEAP_FIXED_AFTER_NS)
		return 0;
	return left_ns + LEAP_FIXED_AFTER_NS;
}

/* Why there is none although there was to be one. */
static const char *why_disarmed(const struct engine *e)
{
	if (e->now.wall.ns >= e->leap.at.ns)
		return "the kernel did not execute the leap second that was "
		       "armed: the next answers of the servers correct the "
		       "clock";
	if (steering_leap_due(e->steering, e->now.wall) == LEAP_NONE)
		return "no leap second at the end of today (UTC) after all: "
		       "the sources do not announce it any more, or are lost";
	return "no leap second at the end of today (UTC) after all, although "
	       "the sources announce it: the clock is not known well enough, "
	       "or was set just before it";
}

void engine_leap_armed(
    struct engine *e, const struct clock_command *command, enum leap kernel)
{
	static const char *const lines[] = {
	    [LEAP_INSERT] = "a leap second is inserted at the end of today "
			    "(UTC): a majority of the sources announces it",
	    [LEAP_DELETE] = "a second is left out at the end of today (UTC): "
			    "a majority of the sources announces it",
	};
	enum leap leap = planned(e, command, kernel);

	e->leap.ours = is_ours(e);
	if (leap == e->leap.armed)
		return;
	/* No line if the kernel is disarmed after the leap second. */
	if (leap != LEAP_NONE || !e->leap.executed)
		engine_say(e, LOG_LEVEL_NOTICE, "%s",
		    leap == LEAP_NONE ? why_disarmed(e) : lines[leap]);
	e->leap.armed = leap;
	e->leap.at = leap_time(leap, e->now.wall);
	e->leap.executed = false;
}

bool engine_leap_executed(
    struct engine *e, struct wall before, int64_t jump_ns, int64_t tolerance_ns)
{
	enum leap armed = e->leap.armed;
	int64_t leap_ns = jump_ns < 0 ? -NS_PER_S : NS_PER_S;
	/* Before its first tick after midnight, the kernel shows the next day.
	 */
	struct wall day = {before.ns - LEAP_FIXED_AFTER_NS};

	if (e->leap.ours || e->leap.executed ||
	    !leap_executed(armed, day, e->now.wall, jump_ns, tolerance_ns))
		return false;
	timescale_leap(
	    &e->timescale, leap_time(armed, day), leap_ns, e->good_freq_ppm);
	e->wall_minus_mono_ns += leap_ns;
	e->leap.executed = true;
	engine_say(e, LOG_LEVEL_NOTICE,
	    "leap second %s: the clock went from %s to %s UTC",
	    armed == LEAP_INSERT ? "inserted" : "left out",
	    armed == LEAP_INSERT ? "00:00:00 back" : "23:59:59 at once",
	    armed == LEAP_INSERT ? "23:59:59" : "00:00:00");
	return true;
}

struct mono engine_leap_deadline(const struct engine *e)
{
	int64_t left_ns = e->leap.at.ns - e->woke.wall.ns;

	if (!e->leap.ours || e->leap.armed == LEAP_NONE || e->leap.executed)
		return MONO_NEVER;
	return mono_after(e->woke.mono, left_ns > 0 ? left_ns : 0);
}

/* UTC moves, the clock does not. For the ledger that is a leap second and a
 * step back: no sample changes, and the clock is wrong by a second. */
bool engine_leap_pass(struct engine *e)
{
	bool inserted = e->leap.armed == LEAP_INSERT;
	int64_t leap_ns = inserted ? -NS_PER_S : NS_PER_S;
	struct wall now = e->now.wall;

	if (engine_leap_deadline(e).ns > e->now.mono.ns)
		return false;
	timescale_leap(&e->timescale, now, leap_ns, e->good_freq_ppm);
	timescale_foreign_step(
	    &e->timescale, (struct wall){now.ns + leap_ns}, -leap_ns);
	steering_utc_moved(e->steering);
	e->leap.executed = true;
	e->leap.step_due = e->config->steering.leap_mode == LEAP_MODE_STEP;
	engine_say(e, LOG_LEVEL_NOTICE,
	    "leap second %s: the clock is %s by %s second",
	    inserted ? "inserted" : "left out",
	    e->leap.step_due ? "stepped" : "slewed",
	    inserted ? "minus one" : "one");
	return true;
}

static struct leap_view view_of(const struct engine *e, unsigned i)
{
	struct source_view v;

	steering_source_view(e->steering, i, &e->timescale, e->now.wall, &v);
	return (struct leap_view){
	    .name = e->config->sources[i].name,
	    .usable = v.have_sample && v.state != SELECT_NO_SAMPLES &&
		      v.state != SELECT_UNSYNCED && v.state != SELECT_STALE,
	    .agrees = v.state == SELECT_SELECTED || v.state == SELECT_COMBINED,
	    .leap = v.leap,
	    .offset_ns = v.last_offset_ns,
	    .bound_ns = v.bound_ns,
	};
}

static void add_name(char names[NAMES_MAX], const char *name)
{
	size_t len = strlen(names);

	snprintf(
	    names + len, NAMES_MAX - len, "%s%s", len > 0 ? ", " : "", name);
}

/* RFC 8633 3.7.1/2 */
static void name_smearers(
    struct engine *e, const struct leap_view *views, uint64_t found)
{
	char names[NAMES_MAX] = "";

	for (unsigned i = 0; i < e->source_count; i++)
		if (found >> i & 1)
			add_name(names, views[i].name);
	engine_say(e, LOG_LEVEL_WARNING,
	    "around this leap second %s differ%s from the others by "
	    "less than a second: either they smear it, or the others "
	    "do; do not mix the two kinds",
	    names, (found & (found - 1)) ? "" : "s");
}

static void forget(struct engine *e)
{
	e->leap.smearers = 0;
	e->leap.announced = false;
}

void engine_leap_look(struct engine *e)
{
	struct leap_view views[SOURCES_MAX];
	uint64_t found = 0;

	if (!leap_smear_time(e->now.wall)) {
		forget(e);
		return;
	}
	for (unsigned i = 0; i < e->source_count; i++)
		views[i] = view_of(e, i);
	if (leap_announced(views, e->source_count)) {
		e->leap.announced = true;
		e->leap.announced_at = e->now.mono;
	}
	if (!e->leap.announced ||
	    mono_due(
		mono_after(e->leap.announced_at, ANNOUNCED_NS), e->now.mono))
		return;
	for (unsigned i = 0; i < e->source_count; i++)
		if (leap_smears(views, e->source_count, i))
			found |= UINT64_C(1) << i;
	/* One line for each server and leap second. */
	if (found & ~e->leap.smearers)
		name_smearers(e, views, found);
	e->leap.smearers |= found;
}

const char *engine_leap_reason(const struct engine *e, unsigned source)
{
	if (!(e->leap.smearers >> source & 1))
		return NULL;
	return "differs from the others around a leap second: it smears it and "
	       "they do not, or the other way round; do not mix the two kinds";
}
