/*
 * A simulated world: an oscillator with a random walk, a kernel clock that it
 * drives, servers, and the network. True time is int64 nanoseconds since the
 * start. A run with the same seed repeats exactly.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/time.h"
#include "clock/kernel/ops.h"

#define SIM_SERVERS 16

struct rng {
	uint64_t state[2];
	double spare;
	bool have_spare;
};

void rng_seed(struct rng *r, uint64_t seed);
double rng_uniform(struct rng *r);
double rng_normal(struct rng *r);
double rng_exponential(struct rng *r);

/* One direction of a path. Times in s; what is 0 does not happen. */
struct way {
	double base, queue; /* delay of an empty path, mean queueing delay */
	unsigned shape;	    /* the queueing delay is a sum of exponentials */
	double normal;	    /* sd of normal jitter, which has no low edge */
	double uniform;	    /* jitter between 0 and this */
	double creep;	    /* amplitude of a slow sine of the base delay */
	double levels;	    /* a level between 0 and this adds to the base */
	double rush;	    /* factor of the queue for some time of a day */
	double turn;	    /* factor of the queue in one period of two */
	double start_base, start_queue; /* more, until the start is over */
	double spike; /* more for a share of the packets, mean */
};

/* When and how way.levels changes to another level. */
struct levels {
	int64_t every;	/* mean time between changes */
	bool regular;	/* the time is exact */
	unsigned count; /* of evenly spaced levels; 0: any delay is a level */
	bool alike;	/* both ways always have the same level */
};

struct sim_server {
	unsigned number; /* tells the servers' random levels apart */
	struct way up, down;
	double offset;	       /* the server's clock ahead of the truth, s */
	double wobble, period; /* of that clock: amplitude s, period s */
	/* A false time between two instants: lie in s, lie_freq in s/s. */
	int64_t lie_from, lie_until;
	double lie, lie_freq;
	/* The clock changes by slew_freq (s/s) between two instants, and keeps
	 * what it gained. */
	int64_t slew_from, slew_until;
	double slew_freq;
	double loss;		     /* in each direction, 0..1 */
	int64_t gap_from, gap_until; /* no answer between these instants */
	int64_t daily; /* reachable only at the end of each day; 0: always */
	int64_t rush_time; /* how long way.rush lasts, from midnight on */
	/* The length of these periods: way.turn holds for the way up in the
	 * first one, and for the way down in the second one. */
	int64_t turn_time;
	int64_t start_over; /* until then, way.start_base and start_queue add */
	int64_t creep_period;
	struct levels levels;
	double spikes; /* share of packets that queue fifty times as long */
	double spike_share; /* share of packets that way.spike delays */
	bool spike_fixed;   /* way.spike is not a mean: all are that long */
	/* Another route from route_at on: for all packets, in every second
	 * period of route_turns, or for a share of the packets. It adds
	 * route_up and route_down to the delays, s. */
	int64_t route_at, route_turns;
	double route_share;
	double route_up, route_down;
};

struct sim_oscillator {
	double freq;   /* s/s, positive: fast */
	double wander; /* random walk of freq, per sqrt(s) */
	double sine, sine_period;
	int64_t wander_at; /* from then on, wander is wander_after; 0: never */
	double wander_after;
	int64_t step_at; /* from then on, step is added to freq; 0: never */
	double step;
	double jump, jump_every; /* random steps: sd s/s, mean time s */
	/* A part of the frequency jumps each jump_every_s seconds on average;
	 * 0: never. It jumps to a value within +- half of jump_most, or with
	 * jumps_add_up by a value within +- jump_most. */
	double jump_every_s, jump_most;
	bool jumps_add_up;
	/* The machine boots at boot_at; 0: never. The oscillator is cold then:
	 * cold is added to freq, and falls by a factor of e in each warm_s
	 * seconds. */
	int64_t boot_at;
	double cold, warm_s;
};

struct sim_world {
	uint64_t seed;
	struct rng rng;
	/* Few jumps make the figures of a run: they must not depend on how many
	 * packets the agent sends. */
	struct rng jump_rng;
	struct sim_oscillator osc;
	int64_t now;   /* true time */
	double walk;   /* accumulated wander */
	double jumped; /* the part that jumps */
	double raw;    /* frequency error in this second */
	double adjust; /* the kernel's frequency correction */
	struct wall wall;
	double wall_part; /* fraction of a ns */
	struct mono mono;
	double mono_part;
	struct kernel_status status;
	struct mono status_at; /* when it was set */
};

#define SIM_EPOCH_NS (INT64_C(1735689600) * NS_PER_S)

void sim_world_init(struct sim_world *w, uint64_t seed,
    const struct sim_oscillator *osc, double offset_s);
/* Moves true time on. `to` is at most the next full second. */
void sim_world_advance(struct sim_world *w, int64_t to);
/* True time at which CLOCK_MONOTONIC reads m if the frequency stays. */
int64_t sim_world_when(const struct sim_world *w, struct mono m);
double sim_world_error_s(const struct sim_world *w);
/* The kernel's maximum error now: Linux adds 500 ppm of the elapsed time. */
double sim_world_max_error_s(const struct sim_world *w);
struct clock_ops sim_world_clock(struct sim_world *w);

/* True times of one exchange, and the server's clock when the request arrives.
 */
struct trip {
	int64_t arrives, returns;
	int64_t server_reads;
};
/* Sends a request now; false if it or the answer is lost. */
bool sim_world_trip(
    struct sim_world *w, const struct sim_server *s, struct trip *out);
/* How far the server's clock is ahead of the truth now, s. */
double sim_world_ahead_s(const struct sim_world *w, const struct sim_server *s);

#endif
