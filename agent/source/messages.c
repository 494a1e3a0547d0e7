#include "agent/source/messages.h"

#include "resolver/certificate/certificate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Silent polls before that is told: two in a row are lost by chance, too. */
#define SILENT_TOLD 3
/* Ends the last line about a source that comes and goes. */
#define NOTHING_MORE                                                           \
	"; it comes and goes: nothing more is said until it is steady"

static void tell(struct source *s, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void tell(struct source *s, enum log_level level, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(s->line, sizeof(s->line), "%s: ", s->config->name);
	va_start(args, fmt);
	vsnprintf(s->line + n, sizeof(s->line) - (size_t)n, fmt, args);
	va_end(args);
	s->line_level = level;
}

/* What is shown: no keys is worse than no time, and both than a path that only
 * loses what is large. */
static void show_worst(struct source *s)
{
	const struct source_trouble *worst = &s->troubles[0];

	for (unsigned i = 1; i < TROUBLE_KINDS && !worst->failure[0]; i++)
		worst = &s->troubles[i];
	memcpy(s->failure, worst->failure, sizeof(s->failure));
	memcpy(s->reason, worst->reason, sizeof(s->reason));
}

void source_well(struct source *s, enum trouble_kind kind)
{
	s->troubles[kind].failure[0] = s->troubles[kind].reason[0] = '\0';
	show_worst(s);
}

void source_trouble(struct source *s, struct mono now, enum trouble_kind kind,
    enum log_level level, const char *failure, const char *fmt, ...)
{
	struct source_trouble *t = &s->troubles[kind];
	enum log_budget_answer verdict;
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->reason, sizeof(t->reason), fmt, args);
	va_end(args);
	snprintf(t->failure, sizeof(t->failure), "%s", failure);
	show_worst(s);
	s->down |= kind == TROUBLE_TIME || s->stage == STAGE_KEYING;
	verdict = log_budget_trouble(&s->news, t->reason, s->heard_at, now);
	if (verdict != BUDGET_NONE)
		tell(s, level, "%s%s", t->reason,
		    verdict == BUDGET_LAST_LINE ? NOTHING_MORE : "");
}

/* One sentence for each cause; what the key server did tells whether it is the
 * whole machine or its UDP port that is out of reach. */
static void say_no_answer(struct source *s, struct mono now, const char *peer)
{
	if (s->silent < SILENT_TOLD)
		return;
	if (s->unanswered_keys > 0 && !s->troubles[TROUBLE_KEYS].failure[0])
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING,
		    "silence",
		    "%s gives keys on TCP port %u, but no answer comes from "
		    "%s: let UDP port %u through the firewalls, or see "
		    "whether the NTP server runs",
		    s->config->host, s->facts.peer.port, peer,
		    source_address(s)->port);
	else
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING,
		    "silence",
		    "no answer from %s to the last requests: its UDP port may "
		    "be blocked by a firewall, or the server is down",
		    peer);
}

void say_silence(struct source *s, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];
	const char *peer = endpoint_text(source_address(s), true, at);

	if (s->nak_seen)
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_NOTICE, "nak",
		    "%s (%s)", nts_err_text(NTP_NAK), peer);
	else if (nts_err_is_kiss(s->rejection))
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING,
		    "rejected",
		    "%s, but without authentication: it is not believed (%s)",
		    nts_err_text(s->rejection), peer);
	else if (s->rejection != NTS_OK)
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING,
		    "rejected", "%s (%s)", nts_err_text(s->rejection), peer);
	else if (s->send_error == 0)
		say_no_answer(s, now, peer);
}

void say_untrusted(struct source *s, struct mono now)
{
	const struct source_trouble why = s->troubles[TROUBLE_KEYS];

	source_trouble(s, now, TROUBLE_KEYS, LOG_LEVEL_WARNING,
	    why.failure[0] ? why.failure : "certificate",
	    "its keys were made when other certificates were trusted, and are "
	    "given up, for there have been no new ones since%s%s",
	    why.reason[0] ? ": " : "", why.reason);
	s->down = true;
}

void say_keys(struct source *s, const struct ke_answer *a, struct wall now)
{
	char at[ENDPOINT_TEXT_MAX], until[CERTIFICATE_DATE_MAX], dates[64];
	int64_t left_s = a->facts.not_after - now.ns / NS_PER_S;

	certificate_date(a->facts.not_after, until);
	if (a->dates == KE_DATES_UNCHECKED)
		snprintf(dates, sizeof(dates), "for times until %s", until);
	else
		snprintf(dates, sizeof(dates), "valid for %lld more days",
		    (long long)(left_s / 86400));
	tell(s, LOG_LEVEL_INFO,
	    "keys from %s (%s) in %u ms: %s, %u cookies of %zu bytes, "
	    "certificate %s %s",
	    s->config->host, endpoint_text(&a->facts.peer, true, at),
	    (unsigned)a->duration_ms, aead_name(s->assoc.aead),
	    (unsigned)a->cookie_count, cookie_jar_next_len(&s->assoc.jar),
	    a->facts.subject, dates);
}

void say_saved(struct source *s, const struct saved_keys *k, struct wall now)
{
	char at[ENDPOINT_TEXT_MAX];
	int64_t age_s = now.ns / NS_PER_S - k->saved_s;

	tell(s, LOG_LEVEL_INFO,
	    "saved keys from %lld minutes ago, %u cookies: asks %s without a "
	    "key exchange",
	    (long long)(age_s > 0 ? age_s / 60 : 0), s->assoc.jar.count,
	    endpoint_text(source_address(s), true, at));
}

void say_heard(struct source *s, struct mono now)
{
	enum log_budget_answer verdict = BUDGET_NONE;
	char at[ENDPOINT_TEXT_MAX];

	if (s->down || s->news.muted)
		verdict = log_budget_well(&s->news, now);
	s->down = false;
	endpoint_text(source_address(s), true, at);
	if (!s->heard)
		tell(s, LOG_LEVEL_INFO,
		    "authenticated time from %s (stratum %u)", at, s->stratum);
	else if (verdict == BUDGET_STEADY)
		tell(s, LOG_LEVEL_NOTICE, "%s answers steadily again", at);
	else if (verdict != BUDGET_NONE)
		tell(s, LOG_LEVEL_NOTICE, "%s answers again%s", at,
		    verdict == BUDGET_LAST_LINE ? NOTHING_MORE : "");
}

void say_path(struct source *s, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	endpoint_text(source_address(s), true, at);
	if (s->size.blamed) {
		source_trouble(s, now, TROUBLE_PATH, LOG_LEVEL_NOTICE,
		    "large-packets",
		    "large packets are lost on this path (%s): requests are "
		    "kept small, and bring one cookie each",
		    at);
		return;
	}
	source_well(s, TROUBLE_PATH);
	if (log_budget_well(&s->news, now) != BUDGET_NONE)
		tell(s, LOG_LEVEL_NOTICE, "requests to %s may be large again",
		    at);
}

static void certificate_dates(const struct source *s, char from[], char to[])
{
	certificate_date(s->facts.not_before, from);
	certificate_date(s->facts.not_after, to);
}

void say_outdated(struct source *s, struct wall told, struct mono now)
{
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char says[CERTIFICATE_DATE_MAX];
	int64_t told_s = told.ns / NS_PER_S;

	certificate_dates(s, from, to);
	certificate_date(told_s, says);
	source_trouble(s, now, TROUBLE_KEYS, LOG_LEVEL_WARNING,
	    ke_stage_word(KE_STAGE_CERTIFICATE),
	    "the certificate %s %s: it is valid from %s to %s, and the server "
	    "itself says that it is %s; renew the certificate",
	    s->facts.subject,
	    told_s < s->facts.not_before ? "is not yet valid" : "has expired",
	    from, to, says);
}

void source_disbelieved(struct source *s, struct wall told, struct mono now)
{
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char says[CERTIFICATE_DATE_MAX];

	certificate_dates(s, from, to);
	certificate_date(told.ns / NS_PER_S, says);
	source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING, "time",
	    "the server says that it is %s: that is past, or not within the "
	    "dates of its certificate (%s to %s), and not believed",
	    says, from, to);
}

void source_too_slow(struct source *s, int64_t delay_ns, struct mono now)
{
	source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_NOTICE, "delay",
	    "the answers take %.3f s, longer than maxdelay (%.3f s) allows",
	    s_of_ns(delay_ns), s_of_ns(s->config->max_delay_ns));
}

void source_contradicts(struct source *s, int64_t excess_ns, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING, "times",
	    "%s claims to have held the request for %.6f s more than the whole "
	    "exchange took: its times contradict each other",
	    endpoint_text(source_address(s), true, at), s_of_ns(excess_ns));
}

bool source_log_line(
    struct source *s, enum log_level *level, char *out, size_t size)
{
	if (!s->line[0])
		return false;
	*level = s->line_level;
	snprintf(out, size, "%s", s->line);
	s->line[0] = '\0';
	return true;
}
