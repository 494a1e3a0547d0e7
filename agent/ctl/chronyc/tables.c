/* The tables: a row for each source. */
#include "agent/ctl/chronyc/values.h"
#include "agent/ctl/print/format.h"
#include "agent/ctl/print/text.h"

#include <string.h>

struct row {
	const struct status_source *s;
	char name[CHRONYC_NAME_MAX];
	FILE *out;
	bool more;
};

struct table {
	const char *heading, *legend;
	void (*csv)(const struct row *r), (*text)(const struct row *r);
};

static bool put_table(const struct table *t, const struct snapshot *s,
    const struct chronyc_style *style, FILE *out)
{
	if (!style->csv) {
		fputs(style->verbose ? t->legend : "", out);
		chronyc_put_heading(t->heading, out);
	}
	for (unsigned i = 0; i < s->source_count; i++) {
		struct row r = {
		    .s = &s->sources[i], .out = out, .more = style->more};

		if (!chronyc_shows(r.s, style))
			continue;
		chronyc_name(r.name, s, i, style);
		if (style->csv)
			t->csv(&r);
		else
			t->text(&r);
		fputc('\n', out);
		if (style->more && style->verbose && !style->csv)
			text_put_wrapped(out, "   ", r.s->reason, style->width);
	}
	return true;
}

/* ---- sources ---- */

static void sources_csv(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out, "^,%c,%s,%d,%d,%o,%.0f,%.9f,%.9f,%.9f", s->mark[0],
	    r->name, small_of(s->stratum), small_of(s->poll_log2_s),
	    whole_of(s->reach), chronyc_age(s->last_rx_s),
	    seconds_or(s->adjusted_offset_ns, 0),
	    seconds_or(s->measured_offset_ns, 0), seconds_or(s->error_ns, 0));
}

static void sources_text(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out, "^%c %-27s  %2d  %2d   %3o  ", s->mark[0], r->name,
	    small_of(s->stratum), small_of(s->poll_log2_s), whole_of(s->reach));
	chronyc_put_age(r->out, chronyc_age(s->last_rx_s));
	fputs("  ", r->out);
	chronyc_put_offset(r->out, seconds_or(s->adjusted_offset_ns, 0));
	fputc('[', r->out);
	chronyc_put_offset(r->out, seconds_or(s->measured_offset_ns, 0));
	fputs("] +/- ", r->out);
	chronyc_put_span(r->out, seconds_or(s->error_ns, 0));
}

bool chronyc_sources(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	static const struct table table = {
	    "MS Name/IP address         Stratum Poll Reach LastRx Last sample  "
	    "             ",
	    "\n"
	    "  M: ^ is a server.  S: * the best, + combined, - not combined,\n"
	    "  x a falseticker, ~ too variable, ? not usable.\n"
	    "  Poll: log2 of the interval in s.  Reach: octal, 377 is eight "
	    "answers.\n"
	    "  Last sample: offset with corrections since [as measured] +/- "
	    "bound;\n"
	    "  + this clock is fast, - slow.\n"
	    "\n",
	    sources_csv, sources_text};

	return put_table(&table, s, style, out);
}

/* ---- sourcestats ---- */

static void sourcestats_csv(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out, "%s,%u,%u,%.0f,%.3f,%.3f,%.9f,%.9f", r->name,
	    whole_of(s->samples), whole_of(s->runs),
	    floor(real_or(s->span_s, 0)), real_or(s->residual_frequency_ppm, 0),
	    real_or(s->skew_ppm, CHRONY_SKEW_UNKNOWN_PPM),
	    seconds_or(s->estimated_offset_ns, 0),
	    seconds_or(s->std_dev_ns, CHRONY_STD_DEV_UNKNOWN_S));
}

static void sourcestats_text(const struct row *r)
{
	const struct status_source *s = r->s;
	char frequency[FORMAT_MAX], skew[FORMAT_MAX];

	format_signed_ppm(frequency, real_or(s->residual_frequency_ppm, 0));
	format_ppm(skew, real_or(s->skew_ppm, CHRONY_SKEW_UNKNOWN_PPM));
	fprintf(r->out, "%-25s %3u %3u  ", r->name, whole_of(s->samples),
	    whole_of(s->runs));
	chronyc_put_age(r->out, floor(real_or(s->span_s, 0)));
	fprintf(r->out, " %10s %10s  ", frequency, skew);
	chronyc_put_offset(r->out, seconds_or(s->estimated_offset_ns, 0));
	fputs("  ", r->out);
	chronyc_put_span(
	    r->out, seconds_or(s->std_dev_ns, CHRONY_STD_DEV_UNKNOWN_S));
}

bool chronyc_sourcestats(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	static const struct table table = {
	    "Name/IP Address            NP  NR  Span  Frequency  Freq Skew  "
	    "Offset  Std Dev",
	    "\n"
	    "  NP: samples.  NR: runs of residuals with one sign.  Span: time "
	    "from\n"
	    "  the first sample to the last.  Frequency: of this clock, in "
	    "ppm,\n"
	    "  and Freq Skew, its bound.  Offset: + this clock is fast.\n"
	    "\n",
	    sourcestats_csv, sourcestats_text};

	return put_table(&table, s, style, out);
}

/* ---- authdata ---- */

static void authdata_csv(const struct row *r)
{
	const struct status_nts *n = &r->s->nts;

	fprintf(r->out, "%s,NTS,%u,%d,%d,%.0f,%d,%d,%d,%d", r->name,
	    whole_of(n->exchanges), small_of(n->aead), small_of(n->key_bits),
	    chronyc_age(n->last_s), small_of(n->attempts), small_of(n->naks),
	    small_of(n->cookies), small_of(n->cookie_len));
}

static void authdata_text(const struct row *r)
{
	const struct status_nts *n = &r->s->nts;

	fprintf(r->out, "%-27s %4s %5u %4d %4d ", r->name, "NTS",
	    whole_of(n->exchanges), small_of(n->aead), small_of(n->key_bits));
	chronyc_put_age(r->out, chronyc_age(n->last_s));
	fprintf(r->out, " %4d %4d %4d %4d", small_of(n->attempts),
	    small_of(n->naks), small_of(n->cookies), small_of(n->cookie_len));
}

bool chronyc_authdata(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	static const struct table table = {
	    "Name/IP address             Mode KeyID Type KLen Last Atmp  NAK "
	    "Cook CLen",
	    "\n"
	    "  KeyID: key exchanges that succeeded.  Type: AEAD algorithm.  "
	    "KLen: bits\n"
	    "  of a key.  Last: age of the keys.  Atmp: attempts since the "
	    "last answer.\n"
	    "  NAK: NTS NAKs.  Cook: cookies.  CLen: bytes of a cookie.\n"
	    "\n",
	    authdata_csv, authdata_text};

	return put_table(&table, s, style, out);
}

/* ---- selectdata ---- */

static bool has_option(const struct status_source *s, const char *option)
{
	for (unsigned i = 0; i < s->options.count; i++)
		if (strcmp(s->options.item[i], option) == 0)
			return true;
	return false;
}

/* N, P, T, R and a place that chronyc does not use, each with `between`. The
 * agent changes no option by itself: the effective ones are those configured.
 */
static void put_options(const struct row *r, const char *between)
{
	static const char *const options[] = {
	    "noselect", "prefer", "trust", "require"};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		fprintf(r->out, "%c%s",
		    has_option(r->s, options[i]) ? "NPTR"[i] : '-', between);
	fputc('-', r->out);
}

/* chronyc has no word for "never" here. */
static double last_of(const struct row *r)
{
	return r->s->last_rx_s.known || r->more ? chronyc_age(r->s->last_rx_s)
						: 0;
}

static void selectdata_csv(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out, "%c,%s,Y,", chrony_letter(s->state), r->name);
	put_options(r, ",");
	fputc(',', r->out);
	put_options(r, ",");
	fprintf(r->out, ",%.0f,%.1f,%.9f,%.9f,%s", last_of(r),
	    real_or(s->score, CHRONY_SCORE_UNKNOWN),
	    seconds_or(s->low_offset_ns, 0), seconds_or(s->high_offset_ns, 0),
	    chronyc_leap(s->leap));
}

static void selectdata_text(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out, "%c %-25s Y ", chrony_letter(s->state), r->name);
	put_options(r, "");
	fputc(' ', r->out);
	put_options(r, "");
	fputc(' ', r->out);
	chronyc_put_age(r->out, last_of(r));
	fprintf(r->out, " %5.1f ", real_or(s->score, CHRONY_SCORE_UNKNOWN));
	chronyc_put_offset(r->out, seconds_or(s->low_offset_ns, 0));
	fputc(' ', r->out);
	chronyc_put_offset(r->out, seconds_or(s->high_offset_ns, 0));
	fprintf(r->out, "  %c", "N+-?"[chrony_leap(s->leap)]);
}

bool chronyc_selectdata(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	static const struct table table = {
	    "S Name/IP Address        Auth COpts EOpts Last Score     Interval "
	    " Leap",
	    "\n"
	    "  S: N noselect, s unsynchronised, M no sample, r stratum, d too "
	    "far,\n"
	    "  ~ too variable, S silent, T untrusted, x falseticker, W waits, "
	    "P another\n"
	    "  is preferred, D too far to combine, + combined, * the best.\n"
	    "  COpts, EOpts: N noselect, P prefer, T trust, R require.\n"
	    "  Interval: the offset of this clock lies in it; + fast, - "
	    "slow.\n"
	    "\n",
	    selectdata_csv, selectdata_text};

	return put_table(&table, s, style, out);
}
