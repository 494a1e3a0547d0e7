/* A series as characters: a graph with axes, a sparkline, a strip of stages. */
#ifndef AGENT_CTL_HISTORY_PLOT_H
#define AGENT_CTL_HISTORY_PLOT_H

#include "agent/ctl/history/scale.h"
#include "agent/ctl/history/series.h"

#include <stdio.h>

/* The widest picture, in columns of the terminal; a column has two dots. */
#define PLOT_COLUMNS_MAX (SERIES_COLUMNS_MAX / 2)

struct plot_style {
	unsigned width, height; /* of the whole graph, in characters */
	bool unicode;		/* braille and lines; else ASCII */
	bool colour;
};

/* Columns that a graph of this style has. */
unsigned plot_columns(const struct plot_style *style);

/* Prints the graph with both axes. A gap stays empty. */
void plot_graph(const struct series *s, enum series_value value,
    const struct plot_style *style, FILE *out);

/* One character for each column of `s`. */
void plot_spark(
    const struct series *s, enum series_value value, bool unicode, FILE *out);

/* One character for each column: how the source does. */
void plot_strip(const struct series *s, const struct history_file *f,
    const struct plot_style *style, FILE *out);
/* Explains these characters in one line. */
void plot_strip_legend(bool unicode, FILE *out);

/* The horizontal axis, `margin` characters from the left. */
void plot_time_axis(const struct series *s, unsigned margin, unsigned width,
    bool unicode, FILE *out);

#endif
