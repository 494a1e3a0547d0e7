#include "agent/tools/compare.h"

#include "agent/ctl/fetch.h"
#include "agent/ctl/shadow/chronyd.h"
#include "agent/ctl/shadow/outcome.h"
#include "agent/ctl/snapshot/signs.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_DEFAULT_S 3600
#define DURATION_MIN_S 10
#define DURATION_MAX_S (30 * 86400.0)
#define INTERVAL_NS NS_PER_S
/* So many readings in a row may fail: a restart of one of the two. */
#define FAILURES_MAX 60

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

bool compare_duration(
    const char *text, double *seconds, char why[static COMPARE_ERROR_MAX])
{
	static const char units[] = "smhd";
	static const double unit_s[] = {1, 60, 3600, 86400};
	const char *unit;
	char *end;
	double n;

	*seconds = DURATION_DEFAULT_S;
	if (!text)
		return true;
	n = strtod(text, &end);
	unit = *end == '\0' ? units : strchr(units, *end);
	if (end != text && unit && (*end == '\0' || end[1] == '\0'))
		*seconds = n * unit_s[unit - units];
	else
		*seconds = NAN;
	if (*seconds >= DURATION_MIN_S && *seconds <= DURATION_MAX_S)
		return true;
	snprintf(why, COMPARE_ERROR_MAX,
	    "compare: --for has to be a time from 10s to 30d, such as 1h, not "
	    "'%.40s'",
	    text);
	return false;
}

/* One comparison. */
struct comparison {
	const char *socket;
	struct chronyd chronyd;
	struct judge judge;
};

static double read_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static struct measured *next_of(struct judge_reading *r, enum judged by,
    unsigned place, const uint8_t address[16])
{
	struct measured *m = &r->measured[r->count++];

	*m = (struct measured){.by = by, .place = place};
	memcpy(m->address, address, sizeof(m->address));
	return m;
}

static void take_chronyd(struct judge_reading *r, const struct chronyd_state *c)
{
	const struct cmdmon_tracking *t = &c->tracking;

	r->correction_s = t->correction_s;
	r->updated_s = (double)t->reference_time_ns * 1e-9;
	r->bound_s[JUDGED_CHRONYD] = t->root_delay_s / 2 + t->root_dispersion_s;
	for (unsigned i = 0; i < c->count; i++) {
		const struct cmdmon_source_data *s = &c->source[i];
		struct measured *m;

		if (s->since_sample_s == CMDMON_NEVER)
			continue;
		m = next_of(r, JUDGED_CHRONYD, i, s->address.bytes);
		m->fast_s = s->measured_s;
		m->now_fast_s = s->adjusted_s;
		m->error_s = fmax(s->error_s, 0);
		m->age_s = s->since_sample_s;
	}
}

/* False: its address is not known. IPv4 addresses have zeros behind them, as in
 * chrony's protocol. */
static bool address_of(const struct status_source *s, uint8_t out[16])
{
	memset(out, 0, 16);
	return s->address && (inet_pton(AF_INET, s->address, out) == 1 ||
				 inet_pton(AF_INET6, s->address, out) == 1);
}

static void take_agent(struct judge_reading *r, const struct snapshot *s)
{
	r->agent_fast_s = fast_s(s->clock.offset_ns);
	r->bound_s[JUDGED_AGENT] = (double)s->clock.root_delay_ns.n * 5e-10 +
				   (double)s->clock.root_dispersion_ns.n * 1e-9;
	for (unsigned i = 0; i < s->source_count && i < SOURCES_MAX; i++) {
		const struct status_source *source = &s->sources[i];
		uint8_t address[16];
		struct measured *m;

		if (!source->measured_offset_ns.known ||
		    !source->last_rx_s.known || !address_of(source, address))
			continue;
		m = next_of(r, JUDGED_AGENT, i, address);
		m->fast_s = fast_s(source->measured_offset_ns);
		m->error_s = (double)source->error_ns.n * 1e-9;
		m->age_s = source->last_rx_s.x;
	}
}

/* Both know the time. */
static bool usable(const struct snapshot *s, const struct chronyd_state *c)
{
	return s->clock.offset_ns.known && s->clock.root_delay_ns.known &&
	       c->tracking.leap != CMDMON_LEAP_UNSYNCHRONISED;
}

static bool read_both(struct comparison *c, struct judge_reading *r,
    bool *both_know, char why[static CONNECT_ERROR_MAX])
{
	struct chronyd_state state;
	struct snapshot s;

	if (!snapshot_fetch(c->socket, &s, why))
		return false;
	if (!chronyd_read(&c->chronyd, &state, why)) {
		snapshot_free(&s);
		return false;
	}
	*r = (struct judge_reading){.mono_s = read_s(CLOCK_MONOTONIC),
	    .wall_s = read_s(CLOCK_REALTIME)};
	*both_know = usable(&s, &state);
	take_agent(r, &s);
	take_chronyd(r, &state);
	snapshot_free(&s);
	return true;
}

static void wait_until(double mono_s)
{
	double left_s = mono_s - read_s(CLOCK_MONOTONIC);
	struct timespec pause = {
	    (time_t)fmax(left_s, 0), (long)(fmod(fmax(left_s, 0), 1) * 1e9)};

	(void)nanosleep(&pause, NULL);
}

/* Returns false if too many readings failed in a row; `why` is the last reason.
 */
static bool read_on(
    struct comparison *c, double seconds, char why[static CONNECT_ERROR_MAX])
{
	double start_s = read_s(CLOCK_MONOTONIC), at_s = start_s;
	unsigned failures = 0;
	bool reached = false;

	while (!ended && at_s <= start_s + seconds) {
		struct judge_reading r;
		bool both_know;

		if (!read_both(c, &r, &both_know, why)) {
			/* The first one must succeed. */
			if (!reached || ++failures == FAILURES_MAX)
				return false;
		} else {
			reached = true;
			failures = 0;
			if (both_know)
				judge_take(&c->judge, &r);
		}
		at_s =
		    fmax(at_s + s_of_ns(INTERVAL_NS), read_s(CLOCK_MONOTONIC));
		if (at_s <= start_s + seconds)
			wait_until(at_s);
	}
	return true;
}

/* An hour without a word would look like a fault. */
static void say_start(double seconds, const struct view *v, FILE *errors)
{
	char text[FORMAT_MAX];

	format_wait(text, seconds);
	if (v->terminal)
		fprintf(errors,
		    "comparing for %s; Ctrl-C shows the result so far\n", text);
}

static void take_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	ended = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static enum exit_status say_outcome(
    const struct comparison *c, const struct view *v, FILE *errors)
{
	struct outcome o;

	if (c->judge.readings == 0) {
		fputs("ntsctl: there is nothing to compare: ntsagentd and "
		      "chronyd were not synchronised at the same time\n",
		    errors);
		return EXIT_NOT_SYNCHRONISED;
	}
	o = outcome_of(&c->judge);
	return outcome_put(&o, v) ? EXIT_OK : EXIT_NO_STATUS;
}

enum exit_status compare_run(const char *chronyd, double seconds,
    const char *socket, const struct view *v, FILE *errors)
{
	struct comparison *c = calloc(1, sizeof(*c));
	char why[CONNECT_ERROR_MAX] = "no memory is left";
	enum exit_status status = EXIT_NO_STATUS;
	bool open, ok;

	if (c)
		judge_init(&c->judge);
	open = c && chronyd_open(&c->chronyd, chronyd, why);
	if (open)
		c->socket = socket;
	take_signals();
	if (open)
		say_start(seconds, v, errors);
	ok = open && read_on(c, seconds, why);
	if (!ok)
		fprintf(errors, "ntsctl: %s\n", why);
	/* What was seen until both failed counts. */
	if (ok || (open && c->judge.judged > 0))
		status = say_outcome(c, v, errors);
	if (open)
		chronyd_close(&c->chronyd);
	free(c);
	return ok ? status : EXIT_NO_STATUS;
}

enum exit_status compare_command(
    const struct options *o, const struct view *v, FILE *errors)
{
	char why[COMPARE_ERROR_MAX];
	double seconds;

	if (!compare_duration(o->duration, &seconds, why)) {
		fprintf(errors, "ntsctl: %s; see: ntsctl help\n", why);
		return EXIT_USAGE;
	}
	return compare_run(o->chronyd, seconds, o->socket, v, errors);
}
