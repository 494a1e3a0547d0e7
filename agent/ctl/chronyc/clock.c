/* The reports on the clock and on all sources together. */
#include "agent/ctl/chronyc/values.h"

#include <string.h>

chronyc_report_fn *chronyc_report(const char *name)
{
	static const struct {
		const char *name;
		chronyc_report_fn *report;
	} reports[] = {
	    {"sources", chronyc_sources},
	    {"sourcestats", chronyc_sourcestats},
	    {"tracking", chronyc_tracking},
	    {"authdata", chronyc_authdata},
	    {"ntpdata", chronyc_ntpdata},
	    {"selectdata", chronyc_selectdata},
	    {"activity", chronyc_activity},
	};

	for (size_t i = 0; i < ARRAY_LEN(reports); i++)
		if (strcmp(reports[i].name, name) == 0)
			return reports[i].report;
	return NULL;
}

/* ---- tracking ---- */

struct tracking {
	uint32_t refid;
	char name[CHRONYC_NAME_MAX];
	unsigned stratum;
	struct field_int at;
	double correction_s, last_s, rms_s; /* correction: positive if slow */
	double frequency_ppm, residual_ppm, skew_ppm;
	double root_delay_s, root_dispersion_s, interval_s;
	const char *leap;
};

static void name_of_best(const struct snapshot *s,
    const struct chronyc_style *style, char out[static CHRONYC_NAME_MAX])
{
	struct chronyc_style whole = *style;

	out[0] = '\0';
	whole.csv = true; /* the name is not cut here */
	for (unsigned i = 0; i < s->source_count; i++)
		if (s->sources[i].mark[0] == '*')
			chronyc_name(out, s, i, &whole);
}

static struct tracking tracking_of(
    const struct snapshot *s, const struct chronyc_style *style)
{
	const struct status_clock *c = &s->clock;
	struct tracking t = {
	    .refid = chrony_reference(c->reference_id),
	    .stratum = whole_of(chrony_stratum(c)),
	    .at = c->reference_time_ns,
	    /* Not -x, which makes a zero negative. */
	    .correction_s = 0 - seconds_or(c->offset_ns, 0),
	    .last_s = seconds_or(c->update_offset_ns, 0),
	    .rms_s = seconds_or(c->rms_offset_ns, 0),
	    .frequency_ppm = real_or(c->uncorrected_frequency_ppm, 0),
	    .residual_ppm = real_or(c->residual_frequency_ppm, 0),
	    .skew_ppm = real_or(c->skew_ppm, 0),
	    .root_delay_s = seconds_or(c->root_delay_ns, CHRONY_ROOT_UNKNOWN_S),
	    .root_dispersion_s =
		seconds_or(c->root_dispersion_ns, CHRONY_ROOT_UNKNOWN_S),
	    .interval_s = real_or(c->update_interval_s, 0),
	    .leap = chronyc_leap(c->synchronised ? c->leap : NULL),
	};

	name_of_best(s, style, t.name);
	return t;
}

static void tracking_csv(const struct tracking *t, FILE *out)
{
	fprintf(out, "%08X,%s,%u,", t->refid, t->name, t->stratum);
	chronyc_put_epoch(out, t->at);
	fprintf(out, ",%.9f,%.9f,%.9f,%.3f,%.3f,%.3f,%.9f,%.9f,%.1f,%s\n",
	    t->correction_s, t->last_s, t->rms_s, t->frequency_ppm,
	    t->residual_ppm, t->skew_ppm, t->root_delay_s, t->root_dispersion_s,
	    t->interval_s, t->leap);
}

static void tracking_text(const struct tracking *t, FILE *out)
{
	fprintf(out,
	    "Reference ID    : %08X (%s)\n"
	    "Stratum         : %u\n"
	    "Ref time (UTC)  : ",
	    t->refid, t->name, t->stratum);
	chronyc_put_date(out, t->at);
	fprintf(out,
	    "\n"
	    "System time     : %.9f seconds %s of NTP time\n"
	    "Last offset     : %+.9f seconds\n"
	    "RMS offset      : %.9f seconds\n"
	    "Frequency       : %.3f ppm %s\n"
	    "Residual freq   : %+.3f ppm\n"
	    "Skew            : %.3f ppm\n"
	    "Root delay      : %.9f seconds\n"
	    "Root dispersion : %.9f seconds\n"
	    "Update interval : %.1f seconds\n"
	    "Leap status     : %s\n",
	    fabs(t->correction_s), t->correction_s > 0 ? "slow" : "fast",
	    t->last_s, t->rms_s, fabs(t->frequency_ppm),
	    t->frequency_ppm > 0 ? "fast" : "slow", t->residual_ppm,
	    t->skew_ppm, t->root_delay_s, t->root_dispersion_s, t->interval_s,
	    t->leap);
}

bool chronyc_tracking(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	struct tracking t = tracking_of(s, style);

	if (style->csv)
		tracking_csv(&t, out);
	else
		tracking_text(&t, out);
	return true;
}

/* ---- activity ---- */

/* The agent shows no source as "in a burst". */
bool chronyc_activity(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	const struct chrony_activity a = chrony_activity(s);

	if (style->csv)
		fprintf(out, "%u,%u,0,0,%u\n", a.online, a.offline,
		    a.unknown_address);
	else
		fprintf(out,
		    "200 OK\n%u sources online\n%u sources offline\n"
		    "0 sources doing burst (return to online)\n"
		    "0 sources doing burst (return to offline)\n"
		    "%u sources with unknown address\n",
		    a.online, a.offline, a.unknown_address);
	return true;
}
