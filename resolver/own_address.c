#include "resolver/own_address.h"

#include <errno.h>
#include <unistd.h>

/* connect(2) of UDP looks for a route, and sends nothing. `out`: the address
 * that requests to `e` would have. Returns 0 or an errno. */
static int address_toward(const struct endpoint *e, struct endpoint *out)
{
	struct sockaddr_storage to, own = {0};
	socklen_t to_len = endpoint_to_sockaddr(e, &to), len = sizeof(own);
	int fd = socket(endpoint_af(e), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	*out = (struct endpoint){0};
	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)&to, to_len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		error = errno;
	else if (!endpoint_from_sockaddr(out, (const struct sockaddr *)&own))
		error = EAFNOSUPPORT;
	close(fd);
	return error;
}

/* Linux sends to an address of its own from that address. */
static bool is_own(const struct endpoint *e)
{
	struct endpoint own;

	return endpoint_is_loopback(e) ||
	       (address_toward(e, &own) == 0 && endpoint_same_host(e, &own));
}

const char *own_address_unfit(
    const struct endpoint *e, const struct endpoint *from)
{
	struct endpoint own;
	int error;

	if (endpoint_same_host(e, from))
		return NULL;
	error = address_toward(e, &own);
	/* Without SO_BROADCAST. */
	if (error == EACCES)
		return "is a broadcast address, or a route prohibits it";
	if (error != 0 || !endpoint_same_host(e, &own))
		return NULL;
	return is_own(from) ? NULL : "is an address of this machine";
}
