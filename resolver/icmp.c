#include "resolver/icmp.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/errqueue.h>

#define CONTROL_LEN 256

/* RFC 4443 3.1, which <netinet/icmp6.h> does not name. */
#define ICMP6_POLICY_FAILED 5
#define ICMP6_ROUTE_REJECTED 6

void icmp_watch(int fd, int af, bool on)
{
	const int value = on;

	if (af == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_RECVERR, &value, sizeof(value));
	else
		(void)setsockopt(
		    fd, IPPROTO_IP, IP_RECVERR, &value, sizeof(value));
}

static bool is_prohibited_by_icmp(unsigned type, unsigned code)
{
	/* A host refuses a connection by a reset: that it has no such port, a
	 * firewall says. */
	return type == ICMP_DEST_UNREACH &&
	       (code == ICMP_PORT_UNREACH || code == ICMP_NET_ANO ||
		   code == ICMP_HOST_ANO || code == ICMP_PKT_FILTERED);
}

static bool is_prohibited_by_icmp6(unsigned type, unsigned code)
{
	return type == ICMP6_DST_UNREACH &&
	       (code == ICMP6_DST_UNREACH_NOPORT ||
		   code == ICMP6_DST_UNREACH_ADMIN ||
		   code == ICMP6_POLICY_FAILED || code == ICMP6_ROUTE_REJECTED);
}

static bool is_prohibited(const struct sock_extended_err *e)
{
	if (e->ee_origin == SO_EE_ORIGIN_ICMP)
		return is_prohibited_by_icmp(e->ee_type, e->ee_code);
	return e->ee_origin == SO_EE_ORIGIN_ICMP6 &&
	       is_prohibited_by_icmp6(e->ee_type, e->ee_code);
}

/* Before Linux 5.9, TCP keeps no message. */
static bool take_message(int fd, struct sock_extended_err *out)
{
	_Alignas(struct cmsghdr) char control[CONTROL_LEN];
	struct msghdr msg = {
	    .msg_control = control, .msg_controllen = sizeof(control)};

	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c)) {
		if ((c->cmsg_level != IPPROTO_IP ||
			c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 ||
			c->cmsg_type != IPV6_RECVERR))
			continue;
		if (c->cmsg_len < CMSG_LEN(sizeof(*out)))
			continue;
		memcpy(out, CMSG_DATA(c), sizeof(*out));
		return true;
	}
	return false;
}

int icmp_error_of_tcp(int fd, int error)
{
	struct sock_extended_err e;

	if (take_message(fd, &e) && is_prohibited(&e))
		return ICMP_PROHIBITED;
	if (error == EACCES || error == EPERM)
		return ICMP_PROHIBITED;
	/* This machine has a route, or connect(2) would have failed at once. */
	return error == ENETUNREACH ? EHOSTUNREACH : error;
}

int icmp_error_of_udp(int error)
{
	return error == EHOSTUNREACH || error == ENETUNREACH ||
		       error == EACCES || error == EPERM
		   ? ICMP_PROHIBITED
		   : error;
}
