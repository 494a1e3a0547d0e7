/* The tables: a row for each source. */
#include "agent/ctl/chronyc/values.h"
#include "agent/ctl/print/format.h"
#include "agent/ctl/print/text.h"

#include <string.h>

struct row {
	const struct status_source *s;
	char name[CHRONYC_NAME_MAX];
	FILE *out;
	bool csv, more;
};

struct table {
	const char *heading, *legend;
	void (*put)(const struct row *r);
};

/* The text and the CSV have the same values in the same order. */
static void put_age(const struct row *r, double age_s)
{
	if (r->csv)
		fprintf(r->out, "%.0f", age_s);
	else
		chronyc_put_age(r->out, age_s);
}

static void put_offset(const struct row *r, double offset_s)
{
	if (r->csv)
		fprintf(r->out, "%.9f", offset_s);
	else
		chronyc_put_offset(r->out, offset_s);
}

static void put_span(const struct row *r, double span_s)
{
	if (r->csv)
		fprintf(r->out, "%.9f", span_s);
	else
		chronyc_put_span(r->out, span_s);
}

/* What stands between two values. */
static void put_between(const struct row *r, const char *text)
{
	fputs(r->csv ? "," : text, r->out);
}

static bool put_table(const struct table *t, const struct snapshot *s,
    const struct chronyc_style *style, FILE *out)
{
	if (!style->csv) {
		fputs(style->verbose ? t->legend : "", out);
		chronyc_put_heading(t->heading, out);
	}
	for (unsigned i = 0; i < s->source_count; i++) {
		struct row r = {
		    .s = &s->sources[i],
		    .out = out,
		    .csv = style->csv,
		    .more = style->more,
		};

		if (!chronyc_shows(r.s, style))
			continue;
		chronyc_name(r.name, s, i, style);
		t->put(&r);
		fputc('\n', out);
		if (style->more && style->verbose && !style->csv)
			text_put_wrapped(out, "   ", r.s->reason, style->width);
	}
	return true;
}

/* ---- sources ---- */

static void put_source(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out,
	    r->csv ? "^,%c,%s,%d,%d,%o," : "^%c %-27s  %2d  %2d   %3o  ",
	    s->mark[0], r->name, small_of(s->stratum), small_of(s->poll_log2_s),
	    whole_of(s->reach));
	put_age(r, chronyc_age(s->last_rx_s));
	put_between(r, "  ");
	put_offset(r, seconds_or(s->adjusted_offset_ns, 0));
	put_between(r, "[");
	put_offset(r, seconds_or(s->measured_offset_ns, 0));
	put_between(r, "] +/- ");
	put_span(r, seconds_or(s->error_ns, 0));
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
	    put_source};

	return put_table(&table, s, style, out);
}

/* ---- sourcestats ---- */

static void put_stats(const struct row *r)
{
	const struct status_source *s = r->s;
	double residual_ppm = real_or(s->residual_frequency_ppm, 0);
	double skew_ppm = real_or(s->skew_ppm, CHRONY_SKEW_UNKNOWN_PPM);
	char frequency[FORMAT_MAX], skew[FORMAT_MAX];

	fprintf(r->out, r->csv ? "%s,%u,%u," : "%-25s %3u %3u  ", r->name,
	    whole_of(s->samples), whole_of(s->runs));
	put_age(r, floor(real_or(s->span_s, 0)));
	if (r->csv) {
		fprintf(r->out, ",%.3f,%.3f,", residual_ppm, skew_ppm);
	} else {
		format_signed_ppm(frequency, residual_ppm);
		format_ppm(skew, skew_ppm);
		fprintf(r->out, " %10s %10s  ", frequency, skew);
	}
	put_offset(r, seconds_or(s->estimated_offset_ns, 0));
	put_between(r, "  ");
	put_span(r, seconds_or(s->std_dev_ns, CHRONY_STD_DEV_UNKNOWN_S));
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
	    put_stats};

	return put_table(&table, s, style, out);
}

/* ---- authdata ---- */

static void put_auth(const struct row *r)
{
	const struct status_nts *n = &r->s->nts;

	fprintf(r->out, r->csv ? "%s,NTS,%u,%d,%d," : "%-27s  NTS %5u %4d %4d ",
	    r->name, whole_of(n->exchanges), small_of(n->aead),
	    small_of(n->key_bits));
	put_age(r, chronyc_age(n->last_s));
	fprintf(r->out, r->csv ? ",%d,%d,%d,%d" : " %4d %4d %4d %4d",
	    small_of(n->attempts), small_of(n->naks), small_of(n->cookies),
	    small_of(n->cookie_len));
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
	    put_auth};

	return put_table(&table, s, style, out);
}

/* ---- selectdata ---- */

/* N, P, T, R and a place that chronyc does not use. The agent changes no option
 * by itself: the effective ones are those configured. */
static void put_options(const struct row *r)
{
	static const char *const options[] = {
	    "noselect", "prefer", "trust", "require"};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		fputc(source_has_option(r->s, options[i]) ? "NPTR"[i] : '-',
		    r->out);
		put_between(r, "");
	}
	fputc('-', r->out);
	put_between(r, " ");
}

/* chronyc has no word for "never" here. */
static double last_of(const struct row *r)
{
	return r->s->last_rx_s.known || r->more ? chronyc_age(r->s->last_rx_s)
						: 0;
}

/* chronyc has no word for "unknown" here, either. */
static void put_limit(const struct row *r, struct field_int offset_ns)
{
	if (offset_ns.known || !r->more)
		put_offset(r, seconds_or(offset_ns, 0));
	else
		fputs("      -", r->out);
}

static void put_selection(const struct row *r)
{
	const struct status_source *s = r->s;

	fprintf(r->out, r->csv ? "%c,%s,Y," : "%c %-25s Y ",
	    chrony_letter(s->state), r->name);
	put_options(r);
	put_options(r);
	put_age(r, last_of(r));
	fprintf(r->out, r->csv ? ",%.1f," : " %5.1f ",
	    real_or(s->score, CHRONY_SCORE_UNKNOWN));
	put_limit(r, s->low_offset_ns);
	put_between(r, " ");
	put_limit(r, s->high_offset_ns);
	if (r->csv)
		fprintf(r->out, ",%s", chronyc_leap(s->leap));
	else
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
	    put_selection};

	return put_table(&table, s, style, out);
}
