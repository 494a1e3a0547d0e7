/*
 * Changes of addresses, routes and links, as the kernel reports them
 * (rtnetlink(7)). A change may have repaired a path, so that sources need not
 * wait longer. A report that repeats a known fact, such as an announcement that
 * prolongs an address, is no change.
 */
#ifndef AGENT_HOST_NETWORK_H
#define AGENT_HOST_NETWORK_H

#include "base/check.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least time between two events. */
#define NETWORK_APART_NS (500 * NS_PER_MS)
/* Where routes change all the time, this many events may follow each other, and
 * after them one in each NETWORK_EVENT_NS. */
#define NETWORK_EVENTS_MAX 8
#define NETWORK_EVENT_NS (8 * NS_PER_S)
/* Addresses, routes and links that are known; further ones replace the oldest.
 */
#define NETWORK_FACTS_MAX 256

struct network {
	int fd;	      /* -1: none */
	bool changed; /* network_take() has not returned it yet */
	struct mono taken_at, filled_at;
	unsigned events; /* that may follow without a pause */
	unsigned fact_count, next_fact;
	uint64_t facts[NETWORK_FACTS_MAX]; /* hashes */
};

/* A value without a descriptor. */
void network_init(struct network *n, struct mono now);

/* Subscribes; needs no capability. 0, or -errno: there is no descriptor then,
 * and no event. */
int network_open(struct network *n) MUST_USE;
void network_close(struct network *n);

/* Reads all datagrams that have arrived. */
void network_read(struct network *n);

/* Takes one datagram of the kernel; `bytes` is aligned as a uint32_t. */
void network_note(struct network *n, const void *bytes, size_t len);

/* When network_take() may return true; MONO_NEVER. */
struct mono network_deadline(const struct network *n);

/* True: there was a change, and the pause after the last one is over. */
bool network_take(struct network *n, struct mono now) MUST_USE;

#endif
