#include "agent/ctl/print/text.h"
#include "agent/ctl/report/health.h"
#include "agent/ctl/report/report.h"

#include <math.h>
#include <string.h>

#define SOURCE(m) .field = FIELD(struct status_source, m)

/* clang-format off */
static const struct column columns[] = {
	{SOURCE(name)}, {SOURCE(host)}, {SOURCE(address)}, {SOURCE(port)},
	{SOURCE(mark)}, {SOURCE(state)},
	{SOURCE(stratum),     format_count,     "  ",     2, .if_null = NAN},
	{SOURCE(poll_log2_s), format_count,     "  ",     2},
	{SOURCE(reach),       format_octal,     "   ",    3},
	{SOURCE(last_rx_s),   format_age,       "  ",     4, .if_null = NAN},
	{SOURCE(adjusted_offset_ns),   format_signed_ns, "  ",     7, .if_null = NAN},
	{SOURCE(measured_offset_ns), format_signed_ns, "[",      7, .if_null = NAN},
	{SOURCE(error_ns),    format_ns,        "] +/- ", 6, .if_null = NAN},
	{SOURCE(reason)}, {SOURCE(stage)}, {SOURCE(failure)},
	{SOURCE(next_try_s)}, {SOURCE(leap)}, {SOURCE(delay_ns)},
	{SOURCE(min_delay_ns)}, {SOURCE(tx_stamp)}, {SOURCE(rx_stamp)},
	{SOURCE(options)},
	{SOURCE(packets.sent)}, {SOURCE(packets.received)},
	{SOURCE(packets.valid)}, {SOURCE(packets.good)},
	{SOURCE(packets.lost)}, {SOURCE(packets.rejected)},
	{SOURCE(asymmetry_ns)}, {SOURCE(offset_bias_ns)}, {SOURCE(bias_sd_ns)},
	{SOURCE(reference_id)}, {SOURCE(addresses)},
};

static const struct {
	const char *stage, *text;
} stages[] = {
	{"start",     "about to start"},
	{"resolving", "looking up its name"},
	{"keying",    "looking up its name and exchanging keys"},
	{"polling",   "asking for time"},
	{"rekeying",  "asking for time with the old keys, exchanging new ones"},
	{"resting",   "waiting after a failure"},
	{"undated-keying", "exchanging keys without looking at dates"},
	{"undated-polling", "asking for time to set the clock by agreement"},
};
/* clang-format on */

static const char legend[] =
    "\n"
    "  ^ is a server. The state next to it:\n"
    "    * the best source          x disagrees with the majority\n"
    "    + combined with the best   ~ its answers vary too much\n"
    "    - good, but not needed     ? not usable, the reason is below it\n"
    "  Poll         time between requests as a power of two: 6 is 64 s\n"
    "  Reach        the last eight requests, octal; 377: all were answered\n"
    "  LastRx       time since the last good answer\n"
    "  Last sample  error of our clock now [as measured] +/- the largest\n"
    "               possible error of it; + our clock is fast, - slow\n"
    "\n";

/* An unknown stage, as from a newer agent, is shown by its name. */
static const char *stage_text(const char *stage)
{
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		if (strcmp(stages[i].stage, stage) == 0)
			return stages[i].text;
	return stage;
}

#define NOTE_MAX 1024
#define NOTE_INDENT "   "

static void note_keys(const struct status_source *s, char note[NOTE_MAX])
{
	char days[CERT_TEXT_MAX];

	text_append(note, NOTE_MAX, "NTS: %s",
	    s->nts.aead_name ? s->nts.aead_name : "no keys");
	if (s->nts.cookies.known)
		text_append(note, NOTE_MAX, ", %lld cookies",
		    (long long)s->nts.cookies.n);
	source_cert_days_text(days, s);
	if (days[0] != '\0')
		text_append(note, NOTE_MAX, ", certificate chain %s", days);
	if (source_cert_ends_soon(s))
		text_append(note, NOTE_MAX, ": see ntsctl check --live");
}

/* The lasting difference from the other sources, if it is more than chance may
 * make of none, and what was configured. */
static void note_bias(const struct status_source *s, char note[NOTE_MAX])
{
	char value[FORMAT_MAX], sd[FORMAT_MAX];

	if (s->offset_bias_ns.known && s->bias_sd_ns.known &&
	    fabs((double)s->offset_bias_ns.n) > (double)s->bias_sd_ns.n) {
		format_ns(value, fabs((double)s->offset_bias_ns.n));
		format_ns(sd, (double)s->bias_sd_ns.n);
		text_append(note, NOTE_MAX,
		    "; seems %s %s the other sources, +/- %s",
		    value + strspn(value, " "),
		    s->offset_bias_ns.n > 0 ? "behind" : "ahead of",
		    sd + strspn(sd, " "));
	}
	if (s->asymmetry_ns.n != 0) {
		format_signed_ns(value, (double)s->asymmetry_ns.n);
		text_append(note, NOTE_MAX, "; asymmetry %s",
		    value + strspn(value, " "));
	}
}

static void note_trouble(const struct status_source *s, char note[NOTE_MAX])
{
	bool failed = source_has_failed(s) && !source_is_switched_off(s);
	bool said = s->reason[0] != '\0';

	/* Without a failure the reason already describes the stage. */
	if (failed || !said)
		text_append(note, NOTE_MAX, "%s", stage_text(s->stage));
	if (said)
		text_append(
		    note, NOTE_MAX, "%s%s", failed ? ": " : "", s->reason);
	source_append_next_try(note, NOTE_MAX, s);
}

static void put_note(const struct status_source *s, const struct view *v)
{
	char note[NOTE_MAX] = "";

	if (source_is_usable(s)) {
		note_keys(s, note);
		note_bias(s, note);
	}
	/* A silent source stays selected as long as its last samples are
	 * good; the note shows its trouble all the same. */
	if (source_is_usable(s) && source_has_failed(s))
		text_append(note, NOTE_MAX, "; ");
	if (!source_is_usable(s) || source_has_failed(s))
		note_trouble(s, note);
	text_put_wrapped(v->out, NOTE_INDENT, note, v->width);
}

static const struct table table = {
    .member = "sources",
    .legend = legend,
    .name_heading = "MS Name/IP address",
    .heading = "         Stratum Poll Reach LastRx Last sample               ",
    .name_width = 27,
    .rule = 79,
    .marks = true,
    .columns = columns,
    .column_count = ARRAY_LEN(columns),
    .note = put_note,
};

/* The table shows that a server is not usable, but not why. A pipe gets no
 * hint: a script expects the table alone. */
static void put_hint(const struct snapshot *s, const struct view *v)
{
	bool trouble = s->unused_files.count > 0;

	for (unsigned i = 0; i < s->source_count; i++)
		trouble = trouble || source_is_in_trouble(&s->sources[i]);
	if (trouble)
		text_put_wrapped(v->out, "",
		    "`ntsctl` says what is wrong and what to do.", v->width);
}

enum exit_status report_sources(const struct snapshot *s, const struct view *v)
{
	if (!table_put(&table, s, v))
		return EXIT_NO_STATUS;
	if (v->output == OUTPUT_TEXT && v->terminal)
		put_hint(s, v);
	return EXIT_OK;
}
