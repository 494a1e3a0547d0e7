#include "agent/host/network.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX 32768
/* Afterwards the other descriptors are served. */
#define READS_MAX 64

void network_init(struct network *n, struct mono now)
{
	*n = (struct network){
	    .fd = -1,
	    .taken_at = {now.ns - NETWORK_APART_NS},
	    .filled_at = now,
	    .events = NETWORK_EVENTS_MAX,
	};
}

int network_open(struct network *n)
{
	struct sockaddr_nl address = {
	    .nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			 RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	n->fd = fd;
	return 0;
}

void network_close(struct network *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

/* FNV-1a */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t hash_start(uint16_t kind)
{
	return hash(UINT64_C(0xcbf29ce484222325), &kind, sizeof(kind));
}

static bool known(const struct network *n, uint64_t fact, unsigned *at)
{
	for (*at = 0; *at < n->fact_count; (*at)++)
		if (n->facts[*at] == fact)
			return true;
	return false;
}

static void learn(struct network *n, uint64_t fact)
{
	unsigned at;

	if (known(n, fact, &at))
		return;
	n->changed = true;
	if (n->fact_count < NETWORK_FACTS_MAX) {
		n->facts[n->fact_count++] = fact;
		return;
	}
	n->facts[n->next_fact] = fact;
	n->next_fact = (n->next_fact + 1) % NETWORK_FACTS_MAX;
}

static void unlearn(struct network *n, uint64_t fact)
{
	unsigned at;

	if (known(n, fact, &at))
		n->facts[at] = n->facts[--n->fact_count];
	/* The kernel may use another address or route now. */
	n->changed = true;
}

static void learn_or_not(struct network *n, uint64_t fact, bool there)
{
	if (there)
		learn(n, fact);
	else
		unlearn(n, fact);
}

/* The attributes of a message, one after the other; NULL: no more. */
static const struct rtattr *next_attribute(
    const uint8_t **at, const uint8_t *end)
{
	const struct rtattr *a = (const void *)*at;
	size_t left = (size_t)(end - *at);

	if (left < sizeof(*a) || a->rta_len < sizeof(*a) || a->rta_len > left)
		return NULL;
	*at += RTA_ALIGN(a->rta_len) < left ? RTA_ALIGN(a->rta_len) : left;
	return a;
}

/* RTA_DATA drops the const. */
static const uint8_t *payload(const struct rtattr *a)
{
	return (const uint8_t *)a + RTA_LENGTH(0);
}

static uint32_t number(const struct rtattr *a, uint32_t otherwise)
{
	uint32_t value;

	if (a->rta_len < RTA_LENGTH(sizeof(value)))
		return otherwise;
	memcpy(&value, payload(a), sizeof(value));
	return value;
}

static void note_address(
    struct network *n, const uint8_t *at, const uint8_t *end, bool there)
{
	uint64_t fact = hash_start(RTM_NEWADDR);
	const struct rtattr *a;
	struct ifaddrmsg m;
	uint32_t flags;

	if ((size_t)(end - at) < sizeof(m))
		return;
	memcpy(&m, at, sizeof(m));
	at += NLMSG_ALIGN(sizeof(m));
	flags = m.ifa_flags;
	/* A link-local address leads to no server. */
	if (m.ifa_scope >= RT_SCOPE_LINK)
		return;
	fact = hash(fact, &m.ifa_index, sizeof(m.ifa_index));
	while (at < end && (a = next_attribute(&at, end))) {
		if (a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL)
			fact = hash(fact, a, a->rta_len);
		if (a->rta_type == IFA_FLAGS)
			flags = number(a, flags);
	}
	/* The address is still being checked for a duplicate (RFC 4862); the
	 * kernel reports it again afterwards. */
	if (there && (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		return;
	learn_or_not(n, fact, there);
}

/* Skips the routes that the kernel keeps for itself or for one destination. */
static bool route_matters(const struct rtmsg *m)
{
	return m->rtm_type != RTN_LOCAL && m->rtm_type != RTN_BROADCAST &&
	       m->rtm_type != RTN_ANYCAST && m->rtm_type != RTN_MULTICAST &&
	       m->rtm_table != RT_TABLE_LOCAL && !(m->rtm_flags & RTM_F_CLONED);
}

static bool link_local(const struct rtattr *a, uint8_t family)
{
	const uint8_t *bytes = payload(a);

	return family == AF_INET6 && a->rta_len >= RTA_LENGTH(2) &&
	       (bytes[0] == 0xff || (bytes[0] == 0xfe && bytes[1] >= 0x80));
}

static void note_route(
    struct network *n, const uint8_t *at, const uint8_t *end, bool there)
{
	uint64_t fact = hash_start(RTM_NEWROUTE);
	const struct rtattr *a;
	struct rtmsg m;

	if ((size_t)(end - at) < sizeof(m))
		return;
	memcpy(&m, at, sizeof(m));
	at += NLMSG_ALIGN(sizeof(m));
	if (!route_matters(&m))
		return;
	m.rtm_flags = 0; /* they tell of a link that is down: see note_link() */
	fact = hash(fact, &m, sizeof(m));
	while (at < end && (a = next_attribute(&at, end))) {
		if (a->rta_type == RTA_DST && link_local(a, m.rtm_family))
			return;
		/* Lifetimes and counters are in other attributes. */
		if (a->rta_type == RTA_DST || a->rta_type == RTA_OIF ||
		    a->rta_type == RTA_GATEWAY || a->rta_type == RTA_VIA ||
		    a->rta_type == RTA_PRIORITY || a->rta_type == RTA_TABLE ||
		    a->rta_type == RTA_PREFSRC || a->rta_type == RTA_MULTIPATH)
			fact = hash(fact, a, a->rta_len);
	}
	learn_or_not(n, fact, there);
}

/* Where addresses and routes are configured by hand, a cable that is plugged in
 * changes only the link. A link that goes down repairs no path. */
static void note_link(
    struct network *n, const uint8_t *at, const uint8_t *end, bool there)
{
	uint64_t fact = hash_start(RTM_NEWLINK);
	struct ifinfomsg m;
	bool was_changed = n->changed;

	if ((size_t)(end - at) < sizeof(m))
		return;
	memcpy(&m, at, sizeof(m));
	if (m.ifi_flags & IFF_LOOPBACK)
		return;
	fact = hash(fact, &m.ifi_index, sizeof(m.ifi_index));
	if (there && (m.ifi_flags & IFF_RUNNING)) {
		learn(n, fact);
		return;
	}
	unlearn(n, fact);
	n->changed = was_changed;
}

static void note_message(
    struct network *n, uint16_t type, const uint8_t *at, const uint8_t *end)
{
	switch (type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		note_address(n, at, end, type == RTM_NEWADDR);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		note_route(n, at, end, type == RTM_NEWROUTE);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		note_link(n, at, end, type == RTM_NEWLINK);
		break;
	default:
		break;
	}
}

void network_note(struct network *n, const void *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = at + len;
	struct nlmsghdr h;

	while ((size_t)(end - at) >= sizeof(h)) {
		size_t left = (size_t)(end - at), whole;

		memcpy(&h, at, sizeof(h));
		if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > left)
			return;
		note_message(
		    n, h.nlmsg_type, at + NLMSG_HDRLEN, at + h.nlmsg_len);
		whole = NLMSG_ALIGN(h.nlmsg_len);
		at += whole < left ? whole : left;
	}
}

/* Takes datagrams of the kernel only, which has port 0. */
static bool read_one(struct network *n)
{
	uint8_t bytes[DATAGRAM_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(n->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
	    (struct sockaddr *)&from, &from_len);

	/* A report was lost, which may have been a change. */
	if (len < 0 && errno == ENOBUFS) {
		n->changed = true;
		return true;
	}
	if (len > 0 && from.nl_pid == 0)
		network_note(n, bytes, (size_t)len);
	return len > 0;
}

void network_read(struct network *n)
{
	for (unsigned i = 0; i < READS_MAX; i++)
		if (!read_one(n))
			break;
}

static struct mono free_at(const struct network *n)
{
	struct mono at = mono_after(n->taken_at, NETWORK_APART_NS);
	struct mono filled = mono_after(n->filled_at, NETWORK_EVENT_NS);

	return n->events > 0 || filled.ns < at.ns ? at : filled;
}

struct mono network_deadline(const struct network *n)
{
	return n->changed ? free_at(n) : MONO_NEVER;
}

static void refill(struct network *n, struct mono now)
{
	int64_t more = (now.ns - n->filled_at.ns) / NETWORK_EVENT_NS;

	if (more <= 0)
		return;
	n->filled_at.ns += more * NETWORK_EVENT_NS;
	n->events = more >= NETWORK_EVENTS_MAX - n->events
			? NETWORK_EVENTS_MAX
			: n->events + (unsigned)more;
}

bool network_take(struct network *n, struct mono now)
{
	refill(n, now);
	if (!n->changed || n->events == 0 || !mono_due(free_at(n), now))
		return false;
	n->changed = false;
	n->taken_at = now;
	n->events--;
	return true;
}
