/* The command line of the test server. */
#ifndef TESTS_SERVER_OPTIONS_H
#define TESTS_SERVER_OPTIONS_H

#include "tests/server/service.h"
#include "tests/server/sockets.h"

struct options {
	const char *certificate, *key, *fault_file; /* borrowed from argv */
	const char *addresses[ADDRESSES_MAX];
	unsigned address_count;
	bool default_addresses; /* no address was given */
	uint16_t ke_port, ntp_port;
	struct identity identity;
	struct faults faults; /* from the command line */
	bool verbose, help;
};

/* Returns false and prints the error to stderr on failure. */
bool options_parse(struct options *o, int argc, char *argv[]) MUST_USE;

void options_help(FILE *out);

#endif
