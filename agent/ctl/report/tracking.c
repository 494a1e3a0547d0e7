#include "agent/ctl/chronyc/values.h"
#include "agent/ctl/print/text.h"
#include "agent/ctl/report/report.h"

#include <math.h>
#include <string.h>

#define DISTURBANCE_MAX 2048

#define CLOCK(m) .field = FIELD(struct status_clock, m)

/* For CSV and JSON: all of `clock`. */
/* clang-format off */
static const struct column columns[] = {
	{CLOCK(controlled)}, {CLOCK(reason)}, {CLOCK(synchronised)},
	{CLOCK(state)}, {CLOCK(selected)}, {CLOCK(combined)},
	{CLOCK(reference_id)}, {CLOCK(stratum)}, {CLOCK(leap)},
	{CLOCK(reference_time_ns)}, {CLOCK(offset_ns)},
	{CLOCK(update_offset_ns)}, {CLOCK(rms_offset_ns)},
	{CLOCK(uncorrected_frequency_ppm)}, {CLOCK(residual_frequency_ppm)}, {CLOCK(skew_ppm)},
	{CLOCK(drift_reason)}, {CLOCK(drift_hour_ppm)},
	{CLOCK(drift_day_ppm)}, {CLOCK(drift_jump_ppm)},
	{CLOCK(drift_watched_s)}, {CLOCK(drift_awake_s)},
	{CLOCK(root_delay_ns)}, {CLOCK(root_dispersion_ns)},
	{CLOCK(bound_ns)}, {CLOCK(est_error_ns)}, {CLOCK(update_interval_s)}, {CLOCK(steps)},
	{CLOCK(last_step_ns)}, {CLOCK(refused)}, {CLOCK(refused_offset_ns)},
	{CLOCK(refusals)}, {CLOCK(keeper_steps)}, {CLOCK(keeper_refusals)},
	{CLOCK(disturbance)}, {CLOCK(disturbed_s)},
};
/* clang-format on */

/* chronyc prints nine decimals, which show nanoseconds exactly. */
static double s_of(struct field_int ns)
{
	return (double)ns.n * 1e-9;
}

static void put_reference(const struct snapshot *s, const struct view *v)
{
	const struct status_source *best = snapshot_selected(s);
	const char *id = s->clock.reference_id;

	fprintf(v->out, "%s (%s)", !id || *id == '\0' ? "00000000" : id,
	    best ? source_shown_name(best, v) : "");
}

static void put_stratum(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%lld", (long long)chrony_stratum(&s->clock).n);
}

static void put_reference_time(const struct snapshot *s, const struct view *v)
{
	chronyc_put_date(v->out, s->clock.reference_time_ns);
}

static void put_system_time(const struct snapshot *s, const struct view *v)
{
	double offset_s = s_of(s->clock.offset_ns);

	fprintf(v->out, "%.9f seconds %s of NTP time", fabs(offset_s),
	    offset_s < 0 ? "slow" : "fast");
}

static void put_last_offset(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%+.9f seconds", s_of(s->clock.update_offset_ns));
}

static void put_rms_offset(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%.9f seconds", s_of(s->clock.rms_offset_ns));
}

static void put_frequency(const struct snapshot *s, const struct view *v)
{
	double ppm = s->clock.uncorrected_frequency_ppm.x;

	fprintf(v->out, "%.3f ppm %s", fabs(ppm), ppm > 0 ? "fast" : "slow");
}

static void put_residual(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%+.3f ppm", s->clock.residual_frequency_ppm.x);
}

static void put_skew(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%.3f ppm", s->clock.skew_ppm.x);
}

static void put_root_delay(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%.9f seconds", s_of(s->clock.root_delay_ns));
}

static void put_root_dispersion(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%.9f seconds", s_of(s->clock.root_dispersion_ns));
}

static void put_update_interval(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%.1f seconds", s->clock.update_interval_s.x);
}

static void put_leap(const struct snapshot *s, const struct view *v)
{
	fputs(
	    chronyc_leap(s->clock.synchronised ? s->clock.leap : NULL), v->out);
}

static void put_est_error(const struct snapshot *s, const struct view *v)
{
	fprintf(v->out, "%.9f seconds", s_of(s->clock.est_error_ns));
}

static void put_hours(struct field_real seconds, const struct view *v)
{
	if (seconds.known)
		fprintf(v->out, "%.1f h", seconds.x / 3600);
	else
		fputs("an unknown time", v->out);
}

/* Nobody can tell a clock that jumps from a server that is set. */
static void put_learned(const struct status_clock *c, const struct view *v)
{
	fputs("learned in ", v->out);
	put_hours(c->drift_watched_s, v);
	if (strcmp(c->drift_reason, "jumps") != 0)
		return;
	fputs("; the clock or a server jumped", v->out);
	if (c->drift_jump_ppm.known)
		fprintf(v->out, " by up to %.3f ppm", c->drift_jump_ppm.x);
}

static void put_drift_reason(const struct status_clock *c, const struct view *v)
{
	const char *reason = c->drift_reason ? c->drift_reason : "";

	if (strcmp(reason, "configured") == 0) {
		fputs("configured with max-clock-error", v->out);
	} else if (strcmp(reason, "unknown") == 0) {
		fputs("nothing learned yet", v->out);
	} else if (strcmp(reason, "restarted") == 0) {
		fputs("watched for only ", v->out);
		put_hours(c->drift_awake_s, v);
		fputs(" since the machine booted or woke up", v->out);
	} else if (strcmp(reason, "learned") == 0 ||
		   strcmp(reason, "jumps") == 0) {
		put_learned(c, v);
	} else {
		fputs("for an unknown reason", v->out);
	}
}

static void put_drift(const struct snapshot *s, const struct view *v)
{
	const struct status_clock *c = &s->clock;

	if (!c->drift_hour_ppm.known || !c->drift_day_ppm.known) {
		fputs("unknown", v->out);
		return;
	}
	fprintf(v->out, "assumed %.3f ppm for 1 h, %.3f ppm for 1 d",
	    c->drift_hour_ppm.x, c->drift_day_ppm.x);
	/* The reason does not fit into a line of 80 columns. */
	if (v->terminal)
		fprintf(v->out, "\n%18s(", "");
	else
		fputs(" (", v->out);
	put_drift_reason(c, v);
	fputc(')', v->out);
}

static void put_steering(const struct snapshot *s, const struct view *v)
{
	const char *reason = s->clock.reason ? s->clock.reason : "";

	fputs(!s->clock.controlled ? "not controlled"
	      : s->clock.refused   ? "stopped, beyond refuse-threshold"
				   : "controlled",
	    v->out);
	if (reason[0] == '\0')
		return;
	/* When a source is selected, this is why the clock is not controlled.
	 */
	if (!s->clock.controlled && snapshot_selected(s) != NULL)
		fprintf(v->out, " (%s)", reason);
	else
		fprintf(v->out, "; %s", reason);
}

#define KNOWN(m) offsetof(struct status_clock, m.known)
#define ALWAYS SIZE_MAX

/* chronyc prints all but the last three, and zeros for what is unknown: a clock
 * that was never synchronised would look like a perfect one. */
/* clang-format off */
static const struct {
	const char *label;
	void (*put)(const struct snapshot *s, const struct view *v);
	size_t known; /* where the status says so */
} lines[] = {
	{"Reference ID",    put_reference,       ALWAYS},
	{"Stratum",         put_stratum,         ALWAYS},
	{"Ref time (UTC)",  put_reference_time,  KNOWN(reference_time_ns)},
	{"System time",     put_system_time,     KNOWN(offset_ns)},
	{"Last offset",     put_last_offset,     KNOWN(update_offset_ns)},
	{"RMS offset",      put_rms_offset,      KNOWN(rms_offset_ns)},
	{"Frequency",       put_frequency,       KNOWN(uncorrected_frequency_ppm)},
	{"Residual freq",   put_residual,        KNOWN(residual_frequency_ppm)},
	{"Skew",            put_skew,            KNOWN(skew_ppm)},
	{"Root delay",      put_root_delay,      KNOWN(root_delay_ns)},
	{"Root dispersion", put_root_dispersion, KNOWN(root_dispersion_ns)},
	{"Update interval", put_update_interval, KNOWN(update_interval_s)},
	{"Leap status",     put_leap,            ALWAYS},
	{"Estimated error", put_est_error,       KNOWN(est_error_ns)},
	{"Clock drift",     put_drift,           ALWAYS},
	{"Steering",        put_steering,        ALWAYS},
};
/* clang-format on */

static bool is_known(const struct snapshot *s, size_t known)
{
	return known == ALWAYS ||
	       *(const bool *)((const char *)&s->clock + known);
}

/* A long sentence: a terminal gets several lines. */
static void put_disturbance(const struct status_clock *c, const struct view *v)
{
	static const char label[] = "Disturbed       : ";
	char text[DISTURBANCE_MAX] = "";

	text_append(text, sizeof(text), "%.0f seconds ago, %s",
	    c->disturbed_s.x, c->disturbance);
	if (v->terminal)
		text_put_wrapped(v->out, label, text, v->width);
	else
		fprintf(v->out, "%s%s\n", label, text);
}

static void put_text(const struct snapshot *s, const struct view *v)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		fprintf(v->out, "%-16s: ", lines[i].label);
		if (is_known(s, lines[i].known))
			lines[i].put(s, v);
		else
			fputs("unknown", v->out);
		fputc('\n', v->out);
	}
	if (s->clock.disturbance)
		put_disturbance(&s->clock, v);
}

enum exit_status report_tracking(const struct snapshot *s, const struct view *v)
{
	size_t count = ARRAY_LEN(columns);
	bool done = true;

	switch (v->output) {
	case OUTPUT_TEXT:
		put_text(s, v);
		break;
	case OUTPUT_CSV:
		table_put_csv_heading(columns, count, v->out);
		table_put_csv_row(columns, count, &s->clock, v->out);
		break;
	case OUTPUT_JSON:
		done = table_put_json_row(
		    columns, count, &s->clock, "clock", s, v->out);
		break;
	}
	return done ? EXIT_OK : EXIT_NO_STATUS;
}
