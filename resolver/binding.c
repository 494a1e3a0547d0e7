#include "resolver/binding.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static_assert(BINDING_DEVICE_MAX == IF_NAMESIZE, "as the kernel has it");

unsigned binding_needs(const struct binding *b)
{
	unsigned needs = 0;

	if (b->ipv4.family != 0 || b->ipv6.family != 0 || b->port != 0)
		needs |= BINDING_NEEDS_BIND;
	if (b->device[0] != '\0')
		needs |= BINDING_NEEDS_DEVICE;
	if (b->dscp != 0)
		needs |= BINDING_NEEDS_DSCP;
	return needs;
}

bool binding_may_be_from(const struct endpoint *e)
{
	/* The server may be on this host, so a loopback address is fine. */
	return !endpoint_unfit(e, e);
}

static bool from_valid(const struct endpoint *e, uint8_t family)
{
	static const struct endpoint none;
	static const uint8_t zeros[sizeof(e->address)];

	if (e->family == 0)
		return memcmp(e, &none, sizeof(none)) == 0;
	if (e->family != family || e->reserved != 0 || e->port != 0 ||
	    e->scope_id != 0)
		return false;
	if (family == 4 &&
	    memcmp(e->address + 4, zeros, sizeof(zeros) - 4) != 0)
		return false;
	return binding_may_be_from(e);
}

/* The bytes behind the name are zeros, because bindings are compared as a
 * whole. */
static bool device_valid(const char device[BINDING_DEVICE_MAX])
{
	size_t len = strnlen(device, BINDING_DEVICE_MAX);

	if (len == BINDING_DEVICE_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (device[i] <= ' ' || device[i] > '~' || device[i] == '/')
			return false;
	for (size_t i = len; i < BINDING_DEVICE_MAX; i++)
		if (device[i] != '\0')
			return false;
	return true;
}

bool binding_valid(const struct binding *b)
{
	return from_valid(&b->ipv4, 4) && from_valid(&b->ipv6, 6) &&
	       device_valid(b->device) && b->dscp <= BINDING_DSCP_MAX &&
	       b->reserved == 0;
}

static const struct endpoint *from_of(const struct binding *b, int af)
{
	return af == AF_INET ? &b->ipv4 : &b->ipv6;
}

/* The device first: a VRF has addresses of its own. */
static int use_device(const struct binding *b, int fd)
{
	if (b->device[0] == '\0')
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->device,
	    (socklen_t)strlen(b->device) + 1);
}

/* The two lower bits are ECN. */
static int mark(const struct binding *b, int fd, int af)
{
	const int class = b->dscp << 2;

	if (b->dscp == 0)
		return 0;
	return af == AF_INET
		   ? setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof(class))
		   : setsockopt(
			 fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
}

/* Requests to several servers share the port. Only programs of the same user
 * may join, and each socket is connected, so that no answer reaches another
 * one. */
static int share_port(int fd)
{
	const int yes = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
}

static int bind_address(const struct binding *b, int fd, int af, uint16_t port)
{
	struct endpoint from = *from_of(b, af);
	struct sockaddr_storage sa;
	socklen_t len;

	if (from.family == 0 && port == 0)
		return 0;
	if (port != 0 && share_port(fd) != 0)
		return -1;
	/* Without an address: any one of this host. */
	from.family = af == AF_INET ? 4 : 6;
	from.port = port;
	len = endpoint_to_sockaddr(&from, &sa);
	return bind(fd, (const struct sockaddr *)&sa, len);
}

int binding_apply(const struct binding *b, int fd, int af, bool tcp)
{
	if (!b)
		return 0;
	if (use_device(b, fd) != 0 || mark(b, fd, af) != 0 ||
	    bind_address(b, fd, af, tcp ? 0 : b->port) != 0)
		return -(BINDING_FAILED + errno);
	return 0;
}

static void explain_address(
    const struct binding *b, int af, struct sentence *why)
{
	char address[ENDPOINT_TEXT_MAX];

	endpoint_text(from_of(b, af), false, address);
	if (b->device[0] != '\0')
		sentence_add(why,
		    "bind-address = %s: neither the device %s nor a VRF of "
		    "that name has this address",
		    address, b->device);
	else
		sentence_add(why,
		    "bind-address = %s: this host does not have this address",
		    address);
}

void binding_explain(
    const struct binding *b, int af, int error, struct sentence *why)
{
	const int err = error - BINDING_FAILED;

	if (err == ENODEV && b->device[0] != '\0')
		sentence_add(why,
		    "bind-device = %s: this host does not have this device",
		    b->device);
	else if (err == EPERM && b->device[0] != '\0')
		sentence_add(why,
		    "bind-device = %s: this kernel lets only root choose a "
		    "device; Linux 5.7 and later let every user",
		    b->device);
	else if (err == EADDRNOTAVAIL)
		explain_address(b, af, why);
	else if (err == EADDRINUSE)
		sentence_add(why,
		    "source-port = %u: another program uses this UDP port",
		    b->port);
	else if (err == EALREADY)
		sentence_add(why,
		    "source-port = %u: another source waits at this port for "
		    "an answer from the same address; give one of the two "
		    "another source-port",
		    b->port);
	else if (err == EACCES && b->port != 0)
		sentence_add(why,
		    "source-port = %u: no process of the agent may use so low "
		    "a port; take a higher one, or lower the kernel's limit "
		    "net.ipv4.ip_unprivileged_port_start",
		    b->port);
	else
		sentence_add(why,
		    "bind-address, bind-device, source-port or dscp cannot be "
		    "applied: %s",
		    strerror(err));
}

bool binding_try(const struct binding *b, int af, struct sentence *why)
{
	int fd = socket(af, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return true;
	err = binding_apply(b, fd, af, false);
	if (err != 0)
		binding_explain(b, af, -err, why);
	close(fd);
	return err == 0;
}

const char *binding_text(
    const struct binding *b, int af, char out[BINDING_TEXT_MAX])
{
	const bool from = from_of(b, af)->family != 0;
	const bool device = b->device[0] != '\0';
	char address[ENDPOINT_TEXT_MAX];

	endpoint_text(from_of(b, af), false, address);
	out[0] = '\0';
	if (from && device)
		snprintf(out, BINDING_TEXT_MAX,
		    " from %s by the device %s (bind-address, bind-device)",
		    address, b->device);
	else if (from)
		snprintf(
		    out, BINDING_TEXT_MAX, " from %s (bind-address)", address);
	else if (device)
		snprintf(out, BINDING_TEXT_MAX,
		    " by the device %s (bind-device)", b->device);
	return out;
}
