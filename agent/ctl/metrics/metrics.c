#include "agent/ctl/metrics/metrics.h"

#include "agent/ctl/metrics/families.h"
#include "base/limits.h"

#include <string.h>

#define S_PER_NS 1e-9
#define RATIO_PER_PPM 1e-6

static const struct family up = {"up",
    "1 if the agent gave its status, 0 if it did not.", SERIES_GAUGE, false};

/* The struct whose member the family shows. */
static const void *row_of(
    const struct family_row *r, const struct snapshot *s, unsigned i)
{
	switch (r->of) {
	case OF_CLOCK:
		return &s->clock;
	case OF_SOURCE:
		return &s->sources[i];
	case OF_AGENT:
	default:
		return s;
	}
}

static double in_unit_of_family(double value, enum member_unit unit)
{
	switch (unit) {
	case MEMBER_NS:
		return value * S_PER_NS;
	case MEMBER_PPM:
		return value * RATIO_PER_PPM;
	case MEMBER_PLAIN:
	default:
		return value;
	}
}

static double number_of(
    const struct family_row *r, const void *row, const struct snapshot *s)
{
	double value;

	if (r->field.kind == FIELD_FLAG)
		return *(const bool *)field_at(&r->field, row);
	value = in_unit_of_family(field_number(&r->field, row), r->unit);
	return r->is_age ? (double)s->time_ns.n * S_PER_NS - value : value;
}

static void put_field(FILE *out, const struct family_row *r,
    const struct snapshot *s, unsigned i, const char *source)
{
	const void *row = row_of(r, s, i);
	struct labels l = {{{"source", source}}};

	if (r->field.kind != FIELD_TEXT) {
		family_value(out, &r->family, &l, number_of(r, row, s));
		return;
	}
	l.of[1].name = r->label;
	l.of[1].text = field_text(&r->field, row);
	if (l.of[1].text[0] != '\0')
		family_value(out, &r->family, &l, 1);
}

static void put_line(FILE *out, const struct family_row *r,
    const struct snapshot *s, unsigned i, const char *source)
{
	if (r->put)
		r->put(out, &r->family, s, i, source);
	else
		put_field(out, r, s, i, source);
}

/* Names that differ only behind these bytes may be cut to one label: a label is
 * cut between two characters, which have up to four bytes. */
#define NAME_COMPARED (LABEL_TEXT_MAX - 3)

/* The name of a source is a part of all its series. Two of the same name would
 * make the whole text invalid, so the second has none. */
static bool is_named_before(const struct snapshot *s, unsigned i)
{
	for (unsigned n = 0; n < i; n++)
		if (strncmp(s->sources[n].name, s->sources[i].name,
			NAME_COMPARED) == 0)
			return true;
	return false;
}

static void put_family(FILE *out, enum exposition form,
    const struct family_row *r, const struct snapshot *s)
{
	family_heading(out, form, &r->family);
	if (r->of != OF_SOURCE) {
		put_line(out, r, s, 0, NULL);
		return;
	}
	/* The agent has no more, and the text has an end. */
	for (unsigned i = 0; i < s->source_count && i < SOURCES_MAX; i++)
		if (!is_named_before(s, i))
			put_line(out, r, s, i, s->sources[i].name);
}

void metrics_put(FILE *out, enum exposition form, const struct snapshot *s)
{
	const struct labels none = {0};
	size_t count;
	const struct family_row *rows = families(&count);

	family_heading(out, form, &up);
	family_value(out, &up, &none, s != NULL);
	for (size_t i = 0; s && i < count; i++)
		put_family(out, form, &rows[i], s);
	exposition_end(out, form);
}
