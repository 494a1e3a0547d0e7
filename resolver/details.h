/*
 * What a key exchange shows on its way, beyond the answer that the engine
 * needs: for those who look for an obstacle. A plain struct, which may cross to
 * another process.
 */
#ifndef RESOLVER_DETAILS_H
#define RESOLVER_DETAILS_H

#include "nts/tls.h"
#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"
#include "resolver/names.h"

#define KE_GROUP_MAX 48

/* A failed exchange leaves what it got to know before. */
struct ke_details {
	struct names names; /* all addresses of the host */
	/* Of getaddrinfo(3), if there are none; EAI_FAIL: there are no SRV
	 * records, or no addresses of the servers in them. */
	int lookup_error;
	/* Why each address failed to connect; see struct race_outcome. */
	int connect_errors[KE_ADDRESSES_MAX];
	/* The host has addresses; other sources of the pool use them all. */
	bool in_use;
	/* No certificate is trusted: the system has none, and the configuration
	 * names none. */
	bool no_store;
	/* A file of certificates cannot be read, or a part of it. */
	bool hidden;
	enum tls_fault tls_fault; /* TLS_OK: TLS is not what failed */
	/* The server accepted the connection and was silent until the deadline;
	 * TCP misses segments of one side. */
	bool silent, lost;
	/* It closed the session before it was complete, and not at once. */
	bool late;
	char group[KE_GROUP_MAX]; /* of the key exchange; "" if not known */
	/* The server's own certificate, accepted or not. */
	struct certificate_facts certificate;
	enum certificate_fault certificate_fault;
};

#endif
