#include "agent/ctl/history/svg.h"

#include "agent/ctl/history/scale.h"

/* The picture, and the part of it that has the graph. */
#define WIDTH 960
#define HEIGHT 360
#define LEFT 100
#define TOP 56
#define GRAPH_WIDTH SVG_COLUMNS
#define GRAPH_HEIGHT 230
#define STRIP_HEIGHT 22
#define STRIPS_LEFT 230
#define STRIP_NAME_MAX 30

static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
			break;
		}
	}
}

/* The attributes are for renderers that know no style sheet with a media query:
 * dark on light. */
static void begin(FILE *out, int width, int height, const char *title)
{
	fprintf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
	    width, height, width, height);
	put_escaped(out, title);
	fputs("</title>\n<style>\n"
	      "text{font-family:sans-serif;font-size:13px;fill:#24292f}\n"
	      ".title{font-size:16px;font-weight:bold}\n"
	      ".page{fill:#ffffff}\n"
	      ".grid{stroke:#d0d7de;stroke-width:1}\n"
	      ".zero{stroke:#57606a;stroke-width:1}\n"
	      ".gap{fill:#eaeef2}\n"
	      ".range{fill:none;stroke:#54aeff;stroke-width:1.2}\n"
	      ".line{fill:none;stroke:#0550ae;stroke-width:1.6;"
	      "stroke-linejoin:round;stroke-linecap:round}\n"
	      ".well{fill:#1a7f37}.silent{fill:#d4a72c}.rests{fill:#cf222e}"
	      ".offline{fill:#8c959f}\n"
	      "@media (prefers-color-scheme:dark){text{fill:#e6edf3}"
	      ".page{fill:#0d1117}.grid{stroke:#30363d}.zero{stroke:#8b949e}"
	      ".gap{fill:#21262d}.range{stroke:#1f6feb}.line{stroke:#79c0ff}"
	      ".well{fill:#2ea043}.silent{fill:#d29922}.rests{fill:#f85149}"
	      ".offline{fill:#6e7681}}\n"
	      "</style>\n",
	    out);
	fprintf(out,
	    "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n"
	    "<text class=\"title\" x=\"%d\" y=\"30\">",
	    width, height, 16);
	put_escaped(out, title);
	fputs("</text>\n", out);
}

static void put_text(
    FILE *out, double x, double y, const char *anchor, const char *text)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y,
	    anchor);
	put_escaped(out, text);
	fputs("</text>\n", out);
}

static void put_times(const struct series *s, int left, int bottom, FILE *out)
{
	int64_t length_s = s->to_s - s->from_s;
	int64_t step_s = scale_time_step(length_s, 10);
	int64_t at_s = (s->from_s / step_s + 1) * step_s;

	for (; at_s <= s->to_s; at_s += step_s) {
		double x = left + (double)(at_s - s->from_s) /
				      (double)length_s * GRAPH_WIDTH;
		char text[SCALE_TEXT_MAX];

		fprintf(out,
		    "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" "
		    "y2=\"%d\"/>\n",
		    x, x, TOP, bottom + 5);
		scale_time_text(at_s, 6 * step_s, text);
		put_text(out, x, bottom + 20, "middle", text);
	}
	put_text(out, left + GRAPH_WIDTH + 12, bottom + 36, "end", "UTC");
}

static double y_of(const struct scale *scale, double value)
{
	return TOP + (1 - scale_at(scale, value)) * GRAPH_HEIGHT;
}

static void put_grid(const struct scale *scale, FILE *out)
{
	for (unsigned i = 0; i < scale->ticks; i++) {
		double value = scale->low + i * scale->step;
		double y = y_of(scale, value);
		char text[SCALE_TEXT_MAX];

		scale_text(scale, i, text);
		fprintf(out,
		    "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" "
		    "y2=\"%.1f\"/>\n",
		    value > -scale->step / 2 && value < scale->step / 2
			? "zero"
			: "grid",
		    LEFT, LEFT + GRAPH_WIDTH, y, y);
		put_text(out, LEFT - 10, y + 4.5, "end", text);
	}
}

/* Where the agent did not run. */
static void put_gaps(const struct series *s, int height, int top, FILE *out)
{
	for (unsigned i = 0; i < s->count; i++) {
		unsigned from = i;

		while (i < s->count && s->columns[i].mark == 0)
			i++;
		if (i > from)
			fprintf(out,
			    "<rect class=\"gap\" x=\"%u\" y=\"%d\" "
			    "width=\"%u\" height=\"%d\"/>\n",
			    LEFT + from, top, i - from, height);
	}
}

static void put_ranges(
    const struct series *s, const struct scale *scale, FILE *out)
{
	fputs("<path class=\"range\" d=\"M0 0", out);
	for (unsigned i = 0; i < s->count; i++)
		if (s->columns[i].known)
			fprintf(out, "M%.1f %.1fV%.1f", LEFT + i + 0.5,
			    y_of(scale, s->columns[i].min),
			    y_of(scale, s->columns[i].max));
	fputs("\"/>\n", out);
}

/* A value without a line to it is a dot: the ends of a line are round. */
static void put_line(
    const struct series *s, const struct scale *scale, FILE *out)
{
	fputs("<path class=\"line\" d=\"M0 0", out);
	for (unsigned i = 0; i < s->count; i++)
		if (s->columns[i].known)
			fprintf(out,
			    s->columns[i].joined ? "L%.1f %.1f"
						 : "M%.1f %.1fh0.1",
			    LEFT + i + 0.5, y_of(scale, s->columns[i].mean));
	fputs("\"/>\n", out);
}

void svg_put(const struct series *s, enum series_value value, const char *title,
    const char *note, FILE *out)
{
	const struct scale scale = scale_of(s, value, 6);

	begin(out, WIDTH, HEIGHT, title);
	put_gaps(s, GRAPH_HEIGHT, TOP, out);
	put_grid(&scale, out);
	put_times(s, LEFT, TOP + GRAPH_HEIGHT, out);
	put_ranges(s, &scale, out);
	put_line(s, &scale, out);
	put_text(out, LEFT, HEIGHT - 18, "start", note);
	fputs("</svg>\n", out);
}

static const char *class_of(const struct history_file *f, uint8_t mark)
{
	const char *stage = f->head.stages[mark & HISTORY_STAGE];

	if (mark == 0)
		return "gap";
	if (strncmp(stage, "offline", 7) == 0)
		return "offline";
	if (strcmp(stage, "polling") != 0 && strcmp(stage, "rekeying") != 0 &&
	    strcmp(stage, "undated-polling") != 0)
		return "rests";
	return mark & HISTORY_GOOD ? "well" : "silent";
}

static void put_strip(
    const struct series *s, const struct history_file *f, int y, FILE *out)
{
	for (unsigned i = 0; i < s->count;) {
		const char *class = class_of(f, s->columns[i].mark);
		unsigned from = i;

		while (i < s->count &&
		       strcmp(class_of(f, s->columns[i].mark), class) == 0)
			i++;
		fprintf(out,
		    "<rect class=\"%s\" x=\"%u\" y=\"%d\" width=\"%u\" "
		    "height=\"%d\"/>\n",
		    class, STRIPS_LEFT + from, y, i - from, STRIP_HEIGHT - 6);
	}
}

static void put_legend(int y, FILE *out)
{
	static const struct {
		const char *class, *text;
	} rows[] = {
	    {"well", "answers"},
	    {"silent", "does not answer"},
	    {"rests", "has no keys or rests"},
	    {"offline", "offline"},
	    {"gap", "the agent did not run"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int x = STRIPS_LEFT + (int)i * 168;

		fprintf(out,
		    "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"12\" "
		    "height=\"12\"/>\n",
		    rows[i].class, x, y - 11);
		put_text(out, x + 17, y, "start", rows[i].text);
	}
}

static void put_name(const char *name, int y, FILE *out)
{
	char text[STRIP_NAME_MAX + 4];

	snprintf(text, sizeof(text), "%.*s%s", STRIP_NAME_MAX, name,
	    strlen(name) > STRIP_NAME_MAX ? "..." : "");
	put_text(out, STRIPS_LEFT - 10, y, "end", text);
}

void svg_put_strips(const struct svg_strip *strips, unsigned count,
    const struct history_file *f, const char *title, FILE *out)
{
	int bottom = TOP + (int)count * STRIP_HEIGHT;

	begin(out, WIDTH + STRIPS_LEFT - LEFT, bottom + 74, title);
	if (count > 0)
		put_times(strips[0].series, STRIPS_LEFT, bottom, out);
	for (unsigned i = 0; i < count; i++) {
		int y = TOP + (int)i * STRIP_HEIGHT;

		put_strip(strips[i].series, f, y, out);
		put_name(strips[i].name, y + 13, out);
	}
	put_legend(bottom + 58, out);
	fputs("</svg>\n", out);
}
