#include "agent/ctl/history/graph.h"

#include "agent/ctl/history/cells.h"
#include "agent/ctl/history/glyphs.h"
#include "agent/ctl/history/plot.h"
#include "agent/ctl/history/read.h"
#include "agent/ctl/history/svg.h"
#include "agent/ctl/history/when.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LENGTH_DEFAULT_S (6 * 3600)
#define LENGTH_MIN_S 60
#define LENGTH_MAX_S (30 * 86400)
#define HEIGHT_DEFAULT 16
#define HEIGHT_MAX 24
#define STALE_S (HISTORY_LATE_S + 30)

/* What is to be shown, judged. */
struct graph {
	const struct graph_options *o;
	const struct history_file *f;
	const struct view *v;
	FILE *errors;
	enum series_value value;
	int place; /* -1: the clock, or all sources */
	int64_t now_s, length_s;
	unsigned height;
	bool unicode;
};

static bool complain(const struct graph *g, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
static bool complain(const struct graph *g, const char *fmt, ...)
{
	va_list args;

	fputs("ntsctl: ", g->errors);
	va_start(args, fmt);
	vfprintf(g->errors, fmt, args);
	va_end(args);
	fputc('\n', g->errors);
	return false;
}

static bool take_value(struct graph *g)
{
	const char *word = g->o->value ? g->o->value : "offset";

	g->value = series_find(word);
	return g->value < SERIES_VALUES ||
	       complain(g,
		   "graph: there is no value '%.40s'; there are offset, bound, "
		   "error, frequency, delay and stage",
		   word);
}

static bool take_length(struct graph *g)
{
	g->length_s = LENGTH_DEFAULT_S;
	return !g->o->last ||
	       (when_parse_length(g->o->last, &g->length_s) &&
		   g->length_s >= LENGTH_MIN_S &&
		   g->length_s <= LENGTH_MAX_S) ||
	       complain(g,
		   "--last takes a length of time from 1m to 30d, as 10m or "
		   "6h, not '%.40s'",
		   g->o->last);
}

/* All that can be judged without the history. */
static bool take_words(struct graph *g)
{
	if (g->o->svg && g->v->output != OUTPUT_TEXT)
		return complain(g, "graph: either --svg or --json or --csv");
	return take_value(g) && take_length(g);
}

/* The only source needs no name. */
static int only_place(const struct history_file *f)
{
	int place = -1;

	for (unsigned i = 0; i < f->head.sources; i++) {
		if (f->sources[i].name[0] == '\0')
			continue;
		if (place >= 0)
			return -1;
		place = (int)i;
	}
	return place;
}

static bool take_source(struct graph *g)
{
	char names[HISTORY_NAMES_MAX];

	g->place = -1;
	if (g->o->source) {
		g->place = history_find(g->f, g->o->source);
		if (g->place < 0) {
			history_complain_source(g->f, g->o->source, g->errors);
			return false;
		}
		return series_of_source(g->value) ||
		       complain(g,
			   "graph: the clock has %s %s, a source has none: "
			   "leave --source out",
			   strchr("aeiou", series_word(g->value)[0]) ? "an"
								     : "a",
			   series_word(g->value));
	}
	if (series_of_clock(g->value) || g->value == SERIES_STAGE)
		return true;
	g->place = only_place(g->f);
	history_names(g->f, names, sizeof(names));
	return g->place >= 0 ||
	       complain(g,
		   "graph: %s of which source? --source takes one of: %s",
		   series_word(g->value), names);
}

static const char *meaning_of(const struct graph *g)
{
	switch (g->value) {
	case SERIES_OFFSET:
		return " (positive: the local clock is fast)";
	case SERIES_BOUND:
		return " (the largest possible error)";
	case SERIES_ERROR:
		return " (the standard deviation of the offset)";
	case SERIES_FREQUENCY:
		return " (positive: the oscillator is fast)";
	case SERIES_DELAY:
		return " (there and back)";
	case SERIES_STAGE:
	case SERIES_VALUES:
		break;
	}
	return "";
}

static void length_text(int64_t s, char *out, size_t size)
{
	const bool days = s % 86400 == 0 && s > 86400, hours = s % 3600 == 0;
	const bool minutes = s % 60 == 0;

	snprintf(out, size, "%lld %s",
	    (long long)(days	  ? s / 86400
			: hours	  ? s / 3600
			: minutes ? s / 60
				  : s),
	    days      ? "d"
	    : hours   ? "h"
	    : minutes ? "min"
		      : "s");
}

static void title_of(const struct graph *g, char *out, size_t size)
{
	char length[32];

	length_text(g->length_s, length, sizeof(length));
	if (g->place >= 0)
		snprintf(out, size, "%s of %s, the last %s%s",
		    series_word(g->value), g->f->sources[g->place].name, length,
		    meaning_of(g));
	else
		snprintf(out, size, "%s of the %s, the last %s%s",
		    series_word(g->value),
		    g->value == SERIES_STAGE ? "sources" : "clock", length,
		    meaning_of(g));
}

/* "last 1.23 us; min ..., mean ..., max ...": of the cells, so that it does not
 * depend on the size of the picture. */
static void note_of(
    const struct graph *g, const struct series *s, char *out, size_t size)
{
	char text[4][SCALE_TEXT_MAX];
	double sum = 0, last = 0;
	unsigned count = 0;
	int64_t cell_s;

	for (unsigned i = 0; i < series_cells(g->length_s, &cell_s); i++) {
		struct series_cell c = series_cell(
		    g->f, g->place, g->value, g->now_s, g->length_s, i);

		if (!c.known)
			continue;
		last = c.mean;
		sum += last;
		count++;
	}
	scale_number(g->value, last, text[0]);
	scale_number(g->value, s->min, text[1]);
	scale_number(g->value, count > 0 ? sum / count : 0, text[2]);
	scale_number(g->value, s->max, text[3]);
	snprintf(out, size, "last %s; min %s, mean %s, max %s", text[0],
	    text[1], text[2], text[3]);
}

static void fetch(
    const struct graph *g, int place, unsigned columns, struct series *out)
{
	series_make(out, g->f, place, g->value, g->now_s, g->length_s, columns);
}

static void show_text(
    const struct graph *g, struct series *s, const char *title)
{
	const struct plot_style style = {
	    .width = g->v->width,
	    .height = g->height,
	    .unicode = g->unicode,
	    .colour = g->v->colour,
	};
	char note[160];

	fetch(g, g->place, plot_columns(&style), s);
	fprintf(g->v->out, "%s\n", title);
	if (!s->any) {
		fputs("nothing is known of this time\n", g->v->out);
		return;
	}
	plot_graph(s, g->value, &style, g->v->out);
	note_of(g, s, note, sizeof(note));
	fprintf(g->v->out, "%s\n", note);
}

static bool is_shown(const struct graph *g, unsigned i)
{
	return g->f->sources[i].name[0] != '\0' &&
	       (g->place < 0 || g->place == (int)i);
}

static void show_stages(
    const struct graph *g, struct series *s, const char *title)
{
	struct plot_style style = {
	    .unicode = g->unicode, .colour = g->v->colour};
	unsigned margin = 1, columns;

	for (unsigned i = 0; i < g->f->head.sources; i++)
		if (is_shown(g, i) && strlen(g->f->sources[i].name) >= margin)
			margin = (unsigned)strlen(g->f->sources[i].name) + 1;
	columns = g->v->width > margin + 10 ? g->v->width - margin : 10;
	if (columns > PLOT_COLUMNS_MAX)
		columns = PLOT_COLUMNS_MAX;
	fprintf(g->v->out, "%s\n", title);
	if (margin == 1) {
		fputs("no source has a history yet\n", g->v->out);
		return;
	}
	for (unsigned i = 0; i < g->f->head.sources; i++) {
		if (!is_shown(g, i))
			continue;
		fetch(g, (int)i, columns, s);
		fprintf(g->v->out, "%-*s", (int)margin, g->f->sources[i].name);
		plot_strip(s, g->f, &style, g->v->out);
		fputc('\n', g->v->out);
	}
	plot_time_axis(s, margin, s->count, g->unicode, g->v->out);
	plot_strip_legend(g->unicode, g->v->out);
}

static bool put_svg_stages(const struct graph *g, const char *title, FILE *out)
{
	struct svg_strip strips[SOURCES_MAX];
	struct series *all =
	    calloc(g->f->head.sources + 1, sizeof(struct series));
	unsigned count = 0;

	if (!all)
		return complain(g, "no memory is left for the picture");
	for (unsigned i = 0; i < g->f->head.sources; i++) {
		if (!is_shown(g, i))
			continue;
		fetch(g, (int)i, SVG_COLUMNS, &all[count]);
		strips[count].name = g->f->sources[i].name;
		strips[count].series = &all[count];
		count++;
	}
	svg_put_strips(strips, count, g->f, title, out);
	free(all);
	return true;
}

static bool put_svg(
    const struct graph *g, struct series *s, const char *title, FILE *out)
{
	char note[160] = "nothing is known of this time";

	if (g->value == SERIES_STAGE)
		return put_svg_stages(g, title, out);
	fetch(g, g->place, SVG_COLUMNS, s);
	if (s->any)
		note_of(g, s, note, sizeof(note));
	svg_put(s, g->value, title, note, out);
	return true;
}

/* Not through a link: the folder may be that of a web server, which could lead
 * root to any file. */
static FILE *create(const char *path)
{
	int fd = open(path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
	    0666);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out && fd >= 0)
		close(fd);
	return out;
}

/* What could not be written whole stays, and the exit status tells it. */
static enum exit_status write_svg(
    const struct graph *g, struct series *s, const char *title)
{
	FILE *out;
	bool done;

	if (strcmp(g->o->svg, "-") == 0)
		return put_svg(g, s, title, g->v->out) ? EXIT_OK
						       : EXIT_NO_STATUS;
	out = create(g->o->svg);
	if (!out) {
		complain(g, "cannot write %s: %s", g->o->svg,
		    errno == ELOOP ? "it is a link: name the file itself"
				   : strerror(errno));
		return EXIT_NO_STATUS;
	}
	done = put_svg(g, s, title, out) && !ferror(out);
	errno = 0;
	if (fclose(out) == 0 && done)
		return EXIT_OK;
	complain(g, "cannot write %s%s%s", g->o->svg, errno ? ": " : "",
	    errno ? strerror(errno) : "");
	return EXIT_NO_STATUS;
}

static void warn_if_stale(const struct graph *g)
{
	int64_t age_s = g->now_s - g->f->head.written_ns / NS_PER_S;

	if (age_s > STALE_S)
		complain(g,
		    "the agent has written nothing for %lld s: it hangs, or "
		    "was killed; see: systemctl status ntsagent",
		    (long long)age_s);
}

static enum exit_status show_cells(const struct graph *g)
{
	const struct cells c = {g->value, g->place, g->now_s, g->length_s};

	if (!cells_put(&c, g->f, g->v)) {
		complain(g, "the history could not be printed to its end");
		return EXIT_NO_STATUS;
	}
	warn_if_stale(g);
	return EXIT_OK;
}

/* A picture, on the terminal or as SVG. */
static enum exit_status show(const struct graph *g)
{
	struct series *s = calloc(1, sizeof(*s));
	enum exit_status status = EXIT_OK;
	char title[256];

	if (!s) {
		complain(g, "no memory is left for the picture");
		return EXIT_NO_STATUS;
	}
	title_of(g, title, sizeof(title));
	if (g->o->svg)
		status = write_svg(g, s, title);
	else if (g->value == SERIES_STAGE)
		show_stages(g, s, title);
	else
		show_text(g, s, title);
	warn_if_stale(g);
	free(s);
	return status;
}

static enum exit_status show_of_source(struct graph *g)
{
	if (!take_source(g))
		return EXIT_USAGE;
	return g->v->output == OUTPUT_TEXT ? show(g) : show_cells(g);
}

enum exit_status graph_show(const struct graph_options *o,
    const struct history_file *f, int64_t now_s, unsigned height, bool unicode,
    const struct view *v, FILE *errors)
{
	struct graph g = {
	    .o = o,
	    .f = f,
	    .v = v,
	    .errors = errors,
	    .now_s = now_s,
	    .height = height,
	    .unicode = unicode,
	};
	struct history_file *read = NULL;
	char why[HISTORY_ERROR_MAX];
	enum exit_status status;

	if (!take_words(&g))
		return EXIT_USAGE;
	if (!f)
		g.f = read = history_read(o->socket, why);
	if (!g.f) {
		complain(&g, "%s", why);
		return EXIT_NO_STATUS;
	}
	status = show_of_source(&g);
	free(read);
	return status;
}

static unsigned terminal_height(const struct view *v)
{
	struct winsize size;

	if (!v->terminal || ioctl(fileno(v->out), TIOCGWINSZ, &size) != 0 ||
	    size.ws_row == 0)
		return HEIGHT_DEFAULT;
	/* Title, note and the next prompt. */
	if (size.ws_row < 8)
		return 5;
	return size.ws_row - 3 < HEIGHT_MAX ? size.ws_row - 3u : HEIGHT_MAX;
}

enum exit_status graph_run(
    const struct graph_options *o, const struct view *v, FILE *errors)
{
	return graph_show(o, NULL, time(NULL), terminal_height(v),
	    glyphs_unicode(), v, errors);
}
