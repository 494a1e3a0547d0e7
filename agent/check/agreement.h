/*
 * Do the servers that gave a time agree? Judged as the agent selects: by hard
 * intervals, with one vote for each server. A core.
 */
#ifndef AGENT_CHECK_AGREEMENT_H
#define AGENT_CHECK_AGREEMENT_H

#include "agent/check/seen.h"
#include "clock/steering/select.h"

/* The servers are asked at different moments, and the oscillator of a machine
 * may be 200 ppm off: in five seconds, this much. */
#define AGREEMENT_SLACK_NS NS_PER_MS

/* Have two sources that gave a time one server? As the agent judges
 * (agent/engine/duplicates.h). */
bool agreement_one_server(
    const struct probe *a, const struct probe *b) MUST_USE;

/* A server that gave a time. */
struct voter {
	struct source_options options;
	const struct probe *probe; /* borrowed */
	bool wrong;		   /* out: it contradicts the majority */
};

struct agreement {
	unsigned voters, agreeing;
	bool majority;
};

/* At most SOURCES_MAX. Without a voter there is a majority: nobody disagrees.
 */
struct agreement agreement_judge(struct voter *voters, unsigned count);

#endif
