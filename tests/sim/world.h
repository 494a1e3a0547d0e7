/*
 * A world for the clock's floor: an oscillator that wanders, a kernel clock
 * driven by it, servers, and the network between. True time is kept in int64
 * nanoseconds since the start; everything is seeded and repeats exactly.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/time.h"
#include "clock/kernel/ops.h"

#define WORLD_SERVERS 8

struct rng {
	uint64_t state[2];
	double spare;
	bool have_spare;
};

void rng_seed(struct rng *r, uint64_t seed);
double rng_uniform(struct rng *r);
double rng_normal(struct rng *r);
double rng_exponential(struct rng *r);

/* One way of a path, s. */
struct way {
	double base, queue; /* queue: mean of the jitter */
	unsigned shape;	    /* of the jitter: sum of so many exponentials */
};

struct server {
	struct way up, down;
	double offset;	       /* the server's clock ahead of the truth, s */
	double wobble, period; /* of that clock: amplitude s, period s */
	/* What is added to it in between: s, and s/s. */
	int64_t lie_from, lie_until;
	double lie, lie_freq;
	double loss;		     /* of either way, 0..1 */
	int64_t gap_from, gap_until; /* no answer in between */
	/* Only reachable for so long at the end of each day; 0: always. */
	int64_t daily;
	/* For four hours a day the queues are so many times as long; 0: no. */
	double rush;
	/* So often a packet waits fifty times as long; 0: never. */
	double spikes;
	/* From route_at on, the ways take this much longer: for ever, or for
	 * every other `route_turns`; or one packet in so many, as a balancer
	 * sends them (`route_share`). */
	int64_t route_at, route_turns;
	double route_share;
	double route_up, route_down;
};

struct oscillator {
	double freq;   /* s/s, positive: fast */
	double wander; /* random walk of freq, per sqrt(s) */
	double sine, sine_period;
	int64_t wander_at; /* from then on ... */
	double wander_after;
	int64_t step_at;
	double step; /* of freq */
};

struct world {
	struct rng rng;
	struct oscillator osc;
	int64_t now;   /* true time */
	double walk;   /* accumulated wander */
	double raw;    /* frequency error in this second */
	double adjust; /* what the kernel adds */
	struct wall wall;
	double wall_part; /* below 1 ns */
	struct mono mono;
	double mono_part;
	struct kernel_status status;
	unsigned steps;
};

#define WORLD_EPOCH_NS (INT64_C(1735689600) * NS_PER_S)

void world_init(struct world *w, uint64_t seed, const struct oscillator *osc,
    double offset_s);
/* Not across a full second of true time, except onto it. */
void world_advance(struct world *w, int64_t to);
/* True time at which CLOCK_MONOTONIC reads m, if the frequency stays. */
int64_t world_when(const struct world *w, struct mono m);
double world_error_s(const struct world *w);
struct clock_ops world_clock(struct world *w);

/* One request through the network; false: lost. Times of the events from now,
 * ns, and what the server's clock reads as it arrives. */
struct trip {
	int64_t arrives, returns;
	int64_t server_reads;
};
bool world_trip(struct world *w, const struct server *s, struct trip *out);
/* How far the server's clock is ahead of the truth now, s. */
double world_ahead_s(const struct world *w, const struct server *s);

#endif
