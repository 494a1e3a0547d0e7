/*
 * SRV records (RFC 2782): the key servers of a domain. What is decided without
 * the network is pure: parsing and the order.
 */
#ifndef RESOLVER_SERVICE_H
#define RESOLVER_SERVICE_H

#include "resolver/certificate/sentence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More records of a domain are left out. */
#define SERVICE_MAX 32
/* A name of DNS as text has 253 bytes at most. */
#define SERVICE_NAME_MAX 256

struct service_record {
	uint16_t priority, weight, port;
	char target[SERVICE_NAME_MAX]; /* without the dot at its end */
};

struct service {
	unsigned count;
	struct service_record at[SERVICE_MAX];
};

/* Takes the records out of the answer of a DNS server. Records that cannot be
 * used, because port, target or its bytes are not those of a host, are left
 * out. False: it is no answer, or has no record; `*absent` says whether the
 * domain declares that it has no such service (a target of "."). */
bool service_parse(const uint8_t *answer, size_t len, struct service *out,
    bool *absent) MUST_USE;

/* Puts the records in the order of use (RFC 2782): by priority, and those of
 * one priority at random by their weights. */
void service_order(
    struct service *s, const uint32_t random[static SERVICE_MAX]);

/* Asks the system's DNS servers for the key servers of `domain`, in the order
 * of use, and if they fail, `without_validation`, too. /etc/hosts has no such
 * records. False: `why` is the reason. */
bool service_lookup(const char *domain, bool without_validation,
    struct service *out, struct sentence *why) MUST_USE;

#endif
