#include "resolver/own_address.h"

#include <errno.h>
#include <unistd.h>

/* connect(2) of UDP looks for a route, and sends nothing. `out`: the address
 * that requests to `e` would have. Returns 0, an errno, or an error of
 * binding_apply() without its sign. */
static int address_toward(const struct endpoint *e,
    const struct binding *binding, struct endpoint *out)
{
	struct sockaddr_storage to, own = {0};
	socklen_t to_len = endpoint_to_sockaddr(e, &to), len = sizeof(own);
	int fd = socket(endpoint_af(e), SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	*out = (struct endpoint){0};
	if (fd < 0)
		return errno;
	/* As for TCP: another request may have the fixed port. */
	error = -binding_apply(binding, fd, endpoint_af(e), true);
	if (error == 0 &&
	    (connect(fd, (const struct sockaddr *)&to, to_len) != 0 ||
		getsockname(fd, (struct sockaddr *)&own, &len) != 0))
		error = errno;
	else if (error == 0 &&
		 !endpoint_from_sockaddr(out, (const struct sockaddr *)&own))
		error = EAFNOSUPPORT;
	close(fd);
	return error;
}

/* Linux sends to an address of its own from that address, unless the socket is
 * bound to another one. */
static bool is_own(const struct endpoint *e)
{
	struct endpoint own;

	return endpoint_is_loopback(e) || (address_toward(e, NULL, &own) == 0 &&
					      endpoint_same_host(e, &own));
}

const char *own_address_unfit(const struct endpoint *e,
    const struct endpoint *from, const struct binding *binding)
{
	struct endpoint own;

	if (endpoint_same_host(e, from))
		return NULL;
	/* Without SO_BROADCAST. A rule for the address or the device of the
	 * binding can lead around a route that prohibits. */
	if (address_toward(e, binding, &own) == EACCES)
		return "is a broadcast address, or a route prohibits it";
	return is_own(e) && !is_own(from) ? "is an address of this machine"
					  : NULL;
}
