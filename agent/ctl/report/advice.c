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
	[FAILURE_CONNECT]        = {true, OBSTACLE_KE_BLOCKED},
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

/* Of all refusals, only that of a revoked certificate names a list that is in
 * order. */
static bool blames_list(const struct status_source *s)
{
	return strstr(s->reason, "revocation list") &&
	       !strstr(s->reason, " was revoked");
}

/* Its answers are good, but it has no vote. */
static enum obstacle obstacle_of_state(const struct status_source *s)
{
	if (strcmp(s->state, "distance") == 0)
		return OBSTACLE_DISTANCE;
	return strcmp(s->state, "unsynchronised") == 0 ? OBSTACLE_UNSYNCHRONISED
						       : OBSTACLE_COUNT;
}

static enum obstacle obstacle_of(const struct status_source *s)
{
	enum failure failure = source_failure(s);

	if (failure == FAILURE_CERTIFICATE && blames_list(s))
		return OBSTACLE_REVOCATION;
	/* Without a server nobody has shown a certificate: the trusted
	 * certificates of this machine are at fault. */
	if (failure == FAILURE_CERTIFICATE && !s->nts.ke_address)
		return OBSTACLE_TRUST;
	if (obstacles[failure].known)
		return obstacles[failure].obstacle;
	return source_has_failed(s) ? OBSTACLE_COUNT : obstacle_of_state(s);
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
	enum obstacle o = obstacle_of(s);
	char text[ADVICE_MAX];

	/* An order, not an obstacle. */
	if (source_is_switched_off(s)) {
		text_append(
		    out, size, "ask it again: sudo ntsctl online %s", s->name);
		return true;
	}
	if (o == OBSTACLE_COUNT)
		return false;
	obstacle_to_do(o, &place, text, sizeof(text));
	text_append(out, size, "%s", text);
	return true;
}
