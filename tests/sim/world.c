#include "tests/sim/world.h"

#include <assert.h>
#include <math.h>

#define SERVER_TIME_NS (20 * NS_PER_US)

/* The last step of splitmix64 (Vigna 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* splitmix64, to fill xorshift128+. */
void rng_seed(struct rng *r, uint64_t seed)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

		seed = z;
		r->state[i] = mix(z);
	}
	r->have_spare = false;
}

double rng_uniform(struct rng *r)
{
	uint64_t a = r->state[0], b = r->state[1];

	r->state[0] = b;
	a ^= a << 23;
	r->state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return ((double)((r->state[1] + b) >> 11) + 0.5) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	double length, turn;

	if (r->have_spare) {
		r->have_spare = false;
		return r->spare;
	}
	length = sqrt(-2 * log(rng_uniform(r)));
	turn = 2 * M_PI * rng_uniform(r);
	r->spare = length * sin(turn);
	r->have_spare = true;
	return length * cos(turn);
}

double rng_exponential(struct rng *r)
{
	return -log(rng_uniform(r));
}

/* Far away from the seeds of other runs. */
#define JUMP_SEED UINT64_C(1000000)

static void jump(struct sim_world *w)
{
	double part = rng_uniform(&w->jump_rng) - 0.5;

	if (w->osc.jumps_add_up)
		w->jumped += 2 * part * w->osc.jump_most;
	else
		w->jumped = part * w->osc.jump_most;
}

static void new_second(struct sim_world *w)
{
	const struct sim_oscillator *o = &w->osc;
	double t = s_of_ns(w->now);
	bool later = o->wander_at > 0 && w->now >= o->wander_at;

	w->walk += (later ? o->wander_after : o->wander) * rng_normal(&w->rng);
	if (o->jump_every > 0 && rng_uniform(&w->jump_rng) * o->jump_every < 1)
		w->walk += o->jump * rng_normal(&w->jump_rng);
	if (o->jump_every_s > 0 &&
	    rng_uniform(&w->jump_rng) * o->jump_every_s < 1)
		jump(w);
	w->raw = o->freq + w->walk + w->jumped;
	if (o->sine_period > 0)
		w->raw += o->sine * sin(2 * M_PI * t / o->sine_period);
	if (o->step_at > 0 && w->now >= o->step_at)
		w->raw += o->step;
	if (o->boot_at > 0 && w->now >= o->boot_at)
		w->raw +=
		    o->cold * exp(-s_of_ns(w->now - o->boot_at) / o->warm_s);
}

void sim_world_init(struct sim_world *w, uint64_t seed,
    const struct sim_oscillator *osc, double offset_s)
{
	*w = (struct sim_world){
	    .seed = seed,
	    .osc = *osc,
	    .wall = {SIM_EPOCH_NS + ns_of_s(offset_s)},
	};
	rng_seed(&w->rng, seed);
	rng_seed(&w->jump_rng, seed + JUMP_SEED);
	new_second(w);
}

static void run(int64_t *ns, double *part, int64_t dt, double excess)
{
	double more = *part + (double)dt * excess;
	double whole = floor(more);

	*ns += dt + (int64_t)whole;
	*part = more - whole;
}

void sim_world_advance(struct sim_world *w, int64_t to)
{
	int64_t dt = to - w->now;
	double excess = w->raw + w->adjust + w->raw * w->adjust;

	assert(dt >= 0 &&
	       to / NS_PER_S - (to % NS_PER_S == 0) <= w->now / NS_PER_S);
	run(&w->wall.ns, &w->wall_part, dt, excess);
	run(&w->mono.ns, &w->mono_part, dt, excess);
	w->now = to;
	if (dt > 0 && to % NS_PER_S == 0)
		new_second(w);
}

int64_t sim_world_when(const struct sim_world *w, struct mono m)
{
	double rate = (1 + w->raw) * (1 + w->adjust);

	if (m.ns >= INT64_MAX / 2)
		return INT64_MAX;
	return w->now + (int64_t)ceil((double)(m.ns - w->mono.ns) / rate);
}

double sim_world_error_s(const struct sim_world *w)
{
	return s_of_ns(w->wall.ns - SIM_EPOCH_NS - w->now) +
	       w->wall_part * 1e-9;
}

double sim_world_max_error_s(const struct sim_world *w)
{
	return s_of_ns(w->status.max_error_ns) +
	       500e-6 * s_of_ns(w->mono.ns - w->status_at.ns);
}

static struct wall read_wall(void *self)
{
	return ((struct sim_world *)self)->wall;
}

static int look(void *self, struct kernel_found *found)
{
	*found = (struct kernel_found){
	    .freq_ppm = ((struct sim_world *)self)->adjust * 1e6,
	    .leap = ((struct sim_world *)self)->status.leap,
	};
	return 0;
}

/* Linux rounds to 2^-16 ppm. */
static int set_freq(void *self, double freq_ppm, double *became_ppm)
{
	*became_ppm = nearbyint(freq_ppm * 65536) / 65536;
	((struct sim_world *)self)->adjust = *became_ppm * 1e-6;
	return 0;
}

static int step(void *self, int64_t step_ns)
{
	struct sim_world *w = self;

	w->wall.ns += step_ns;
	return 0;
}

static int set_status(void *self, const struct kernel_status *status)
{
	struct sim_world *w = self;

	w->status = *status;
	w->status_at = w->mono;
	return 0;
}

static int disarm(void *self)
{
	((struct sim_world *)self)->status.leap = LEAP_NONE;
	return 0;
}

struct clock_ops sim_world_clock(struct sim_world *w)
{
	return (struct clock_ops){
	    .now = read_wall,
	    .look = look,
	    .set_freq = set_freq,
	    .step = step,
	    .set_status = set_status,
	    .disarm = disarm,
	    .self = w,
	};
}

#define DAY_NS (24 * 3600 * NS_PER_S)

/* A number from 0 to 1 that depends on the seed and these three alone. */
static double fixed_uniform(
    const struct sim_world *w, unsigned number, unsigned salt, int64_t slot)
{
	uint64_t z = mix(w->seed + UINT64_C(0x9e3779b97f4a7c15));

	z = mix(z ^ ((uint64_t)number << 32 | salt));
	z = mix(z + (uint64_t)slot);
	return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

/* In each slot, the level changes with this probability. */
#define LEVEL_SLOTS 16
enum { SALT_CHANGE, SALT_UP, SALT_DOWN };

/* Which share of way.levels adds to the base delay. */
static double level(
    const struct sim_world *w, const struct sim_server *s, unsigned salt)
{
	const struct levels *l = &s->levels;
	int64_t slot = w->now / (l->every / (l->regular ? 1 : LEVEL_SLOTS));
	double share;

	while (!l->regular && slot > 0 &&
	       fixed_uniform(w, s->number, SALT_CHANGE, slot) * LEVEL_SLOTS > 1)
		slot--;
	share = fixed_uniform(w, s->number, l->alike ? SALT_UP : salt, slot);
	if (l->count > 0)
		share = floor(share * l->count) / (l->count - 1);
	return share;
}

static double base_delay(const struct sim_world *w, const struct sim_server *s,
    const struct way *way)
{
	double base = way->base;

	if (way->creep > 0)
		base += way->creep * sin(2 * M_PI * (double)w->now /
					 (double)s->creep_period);
	if (way->levels > 0)
		base += way->levels *
			level(w, s, way == &s->up ? SALT_UP : SALT_DOWN);
	if (w->now < s->start_over)
		base += way->start_base;
	return base;
}

/* Delays other than the queue; a random number is drawn only where needed. */
static double jitter(
    struct sim_world *w, const struct sim_server *s, const struct way *way)
{
	double delay = 0;

	if (way->normal > 0)
		delay += way->normal * rng_normal(&w->rng);
	if (way->uniform > 0)
		delay += way->uniform * rng_uniform(&w->rng);
	if (way->start_queue > 0 && w->now < s->start_over)
		delay += way->start_queue * rng_exponential(&w->rng);
	if (way->spike > 0 && rng_uniform(&w->rng) < s->spike_share)
		delay += way->spike *
			 (s->spike_fixed ? 1 : rng_exponential(&w->rng));
	return delay;
}

static int64_t travel(struct sim_world *w, const struct sim_server *s,
    const struct way *way, double more)
{
	double queue = 0, delay;

	for (unsigned i = 0; i < way->shape; i++)
		queue += rng_exponential(&w->rng) / way->shape;
	if (way->rush > 0 && w->now % DAY_NS < s->rush_time)
		queue *= way->rush;
	if (way->turn > 0 &&
	    w->now / s->turn_time % 2 == (way == &s->up ? 0 : 1))
		queue *= way->turn;
	if (s->spikes > 0 && rng_uniform(&w->rng) < s->spikes)
		queue *= 50;
	delay = base_delay(w, s, way) + more + way->queue * queue +
		jitter(w, s, way);
	return ns_of_s(fmax(delay, 0));
}

static bool reachable(const struct sim_world *w, const struct sim_server *s)
{
	if (w->now >= s->gap_from && w->now < s->gap_until)
		return false;
	return s->daily == 0 || w->now % DAY_NS >= DAY_NS - s->daily;
}

static bool rerouted(struct sim_world *w, const struct sim_server *s)
{
	if (s->route_at <= 0 || w->now < s->route_at)
		return false;
	if (s->route_share > 0)
		return rng_uniform(&w->rng) < s->route_share;
	return s->route_turns <= 0 ||
	       (w->now - s->route_at) / s->route_turns % 2 == 0;
}

double sim_world_ahead_s(const struct sim_world *w, const struct sim_server *s)
{
	double t = s_of_ns(w->now), ahead = s->offset;

	if (s->period > 0)
		ahead += s->wobble * sin(2 * M_PI * t / s->period);
	if (w->now >= s->lie_from && w->now < s->lie_until)
		ahead += s->lie + s->lie_freq * s_of_ns(w->now - s->lie_from);
	if (w->now >= s->slew_from && s->slew_until > 0)
		ahead +=
		    s->slew_freq *
		    s_of_ns((w->now < s->slew_until ? w->now : s->slew_until) -
			    s->slew_from);
	return ahead;
}

bool sim_world_trip(
    struct sim_world *w, const struct sim_server *s, struct trip *out)
{
	bool moved = rerouted(w, s);
	int64_t up = travel(w, s, &s->up, moved ? s->route_up : 0);
	int64_t down = travel(w, s, &s->down, moved ? s->route_down : 0);
	bool lost =
	    rng_uniform(&w->rng) < s->loss || rng_uniform(&w->rng) < s->loss;

	out->arrives = w->now + up;
	out->server_reads =
	    SIM_EPOCH_NS + out->arrives + ns_of_s(sim_world_ahead_s(w, s));
	out->returns = out->arrives + SERVER_TIME_NS + down;
	return !lost && reachable(w, s);
}
