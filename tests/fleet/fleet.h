/*
 * A fleet of agents and its servers. The agents are the real room
 * agent/source, one struct source for each server; a key exchange is simulated
 * as resolver/job makes it, with the waits of the kernel's TCP.
 */
#ifndef TESTS_FLEET_FLEET_H
#define TESTS_FLEET_FLEET_H

#include "tests/fleet/events.h"
#include "tests/fleet/key_server.h"

#include "agent/source/source.h"

#define SERVERS 3
/* A simulation is not longer than that. */
#define SECONDS_MAX 10800

/* What happens to the fleet. Times in seconds since its start. */
struct world {
	const char *name;
	enum server_kind kind;
	bool one_down;	   /* the third server does not answer */
	unsigned slower;   /* an exchange costs so many times more; 0: once */
	bool saved;	   /* the agents have saved keys */
	int64_t network_s; /* before this time no packet arrives; 0: always */
	bool link_seen;	   /* the agents see that the network is back */
	int64_t restart_s; /* the servers lose all cookie keys; 0: never */
	int64_t settled_s; /* the figures begin here */
	int64_t length_s;
};

/* The figures of server 0 and of its sources, from `settled_s` on. */
struct figures {
	uint64_t connects;		   /* calls of connect(2) */
	uint64_t connects_in[SECONDS_MAX]; /* ... in each second */
	uint64_t served_in[SECONDS_MAX];   /* exchanges */
	uint64_t requests_in[SECONDS_MAX]; /* for time */
	/* The server had no work, although a client that it had turned away
	 * waited for its next try. */
	int64_t idle_ns_in[SECONDS_MAX];
	/* Of each agent: when a majority of its servers had told it the time;
	 * INT64_MAX: not yet. */
	int64_t *synchronised_ns;
	int64_t *keyed_ns; /* of each agent: its first new keys, or INT64_MAX */
};

struct member;

struct fleet {
	const struct world *world;
	unsigned agents;
	struct member *members; /* SERVERS for each agent */
	struct key_server server[SERVERS];
	struct peer *peers;
	struct source_config config;
	struct events events;
	int64_t now_ns;
	unsigned
	    turned_away; /* sources of server 0 that wait for that reason */
	uint64_t random;
	struct figures figures;
};

/* Runs the world to its end. The servers are `scale` times slower, and hold so
 * many times fewer connections: a small fleet then shows what a large one does.
 */
void fleet_run(
    struct fleet *f, const struct world *w, unsigned agents, unsigned scale);
void fleet_free(struct fleet *f);

#endif
