/*
 * The text that a monitoring system reads: families of series, in one of two
 * formats. OpenMetrics 1.0 is the standard; the older Prometheus text (0.0.4)
 * has no units, no info type and no end mark, and names a counter with _total
 * in its heading, too.
 */
#ifndef AGENT_CTL_METRICS_EXPOSITION_H
#define AGENT_CTL_METRICS_EXPOSITION_H

#include <stdbool.h>
#include <stdio.h>

enum exposition { EXPOSITION_OPENMETRICS, EXPOSITION_PROMETHEUS };

enum series_kind { SERIES_GAUGE, SERIES_COUNTER, SERIES_INFO };

/* What each name of a series begins with. */
#define FAMILY_PREFIX "ntsagent_"

struct family {
	const char *name; /* without FAMILY_PREFIX, _total and _info */
	const char *help;
	enum series_kind kind : 8;
	bool has_unit; /* the last word of the name, behind "_" */
};

/* A label that does not apply has no text. */
#define LABELS_MAX 7
struct labels {
	struct {
		const char *name, *text;
	} of[LABELS_MAX];
};

/* The longest text of a label, in bytes, before it is escaped. */
#define LABEL_TEXT_MAX 200

void family_heading(FILE *out, enum exposition form, const struct family *f);

/* A value that is not finite is no line; neither is a counter below zero. */
void family_value(
    FILE *out, const struct family *f, const struct labels *l, double value);

/* Nothing may follow. */
void exposition_end(FILE *out, enum exposition form);

#endif
