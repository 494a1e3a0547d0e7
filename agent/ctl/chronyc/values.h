/*
 * Values of the snapshot as chronyc prints them: words, columns, and ages in
 * whole seconds.
 */
#ifndef AGENT_CTL_CHRONYC_VALUES_H
#define AGENT_CTL_CHRONYC_VALUES_H

#include "agent/ctl/chronyc/chronyc.h"
#include "agent/ctl/snapshot/chrony_values.h"

#include <math.h>

#define CHRONYC_NAME_MAX 280
/* The width of a name in the tables: a longer one is cut. */
#define CHRONYC_NAME_WIDTH 25
#define CHRONYC_NEVER 4294967295.0

/* Fields of chronyc are 32 bits wide. */
static inline unsigned whole_of(struct field_int n)
{
	return !n.known || n.n < 0 ? 0
	       : n.n > UINT32_MAX  ? UINT32_MAX
				   : (unsigned)n.n;
}

static inline int small_of(struct field_int n)
{
	return !n.known		 ? 0
	       : n.n < INT16_MIN ? INT16_MIN
	       : n.n > INT16_MAX ? INT16_MAX
				 : (int)n.n;
}

/* Whole seconds; CHRONYC_NEVER if unknown. */
double chronyc_age(struct field_real age_s);

/* The name in a row of source `i`. Cut to CHRONYC_NAME_WIDTH in text. */
void chronyc_name(char out[static CHRONYC_NAME_MAX], const struct snapshot *s,
    unsigned i, const struct chronyc_style *style);

/* False: the source has no address, and only -a shows it. */
bool chronyc_shows(
    const struct status_source *s, const struct chronyc_style *style);

/* "Normal", "Insert second", ... of "normal", "insert", ... */
const char *chronyc_leap(const char *leap);

/* Columns of a table with units, such as "  +13us"; all are padded. */
void chronyc_put_age(FILE *out, double age_s);
void chronyc_put_offset(FILE *out, double s);
void chronyc_put_span(FILE *out, double s);
void chronyc_put_heading(const char *heading, FILE *out);

/* Seconds since 1970 with nine decimals, and as a date. */
void chronyc_put_epoch(FILE *out, struct field_int ns);
void chronyc_put_date(FILE *out, struct field_int ns);

#endif
