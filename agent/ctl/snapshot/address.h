/* Numeric addresses, and the reference ID that one gives to a clock. */
#ifndef AGENT_CTL_SNAPSHOT_ADDRESS_H
#define AGENT_CTL_SNAPSHOT_ADDRESS_H

#include <stdint.h>

#define ADDRESS_LEN 16

/* AF_INET, AF_INET6, or AF_UNSPEC: it is no address. What the address does not
 * fill is zero. */
int address_parse(const char *text, unsigned char out[static ADDRESS_LEN]);

/* RFC 5905 section 7.3: an IPv4 address itself, or the first four octets of the
 * MD5 hash of an IPv6 address; 0: it is no address, or NULL. */
uint32_t address_reference(const char *text);

#endif
