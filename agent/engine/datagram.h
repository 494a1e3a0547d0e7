/*
 * One datagram from a server, or the network's refusal of one, as the UDP seam
 * hands it to the engine.
 */
#ifndef AGENT_ENGINE_DATAGRAM_H
#define AGENT_ENGINE_DATAGRAM_H

#include "base/sample.h"
#include "nts/fields.h"

struct datagram {
	unsigned slot;
	struct wall tx, rx;
	enum stamp_kind tx_kind, rx_kind;
	int error; /* errno of an ICMP answer; 0: a datagram */
	size_t len;
	uint8_t bytes[NTS_PACKET_MAX];
};

#endif
