/* What happens next in the simulation: a heap of events, the earliest first. */
#ifndef TESTS_FLEET_EVENTS_H
#define TESTS_FLEET_EVENTS_H

#include "base/time.h"

#include <stddef.h>

enum event_kind {
	EVENT_TIMER,   /* a source looks at its deadlines */
	EVENT_SYN,     /* a SYN of a job arrives at the key server */
	EVENT_KEYED,   /* a job ends, with keys or without */
	EVENT_ANSWER,  /* an answer to a request for time arrives */
	EVENT_FREE,    /* a key server has finished one exchange */
	EVENT_RESTART, /* of all servers: they forget the keys of cookies */
	EVENT_NETWORK, /* it is there again */
};

struct event {
	int64_t at_ns;
	enum event_kind kind;
	unsigned member; /* of the fleet: the number of a source, or server */
	uint32_t serial; /* EVENT_SYN, EVENT_KEYED: of the job */
	unsigned detail; /* EVENT_SYN: its number; EVENT_KEYED: enum ke_stage */
	void *packet;	 /* EVENT_ANSWER; the receiver frees it */
	size_t len;
};

struct events {
	struct event *heap;
	size_t count, room;
};

void events_add(struct events *e, const struct event *what);
/* False: nothing more happens. */
bool events_take(struct events *e, struct event *out);
/* Drops what has not happened. */
void events_free(struct events *e);

#endif
