#include "agent/ctl/chronyc/values.h"

#include "agent/ctl/print/format.h"
#include "agent/ctl/snapshot/address.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <time.h>

double chronyc_age(struct field_real age_s)
{
	double whole = floor(real_or(age_s, CHRONYC_NEVER));

	return whole < 0 ? 0 : fmin(whole, CHRONYC_NEVER);
}

bool chronyc_shows(
    const struct status_source *s, const struct chronyc_style *style)
{
	return chrony_address(s) || style->all;
}

/* chronyc gives a source without an address the number of its configuration. */
static void put_identity(
    char out[static CHRONYC_NAME_MAX], const struct status_source *s)
{
	const char *address = chrony_address(s);

	if (address)
		snprintf(out, CHRONYC_NAME_MAX, "%s", address);
	else
		snprintf(out, CHRONYC_NAME_MAX, "ID#%010u", s->number);
}

void chronyc_name(char out[static CHRONYC_NAME_MAX], const struct snapshot *s,
    unsigned i, const struct chronyc_style *style)
{
	const struct status_source *source = &s->sources[i];

	if (style->naming == NAMING_ADDRESS)
		put_identity(out, source);
	else
		snprintf(out, CHRONYC_NAME_MAX, "%s",
		    style->naming == NAMING_HOST ? source->host : source->name);
	if (!style->csv && strlen(out) > CHRONYC_NAME_WIDTH)
		strcpy(out + CHRONYC_NAME_WIDTH - 1, ">");
}

/* An IPv6 address may be written in several ways. */
static bool same_address(const char *a, const char *b)
{
	unsigned char x[ADDRESS_LEN], y[ADDRESS_LEN];
	int family = address_parse(a, x);

	return family != AF_UNSPEC && address_parse(b, y) == family &&
	       memcmp(x, y, ADDRESS_LEN) == 0;
}

bool chronyc_names(const struct status_source *s, const char *text)
{
	char identity[CHRONYC_NAME_MAX];

	put_identity(identity, s);
	return strcmp(s->name, text) == 0 ||
	       (s->pool && strcmp(s->pool, text) == 0) ||
	       strcasecmp(s->host, text) == 0 || strcmp(identity, text) == 0 ||
	       same_address(identity, text);
}

const char *chronyc_leap(const char *leap)
{
	static const char *const words[] = {
	    [CHRONY_LEAP_NORMAL] = "Normal",
	    [CHRONY_LEAP_INSERT] = "Insert second",
	    [CHRONY_LEAP_DELETE] = "Delete second",
	    [CHRONY_LEAP_UNSYNCHRONISED] = "Not synchronised",
	};

	return words[chrony_leap(leap)];
}

void chronyc_put_age(FILE *out, double age_s)
{
	char cell[FORMAT_MAX];

	format_age(cell, age_s < CHRONYC_NEVER ? age_s : NAN);
	fprintf(out, "%4s", cell);
}

/* The unit is part of the width: "+9999ns", "  +99.9s". */
void chronyc_put_offset(FILE *out, double s)
{
	char cell[FORMAT_MAX];

	format_signed_ns(cell, s * 1e9);
	fprintf(out, "%7s", cell);
}

void chronyc_put_span(FILE *out, double s)
{
	char cell[FORMAT_MAX];

	format_ns(cell, s * 1e9);
	fprintf(out, "%6s", cell);
}

void chronyc_put_heading(const char *heading, FILE *out)
{
	fprintf(out, "%s\n", heading);
	for (size_t i = 0; i < strlen(heading); i++)
		fputc('=', out);
	fputc('\n', out);
}

void chronyc_put_epoch(FILE *out, struct field_int ns)
{
	int64_t at = ns.known && ns.n > 0 ? ns.n : 0;

	fprintf(out, "%lld.%09lld", (long long)(at / NS_PER_S),
	    (long long)(at % NS_PER_S));
}

void chronyc_put_date(FILE *out, struct field_int ns)
{
	time_t at = (time_t)(ns.known && ns.n > 0 ? ns.n / NS_PER_S : 0);
	struct tm utc;
	char text[64];

	if (gmtime_r(&at, &utc) &&
	    strftime(text, sizeof(text), "%a %b %d %H:%M:%S %Y", &utc) > 0)
		fputs(text, out);
}
