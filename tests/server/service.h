/* The data that all parts of the server share: identity, keys, faults. */
#ifndef TESTS_SERVER_SERVICE_H
#define TESTS_SERVER_SERVICE_H

#include "base/sample.h"
#include "tests/server/cookies.h"
#include "tests/server/faults.h"

/* What the answers say about this server. */
struct identity {
	int64_t offset_ns; /* served time minus CLOCK_REALTIME */
	uint8_t stratum;
	enum leap leap;
	int64_t root_delay_ns, root_dispersion_ns;
};

struct counters {
	unsigned long ke_accepted, ke_answered;
	unsigned long ntp_received, ntp_answered, naks, not_nts, forged,
	    dropped;
	unsigned long cookies_reused;
};

/* The latest cookies received, to detect one that is sent twice. */
#define SPENT_MAX 1024
struct spent_cookies {
	uint8_t nonce[SPENT_MAX][16];
	unsigned next, count;
};

/* A datagram to send. */
#define NTP_PACKET_MAX 4096
struct datagram {
	uint8_t bytes[NTP_PACKET_MAX];
	size_t len; /* 0: nothing to send */
	unsigned copies;
	int64_t hold_ns;
};

struct service {
	struct identity identity;
	struct master_keys masters;
	struct faults faults;
	struct counters counters;
	struct spent_cookies spent;
	struct datagram last_answer; /* for the faults that repeat it */
	uint16_t ntp_port;
	bool verbose; /* print a line to stderr for each exchange */
};

#endif
