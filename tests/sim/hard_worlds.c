#include "tests/sim/hard_worlds.h"

#include <math.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)

/* clang-format off */
const struct row hard_rows[] = {
	/* One way or both queue more from the start until a time. */
	{"lan", "hard-queue_down_4m", 1e-9, 1, 4, 8, 12.37, 32.8, 42.5, 0, 8.9},
	{"lan", "hard-queue_down_4m", 1e-9, 4, 4, 8, 14.79, 36.5, 47.1, 0, 3.9},
	{"lan", "hard-queue_down_4m", 1e-9, 1, 6, 10, 18.33, 57.6, 76.2, 0, 16},
	{"inet", "hard-queue_down_10m", 1e-9, 1, 6, 6, 257.77, 838.3, 1029.6, 0, 0},
	{"inet", "hard-queue_down_10m", 1e-9, 4, 6, 6, 223.29, 674.3, 706.4, 0, 0},
	{"inet", "hard-queue_down_10m", 1e-9, 1, 6, 10, 879.18, 1483.9, 1503.2, 0, 0},
	{"metro", "hard-queue_down_10m", 1e-9, 1, 4, 8, 111.52, 309.9, 333.4, 0, 0},
	{"metro", "hard-queue_both_10m", 1e-9, 1, 6, 6, 36.58, 89.8, 110.5, 0, 26},
	{"metro", "hard-queue_up_30m", 1e-9, 1, 6, 10, 180.92, 421.0, 430.0, 0, 170},
	{"lan", "hard-queue_up_30m", 1e-9, 4, 6, 10, 24.55, 91.4, 96.2, 0, 8.8},
	{"inet", "hard-queue_down_6h", 1e-9, 1, 6, 6, 192.81, 767.1, 865.9, 0, 0},
	{"metro", "hard-queue_down_6h", 1e-9, 4, 4, 8, 106.86, 297.1, 303.2, 0, 0},
	/* A full buffer from the start until a time: its queue hardly varies. */
	{"lan", "hard-buffer_down_4m", 1e-9, 1, 4, 8, 11.83, 37.0, 44.1, 0, 11},
	{"metro", "hard-buffer_down_10m", 1e-9, 1, 4, 8, 122.24, 295.9, 360.6, 0, 110},
	{"inet", "hard-buffer_down_10m", 1e-9, 4, 6, 6, 211.09, 674.2, 707.7, 0, 52},
	{"inet", "hard-buffer_down_10m", 1e-9, 1, 6, 10, 864.89, 1544.6, 1583.8, 0, 820},
	/* A detour from the start until a time. */
	{"lan", "hard-detour_up_10m", 1e-9, 1, 4, 8, 12.48, 36.5, 45.2, 0, 8.4},
	{"metro", "hard-detour_up_10m", 1e-9, 1, 6, 6, 40.96, 108.4, 138.5, 0, 27},
	{"inet", "hard-detour_up_30m", 1e-9, 4, 6, 10, 500.76, 1113.4, 1399.7, 0, 0},
	{"metro", "hard-detour_both_30m", 1e-9, 1, 6, 10, 161.23, 397.5, 423.1, 0, 0},
	{"inet", "hard-detour_down_6h", 1e-9, 1, 6, 6, 212.83, 697.9, 857.1, 0, 93},
	/* Another level of the base delay at random times. */
	{"lan", "hard-levels_up", 1e-9, 1, 4, 8, 19.21, 49.6, 71.6, 0, 17},
	{"metro", "hard-levels_up", 1e-9, 1, 6, 6, 293.36, 545.0, 647.9, 0, 200},
	{"inet", "hard-levels_up", 1e-9, 1, 6, 10, 1845.11, 5128.5, 5630.9, 0, 960},
	{"inet", "hard-levels_up", 1e-9, 4, 6, 6, 2270.14, 3876.3, 4269.4, 0, 890},
	{"metro", "hard-levels_both", 1e-9, 1, 6, 6, 221.50, 494.9, 664.2, 0, 0},
	{"inet", "hard-levels_both", 1e-9, 1, 6, 10, 2436.05, 6108.0, 7050.8, 0, 0},
	{"metro", "hard-levels_both", 1e-9, 4, 4, 8, 136.85, 388.4, 432.9, 0, 0},
	{"lan", "hard-four_levels_up", 1e-9, 1, 6, 6, 15.90, 35.8, 46.4, 0, 15},
	{"inet", "hard-four_levels_up", 1e-9, 1, 6, 6, 2447.11, 5538.5, 6479.9, 0, 480},
	{"metro", "hard-four_levels_both", 1e-9, 1, 6, 10, 361.93, 892.8, 1014.5, 0, 0},
	/* The base delay creeps. */
	{"inet", "hard-creep_both_24h", 1e-9, 1, 6, 6, 111.99, 270.3, 667.2, 0, 110},
	{"inet", "hard-creep_both_24h", 1e-9, 4, 6, 6, 62.43, 156.7, 184.4, 0, 0},
	{"metro", "hard-creep_both_24h", 1e-9, 1, 6, 10, 155.38, 426.7, 505.7, 0, 0},
	{"lan", "hard-creep_both_24h", 1e-9, 1, 4, 8, 11.40, 33.3, 48.9, 0, 9.8},
	{"inet", "hard-creep_both_12h", 1e-9, 1, 6, 10, 445.95, 1318.4, 1348.3, 0, 0},
	{"metro", "hard-creep_up_24h", 1e-9, 1, 6, 6, 80.91, 162.7, 199.5, 0, 0},
	{"inet", "hard-creep_up_12h", 1e-9, 1, 6, 6, 388.98, 692.1, 858.2, 0, 0},
	/* Rare long spikes. */
	{"lan", "hard-spikes", 1e-9, 1, 6, 10, 11.02, 50.1, 77.8, 0, 3.9},
	{"lan", "hard-spikes", 1e-9, 1, 6, 6, 3.00, 9.1, 16.7, 0, 2.2},
	{"lan", "hard-spikes", 1e-9, 1, 4, 8, 7.78, 27.6, 55.2, 0, 4.2},
	{"lan", "hard-fixed_spikes", 1e-9, 1, 6, 10, 7.82, 29.1, 46.5, 0, 0},
	{"metro", "hard-fixed_spikes", 1e-9, 4, 6, 6, 3.67, 10.0, 15.9, 0, 0},
	/* Delays without a low edge, or with a blurred one. */
	{"inet", "hard-normal", 1e-9, 1, 6, 6, 210.58, 623.0, 1407.5, 0, 190},
	{"lan", "hard-normal", 1e-9, 1, 4, 8, 13.47, 36.0, 52.5, 0, 12},
	{"metro", "hard-normal", 1e-9, 4, 6, 10, 222.62, 571.2, 606.6, 0, 120},
	{"inet", "hard-lopsided_normal", 1e-9, 1, 6, 6, 1234.04, 1705.8, 1738.8, 0, 150},
	{"lan", "hard-lopsided_normal", 1e-9, 1, 6, 10, 11.19, 33.7, 54.0, 0, 0},
	{"metro", "hard-gamma", 1e-9, 1, 6, 6, 46.14, 124.7, 207.0, 0, 0},
	{"inet", "hard-gamma", 1e-9, 4, 6, 10, 599.02, 1429.5, 1457.5, 0, 420},
	{"inet", "hard-satellite", 1e-9, 1, 6, 10, 804.66, 2354.4, 2590.8, 0, 760},
	{"inet", "hard-satellite", 1e-9, 1, 4, 8, 459.40, 1114.8, 1174.3, 0, 0},
	{"metro", "hard-uniform_up", 1e-9, 1, 6, 6, 98.73, 281.0, 625.5, 0, 91},
	{"inet", "hard-uniform_up", 1e-9, 1, 6, 10, 1191.18, 2076.1, 2124.7, 0, 0},
	{"inet", "hard-workday_down", 1e-9, 1, 6, 6, 465.64, 1605.5, 4264.0, 0, 120},
	{"metro", "hard-workday_down", 1e-9, 1, 6, 10, 302.25, 1095.9, 1356.2, 0, 0},
	{"metro", "hard-half_lost", 1e-9, 1, 6, 6, 85.10, 246.3, 333.0, 0, 0},
	{"inet", "hard-half_lost", 1e-9, 1, 6, 10, 1168.90, 2748.3, 2977.2, 0, 0},
	/* One way gets shorter for good: nobody can see its direction. */
	{"metro", "hard-shorter_up", 1e-9, 1, 6, 6, 386.72, 565.5, 667.6, 0, 0},
	{"inet", "hard-shorter_up", 1e-9, 1, 6, 10, 3931.88, 6101.5, 6120.6, 0, 0},
	{"lan", "hard-shorter_up", 1e-9, 1, 4, 8, 22.41, 52.7, 65.5, 0, 0},
	/* The server's clock, or the machine's, changes. */
	{"inet", "hard-server_slews", 1e-9, 1, 6, 10, 1537.84, 3560.7, 12400.2, 0, 560},
	{"lan", "hard-server_slews", 1e-9, 1, 6, 10, 16.99, 58.6, 70.3, 0, 0},
	{"lan", "hard-step_1ppm", 1e-9, 1, 6, 10, 24.77, 88.2, 307.8, 0, 14},
	{"lan", "hard-step_5ppm", 1e-9, 1, 4, 8, 33.26, 34.6, 1097.0, 0, 0},
	{"inet", "hard-step_5ppm", 1e-9, 4, 6, 10, 1789.85, 9754.6, 11754.6, 0, 0},
	{"lan", "hard-jumps", 1e-9, 1, 4, 8, 23.11, 123.4, 389.6, 0, 11},
	{"metro", "hard-jumps", 1e-9, 1, 6, 6, 47.43, 162.6, 534.0, 0, 42},
	/* No answer for some time. The RMS depends on few random numbers: these
	 * rows are for the bound and the estimated error. */
	{"lan", "hard-silence_1h", 1e-9, 1, 6, 6, 17.40, 109.6, 145.7, 0, 0},
	{"inet", "hard-silence_24h", 1e-9, 1, 6, 10, 6991.28, 16057.0, 16397.5, 0, 0},
	{"lan", "hard-silence_24h", 1e-9, 4, 4, 8, 4416.23, 12138.3, 12613.6, 0, 0},
	{"lan", "hard-silence_jumps", 1e-9, 1, 6, 6, 19363.18, 57997.2, 60572.5, 0, 0},
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
