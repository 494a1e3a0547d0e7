/*
 * One picture of ntsctl watch: the verdict, the clock, the sources, the last
 * events. Pure but for its output.
 */
#ifndef AGENT_CTL_WATCH_SCREEN_H
#define AGENT_CTL_WATCH_SCREEN_H

#include "agent/ctl/snapshot/snapshot.h"
#include "agent/history/format.h"

#include <stdio.h>

struct screen {
	const struct snapshot *status; /* NULL: `why` says why there is none */
	const char *why;
	const struct history_file *history; /* NULL: none */
	int64_t now_s;
	double interval_s;
	unsigned width, height; /* characters */
	bool full; /* for a terminal: exactly `height` lines and escapes;
		    * else as many lines as it takes, without escapes */
	bool unicode, colour;
};

void screen_put(const struct screen *s, FILE *out);

#endif
