#include "resolver/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define IPV4_LEN 4
#define IPV6_LEN 16

bool endpoint_from_sockaddr(struct endpoint *out, const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*out = (struct endpoint){0};
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		out->family = 4;
		out->port = ntohs(v4.sin_port);
		memcpy(out->address, &v4.sin_addr, IPV4_LEN);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		out->family = 6;
		out->port = ntohs(v6.sin6_port);
		/* RFC 4007: a global address has no scope. */
		if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr))
			out->scope_id = v6.sin6_scope_id;
		memcpy(out->address, &v6.sin6_addr, IPV6_LEN);
		return true;
	}
	return false;
}

socklen_t endpoint_to_sockaddr(
    const struct endpoint *e, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	memset(out, 0, sizeof(*out));
	if (e->family == 4) {
		v4.sin_port = htons(e->port);
		memcpy(&v4.sin_addr, e->address, IPV4_LEN);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	v6.sin6_port = htons(e->port);
	v6.sin6_scope_id = e->scope_id;
	memcpy(&v6.sin6_addr, e->address, IPV6_LEN);
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

int endpoint_af(const struct endpoint *e)
{
	return e->family == 4 ? AF_INET : AF_INET6;
}

/* "%eth0"; "%7" if the interface does not exist; "" without a scope. */
static void scope_text(uint32_t scope_id, char out[IF_NAMESIZE + 1])
{
	char name[IF_NAMESIZE];

	out[0] = '\0';
	if (scope_id && if_indextoname(scope_id, name))
		snprintf(out, IF_NAMESIZE + 1, "%%%s", name);
	else if (scope_id)
		snprintf(out, IF_NAMESIZE + 1, "%%%u", (unsigned)scope_id);
}

const char *endpoint_text(
    const struct endpoint *e, bool with_port, char out[ENDPOINT_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 1];
	bool bracket = with_port && e->family == 6;

	if (e->family != 4 && e->family != 6) {
		snprintf(out, ENDPOINT_TEXT_MAX, "none");
		return out;
	}
	inet_ntop(endpoint_af(e), e->address, address, sizeof(address));
	scope_text(e->scope_id, scope);
	snprintf(out, ENDPOINT_TEXT_MAX, "%s%s%s%s", bracket ? "[" : "",
	    address, scope, bracket ? "]" : "");
	if (with_port)
		snprintf(out + strlen(out), ENDPOINT_TEXT_MAX - strlen(out),
		    ":%u", e->port);
	return out;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
	struct in6_addr a;

	memcpy(&a, e->address, sizeof(a));
	return e->family == 4 ? e->address[0] == IN_LOOPBACKNET
			      : IN6_IS_ADDR_LOOPBACK(&a);
}

/* 0.0.0.0/8, and what is neither unicast nor multicast (RFC 6890). */
static const char *unfit_ipv4(const uint8_t a[IPV4_LEN])
{
	if (a[0] >= 224 && a[0] < 240)
		return "is a multicast address";
	return a[0] == 0 || a[0] >= 240 ? "is not the address of a host" : NULL;
}

static const char *unfit_ipv6(const struct endpoint *e)
{
	struct in6_addr a;

	memcpy(&a, e->address, sizeof(a));
	if (IN6_IS_ADDR_MULTICAST(&a))
		return "is a multicast address";
	if (IN6_IS_ADDR_V4MAPPED(&a) || IN6_IS_ADDR_V4COMPAT(&a))
		return "is an IPv4 address in the form of an IPv6 address";
	if (IN6_IS_ADDR_UNSPECIFIED(&a))
		return "is not the address of a host";
	return IN6_IS_ADDR_LINKLOCAL(&a) && e->scope_id == 0
		   ? "is a link-local address without an interface"
		   : NULL;
}

const char *endpoint_unfit(
    const struct endpoint *e, const struct endpoint *from)
{
	if (endpoint_is_loopback(e))
		return endpoint_is_loopback(from)
			   ? NULL
			   : "is a loopback address, that of this machine";
	return e->family == 4 ? unfit_ipv4(e->address) : unfit_ipv6(e);
}

bool endpoint_no_host(const struct endpoint *e)
{
	static const uint8_t broadcast[IPV4_LEN] = {255, 255, 255, 255};
	struct in6_addr a;

	if (e->family == 4)
		return e->address[0] == 0 ||
		       (e->address[0] >= 224 && e->address[0] < 240) ||
		       memcmp(e->address, broadcast, IPV4_LEN) == 0;
	memcpy(&a, e->address, sizeof(a));
	return IN6_IS_ADDR_MULTICAST(&a) || IN6_IS_ADDR_UNSPECIFIED(&a) ||
	       IN6_IS_ADDR_V4MAPPED(&a) || IN6_IS_ADDR_V4COMPAT(&a);
}

bool endpoint_fits(const struct endpoint *e, const struct endpoint *peer)
{
	return !endpoint_no_host(e) &&
	       (endpoint_same_host(e, peer) || !endpoint_unfit(e, peer));
}

bool endpoint_same_host(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && a->scope_id == b->scope_id &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}
