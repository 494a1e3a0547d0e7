/*
 * The reports of chronyc(1), in its text form and in its CSV, from a snapshot:
 * the same columns, order, decimals, signs and words, and its values for what
 * is not known. ntsctl -c and ntsctl under the name chronyc print them.
 *
 * Two signs of chronyc differ from all others, and are positive if the clock is
 * slow: the fifth field of tracking in CSV, which is the correction, and the
 * offset of ntpdata. With `more`, ntpdata has the sign of all others.
 */
#ifndef AGENT_CTL_CHRONYC_CHRONYC_H
#define AGENT_CTL_CHRONYC_CHRONYC_H

#include "agent/ctl/snapshot/snapshot.h"

#include <stdio.h>

/* chronyc knows a source by the host that is configured, ntsctl by the name of
 * its section. */
enum chronyc_naming { NAMING_HOST, NAMING_ADDRESS, NAMING_SECTION };

struct chronyc_style {
	bool csv;
	enum chronyc_naming naming;
	bool all;     /* -a: also sources without an address */
	bool verbose; /* -v: a legend in front; not in CSV */
	/* In text, what chronyc does not show: why, and which checks failed. */
	bool more;
	unsigned width;	  /* of the terminal, for what `more` adds */
	const char *only; /* ntpdata: one source; NULL: all */
};

/* False: there is no source that style->only names. */
typedef bool chronyc_report_fn(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out);

/* The report called `name`; NULL: chronyc has none of this name. */
chronyc_report_fn *chronyc_report(const char *name);

chronyc_report_fn chronyc_sources, chronyc_sourcestats, chronyc_authdata;
chronyc_report_fn chronyc_selectdata, chronyc_ntpdata, chronyc_tracking;
chronyc_report_fn chronyc_activity;

/* Does `text` name this source: its section, its pool, its host, its address,
 * or the identity that chronyc gives to a source without one? */
bool chronyc_names(const struct status_source *s, const char *text);

#endif
