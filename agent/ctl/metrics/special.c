#include "agent/ctl/metrics/special.h"

#include "base/failures.h"

#include <math.h>
#include <string.h>

#define RATIO_PER_PPM 1e-6
#define REACH_BITS 8

const char *const special_checks[] = {"length", "version", "mode", "origin",
    "fields", "no-unique-id", "unique-id", "nak", "authenticator",
    "field-order", "authentication", "kiss-rate", "kiss-deny", "kiss-rstr",
    "kiss-other", "synchronised", "stamps", "delay", "maxdelay",
    "maxdelayratio", "expired", "dates", "undated", "pause", NULL};

/* What somebody who does not have the keys can send. A NAK is not in the list:
 * it has a family of its own. */
static const char *const authentication_checks[] = {"no-unique-id", "unique-id",
    "authenticator", "field-order", "authentication"};

static struct labels of_source(const char *source)
{
	return (struct labels){{{"source", source}}};
}

static void put_number(
    FILE *out, const struct family *f, const char *source, double value)
{
	const struct labels l = of_source(source);

	family_value(out, f, &l, value);
}

/* Not known and empty are the same for a label. */
static const char *text_or_none(const char *text)
{
	return text && *text ? text : NULL;
}

void put_build(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	char schema[24];
	const struct labels l = {{{"version", s->version}, {"schema", schema}}};

	(void)i;
	(void)source;
	snprintf(schema, sizeof(schema), "%lld", (long long)s->schema.n);
	family_value(out, f, &l, 1);
}

void put_reference(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	const struct status_clock *c = &s->clock;
	const struct labels l = {{{"source", text_or_none(c->selected)},
	    {"reference_id", text_or_none(c->reference_id)}}};

	(void)i;
	(void)source;
	if (l.of[0].text)
		family_value(out, f, &l, 1);
}

void put_source_info(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source)
{
	const struct status_source *x = &s->sources[i];
	const struct labels l = {{{"source", source}, {"host", x->host},
	    {"address", text_or_none(x->address)},
	    {"reference_id", text_or_none(x->reference_id)},
	    {"aead", text_or_none(x->nts.aead_name)},
	    {"tls", text_or_none(x->nts.tls)},
	    {"certificate_subject", text_or_none(x->nts.cert_subject)}}};

	family_value(out, f, &l, 1);
}

void put_selected(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	put_number(out, f, source, s->sources[i].mark[0] == '*');
}

void put_usable(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	put_number(out, f, source, source_is_usable(&s->sources[i]));
}

void put_sources(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	(void)i;
	put_number(out, f, source, s->source_count);
}

void put_voting(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	unsigned count = 0;

	(void)i;
	for (unsigned n = 0; n < s->source_count; n++)
		count += !source_has_option(&s->sources[n], "noselect") &&
			 !source_is_switched_off(&s->sources[n]);
	put_number(out, f, source, count);
}

void put_usable_count(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source)
{
	unsigned count = 0;

	(void)i;
	for (unsigned n = 0; n < s->source_count; n++)
		count += source_is_usable(&s->sources[n]);
	put_number(out, f, source, count);
}

static void put_horizon(FILE *out, const struct family *f, const char *horizon,
    struct field_real ppm)
{
	const struct labels l = {{{"horizon", horizon}}};

	if (ppm.known)
		family_value(out, f, &l, ppm.x * RATIO_PER_PPM);
}

void put_learned_drift(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source)
{
	(void)i;
	(void)source;
	put_horizon(out, f, "hour", s->clock.drift_hour_ppm);
	put_horizon(out, f, "day", s->clock.drift_day_ppm);
}

void put_reachability(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source)
{
	struct field_int reach = s->sources[i].reach;
	unsigned answered = 0;

	for (int64_t bits = reach.n; bits > 0; bits >>= 1)
		answered += bits & 1;
	put_number(
	    out, f, source, reach.known ? answered / (double)REACH_BITS : NAN);
}

void put_reachable(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	struct field_int reach = s->sources[i].reach;

	put_number(out, f, source, reach.known ? (double)(reach.n & 1) : NAN);
}

void put_poll(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	struct field_int log2_s = s->sources[i].poll_log2_s;

	put_number(out, f, source, log2_s.known ? exp2((double)log2_s.n) : NAN);
}

static void put_count(FILE *out, const struct family *f, const char *source,
    const char *label, const char *word, int64_t n)
{
	const struct labels l = {{{"source", source}, {label, word}}};

	family_value(out, f, &l, (double)n);
}

void put_checks(FILE *out, const struct family *f, const struct snapshot *s,
    unsigned i, const char *source)
{
	const struct field_counts *c = &s->sources[i].checks;

	for (size_t n = 0; c->known && special_checks[n]; n++)
		put_count(out, f, source, "check", special_checks[n],
		    field_count_of(c, special_checks[n]));
}

void put_authentication_failures(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source)
{
	const struct field_counts *c = &s->sources[i].checks;
	double sum = 0;

	for (size_t n = 0; n < ARRAY_LEN(authentication_checks); n++)
		sum += (double)field_count_of(c, authentication_checks[n]);
	put_number(out, f, source, c->known ? sum : NAN);
}

void put_key_failures(FILE *out, const struct family *f,
    const struct snapshot *s, unsigned i, const char *source)
{
	const struct field_counts *c = &s->sources[i].nts.failures;

	/* The list begins with the causes of a key exchange. */
	for (int n = 0; c->known && n <= FAILURE_CRASH; n++)
		put_count(out, f, source, "cause",
		    failure_word((enum failure)n),
		    field_count_of(c, failure_word((enum failure)n)));
}
