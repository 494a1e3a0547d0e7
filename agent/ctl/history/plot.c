#include "agent/ctl/history/plot.h"

#include "agent/ctl/history/glyphs.h"

#include <math.h>
#include <stdlib.h>

/* "+1000.5 us" and the axis. */
#define MARGIN 11
#define ROWS_MAX 200
#define COLOUR "\x1b[36m"
#define PLAIN "\x1b[0m"

/* The dots of a graph, or the characters in ASCII. */
struct canvas {
	unsigned width, height;	  /* characters */
	unsigned across, upright; /* dots in a character */
	unsigned char bits[ROWS_MAX][PLOT_COLUMNS_MAX];
};

static struct canvas *canvas_new(const struct plot_style *style)
{
	struct canvas *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->across = style->unicode ? 2 : 1;
	c->upright = style->unicode ? 4 : 1;
	c->width = plot_columns(style) / c->across;
	c->height = style->height < 5 ? 3 : style->height - 2;
	if (c->height > ROWS_MAX)
		c->height = ROWS_MAX;
	return c;
}

unsigned plot_columns(const struct plot_style *style)
{
	unsigned chars =
	    style->width > MARGIN + 10 ? style->width - MARGIN : 10;

	if (chars > PLOT_COLUMNS_MAX)
		chars = PLOT_COLUMNS_MAX;
	return style->unicode ? 2 * chars : chars;
}

/* Dots, counted from the lower left corner. */
static void set(struct canvas *c, unsigned x, unsigned y)
{
	unsigned row = c->height - 1 - y / c->upright;

	if (c->upright == 1)
		c->bits[row][x] = 1;
	else
		c->bits[row][x / 2] |=
		    (unsigned char)braille_bit(x % 2, 3 - y % 4);
}

static unsigned height_of(
    const struct canvas *c, const struct scale *scale, double value)
{
	return (unsigned)lround(
	    scale_at(scale, value) * (c->height * c->upright - 1));
}

static void draw_upright(struct canvas *c, unsigned x, unsigned a, unsigned b)
{
	for (unsigned y = a < b ? a : b; y <= (a < b ? b : a); y++)
		set(c, x, y);
}

/* From one column to the next one that is known. */
static void draw_line(
    struct canvas *c, unsigned x0, unsigned y0, unsigned x1, unsigned y1)
{
	double slope = ((double)y1 - y0) / (x1 - x0);

	for (unsigned x = x0; x < x1; x++) {
		double from = y0 + slope * (x - x0), to = from + slope;

		/* Each column has its half of the way to the next one. */
		draw_upright(c, x, (unsigned)lround(from),
		    (unsigned)lround((from + to) / 2));
		draw_upright(c, x + 1, (unsigned)lround((from + to) / 2),
		    (unsigned)lround(to));
	}
}

static void draw(
    struct canvas *c, const struct series *s, const struct scale *scale)
{
	unsigned last_x = 0, last_y = 0;

	for (unsigned x = 0; x < s->count && x < c->width * c->across; x++) {
		const struct series_column *col = &s->columns[x];
		unsigned y;

		if (!col->known)
			continue;
		y = height_of(c, scale, col->mean);
		draw_upright(c, x, height_of(c, scale, col->min),
		    height_of(c, scale, col->max));
		if (col->joined)
			draw_line(c, last_x, last_y, x, y);
		last_x = x;
		last_y = y;
	}
}

/* The tick in this row of characters; -1: none. */
static int tick_of_row(
    const struct canvas *c, const struct scale *scale, unsigned row)
{
	for (unsigned i = 0; i < scale->ticks; i++) {
		unsigned y = height_of(c, scale, scale->low + i * scale->step);

		if (c->height - 1 - y / c->upright == row)
			return (int)i;
	}
	return -1;
}

static void put_margin(
    const struct scale *scale, int tick, bool unicode, FILE *out)
{
	char text[SCALE_TEXT_MAX] = "";

	if (tick >= 0)
		scale_text(scale, (unsigned)tick, text);
	fprintf(out, "%*s%s", MARGIN - 1, text,
	    !unicode	? tick >= 0 ? "+" : "|"
	    : tick >= 0 ? "\u2524"
			: "\u2502");
}

static void put_row(const struct canvas *c, unsigned row, FILE *out)
{
	unsigned end = c->width;

	while (end > 0 && c->bits[row][end - 1] == 0)
		end--;
	for (unsigned x = 0; x < end; x++) {
		if (c->upright == 1)
			fputc(c->bits[row][x] ? '*' : ' ', out);
		else if (c->bits[row][x] == 0)
			fputc(' ', out);
		else
			put_braille(out, c->bits[row][x]);
	}
}

/* Without the NUL. */
static void put_at(char *at, const char *text)
{
	while (*text != '\0')
		*at++ = *text++;
}

void plot_time_axis(const struct series *s, unsigned margin, unsigned width,
    bool unicode, FILE *out)
{
	int64_t length_s = s->to_s - s->from_s;
	int64_t step_s =
	    scale_time_step(length_s, width < 20 ? 1 : width / 12 + 1);
	int64_t first_s = (s->from_s / step_s + 1) * step_s;
	char line[PLOT_COLUMNS_MAX + SCALE_TEXT_MAX];
	unsigned at = 0;

	if (width > PLOT_COLUMNS_MAX)
		width = PLOT_COLUMNS_MAX;
	fprintf(out, "%*s%s", (int)margin - 1, "", unicode ? "\u2514" : "+");
	memset(line, ' ', sizeof(line));
	for (unsigned x = 0; x < width; x++) {
		int64_t from = s->from_s + x * length_s / width;
		int64_t to = s->from_s + (x + 1) * length_s / width;
		char text[SCALE_TEXT_MAX];
		bool tick = first_s > from && first_s <= to;

		fputs(unicode ? tick ? "\u252c" : "\u2500"
		      : tick  ? "+"
			      : "-",
		    out);
		if (!tick)
			continue;
		scale_time_text(first_s, 6 * step_s, text);
		if (x >= at && x + strlen(text) + 4 <= width) {
			put_at(line + x, text);
			at = x + (unsigned)strlen(text) + 1;
		}
		first_s += step_s;
	}
	if (width >= 3)
		put_at(&line[width - 3], "UTC");
	fprintf(out, "\n%*s%.*s\n", (int)margin, "", (int)width, line);
}

void plot_graph(const struct series *s, enum series_value value,
    const struct plot_style *style, FILE *out)
{
	struct canvas *c = canvas_new(style);
	struct scale scale;

	if (!c)
		return;
	scale = scale_of(s, value, c->height / 3);
	draw(c, s, &scale);
	for (unsigned row = 0; row < c->height; row++) {
		put_margin(
		    &scale, tick_of_row(c, &scale, row), style->unicode, out);
		fputs(style->colour ? COLOUR : "", out);
		put_row(c, row, out);
		fputs(style->colour ? PLAIN "\n" : "\n", out);
	}
	plot_time_axis(s, MARGIN, c->width, style->unicode, out);
	free(c);
}

/* Between two values, does a line lead through this column? After the last
 * one: is another one to be expected? */
static bool goes_on(const struct series *s, unsigned i)
{
	unsigned next = i;

	while (next < s->count && !s->columns[next].known)
		next++;
	if (next < s->count)
		return s->columns[next].joined;
	return (s->columns[i].mark & HISTORY_GOOD) != 0;
}

void plot_spark(
    const struct series *s, enum series_value value, bool unicode, FILE *out)
{
	double low = s->min, high = s->max;
	double before = NAN;

	if (value != SERIES_FREQUENCY && value != SERIES_OFFSET)
		low = fmin(low, 0);
	for (unsigned i = 0; i < s->count; i++) {
		const struct series_column *c = &s->columns[i];
		double share = 0.5, shown = before;

		if (c->known)
			before = shown = c->mean;
		else if (!goes_on(s, i))
			before = shown = NAN;
		if (isnan(shown)) {
			fputc(' ', out);
			continue;
		}
		if (high > low)
			share = (shown - low) / (high - low);
		put_bar(out, 1 + (unsigned)lround(share * 7), unicode);
	}
}

/* How a source does; the order is that of `strip`. */
enum doing { DOES_WELL, DOES_NOT_ANSWER, HAS_NO_KEYS, IS_OFFLINE, IS_NOT };

static const struct {
	const char *unicode, *ascii, *colour, *text;
} strip[] = {
    [DOES_WELL] = {"\u2588", "#", "\x1b[32m", "answers"},
    [DOES_NOT_ANSWER] = {"\u2592", "-", "\x1b[33m", "silent"},
    [HAS_NO_KEYS] = {"\u2591", ".", "\x1b[31m", "no keys, or rests"},
    [IS_OFFLINE] = {"o", "o", "", "offline"},
    [IS_NOT] = {" ", " ", "", "agent not running"},
};

/* By the names of the stages, which the agent gives. */
static enum doing doing_of(const struct history_file *f, uint8_t mark)
{
	const char *stage = f->head.stages[mark & HISTORY_STAGE];

	if (mark == 0)
		return IS_NOT;
	if (strncmp(stage, "offline", 7) == 0)
		return IS_OFFLINE;
	if (strcmp(stage, "polling") != 0 && strcmp(stage, "rekeying") != 0 &&
	    strcmp(stage, "undated-polling") != 0)
		return HAS_NO_KEYS;
	return mark & HISTORY_GOOD ? DOES_WELL : DOES_NOT_ANSWER;
}

void plot_strip(const struct series *s, const struct history_file *f,
    const struct plot_style *style, FILE *out)
{
	for (unsigned i = 0; i < s->count; i++) {
		enum doing d = doing_of(f, s->columns[i].mark);

		fprintf(out, "%s%s%s", style->colour ? strip[d].colour : "",
		    style->unicode ? strip[d].unicode : strip[d].ascii,
		    style->colour && strip[d].colour[0] ? PLAIN : "");
	}
}

void plot_strip_legend(bool unicode, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(strip) - 1; i++)
		fprintf(out, "%s%s %s", i > 0 ? "  " : "",
		    unicode ? strip[i].unicode : strip[i].ascii, strip[i].text);
	fprintf(out, "  empty: %s\n", strip[IS_NOT].text);
}
