#include "agent/ctl/report/health.h"

#include "agent/ctl/print/text.h"

#include <math.h>
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

bool sources_are_switched_off(const struct snapshot *s)
{
	unsigned off = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		off += source_is_switched_off(&s->sources[i]);
	return off > 0 && off == s->source_count;
}

bool sources_are_silent(const struct snapshot *s, char out[static FORMAT_MAX])
{
	double since_s = INFINITY;

	if (!snapshot_selected(s))
		return false;
	for (unsigned i = 0; i < s->source_count; i++) {
		const struct status_source *of = &s->sources[i];

		if (!of->reach.known || of->reach.n != 0)
			return false;
		if (of->last_rx_s.known)
			since_s = fmin(since_s, of->last_rx_s.x);
	}
	if (isinf(since_s))
		return false;
	format_wait(out, since_s);
	return true;
}

bool clock_is_corrected(const struct snapshot *s)
{
	const struct status_clock *c = &s->clock;
	double offset_ns = fabs((double)c->offset_ns.n);
	double known_to_ns = (double)c->bound_ns.n - offset_ns;

	return c->controlled && c->synchronised && offset_ns > SLEW_SHOWN_NS &&
	       offset_ns > known_to_ns;
}

void source_append_next_try(
    char *out, size_t size, const struct status_source *s)
{
	char wait[FORMAT_MAX];

	if (!s->next_try_s.known)
		return;
	format_wait(wait, s->next_try_s.x);
	if (s->next_try_s.x < 0.5)
		text_append(out, size, "; the next try is due now");
	else
		text_append(out, size, "; next try in %s", wait);
}

void source_append_difference(char *out, size_t size,
    const struct status_source *s, const struct snapshot *all)
{
	char amount[FORMAT_MAX];
	double ahead_ns;

	if (source_has_failed(s) || strcmp(s->state, "falseticker") != 0 ||
	    !s->low_offset_ns.known || !s->high_offset_ns.known ||
	    !all->clock.offset_ns.known)
		return;
	/* The offsets are those of our clock. */
	ahead_ns =
	    (double)all->clock.offset_ns.n -
	    ((double)s->low_offset_ns.n / 2 + (double)s->high_offset_ns.n / 2);
	format_plain_ns(amount, fabs(ahead_ns));
	text_append(out, size, ": its time is %s %s", amount,
	    ahead_ns < 0 ? "behind" : "ahead");
}
