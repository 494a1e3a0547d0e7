#include "agent/ctl/history/events.h"

#include "agent/ctl/history/read.h"
#include "agent/ctl/history/when.h"
#include "agent/ctl/print/text.h"
#include "base/time.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

#define FOLLOW_MS 500

/* An event as a row of CSV and JSON. */
struct row {
	struct field_int time_ns;
	const char *source, *event, *text;
};

#define ROW(m) .field = FIELD(struct row, m)

static const struct column columns[] = {
    {ROW(time_ns)},
    {ROW(source)},
    {ROW(event)},
    {ROW(text)},
};

uint64_t events_first(const struct history_file *f)
{
	return f->head.events > HISTORY_EVENTS ? f->head.events - HISTORY_EVENTS
					       : 0;
}

/* The column of the names: as wide as the longest one in the file. */
#define NAME_WIDTH_MIN 12
/* Below the time: there a text goes on that the terminal has no room for. */
static const char margin[] = "                     ";

static int name_width(const struct history_file *f)
{
	size_t width = NAME_WIDTH_MIN;

	for (uint64_t k = events_first(f); k < f->head.events; k++) {
		size_t len = strlen(f->events[k % HISTORY_EVENTS].source);

		width = len > width ? len : width;
	}
	return (int)width;
}

static size_t trimmed(const char *line)
{
	size_t len = strlen(line);

	while (len > 0 && line[len - 1] == ' ')
		len--;
	return len;
}

static void put_line(
    const struct history_event *e, int names, const struct view *v)
{
	char at[WHEN_TEXT_MAX], head[WHEN_TEXT_MAX + SOURCE_NAME_MAX + 32];

	when_text(e->time_ns / NS_PER_S, at);
	snprintf(head, sizeof(head), "%s  %-*s %-14s", at, names,
	    e->source[0] ? e->source : "-", history_event_name(e->kind));
	if (!v->terminal || strlen(head) + 1 + strlen(e->text) <= v->width) {
		fprintf(v->out, "%s %s\n", head, e->text);
		return;
	}
	fprintf(v->out, "%.*s\n", (int)trimmed(head), head);
	text_put_wrapped(v->out, margin, e->text, v->width);
}

static bool put_event(
    const struct history_event *e, int names, const struct view *v)
{
	const struct row row = {
	    .time_ns = {.known = true, .n = e->time_ns},
	    .source = e->source[0] ? e->source : NULL,
	    .event = history_event_name(e->kind),
	    .text = e->text,
	};

	if (v->output == OUTPUT_CSV) {
		table_put_csv_row(columns, ARRAY_LEN(columns), &row, v->out);
	} else if (v->output == OUTPUT_JSON) {
		return table_put_json(
		    table_json_object(columns, ARRAY_LEN(columns), &row), 0,
		    v->out);
	} else {
		put_line(e, names, v);
	}
	return true;
}

bool events_print(const struct history_file *f, uint64_t first, int64_t since_s,
    const char *source, const struct view *v)
{
	int names = name_width(f);
	bool done = true;

	for (uint64_t k = first; k < f->head.events; k++) {
		const struct history_event *e = &f->events[k % HISTORY_EVENTS];

		if (e->time_ns / NS_PER_S < since_s ||
		    (source && !history_belongs(e->source, source)))
			continue;
		done &= put_event(e, names, v);
	}
	return fflush(v->out) == 0 && done;
}

/* What lasts from look to look. */
struct following {
	const struct events_options *o;
	const struct view *v;
	FILE *errors;
	int64_t since_s;
	uint64_t next;	 /* the number of the next event */
	int64_t last_ns; /* the time of the last event */
	bool complained; /* there is no history, and a line says so */
};

/* After a restart the agent counts from 0: those that it took over from
 * the last run are known. */
static uint64_t next_of(const struct following *w, const struct history_file *f)
{
	uint64_t k = events_first(f);

	if (w->next <= f->head.events && w->next >= k &&
	    (w->next == k ||
		f->events[(w->next - 1) % HISTORY_EVENTS].time_ns ==
		    w->last_ns))
		return w->next;
	while (k < f->head.events &&
	       f->events[k % HISTORY_EVENTS].time_ns <= w->last_ns)
		k++;
	return k;
}

/* False: the output cannot be written. */
static bool look(struct following *w)
{
	char why[HISTORY_ERROR_MAX];
	struct history_file *f = history_read(w->o->socket, why);
	bool done;

	/* The agent may be restarting. */
	if (!f) {
		if (!w->complained)
			fprintf(w->errors, "ntsctl: %s\n", why);
		w->complained = true;
		return true;
	}
	w->complained = false;
	done = events_print(f, next_of(w, f), w->since_s, w->o->source, w->v);
	w->next = f->head.events;
	if (w->next > 0)
		w->last_ns = f->events[(w->next - 1) % HISTORY_EVENTS].time_ns;
	free(f);
	return done;
}

/* False: nobody reads the pipe any more, as after `| grep -m 1`. Without this
 * look, only the next event would end the command. */
static bool is_read(FILE *out)
{
	struct pollfd fd = {.fd = fileno(out)};

	return poll(&fd, 1, FOLLOW_MS) <= 0;
}

static enum exit_status follow(struct following *w)
{
	while (look(w) && is_read(w->v->out))
		continue;
	return EXIT_NO_STATUS;
}

/* Also of a source that is not configured any more. */
static bool is_there(const struct history_file *f, const char *source)
{
	for (uint64_t k = events_first(f); k < f->head.events; k++)
		if (history_belongs(
			f->events[k % HISTORY_EVENTS].source, source))
			return true;
	for (unsigned i = 0; i < f->head.sources; i++)
		if (history_belongs(f->sources[i].name, source))
			return true;
	return false;
}

static enum exit_status print_once(const struct following *w)
{
	char why[HISTORY_ERROR_MAX];
	struct history_file *f = history_read(w->o->socket, why);
	bool done;

	if (!f) {
		fprintf(w->errors, "ntsctl: %s\n", why);
		return EXIT_NO_STATUS;
	}
	if (w->o->source && !is_there(f, w->o->source)) {
		history_complain_source(f, w->o->source, w->errors);
		free(f);
		return EXIT_USAGE;
	}
	done = events_print(f, events_first(f), w->since_s, w->o->source, w->v);
	free(f);
	return done ? EXIT_OK : EXIT_NO_STATUS;
}

enum exit_status events_run(
    const struct events_options *o, const struct view *v, FILE *errors)
{
	struct following w = {.o = o, .v = v, .errors = errors};

	if (o->since && !when_parse(o->since, time(NULL), &w.since_s)) {
		fprintf(errors,
		    "ntsctl: --since takes a length of time (90s, 10m, 6h, "
		    "30d) or a time of UTC that exists (2026-11-28 17:30), not "
		    "'%.40s'\n",
		    o->since);
		return EXIT_USAGE;
	}
	if (v->output == OUTPUT_CSV)
		table_put_csv_heading(columns, ARRAY_LEN(columns), v->out);
	return o->follow ? follow(&w) : print_once(&w);
}
