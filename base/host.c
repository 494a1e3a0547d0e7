#include "base/host.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/* A zone ("%eth0") may stand behind the address. */
static bool is_ipv6(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");
	struct in6_addr v6;

	if (len >= sizeof(address) || strcmp(text + len, "%") == 0)
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)len, text);
	return inet_pton(AF_INET6, address, &v6) == 1;
}

static const char *label_fault(const char *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX)
		return "a part of a host name has 1 to 63 characters";
	if (label[0] == '-' || label[len - 1] == '-')
		return "no part of a host name begins or ends with '-'";
	return NULL;
}

static const char *name_fault(const char *name)
{
	const char *fault = NULL;

	if (strchr(name, '%'))
		return "a host name has no '%'";
	while (!fault) {
		size_t len = strcspn(name, ".");

		fault = label_fault(name, len);
		name += len;
		/* A dot at the end is allowed. */
		if (name[0] == '\0' || name[1] == '\0')
			break;
		name++;
	}
	return fault;
}

const char *host_fault(const char *host)
{
	struct in_addr v4;

	if (strchr(host, ':'))
		return is_ipv6(host) ? NULL : "this is no IPv6 address";
	if (host[strspn(host, "0123456789.")] == '\0')
		return inet_pton(AF_INET, host, &v4) == 1
			   ? NULL
			   : "an IPv4 address has four numbers from 0 to 255";
	return name_fault(host);
}
