/*
 * What the kernel tells of addresses, routes and links (rtnetlink(7)): a change
 * that may have mended a path ends the waiting of the sources. What is told
 * again without being new (an announcement that prolongs an address, a
 * neighbour) is no change.
 */
#ifndef AGENT_HOST_NETWORK_H
#define AGENT_HOST_NETWORK_H

#include "base/check.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most one event in this time ... */
#define NETWORK_APART_NS (500 * NS_PER_MS)
/* ... and, where routes change all the time, no more than so many at once and
 * one in this time afterwards. */
#define NETWORK_EVENTS_MAX 8
#define NETWORK_EVENT_NS (8 * NS_PER_S)
/* Addresses, routes and links that are known; more push the oldest out. */
#define NETWORK_FACTS_MAX 256

struct network {
	int fd;	      /* -1: none */
	bool changed; /* not told yet */
	struct mono told_at, filled_at;
	unsigned events; /* that may be told without a pause */
	unsigned fact_count, next_fact;
	uint64_t facts[NETWORK_FACTS_MAX]; /* hashes */
};

/* Without a descriptor. */
void network_init(struct network *n, struct mono now);

/* Subscribes; needs no capability. 0, or -errno: then there is no descriptor,
 * and nothing will be told. */
int network_open(struct network *n) MUST_USE;
void network_close(struct network *n);

/* Reads what is there. */
void network_read(struct network *n);

/* One datagram of the kernel; `bytes` aligned as for a uint32_t. */
void network_note(struct network *n, const void *bytes, size_t len);

/* When network_take may have something; MONO_NEVER. */
struct mono network_deadline(const struct network *n);

/* True: there was a change, and it is time to act on it. */
bool network_take(struct network *n, struct mono now) MUST_USE;

#endif
