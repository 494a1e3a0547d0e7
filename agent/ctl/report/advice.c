#include "agent/ctl/report/advice.h"

#include "agent/ctl/print/text.h"
#include "agent/ctl/report/health.h"
#include "base/obstacles.h"

#include <string.h>

#define ADVICE_MAX 1000

/* What to do about each obstacle, as TO_DO_<id>: ntsctl contains only those
 * that are named below. */
#define X(id, word, warning, sentence, to_do)                                  \
	UNUSED static const char TO_DO_##id[] = to_do;
OBSTACLES(X)
#undef X

/* `ntsctl check --live` also asks without NTS. */
static const char let_time_through[] =
    "let UDP port %U to %A and its answers through every firewall, whatever "
    "their size; to see whether one filters by size: ntsctl check --live";

/* The obstacle that the agent's word for a failure stands for, if there is one.
 */
/* clang-format off */
static const char *const of_failure[FAILURE_COUNT + 1] = {
	[FAILURE_DNS]            = TO_DO_OBSTACLE_DNS,
	[FAILURE_KE_BIND]        = TO_DO_OBSTACLE_BINDING,
	[FAILURE_BIND]           = TO_DO_OBSTACLE_BINDING,
	[FAILURE_CONNECT]        = TO_DO_OBSTACLE_KE_BLOCKED, /* or a phrase */
	[FAILURE_TLS]            = TO_DO_OBSTACLE_TLS,
	[FAILURE_CERTIFICATE]    = TO_DO_OBSTACLE_CERTIFICATE,
	[FAILURE_NTS_KE]         = TO_DO_OBSTACLE_NTS_KE,
	[FAILURE_NTP_NAME]       = TO_DO_OBSTACLE_NTP_NAME,
	[FAILURE_CRASH]          = TO_DO_OBSTACLE_CRASH,
	[FAILURE_SILENCE]        = let_time_through,
	[FAILURE_REJECTED]       = TO_DO_OBSTACLE_INTERCEPTED,
	[FAILURE_NAK]            = TO_DO_OBSTACLE_NAK,
	[FAILURE_DENIED]         = TO_DO_OBSTACLE_DENIED,
	[FAILURE_UNSYNCHRONISED] = TO_DO_OBSTACLE_UNSYNCHRONISED,
	[FAILURE_TIMES]          = TO_DO_OBSTACLE_IMPOSSIBLE_DELAY,
	[FAILURE_LARGE_PACKETS]  = TO_DO_OBSTACLE_LARGE_PACKETS,
};
/* clang-format on */

/* Failures of several kinds: the phrase in the reason that tells them apart. Of
 * several addresses the first row counts that fits one of them. */
/* clang-format off */
static const struct {
	const char *phrase;
	enum failure failure;
	const char *to_do;
} phrases[] = {
	/* Each OpenSSL has 15, in FIPS mode, too. */
	{"none of the configured", FAILURE_START,   TO_DO_OBSTACLE_FIPS},
	{"fails its self-test",    FAILURE_START,   TO_DO_OBSTACLE_CRYPTOGRAPHY},
	{"(kiss code RATE)",       FAILURE_KISS,    TO_DO_OBSTACLE_RATE},
	{"the name does not exist", FAILURE_DNS,    TO_DO_OBSTACLE_NAME_UNKNOWN},
	{" is configured for it",  FAILURE_DNS,     TO_DO_OBSTACLE_NO_ADDRESS},
	{"no DNS server ",         FAILURE_DNS,     TO_DO_OBSTACLE_DNS_SILENT},
	{"the name exists, but ",  FAILURE_DNS,     TO_DO_OBSTACLE_NO_ADDRESS},
	{"connection refused: ",   FAILURE_CONNECT, TO_DO_OBSTACLE_KE_REFUSED},
	{"a firewall rejects ",    FAILURE_CONNECT, TO_DO_OBSTACLE_KE_REJECTED},
	{" cannot be reached: ",   FAILURE_CONNECT, TO_DO_OBSTACLE_UNREACHABLE},
	{" of this machine does ", FAILURE_CONNECT, TO_DO_OBSTACLE_LOCAL_FIREWALL},
	{"no route to ",           FAILURE_CONNECT, TO_DO_OBSTACLE_NO_ROUTE},
	{"machine has no IPv6",    FAILURE_CONNECT, TO_DO_OBSTACLE_NO_IPV6},
	{", so no server has it",  FAILURE_CONNECT, TO_DO_OBSTACLE_NO_ADDRESS},
	{"; large TCP segments",   FAILURE_TLS,     TO_DO_OBSTACLE_LARGE_SEGMENTS},
	{"does not answer with TLS", FAILURE_TLS,   TO_DO_OBSTACLE_WRONG_PORT},
	{"does not speak TLS 1.3", FAILURE_TLS,     TO_DO_OBSTACLE_TLS_OLD},
	{"the protocol ntske/1",   FAILURE_TLS,     TO_DO_OBSTACLE_NOT_NTS},
	{"serves no host of that", FAILURE_TLS,     TO_DO_OBSTACLE_CERTIFICATE_NAME},
	{"a client certificate",   FAILURE_TLS,     TO_DO_OBSTACLE_CLIENT_CERTIFICATE},
	{"a client certificate",   FAILURE_NTS_KE,  TO_DO_OBSTACLE_CLIENT_CERTIFICATE},
	{"but did not complete",   FAILURE_TLS,     TO_DO_OBSTACLE_TLS_SILENT},
	{"server may be too slow", FAILURE_TLS,     TO_DO_OBSTACLE_GIVEN_UP},
	{"server may be too slow", FAILURE_NTS_KE,  TO_DO_OBSTACLE_GIVEN_UP},
	{" refuses requests: ",    FAILURE_NETWORK, TO_DO_OBSTACLE_NTP_REFUSED},
	{"a firewall rejects ",    FAILURE_NETWORK, TO_DO_OBSTACLE_NTP_REJECTED},
	{"not permitted",          FAILURE_NETWORK, TO_DO_OBSTACLE_LOCAL_FIREWALL},
	{"Permission denied",      FAILURE_NETWORK, TO_DO_OBSTACLE_LOCAL_FIREWALL},
	{"Network is unreachable", FAILURE_NETWORK, TO_DO_OBSTACLE_NO_ROUTE},
	{"No route to host",       FAILURE_NETWORK, TO_DO_OBSTACLE_UNREACHABLE},
	{"\" is not for a TLS ",   FAILURE_CERTIFICATE, TO_DO_OBSTACLE_CERTIFICATE},
	{"\" is not for ",         FAILURE_CERTIFICATE, TO_DO_OBSTACLE_CERTIFICATE_NAME},
	{"\" has expired: ",       FAILURE_CERTIFICATE, TO_DO_OBSTACLE_CERTIFICATE_EXPIRED},
	{"chain has expired: ",    FAILURE_CERTIFICATE, TO_DO_OBSTACLE_CERTIFICATE_EXPIRED},
	{"\" is not yet valid: ",  FAILURE_CERTIFICATE, TO_DO_OBSTACLE_CERTIFICATE_EARLY},
	{"chain is not yet valid", FAILURE_CERTIFICATE, TO_DO_OBSTACLE_CERTIFICATE_EARLY},
	{": somebody else may be", FAILURE_CERTIFICATE, TO_DO_OBSTACLE_UNKNOWN_ISSUER},
};
/* clang-format on */

/* NULL: no phrase is there. */
static const char *advice_of_phrase(enum failure failure, const char *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].failure == failure &&
		    obstacle_phrase(reason, phrases[i].phrase))
			return phrases[i].to_do;
	return NULL;
}

static bool is_ipv6(const char *address)
{
	return strchr(address, ':') != NULL;
}

/* Only a server that the key server names can be of another family than that
 * of the key server. */
static bool lacks_the_family(const struct status_source *s)
{
	return source_failure(s) == FAILURE_NETWORK && s->address &&
	       s->nts.ke_address &&
	       obstacle_phrase(s->reason, "is unreachable") &&
	       is_ipv6(s->address) != is_ipv6(s->nts.ke_address);
}

/* Of all refusals, only that of a revoked certificate names a list that is in
 * order. */
static bool blames_list(const struct status_source *s)
{
	return obstacle_phrase(s->reason, "revocation list") &&
	       !obstacle_phrase(s->reason, " was revoked");
}

/* Words of a certificate do not begin a sentence. */
static bool begins(const struct status_source *s, const char *words)
{
	return strncmp(s->reason, words, strlen(words)) == 0;
}

static bool blames_trusted_dates(const struct status_source *s)
{
	return begins(s, "the trusted certificate ") &&
	       (obstacle_phrase(s->reason, " has expired: ") ||
		   obstacle_phrase(s->reason, " is not yet valid: "));
}

/* Its answers are good, but it has no vote. */
static const char *advice_of_state(const struct status_source *s)
{
	if (strcmp(s->state, "distance") == 0)
		return TO_DO_OBSTACLE_DISTANCE;
	return strcmp(s->state, "unsynchronised") == 0
		   ? TO_DO_OBSTACLE_UNSYNCHRONISED
		   : NULL;
}

/* What is wrong on this machine, and not with the certificate of the server. */
static const char *advice_of_trust(const struct status_source *s)
{
	if (source_failure(s) != FAILURE_CERTIFICATE)
		return NULL;
	if (blames_trusted_dates(s))
		return TO_DO_OBSTACLE_TRUSTED_DATES;
	if (blames_list(s))
		return TO_DO_OBSTACLE_REVOCATION;
	if (begins(s, "no certificate is trusted: this system has none, "))
		return TO_DO_OBSTACLE_NO_CA_STORE;
	/* Without a server nobody has shown a certificate. The address may be
	 * that of an earlier exchange. */
	return s->nts.ke_address && !begins(s, "no certificate is trusted: ")
		   ? NULL
		   : TO_DO_OBSTACLE_TRUST;
}

/* NULL: nothing is known that helps. */
static const char *advice_of(const struct status_source *s)
{
	enum failure failure = source_failure(s);
	const char *to_do = advice_of_trust(s);

	if (lacks_the_family(s))
		return TO_DO_OBSTACLE_OTHER_FAMILY;
	if (!to_do)
		to_do = advice_of_phrase(failure, s->reason);
	if (!to_do)
		to_do = of_failure[failure];
	if (!to_do && !source_has_failed(s))
		to_do = advice_of_state(s);
	return to_do;
}

/* What is no obstacle, or none that `ntsctl check` could see; NULL: nothing. */
static const char *other_advice(const struct status_source *s)
{
	bool of_pool = strchr(s->name, '#') != NULL;

	if (source_is_switched_off(s))
		return "ask it again: sudo ntsctl online %N";
	if (obstacle_phrase(s->reason, " is left for this source: "))
		return "set sources in %S to the number of addresses that "
		       "the name has, or give it more: getent ahosts %H";
	/* Only a plain request tells these causes apart. */
	if (source_failure(s) == FAILURE_TLS &&
	    obstacle_phrase(s->reason, "it closed the connection ") &&
	    !advice_of_phrase(FAILURE_TLS, s->reason))
		return "find out whether it refuses this machine, cannot use "
		       "its key, or is another service: ntsctl check --live";
	/* The agent replaces a source of a pool. */
	if (!source_has_failed(s) && strcmp(s->state, "falseticker") == 0 &&
	    !of_pool)
		return "tell the operator of %H, or see whether the path to "
		       "it is slow in one direction; it can stay: the "
		       "majority outvotes it";
	return NULL;
}

bool advice_append(char *out, size_t size, const struct status_source *s)
{
	const struct obstacle_place place = {
	    .name = s->name,
	    .host = s->host,
	    .address = s->address,
	    .ke_port = s->nts.ke_port.known ? (uint16_t)s->nts.ke_port.n : 0,
	    .ntp_port = s->port.known ? (uint16_t)s->port.n : 0,
	};
	const char *other = other_advice(s);
	const char *to_do = other ? other : advice_of(s);
	char text[ADVICE_MAX];

	if (!to_do)
		return false;
	if (other || source_failure(s) != FAILURE_CERTIFICATE ||
	    !obstacle_cure(s->reason, text, sizeof(text)))
		obstacle_fill_in(to_do, &place, text, sizeof(text));
	text_append(out, size, "%s", text);
	return true;
}
