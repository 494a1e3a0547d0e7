#include "agent/ctl/report/advice.h"

#include "agent/ctl/print/text.h"
#include "agent/ctl/report/health.h"
#include "base/obstacles.h"

#include <string.h>

#define ADVICE_MAX 1000

/* The obstacle that the agent's word for a failure stands for, if there is one.
 */
/* clang-format off */
static const struct {
	bool known;
	enum obstacle obstacle;
} obstacles[FAILURE_COUNT + 1] = {
	[FAILURE_DNS]            = {true, OBSTACLE_DNS},
	[FAILURE_KE_BIND]        = {true, OBSTACLE_BINDING},
	[FAILURE_BIND]           = {true, OBSTACLE_BINDING},
	[FAILURE_CONNECT]        = {true, OBSTACLE_KE_BLOCKED}, /* or a phrase */
	[FAILURE_TLS]            = {true, OBSTACLE_TLS},
	[FAILURE_CERTIFICATE]    = {true, OBSTACLE_CERTIFICATE},
	[FAILURE_NTS_KE]         = {true, OBSTACLE_NTS_KE},
	[FAILURE_NTP_NAME]       = {true, OBSTACLE_NTP_NAME},
	[FAILURE_CRASH]          = {true, OBSTACLE_CRASH},
	[FAILURE_SILENCE]        = {true, OBSTACLE_NTP_BLOCKED},
	[FAILURE_REJECTED]       = {true, OBSTACLE_INTERCEPTED},
	[FAILURE_NAK]            = {true, OBSTACLE_NAK},
	[FAILURE_DENIED]         = {true, OBSTACLE_DENIED},
	[FAILURE_UNSYNCHRONISED] = {true, OBSTACLE_UNSYNCHRONISED},
	[FAILURE_LARGE_PACKETS]  = {true, OBSTACLE_LARGE_PACKETS},
};
/* clang-format on */

/* Failures of several kinds: the phrase in the reason that tells them apart. Of
 * several addresses the first row counts that fits one of them. */
/* clang-format off */
static const struct {
	const char *phrase;
	enum failure failure;
	enum obstacle obstacle;
} phrases[] = {
	{"the name does not exist", FAILURE_DNS,    OBSTACLE_NAME_UNKNOWN},
	{"no DNS server ",         FAILURE_DNS,     OBSTACLE_DNS_SILENT},
	{" is configured for it",  FAILURE_DNS,     OBSTACLE_NO_ADDRESS},
	{"the name exists, but ",  FAILURE_DNS,     OBSTACLE_NO_ADDRESS},
	{"connection refused: ",   FAILURE_CONNECT, OBSTACLE_KE_REFUSED},
	{"a firewall rejects ",    FAILURE_CONNECT, OBSTACLE_KE_REJECTED},
	{" cannot be reached: ",   FAILURE_CONNECT, OBSTACLE_UNREACHABLE},
	{" of this machine does ", FAILURE_CONNECT, OBSTACLE_LOCAL_FIREWALL},
	{"no route to ",           FAILURE_CONNECT, OBSTACLE_NO_ROUTE},
	{"machine has no IPv6",    FAILURE_CONNECT, OBSTACLE_NO_IPV6},
	{", so no server has it",  FAILURE_CONNECT, OBSTACLE_NO_ADDRESS},
	{"does not answer with TLS", FAILURE_TLS,   OBSTACLE_WRONG_PORT},
	{"does not speak TLS 1.3", FAILURE_TLS,     OBSTACLE_TLS_OLD},
	{"the protocol ntske/1",   FAILURE_TLS,     OBSTACLE_NOT_NTS},
	{"serves no host of that", FAILURE_TLS,     OBSTACLE_CERTIFICATE_NAME},
	{"a client certificate",   FAILURE_TLS,     OBSTACLE_CLIENT_CERTIFICATE},
	{"a client certificate",   FAILURE_NTS_KE,  OBSTACLE_CLIENT_CERTIFICATE},
	{"but did not complete",   FAILURE_TLS,     OBSTACLE_TLS_SILENT},
	{" refuses requests: ",    FAILURE_NETWORK, OBSTACLE_NTP_REFUSED},
	{"a firewall rejects ",    FAILURE_NETWORK, OBSTACLE_NTP_REJECTED},
	{"not permitted",          FAILURE_NETWORK, OBSTACLE_LOCAL_FIREWALL},
	{"Permission denied",      FAILURE_NETWORK, OBSTACLE_LOCAL_FIREWALL},
	{"Network is unreachable", FAILURE_NETWORK, OBSTACLE_NO_ROUTE},
	{"No route to host",       FAILURE_NETWORK, OBSTACLE_UNREACHABLE},
	/* Words of a certificate have no double quote. */
	{"\" is not for a TLS ",   FAILURE_CERTIFICATE, OBSTACLE_CERTIFICATE},
	{"\" is not for ",         FAILURE_CERTIFICATE, OBSTACLE_CERTIFICATE_NAME},
	{"\" has expired: ",       FAILURE_CERTIFICATE, OBSTACLE_CERTIFICATE_EXPIRED},
	{"chain has expired: ",    FAILURE_CERTIFICATE, OBSTACLE_CERTIFICATE_EXPIRED},
	{"\" is not yet valid: ",  FAILURE_CERTIFICATE, OBSTACLE_CERTIFICATE_EARLY},
	{"chain is not yet valid", FAILURE_CERTIFICATE, OBSTACLE_CERTIFICATE_EARLY},
	{": somebody else may be", FAILURE_CERTIFICATE, OBSTACLE_UNKNOWN_ISSUER},
};
/* clang-format on */

/* OBSTACLE_COUNT: no phrase is there. */
static enum obstacle obstacle_of_phrase(
    enum failure failure, const char *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].failure == failure &&
		    strstr(reason, phrases[i].phrase))
			return phrases[i].obstacle;
	return OBSTACLE_COUNT;
}

/* Of all refusals, only that of a revoked certificate names a list that is in
 * order. */
static bool blames_list(const struct status_source *s)
{
	return strstr(s->reason, "revocation list") &&
	       !strstr(s->reason, " was revoked");
}

/* Words of a certificate do not begin a sentence. */
static bool blames_trusted_dates(const struct status_source *s)
{
	static const char begin[] = "the trusted certificate ";

	return strncmp(s->reason, begin, strlen(begin)) == 0 &&
	       (strstr(s->reason, " has expired: ") ||
		   strstr(s->reason, " is not yet valid: "));
}

/* Its answers are good, but it has no vote. */
static enum obstacle obstacle_of_state(const struct status_source *s)
{
	if (strcmp(s->state, "distance") == 0)
		return OBSTACLE_DISTANCE;
	return strcmp(s->state, "unsynchronised") == 0 ? OBSTACLE_UNSYNCHRONISED
						       : OBSTACLE_COUNT;
}

/* What is wrong on this machine, and not with the certificate of the server. */
static enum obstacle obstacle_of_trust(const struct status_source *s)
{
	if (source_failure(s) != FAILURE_CERTIFICATE)
		return OBSTACLE_COUNT;
	if (blames_trusted_dates(s))
		return OBSTACLE_TRUSTED_DATES;
	if (blames_list(s))
		return OBSTACLE_REVOCATION;
	/* Without a server nobody has shown a certificate. */
	return s->nts.ke_address ? OBSTACLE_COUNT : OBSTACLE_TRUST;
}

static enum obstacle obstacle_of(const struct status_source *s)
{
	enum failure failure = source_failure(s);
	enum obstacle o = obstacle_of_trust(s);

	if (o == OBSTACLE_COUNT)
		o = obstacle_of_phrase(failure, s->reason);
	if (o != OBSTACLE_COUNT)
		return o;
	if (obstacles[failure].known)
		return obstacles[failure].obstacle;
	return source_has_failed(s) ? OBSTACLE_COUNT : obstacle_of_state(s);
}

/* What is no obstacle, or none that `ntsctl check` could see; NULL: nothing. */
static const char *other_advice(const struct status_source *s)
{
	bool of_pool = strchr(s->name, '#') != NULL;

	if (source_is_switched_off(s))
		return "ask it again: sudo ntsctl online %N";
	if (strstr(s->reason, " is left for this source: "))
		return "set sources in %S to the number of addresses that "
		       "the name has, or give it more: getent ahosts %H";
	/* Only a plain request tells these causes apart. */
	if (source_failure(s) == FAILURE_TLS &&
	    strstr(s->reason, "it closed the connection "))
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
	enum obstacle o = obstacle_of(s);
	char text[ADVICE_MAX];

	if (!other && o == OBSTACLE_COUNT)
		return false;
	if (other)
		obstacle_fill_in(other, &place, text, sizeof(text));
	else if (source_failure(s) != FAILURE_CERTIFICATE ||
		 !obstacle_cure(s->reason, text, sizeof(text)))
		obstacle_to_do(o, &place, text, sizeof(text));
	text_append(out, size, "%s", text);
	return true;
}
