#include "agent/ctl/report/health.h"

#include <stdio.h>
#include <string.h>

bool source_cert_ends_soon(const struct status_source *s)
{
	return s->nts.cert_days_left.known &&
	       s->nts.cert_days_left.n < CERT_DAYS_WARN;
}

void source_cert_days_text(
    char out[static CERT_TEXT_MAX], const struct status_source *s)
{
	double days = (double)s->nts.cert_days_left.n;

	out[0] = '\0';
	if (!s->nts.cert_days_left.known)
		return;
	if (days < 0)
		snprintf(out, CERT_TEXT_MAX, "ended %.0f day%s ago", -days,
		    days > -2 ? "" : "s");
	else
		snprintf(out, CERT_TEXT_MAX, "ends in %.0f day%s", days,
		    days > 0 && days < 2 ? "" : "s");
}

enum failure source_failure(const struct status_source *s)
{
	return s->failure ? failure_of_word(s->failure) : FAILURE_COUNT;
}

bool source_has_failed(const struct status_source *s)
{
	return s->failure && s->failure[0] != '\0';
}

bool source_is_in_trouble(const struct status_source *s)
{
	return source_has_failed(s) ||
	       (!source_is_usable(s) && strcmp(s->state, "noselect") != 0);
}
