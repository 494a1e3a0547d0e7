#include "agent/ctl/metrics/exposition.h"

#include <math.h>
#include <string.h>

/* As many as a double holds, and few enough that 0.1 stays. */
#define DIGITS 15

static const char *ending(const struct family *f)
{
	static const char *const endings[] = {
	    [SERIES_GAUGE] = "",
	    [SERIES_COUNTER] = "_total",
	    [SERIES_INFO] = "_info",
	};

	return endings[f->kind];
}

static const char *type_name(const struct family *f, enum exposition form)
{
	switch (f->kind) {
	case SERIES_COUNTER:
		return "counter";
	case SERIES_INFO:
		return form == EXPOSITION_OPENMETRICS ? "info" : "gauge";
	case SERIES_GAUGE:
	default:
		return "gauge";
	}
}

void family_heading(FILE *out, enum exposition form, const struct family *f)
{
	bool standard = form == EXPOSITION_OPENMETRICS;
	const char *end = standard ? "" : ending(f);

	fprintf(out, "# TYPE " FAMILY_PREFIX "%s%s %s\n", f->name, end,
	    type_name(f, form));
	if (standard && f->has_unit)
		fprintf(out, "# UNIT " FAMILY_PREFIX "%s %s\n", f->name,
		    strrchr(f->name, '_') + 1);
	fprintf(
	    out, "# HELP " FAMILY_PREFIX "%s%s %s\n", f->name, end, f->help);
}

/* The length of the text, cut between two characters of UTF-8. */
static size_t bounded_len(const char *text)
{
	size_t len = strnlen(text, LABEL_TEXT_MAX + 1);

	if (len <= LABEL_TEXT_MAX)
		return len;
	len = LABEL_TEXT_MAX;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void put_escaped(FILE *out, const char *text)
{
	size_t len = bounded_len(text);

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (text[i] == '\\' || text[i] == '"')
			fputc('\\', out);
		fputc(text[i], out);
	}
}

static void put_labels(FILE *out, const struct labels *l)
{
	const char *separator = "{";

	for (unsigned i = 0; i < LABELS_MAX; i++) {
		if (!l->of[i].text)
			continue;
		fprintf(out, "%s%s=\"", separator, l->of[i].name);
		put_escaped(out, l->of[i].text);
		fputc('"', out);
		separator = ",";
	}
	if (*separator == ',')
		fputc('}', out);
}

void family_value(
    FILE *out, const struct family *f, const struct labels *l, double value)
{
	if (!isfinite(value) || (f->kind == SERIES_COUNTER && value < 0))
		return;
	fprintf(out, FAMILY_PREFIX "%s%s", f->name, ending(f));
	put_labels(out, l);
	/* No "-0": some readers show it. */
	fprintf(out, " %.*g\n", DIGITS, value == 0 ? 0.0 : value);
}

void exposition_end(FILE *out, enum exposition form)
{
	if (form == EXPOSITION_OPENMETRICS)
		fputs("# EOF\n", out);
}
