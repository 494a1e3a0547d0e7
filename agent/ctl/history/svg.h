/* A series as a picture in SVG 1.1, for dark and light pages. */
#ifndef AGENT_CTL_HISTORY_SVG_H
#define AGENT_CTL_HISTORY_SVG_H

#include "agent/ctl/history/series.h"

#include <stdio.h>

#define SVG_COLUMNS 800

/* `title` and `note` are texts of any printable ASCII. */
void svg_put(const struct series *s, enum series_value value, const char *title,
    const char *note, FILE *out);

/* Stages: a strip for each of `count` sources. */
struct svg_strip {
	const char *name;
	const struct series *series;
};
void svg_put_strips(const struct svg_strip *strips, unsigned count,
    const struct history_file *f, const char *title, FILE *out);

#endif
