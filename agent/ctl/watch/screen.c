#include "agent/ctl/watch/screen.h"

#include "agent/ctl/history/events.h"
#include "agent/ctl/history/plot.h"
#include "agent/ctl/history/read.h"
#include "agent/ctl/history/when.h"
#include "agent/ctl/print/cell.h"
#include "agent/ctl/print/format.h"
#include "agent/ctl/print/text.h"
#include "agent/ctl/report/health.h"
#include "agent/ctl/snapshot/clean.h"
#include "base/time.h"

#include <limits.h>
#include <stdlib.h>
#include <wchar.h>

#define LINE_MAX_BYTES 4096
#define HOUR_S 3600
#define PLAIN_EVENTS 5
#define SPARK_MAX 240

#define BOLD_GREEN "\x1b[1;32m"
#define BOLD_RED "\x1b[1;31m"
#define RED "\x1b[31m"
#define DIM "\x1b[2m"
#define REVERSE "\x1b[7m"

/* The picture while it is made. */
struct frame {
	const struct screen *s;
	FILE *out;
	unsigned lines; /* that were printed */
};

/* Prints as much of `text` as the width takes; returns its columns. */
static unsigned put_cut(FILE *out, const char *text, unsigned width)
{
	size_t len = strlen(text), used;
	unsigned columns = 0;

	for (size_t i = 0; i < len; i += used) {
		uint32_t c = text_decode(text + i, len - i, &used);
		int wide = c == TEXT_BROKEN ? 1 : wcwidth((wchar_t)c);

		if (wide < 0)
			wide = 1;
		if (columns + (unsigned)wide > width)
			break;
		columns += (unsigned)wide;
		fwrite(text + i, 1, used, out);
	}
	return columns;
}

static bool is_full(const struct frame *f)
{
	return f->s->full && f->lines >= f->s->height;
}

/* As put_cut(), with a sign at the end of what is cut. */
static unsigned put_fitting(const struct frame *f, const char *text)
{
	unsigned width = f->s->full ? f->s->width : UINT_MAX, columns;

	if (text_width(text) <= width)
		return put_cut(f->out, text, width);
	columns = put_cut(f->out, text, width - 1);
	fputs(f->s->unicode ? "\xe2\x80\xa6" : ">", f->out);
	return columns + 1;
}

/* A line; on a screen it is cut to the width. In reverse video it is filled up.
 */
static void put_line(struct frame *f, const char *style, const char *text)
{
	const char *colour = f->s->colour ? style : "";
	unsigned columns;

	if (is_full(f))
		return;
	if (f->s->full && f->lines > 0)
		fputs("\r\n", f->out);
	fputs(colour, f->out);
	columns = put_fitting(f, text);
	while (strcmp(colour, REVERSE) == 0 && columns < f->s->width) {
		fputc(' ', f->out);
		columns++;
	}
	if (colour[0])
		fputs("\x1b[0m", f->out);
	/* Behind the last column, the cursor stands on it: \x1b[K erases it. */
	if (!f->s->full)
		fputc('\n', f->out);
	else if (columns < f->s->width)
		fputs("\x1b[K", f->out);
	f->lines++;
}

/* What must be read to its end, for there is what to do: up to half of the
 * screen. */
static void put_paragraph(struct frame *f, const char *text)
{
	unsigned most = f->s->full ? (f->s->height + 1) / 2 : 1;
	char *lines = NULL, *rest = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&lines, &size);

	if (!out)
		return;
	text_put_wrapped(out, "", text, f->s->full ? f->s->width : UINT_MAX);
	if (fclose(out) == 0)
		for (char *line = strtok_r(lines, "\n", &rest);
		     line && most-- > 0; line = strtok_r(NULL, "\n", &rest))
			put_line(f, BOLD_RED, line);
	free(lines);
}

/* The word for a clock that is synchronised. `since` comes after it, or is "".
 * True: the time is an estimate, because no server answers. */
static bool good_word(
    const struct snapshot *st, const char **word, char since[static FORMAT_MAX])
{
	since[0] = '\0';
	if (sources_are_switched_off(st)) {
		*word = "NO SERVER ASKED";
		return true;
	}
	if (sources_are_silent(st, since)) {
		*word = "NO ANSWER FOR ";
		return true;
	}
	*word = clock_is_corrected(st) ? "BEING CORRECTED"
		: st->clock.controlled ? "RIGHT"
				       : "MEASURED";
	return false;
}

/* The verdict, in one line. */
static void put_good(struct frame *f, const struct snapshot *st)
{
	const struct status_clock *c = &st->clock;
	char off[FORMAT_MAX], error[FORMAT_MAX], bound[FORMAT_MAX];
	char since[FORMAT_MAX], line[LINE_MAX_BYTES];
	const char *word;
	bool silent = good_word(st, &word, since);

	cell_int_text(off, c->offset_ns, format_plain_ns);
	cell_int_text(error, c->est_error_ns, format_plain_ns);
	cell_int_text(bound, c->bound_ns, format_bound_ns);
	snprintf(line, sizeof(line), "%s%s: %s %s", word, since, off,
	    !c->offset_ns.known	 ? "off"
	    : c->offset_ns.n < 0 ? "slow"
				 : "fast");
	if (f->s->width >= 70)
		text_append(line, sizeof(line), ", give or take %s", error);
	text_append(line, sizeof(line), ", at most %s off", bound);
	put_line(f, silent ? BOLD_RED : BOLD_GREEN, line);
}

static void put_verdict(struct frame *f)
{
	const struct snapshot *st = f->s->status;
	char line[LINE_MAX_BYTES];

	if (!st) {
		snprintf(line, sizeof(line), "NO STATUS: %s", f->s->why);
		put_paragraph(f, line);
		return;
	}
	if (st->clock.synchronised && !st->clock.refused) {
		put_good(f, st);
		return;
	}
	snprintf(line, sizeof(line), "NOT SYNCHRONISED (%s)%s%s",
	    st->clock.state ? st->clock.state : "?",
	    st->clock.reason && st->clock.reason[0] ? ": " : "",
	    st->clock.reason ? st->clock.reason : "");
	put_paragraph(f, line);
}

/* A sparkline of the last hour, or nothing without a history. */
static void put_spark(const struct frame *f, FILE *out, int place,
    enum series_value value, unsigned columns, struct series *s)
{
	if (columns > SPARK_MAX)
		columns = SPARK_MAX;
	series_make(
	    s, f->s->history, place, value, f->s->now_s, HOUR_S, columns);
	plot_spark(s, value, f->s->unicode, out);
}

/* The newest value of the clock in the last hour. */
static void last_text(const struct screen *s, enum series_value value,
    char out[static SCALE_TEXT_MAX])
{
	int64_t cell_s;
	struct series_cell c = {.known = false};

	for (unsigned i = series_cells(HOUR_S, &cell_s); i > 0 && !c.known; i--)
		c = series_cell(s->history, -1, value, s->now_s, HOUR_S, i - 1);
	snprintf(out, SCALE_TEXT_MAX, "?");
	if (c.known)
		scale_number(value, c.mean, out);
}

static void put_clock_line(struct frame *f, enum series_value value)
{
	struct series *s = malloc(sizeof(*s));
	unsigned columns = f->s->width > 34 ? f->s->width - 24 : 10;
	char number[SCALE_TEXT_MAX], *text = NULL;
	size_t size = 0;
	FILE *line = s ? open_memstream(&text, &size) : NULL;

	if (line) {
		last_text(f->s, value, number);
		fprintf(line, "%-10s%12s  ", series_word(value), number);
		put_spark(f, line, -1, value, columns, s);
		fputc('\0', line);
		if (fclose(line) == 0)
			put_line(f, "", text);
	}
	free(text);
	free(s);
}

static void put_clock(struct frame *f)
{
	put_line(f, DIM, "The clock in the last hour (positive: fast)");
	put_clock_line(f, SERIES_OFFSET);
	put_clock_line(f, SERIES_BOUND);
	put_clock_line(f, SERIES_FREQUENCY);
	put_line(f, "", "");
}

/* The table of the sources. */

typedef void cell_fn(const struct status_source *s, char out[static 64]);

static void cell_stage(const struct status_source *s, char out[static 64])
{
	snprintf(out, 64, "%s", s->stage ? s->stage : "?");
}

static void cell_reach(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->reach, format_octal);
}

static void cell_stratum(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->stratum, format_count);
}

static void cell_poll(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->poll_log2_s, format_count);
}

static void cell_offset(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->adjusted_offset_ns, format_signed_ns);
}

static void cell_error(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->error_ns, format_ns);
}

static void cell_delay(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->delay_ns, format_ns);
}

static void cell_cookies(const struct status_source *s, char out[static 64])
{
	cell_int_text(out, s->nts.cookies, format_count);
}

static const struct cell {
	const char *title;
	int width;
	unsigned from; /* the width of a screen that has it */
	cell_fn *text;
} cells[] = {
    {"stage", 16, 76, cell_stage},
    {"str", 4, 66, cell_stratum},
    {"poll", 5, 66, cell_poll},
    {"reach", 6, 40, cell_reach},
    {"offset", 9, 0, cell_offset},
    {"+/-", 9, 50, cell_error},
    {"delay", 9, 60, cell_delay},
    {"cookies", 8, 90, cell_cookies},
};

static unsigned name_width(const struct frame *f)
{
	const struct snapshot *st = f->s->status;
	unsigned width = 6, most = f->s->width / 4 + 2;

	for (unsigned i = 0; i < st->source_count; i++)
		if (text_width(st->sources[i].name) > width)
			width = text_width(st->sources[i].name);
	return width < most ? width : most;
}

static unsigned cells_width(const struct frame *f)
{
	unsigned width = 0;

	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		if (f->s->width >= cells[i].from)
			width += (unsigned)cells[i].width;
	return width;
}

/* Columns for a sparkline at the right end; 0: too few. */
static unsigned spark_width(const struct frame *f, unsigned name)
{
	unsigned used = 2 + name + cells_width(f) + 2;

	if (!f->s->history || f->s->width < used + 10)
		return 0;
	return f->s->width - used;
}

static void put_heading(struct frame *f, unsigned name)
{
	char line[LINE_MAX_BYTES] = "";

	text_append(line, sizeof(line), "  %-*s", (int)name, "source");
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		if (f->s->width >= cells[i].from)
			text_append(line, sizeof(line),
			    cells[i].text == cell_stage ? "  %-*s" : "%*s",
			    cells[i].text == cell_stage ? cells[i].width - 2
							: cells[i].width,
			    cells[i].title);
	if (spark_width(f, name) > 0)
		text_append(line, sizeof(line), "  last hour");
	put_line(f, DIM, line);
}

static int place_of(const struct frame *f, const char *name)
{
	return f->s->history ? history_find(f->s->history, name) : -1;
}

static void put_cells(
    const struct frame *f, const struct status_source *s, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		char text[64];

		if (f->s->width < cells[i].from)
			continue;
		cells[i].text(s, text);
		if (cells[i].text == cell_stage)
			fprintf(out, "  %-*.*s", cells[i].width - 2,
			    cells[i].width - 2, text);
		else
			fprintf(out, "%*s", cells[i].width, text);
	}
}

/* A source with noselect is only measured, and is in no trouble. */
static const char *style_of(const struct status_source *s)
{
	if (source_is_usable(s))
		return "";
	return source_is_in_trouble(s) ? RED : DIM;
}

static void put_source(
    struct frame *f, const struct status_source *s, unsigned name)
{
	struct series *series = malloc(sizeof(*series));
	unsigned columns = spark_width(f, name), used;
	int place = place_of(f, s->name);
	char *text = NULL;
	size_t size = 0;
	FILE *line = series ? open_memstream(&text, &size) : NULL;

	if (line) {
		fprintf(line, "%s ", s->mark ? s->mark : "?");
		used = put_cut(line, s->name, name);
		fprintf(line, "%*s", (int)(name - used), "");
		put_cells(f, s, line);
		if (columns > 0 && place >= 0) {
			fputs("  ", line);
			put_spark(
			    f, line, place, SERIES_OFFSET, columns, series);
		}
		if (fclose(line) == 0)
			put_line(f, style_of(s), text);
	}
	free(text);
	free(series);
}

/* At most so many of those that are in trouble, or are not; returns how many.
 */
static unsigned put_some(
    struct frame *f, bool trouble, unsigned most, unsigned name)
{
	const struct snapshot *st = f->s->status;
	unsigned shown = 0;

	for (unsigned i = 0; i < st->source_count && shown < most; i++)
		if (source_is_in_trouble(&st->sources[i]) == trouble) {
			put_source(f, &st->sources[i], name);
			shown++;
		}
	return shown;
}

/* What is wrong comes first if there is no place for all. */
static void put_sources(struct frame *f, unsigned most)
{
	const struct snapshot *st = f->s->status;
	unsigned name = name_width(f), left = st->source_count;
	char line[64];

	put_heading(f, name);
	if (left <= most) {
		for (unsigned i = 0; i < left; i++)
			put_source(f, &st->sources[i], name);
		return;
	}
	if (most > 0)
		most--;
	left -= put_some(f, true, most, name);
	left -= put_some(f, false, most - (st->source_count - left), name);
	snprintf(line, sizeof(line), "  and %u more: ntsctl sources", left);
	put_line(f, DIM, line);
}

/* The last `count` events. */
static void put_events(struct frame *f, unsigned count)
{
	const struct history_file *h = f->s->history;
	uint64_t first = events_first(h);

	if (h->head.events - first > count)
		first = h->head.events - count;
	for (uint64_t k = first; k < h->head.events; k++) {
		const struct history_event *e = &h->events[k % HISTORY_EVENTS];
		char at[WHEN_TEXT_MAX], line[LINE_MAX_BYTES];

		when_text(e->time_ns / NS_PER_S, at);
		/* The date is only of use on a wide screen. */
		snprintf(line, sizeof(line), "%s %s%s%s",
		    f->s->width >= 100 || strlen(at) < 11 ? at : at + 11,
		    e->source, e->source[0] ? ": " : "", e->text);
		put_line(f, "", line);
	}
}

static void put_bottom(struct frame *f)
{
	char at[WHEN_TEXT_MAX], line[160];

	when_text(f->s->now_s, at);
	snprintf(line, sizeof(line),
	    f->s->width >= 60 ? " %s UTC   every %g s   q: quit"
			      : " %s UTC  %gs  q: quit",
	    at, f->s->interval_s);
	put_line(f, REVERSE, line);
}

/* Without a terminal: a block of lines. */
static void put_plain(struct frame *f)
{
	char at[WHEN_TEXT_MAX], line[64];

	when_text(f->s->now_s, at);
	snprintf(line, sizeof(line), "%s UTC", at);
	put_line(f, "", line);
	put_verdict(f);
	if (f->s->status)
		put_sources(f, f->s->status->source_count);
	if (f->s->history)
		put_events(f, PLAIN_EVENTS);
	put_line(f, "", "");
}

static void put_full(struct frame *f)
{
	const struct screen *s = f->s;
	unsigned height = s->height, sources;
	bool roomy = height >= 16;

	put_verdict(f);
	if (roomy)
		put_line(f, "", "");
	if (s->history && height >= 20)
		put_clock(f);
	if (s->status) {
		/* Heading, sources, a third of the screen for events. */
		sources = height - f->lines - 2 - height / 3;
		put_sources(
		    f, height > f->lines + 2 + height / 3 ? sources : 1);
	}
	if (roomy) {
		put_line(f, "", "");
		put_line(f, DIM, s->history ? "Last events" : "");
	}
	if (s->history && height > f->lines + 1)
		put_events(f, height - f->lines - 1);
	while (f->lines + 1 < height)
		put_line(f, "", "");
	put_bottom(f);
}

void screen_put(const struct screen *s, FILE *out)
{
	struct frame f = {.s = s, .out = out};

	if (!s->full) {
		put_plain(&f);
		return;
	}
	fputs("\x1b[H", out);
	put_full(&f);
}
