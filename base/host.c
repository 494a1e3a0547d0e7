#include "base/host.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

static const char of_no_host[] = "no host has this address";

/* RFC 6890: 0.0.0.0/8, groups, what is reserved, and the broadcast address. */
static const char *ipv4_fault(const char *text)
{
	unsigned char v4[4];

	if (inet_pton(AF_INET, text, v4) != 1)
		return "an IPv4 address has four numbers from 0 to 255";
	return v4[0] == 0 || v4[0] >= 224 ? of_no_host : NULL;
}

/* A zone ("%eth0") may stand behind the address. */
static const char *ipv6_fault(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");
	struct in6_addr v6;

	snprintf(address, sizeof(address), "%.*s", (int)len, text);
	if (len >= sizeof(address) || strcmp(text + len, "%") == 0 ||
	    inet_pton(AF_INET6, address, &v6) != 1)
		return "this is no IPv6 address";
	if (IN6_IS_ADDR_LINKLOCAL(&v6) && text[len] == '\0')
		return "a link-local address needs its interface: fe80::1%eth0";
	return IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_MULTICAST(&v6)
		   ? of_no_host
		   : NULL;
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
	if (strchr(host, ':'))
		return ipv6_fault(host);
	if (host[strspn(host, "0123456789.")] == '\0')
		return ipv4_fault(host);
	return name_fault(host);
}

bool host_in_certificate(const char *host, char out[HOST_MAX])
{
	size_t len = strcspn(host, "%");

	if (len > 0 && host[len] == '\0' && host[len - 1] == '.')
		len--;
	if (len == 0 || len >= HOST_MAX)
		return false;
	memcpy(out, host, len);
	out[len] = '\0';
	return true;
}
