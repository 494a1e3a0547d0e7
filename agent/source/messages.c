#include "agent/source/messages.h"

#include "resolver/certificate/certificate.h"
#include "resolver/icmp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Requests without an answer before that is a message: two in a row are lost
 * by chance, too. */
#define SILENT_SAID 3
/* Ends the last line about a source that comes and goes. */
#define NO_MORE_LINES "; it comes and goes: no more lines until it is steady"

/* The words of the resolver about a crash; what follows must have room. */
#define CRASH_TEXT_MAX 400

/* What kind of trouble a failure is, and how loud. */
static const struct {
	enum trouble_kind kind;
	enum log_level level;
} failures[FAILURE_COUNT] = {
    [FAILURE_START] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_DNS] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_KE_BIND] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_CONNECT] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_TLS] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_CERTIFICATE] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_NTS_KE] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_NTP_NAME] = {TROUBLE_KEYS, LOG_LEVEL_WARNING},
    [FAILURE_CLOCK] = {TROUBLE_KEYS, LOG_LEVEL_INFO},
    [FAILURE_CRASH] = {TROUBLE_KEYS, LOG_LEVEL_ERROR},
    [FAILURE_BIND] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_NETWORK] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_REQUEST] = {TROUBLE_TIME, LOG_LEVEL_ERROR},
    [FAILURE_SILENCE] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_REJECTED] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_NAK] = {TROUBLE_TIME, LOG_LEVEL_NOTICE},
    [FAILURE_KISS] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_DENIED] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_UNSYNCHRONISED] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_TIMES] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_TIME] = {TROUBLE_TIME, LOG_LEVEL_WARNING},
    [FAILURE_DELAY] = {TROUBLE_TIME, LOG_LEVEL_NOTICE},
    [FAILURE_LARGE_PACKETS] = {TROUBLE_PATH, LOG_LEVEL_NOTICE},
    [FAILURE_OFFLINE] = {TROUBLE_ORDER, LOG_LEVEL_NOTICE},
};

enum failure failure_of_stage(enum ke_stage stage)
{
	static const enum failure of[KE_STAGE_COUNT] = {
	    [KE_STAGE_START] = FAILURE_START,
	    [KE_STAGE_DNS] = FAILURE_DNS,
	    [KE_STAGE_BIND] = FAILURE_KE_BIND,
	    [KE_STAGE_CONNECT] = FAILURE_CONNECT,
	    [KE_STAGE_TLS] = FAILURE_TLS,
	    [KE_STAGE_CERTIFICATE] = FAILURE_CERTIFICATE,
	    [KE_STAGE_EXCHANGE] = FAILURE_NTS_KE,
	    [KE_STAGE_NTP_NAME] = FAILURE_NTP_NAME,
	    [KE_STAGE_DONE] = FAILURE_COUNT,
	};

	return of[stage];
}

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

static void show_worst(struct source *s)
{
	unsigned i = 0;

	while (i < TROUBLE_KINDS && !s->troubles[i].failure)
		i++;
	s->failure = "";
	s->reason[0] = '\0';
	if (i == TROUBLE_KINDS)
		return;
	s->failure = s->troubles[i].failure;
	snprintf(s->reason, sizeof(s->reason), "%s", s->troubles[i].reason);
}

void source_well(struct source *s, enum trouble_kind kind)
{
	s->troubles[kind].failure = NULL;
	s->troubles[kind].reason[0] = '\0';
	show_worst(s);
}

void source_trouble(struct source *s, struct mono now, enum failure failure,
    const char *fmt, ...)
{
	enum trouble_kind kind = failures[failure].kind;
	struct source_trouble *t = &s->troubles[kind];
	enum log_budget_answer answer;
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->reason, sizeof(t->reason), fmt, args);
	va_end(args);
	t->failure = failure_word(failure);
	show_worst(s);
	s->down |= kind == TROUBLE_TIME || s->stage == STAGE_KEYING;
	answer = log_budget_trouble(&s->budget, t->reason, s->heard_at, now);
	if (answer != BUDGET_NONE)
		tell(s, failures[failure].level, "%s%s", t->reason,
		    answer == BUDGET_LAST_LINE ? NO_MORE_LINES : "");
}

/* An alarm: each crash is a line, whatever the budget says. */
void say_crash(struct source *s, struct mono now, const char *text, bool rests)
{
	char line[SOURCE_TEXT_MAX];

	snprintf(line, sizeof(line), "%.*s (crash %llu since the start)%s",
	    CRASH_TEXT_MAX, text, (unsigned long long)s->count.crashes,
	    rests ? "; it crashes often: no key exchange for some hours, or "
		    "until `ntsctl retry`"
		  : "");
	source_trouble(s, now, FAILURE_CRASH, "%s", line);
	tell(s, failures[FAILURE_CRASH].level, "%s", line);
}

/* The log has the line of the order itself. */
void say_offline(struct source *s)
{
	struct source_trouble *t = &s->troubles[TROUBLE_ORDER];

	t->failure = failure_word(FAILURE_OFFLINE);
	snprintf(t->reason, sizeof(t->reason),
	    "switched off by order until `ntsctl online`");
	show_worst(s);
}

/* When the key server answers, only the UDP port is out of reach, and not the
 * whole machine. */
static void say_no_answer(struct source *s, struct mono now, const char *peer)
{
	if (s->silent < SILENT_SAID)
		return;
	if (s->unanswered_keys > 0 && !s->troubles[TROUBLE_KEYS].failure)
		source_trouble(s, now, FAILURE_SILENCE,
		    "%s gives keys on TCP port %u, but no answer comes from "
		    "%s: let UDP port %u through the firewalls, also for "
		    "packets above 48 bytes, or see whether the NTP server "
		    "runs",
		    s->config->host, s->facts.peer.port, peer,
		    source_address(s)->port);
	else
		source_trouble(s, now, FAILURE_SILENCE,
		    "no answer from %s to the last requests: its UDP port may "
		    "be blocked by a firewall, or the server is down",
		    peer);
}

void say_silence(struct source *s, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];
	const char *peer = endpoint_text(source_address(s), true, at);

	if (s->nak_seen)
		source_trouble(s, now, FAILURE_NAK, "%s (%s)",
		    nts_err_text(NTP_NAK), peer);
	else if (nts_err_is_kiss(s->rejection))
		source_trouble(s, now, FAILURE_REJECTED,
		    "%s, but without authentication: it is not believed (%s)",
		    nts_err_text(s->rejection), peer);
	else if (s->rejection != NTS_OK)
		source_trouble(s, now, FAILURE_REJECTED, "%s (%s)",
		    nts_err_text(s->rejection), peer);
	else if (s->send_error != 0)
		say_unsent(s, s->send_error, now);
	else
		say_no_answer(s, now, peer);
}

static void say_unbound(struct source *s, int error, struct mono now)
{
	char text[SOURCE_TEXT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	binding_explain(
	    &s->config->binding, endpoint_af(source_address(s)), error, &why);
	source_trouble(s, now, FAILURE_BIND, "%s", text);
}

void say_unsent(struct source *s, int error, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX], from[BINDING_TEXT_MAX];

	endpoint_text(source_address(s), true, at);
	binding_text(&s->config->binding, endpoint_af(source_address(s)), from);
	if (error > BINDING_FAILED)
		say_unbound(s, error, now);
	else if (error == ICMP_PROHIBITED)
		source_trouble(s, now, FAILURE_NETWORK,
		    "a firewall rejects requests to %s: on that server, on the "
		    "way, or on this machine",
		    at);
	else if (error == ECONNREFUSED)
		source_trouble(s, now, FAILURE_NETWORK,
		    "%s refuses requests: nothing listens on that UDP port (is "
		    "the NTP server down, or a firewall rejecting?)",
		    at);
	else
		source_trouble(s, now, FAILURE_NETWORK,
		    "cannot send to %s%s: %s", at, from, strerror(error));
}

/* Keeps the failure of the key exchanges, and adds what follows from it. */
void say_untrusted(struct source *s, struct mono now)
{
	const struct source_trouble why = s->troubles[TROUBLE_KEYS];

	source_trouble(s, now, FAILURE_CERTIFICATE,
	    "its keys were made when other certificates were trusted; they are "
	    "dropped, because no new keys have come since%s%s",
	    why.failure ? ": " : "", why.reason);
	if (why.failure)
		s->troubles[TROUBLE_KEYS].failure = why.failure;
	show_worst(s);
	s->down = true;
}

void say_keys(struct source *s, const struct ke_answer *a, struct wall now)
{
	char at[ENDPOINT_TEXT_MAX], until[CERTIFICATE_DATE_MAX], dates[96];
	int64_t left_s = a->facts.not_after - now.ns / NS_PER_S;

	certificate_date(a->facts.not_after, until);
	if (a->dates == KE_DATES_UNCHECKED)
		snprintf(dates, sizeof(dates),
		    "valid until %s, which is not checked yet", until);
	else
		snprintf(dates, sizeof(dates), "valid for %lld more days",
		    (long long)(left_s / 86400));
	tell(s, LOG_LEVEL_INFO,
	    "keys from %s (%s) in %u ms: %s, %u cookies of %zu bytes, "
	    "certificate \"%s\", its chain %s",
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
	enum log_budget_answer answer = BUDGET_NONE;
	char at[ENDPOINT_TEXT_MAX];

	if (s->down || s->budget.muted)
		answer = log_budget_well(&s->budget, now);
	s->down = false;
	if (s->heard && answer == BUDGET_NONE)
		return;
	endpoint_text(source_address(s), true, at);
	if (!s->heard)
		tell(s, LOG_LEVEL_INFO,
		    "authenticated time from %s (stratum %u)", at, s->stratum);
	else if (answer == BUDGET_STEADY)
		tell(s, LOG_LEVEL_NOTICE, "%s answers steadily again", at);
	else
		tell(s, LOG_LEVEL_NOTICE, "%s gives time again%s", at,
		    answer == BUDGET_LAST_LINE ? NO_MORE_LINES : "");
}

void say_path(struct source *s, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	endpoint_text(source_address(s), true, at);
	if (s->size.blamed) {
		source_trouble(s, now, FAILURE_LARGE_PACKETS,
		    "large packets are lost on this path (%s): requests stay "
		    "small and bring one cookie each",
		    at);
		return;
	}
	source_well(s, TROUBLE_PATH);
	if (log_budget_well(&s->budget, now) != BUDGET_NONE)
		tell(s, LOG_LEVEL_NOTICE, "requests to %s may be large again",
		    at);
}

void say_outdated(struct source *s, struct wall told, struct mono now)
{
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char says[CERTIFICATE_DATE_MAX];
	int64_t told_s = told.ns / NS_PER_S;

	certificate_date(s->facts.not_before, from);
	certificate_date(s->facts.not_after, to);
	certificate_date(told_s, says);
	source_trouble(s, now, FAILURE_CERTIFICATE,
	    "the certificate \"%s\" %s: it is valid from %s to %s, and its "
	    "server "
	    "says that it is %s; renew the certificate",
	    s->facts.subject,
	    told_s < s->facts.not_before ? "is not yet valid" : "has expired",
	    from, to, says);
}
