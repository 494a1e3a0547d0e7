/* The reference ID that an address gives to a clock, RFC 5905 section 7.3. */
#ifndef AGENT_CTL_SNAPSHOT_REFERENCE_H
#define AGENT_CTL_SNAPSHOT_REFERENCE_H

#include <stdint.h>

/* An IPv4 address itself, or the first four octets of the MD5 hash of an IPv6
 * address; 0: it is neither, or NULL. */
uint32_t reference_of_address(const char *address);

#endif
