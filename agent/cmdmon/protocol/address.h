/* How the protocol names a source. */
#ifndef AGENT_CMDMON_PROTOCOL_ADDRESS_H
#define AGENT_CMDMON_PROTOCOL_ADDRESS_H

#include <stdint.h>

enum cmdmon_family {
	CMDMON_UNSPECIFIED = 0,
	CMDMON_IPV4 = 1,
	CMDMON_IPV6 = 2,
	CMDMON_ID = 3, /* a source whose address is not known yet */
};

/* In the order of the wire; bytes that the family does not need are zero. */
struct cmdmon_address {
	uint8_t bytes[16];
	uint16_t family; /* enum cmdmon_family */
};

#endif
