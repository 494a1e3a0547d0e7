#include "tests/sim/hard.h"

#include <math.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)

/* clang-format off */
const struct row hard_rows[] = {
	/* One way or both queue more from the start until a time. */
	{"lan", "hard-queue_down_4m", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "hard-queue_down_4m", 1e-9, 4, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "hard-queue_down_4m", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-queue_down_10m", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-queue_down_10m", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-queue_down_10m", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-queue_down_10m", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-queue_both_10m", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "hard-queue_up_30m", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-queue_up_30m", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-queue_down_6h", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "hard-queue_down_6h", 1e-9, 4, 4, 8, 0, 0, 0, 0, 0},
	/* A full buffer from the start until a time: its queue hardly varies. */
	{"lan", "hard-buffer_down_4m", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-buffer_down_10m", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"inet", "hard-buffer_down_10m", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-buffer_down_10m", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	/* A detour from the start until a time. */
	{"lan", "hard-detour_up_10m", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-detour_up_10m", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-detour_up_30m", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-detour_both_30m", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-detour_down_6h", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	/* Another level of the base delay at random times. */
	{"lan", "hard-levels_up", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-levels_up", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-levels_up", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-levels_up", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "hard-levels_both", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-levels_both", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-levels_both", 1e-9, 4, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "hard-four_levels_up", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-four_levels_up", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "hard-four_levels_both", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	/* The base delay creeps. */
	{"inet", "hard-creep_both_24h", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-creep_both_24h", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "hard-creep_both_24h", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-creep_both_24h", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"inet", "hard-creep_both_12h", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-creep_up_24h", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-creep_up_12h", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	/* Rare long spikes. */
	{"lan", "hard-spikes", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-spikes", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "hard-spikes", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "hard-fixed_spikes", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-fixed_spikes", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	/* Delays without a low edge, or with a blurred one. */
	{"inet", "hard-normal", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "hard-normal", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-normal", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-lopsided_normal", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "hard-lopsided_normal", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-gamma", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-gamma", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-satellite", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-satellite", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-uniform_up", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-uniform_up", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "hard-workday_down", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "hard-workday_down", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "hard-half_lost", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-half_lost", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	/* One way gets shorter for good: nobody can see its direction. */
	{"metro", "hard-shorter_up", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-shorter_up", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-shorter_up", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	/* The server's clock, or the machine's, changes. */
	{"inet", "hard-server_slews", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-server_slews", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-step_1ppm", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-step_5ppm", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"inet", "hard-step_5ppm", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-jumps", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "hard-jumps", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	/* No answer for some time. */
	{"lan", "hard-silence_1h", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "hard-silence_24h", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "hard-silence_24h", 1e-9, 4, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "hard-silence_jumps", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
};
/* clang-format on */
const unsigned hard_row_count = sizeof(hard_rows) / sizeof(hard_rows[0]);

enum { UP = 1, DOWN = 2, BOTH = 3 };

struct kind {
	const char *name;
	void (*apply)(struct scenario *s, const struct kind *k);
	unsigned ways; /* which of them change */
	double size;   /* its meaning is stated at each apply function */
	int64_t time;
};

static unsigned ways_of(struct scenario *s, const struct kind *k,
    struct way *found[2 * SIM_SERVERS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->servers; i++) {
		if (k->ways & UP)
			found[n++] = &s->server[i].up;
		if (k->ways & DOWN)
			found[n++] = &s->server[i].down;
	}
	return n;
}

/* The statistics begin twenty shortest polls after the event at `time`. */
static void watch_after(struct scenario *s, int64_t time)
{
	s->settled = time + 20 * (NS_PER_S << s->minpoll);
	s->length = s->settled + 12 * HOUR;
}

static void start_over(struct scenario *s, int64_t time)
{
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].start_over = time;
	watch_after(s, time);
}

/* size: the mean of the queue that is added, as a multiple of the base. */
static void start_queues(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++)
		way[i]->start_queue = k->size * way[i]->base;
	start_over(s, k->time);
}

/* size: the mean of the queue that is added, as a multiple of the base. Two
 * thirds of it are always there. */
static void start_buffers(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++) {
		way[i]->start_base = k->size * way[i]->base * 2 / 3;
		way[i]->start_queue = k->size * way[i]->base / 3;
	}
	start_over(s, k->time);
}

/* size: what the detour adds, as a multiple of the base. */
static void start_detour(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++)
		way[i]->start_base = k->size * way[i]->base;
	start_over(s, k->time);
}

/* size: the highest level, as a multiple of the base; time: mean time between
 * changes. */
static void levels(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++)
		way[i]->levels = k->size * way[i]->base;
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].levels.every = k->time;
}

static void four_levels(struct scenario *s, const struct kind *k)
{
	levels(s, k);
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].levels.count = 4;
}

/* Satellites in a low orbit. size: the largest change of both ways, s. */
static void satellite(struct scenario *s, const struct kind *k)
{
	levels(s, k);
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].up.levels = s->server[i].down.levels = k->size;
		s->server[i].levels.regular = true;
		s->server[i].levels.alike = true;
	}
}

/* size: the amplitude, as a multiple of the base; time: the period. */
static void creep(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++)
		way[i]->creep = k->size * way[i]->base;
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].creep_period = k->time;
}

/* Queues of 3 us, and a tenth of the packets is late. size: by how much on
 * average, s. */
static void spikes(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++) {
		way[i]->queue = 3e-6;
		way[i]->spike = k->size;
	}
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].spike_share = 0.1;
}

static void fixed_spikes(struct scenario *s, const struct kind *k)
{
	spikes(s, k);
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].spike_fixed = true;
}

/* The queue's mean becomes the standard deviation of normal jitter. size: of
 * the way down, as a multiple of that. */
static void normal(struct scenario *s, const struct kind *k)
{
	for (unsigned i = 0; i < s->servers; i++) {
		struct sim_server *server = &s->server[i];

		server->up.normal = server->up.queue;
		server->down.normal = k->size * server->down.queue;
		server->up.queue = server->down.queue = 0;
		server->up.shape = server->down.shape = 0;
	}
}

/* size: the shape; the standard deviation stays. */
static void gamma_queues(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++) {
		way[i]->queue *= sqrt(k->size);
		way[i]->shape = (unsigned)k->size;
	}
}

/* size: the largest jitter, s. */
static void uniform(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++)
		way[i]->uniform = k->size;
}

/* size: factor of the queues; time: how long on each day. */
static void workday(struct scenario *s, const struct kind *k)
{
	struct way *way[2 * SIM_SERVERS];
	unsigned n = ways_of(s, k, way);

	for (unsigned i = 0; i < n; i++)
		way[i]->rush = k->size;
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].rush_time = k->time;
}

/* size: the share of packets that each way loses. */
static void lossy(struct scenario *s, const struct kind *k)
{
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].loss = k->size;
}

/* size: by which part of the base the way up gets shorter; time: when. */
static void shorter(struct scenario *s, const struct kind *k)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].route_at = k->time;
		s->server[i].route_up = -k->size * s->server[i].up.base;
	}
	s->length = k->time + 12 * HOUR;
}

/* A wrong server becomes right in ten minutes. size: the slew, s/s; time: its
 * beginning. */
static void server_slews(struct scenario *s, const struct kind *k)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].offset = -600 * k->size;
		s->server[i].slew_from = k->time;
		s->server[i].slew_until = k->time + 10 * MINUTE;
		s->server[i].slew_freq = k->size;
	}
	watch_after(s, k->time + 10 * MINUTE);
}

/* size: the step of the frequency, s/s; time: when. */
static void freq_step(struct scenario *s, const struct kind *k)
{
	s->osc.step_at = k->time;
	s->osc.step = k->size;
	s->length = k->time + 12 * HOUR;
}

/* size: standard deviation of the steps of the frequency, s/s; time: mean time
 * between them. */
static void freq_jumps(struct scenario *s, const struct kind *k)
{
	s->osc.jump = k->size;
	s->osc.jump_every = s_of_ns(k->time);
}

/* No answer from the twentieth hour on. size: hours; the frequency swings by
 * 0.1 ppm in a day. */
static void silence(struct scenario *s, const struct kind *k)
{
	int64_t until = 20 * HOUR + (int64_t)(k->size * HOUR);

	s->osc.sine = 1e-7;
	s->osc.sine_period = 86400;
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].gap_from = 20 * HOUR;
		s->server[i].gap_until = until;
	}
	s->length = until + 4 * HOUR;
}

/* With steps of the frequency of 1 ppm. time: mean time between them. */
static void silence_jumps(struct scenario *s, const struct kind *k)
{
	silence(s, k);
	s->osc.jump = 1e-6;
	s->osc.jump_every = s_of_ns(k->time);
}

static const struct kind kinds[] = {
    {"hard-queue_down_4m", start_queues, DOWN, 20, 4 * MINUTE},
    {"hard-queue_down_10m", start_queues, DOWN, 2.5, 10 * MINUTE},
    {"hard-queue_both_10m", start_queues, BOTH, 5, 10 * MINUTE},
    {"hard-queue_up_30m", start_queues, UP, 10, 30 * MINUTE},
    {"hard-queue_down_6h", start_queues, DOWN, 2.5, 6 * HOUR},
    {"hard-buffer_down_4m", start_buffers, DOWN, 20, 4 * MINUTE},
    {"hard-buffer_down_10m", start_buffers, DOWN, 2.5, 10 * MINUTE},
    {"hard-detour_up_10m", start_detour, UP, 1, 10 * MINUTE},
    {"hard-detour_up_30m", start_detour, UP, 0.5, 30 * MINUTE},
    {"hard-detour_both_30m", start_detour, BOTH, 1, 30 * MINUTE},
    {"hard-detour_down_6h", start_detour, DOWN, 1, 6 * HOUR},
    {"hard-levels_up", levels, UP, 0.5, HOUR},
    {"hard-levels_both", levels, BOTH, 0.5, HOUR},
    {"hard-four_levels_up", four_levels, UP, 0.5, HOUR},
    {"hard-four_levels_both", four_levels, BOTH, 0.5, HOUR},
    {"hard-creep_both_24h", creep, BOTH, 0.1, 24 * HOUR},
    {"hard-creep_both_12h", creep, BOTH, 0.1, 12 * HOUR},
    {"hard-creep_up_24h", creep, UP, 0.1, 24 * HOUR},
    {"hard-creep_up_12h", creep, UP, 0.05, 12 * HOUR},
    {"hard-spikes", spikes, BOTH, 10e-3, 0},
    {"hard-fixed_spikes", fixed_spikes, BOTH, 10e-3, 0},
    {"hard-normal", normal, BOTH, 1, 0},
    {"hard-lopsided_normal", normal, BOTH, 0.2, 0},
    {"hard-gamma", gamma_queues, BOTH, 9, 0},
    {"hard-satellite", satellite, BOTH, 20e-3, 15 * NS_PER_S},
    {"hard-uniform_up", uniform, UP, 4e-3, 0},
    {"hard-workday_down", workday, DOWN, 20, 8 * HOUR},
    {"hard-half_lost", lossy, BOTH, 0.5, 0},
    {"hard-shorter_up", shorter, UP, 0.5, 12 * HOUR},
    {"hard-server_slews", server_slews, BOTH, 1e-4, 24 * HOUR},
    {"hard-step_1ppm", freq_step, BOTH, 1e-6, 24 * HOUR},
    {"hard-step_5ppm", freq_step, BOTH, -5e-6, 24 * HOUR},
    {"hard-jumps", freq_jumps, BOTH, 1e-6, 6 * HOUR},
    {"hard-silence_1h", silence, BOTH, 1, 0},
    {"hard-silence_24h", silence, BOTH, 24, 0},
    {"hard-silence_jumps", silence_jumps, BOTH, 24, 6 * HOUR},
};

bool hard_apply(const char *kind, struct scenario *s)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, kind) == 0) {
			kinds[i].apply(s, &kinds[i]);
			return true;
		}
	return false;
}
