#include "agent/ctl/report/advice.h"

#include "agent/ctl/print/text.h"
#include "agent/ctl/report/health.h"

#include <string.h>

#define NTS_KE_PORT 4460 /* RFC 8915 7.1 */

/* %N is the source's name, %H its host, %P its NTS-KE port, %A its address. */
/* clang-format off */
static const char *const advice[FAILURE_COUNT] = {
	[FAILURE_DNS]         = "look the name up as the agent does: getent ahosts %H",
	[FAILURE_CONNECT]     = "see whether a firewall lets NTS-KE through: nc -vz %H %P",
	[FAILURE_TLS]         = "see what speaks there: openssl s_client -alpn ntske/1 -connect %H:%P",
	[FAILURE_CERTIFICATE] = "see the certificate: openssl s_client -alpn ntske/1 -showcerts -connect %H:%P",
	[FAILURE_NTS_KE]      = "see whether an NTS-KE server listens there: openssl s_client -alpn ntske/1 -connect %H:%P",
	[FAILURE_NTP_NAME]    = "the NTS-KE server names an NTP server that cannot be found: ask its operator",
	[FAILURE_SILENCE]     = "see whether a firewall lets UDP to %A and back through",
	[FAILURE_OFFLINE]     = "ask it again: sudo ntsctl online %N",
	[FAILURE_REJECTED]    = "see whether something on the way to %A answers NTP in its place",
};
/* clang-format on */

static const char no_trust[] = "see what is wrong with the trusted "
			       "certificates: sudo ntsagentd --check-config";

static void append_variable(
    char *out, size_t size, char variable, const struct status_source *s)
{
	long long port = s->nts.ke_port.known ? s->nts.ke_port.n : NTS_KE_PORT;

	if (variable == 'N')
		text_append(out, size, "%s", s->name);
	else if (variable == 'H')
		text_append(out, size, "%s", s->host);
	else if (variable == 'P')
		text_append(out, size, "%lld", port);
	else
		text_append(out, size, "%s", s->address ? s->address : s->host);
}

static const char *advice_for(const struct status_source *s)
{
	enum failure failure = source_failure(s);

	/* Without a server nobody has shown a certificate: the trusted
	 * certificates of this machine are at fault. */
	if (failure == FAILURE_CERTIFICATE && !s->nts.ke_address)
		return no_trust;
	return failure == FAILURE_COUNT ? NULL : advice[failure];
}

bool advice_append(char *out, size_t size, const struct status_source *s)
{
	const char *text = advice_for(s);

	if (!text)
		return false;
	while (*text != '\0') {
		size_t plain = strcspn(text, "%");

		text_append(out, size, "%.*s", (int)plain, text);
		text += plain;
		if (*text == '%') {
			append_variable(out, size, text[1], s);
			text += 2;
		}
	}
	return true;
}
