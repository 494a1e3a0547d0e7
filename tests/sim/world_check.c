#include "tests/sim/world_check.h"

#include "tests/sim/hard_worlds.h"

#include <math.h>
#include <stdio.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)
/* How far a mean and a deviation may be from what is expected. */
#define MEAN_SHARE 0.1
#define LEAST_MS 0.15

/* Delays of one way, ms. */
struct law {
	double least, mean, sd;
};

/* What the packets of a kind of world meet between two instants, on a path of
 * 2 ms with queues of 0.2 ms. */
/* clang-format off */
static const struct expected {
	const char *kind;
	int64_t from, until;
	double heard; /* share of the requests that are answered */
	struct law up, down;
} table[] = {
#define QUIET {2, 2.2, 0.2}
    {"hard-queue_down_10m", 0, 10 * MINUTE, 1, QUIET, {2, 7.2, 5}},
    {"hard-queue_down_10m", 10 * MINUTE, HOUR, 1, QUIET, QUIET},
    {"hard-queue_up_30m", 0, 30 * MINUTE, 1, {2.1, 22.2, 20}, QUIET},
    {"hard-buffer_down_10m", 0, 10 * MINUTE, 1, QUIET, {5.33, 7.2, 1.68}},
    {"hard-buffer_down_10m", 10 * MINUTE, HOUR, 1, QUIET, QUIET},
    {"hard-detour_up_10m", 0, 10 * MINUTE, 1, {4, 4.2, 0.2}, QUIET},
    {"hard-detour_up_10m", 10 * MINUTE, HOUR, 1, QUIET, QUIET},
    {"hard-levels_up", 0, 400 * HOUR, 1, {2, 2.7, 0.35}, QUIET},
    {"hard-levels_both", 0, 400 * HOUR, 1, {2, 2.7, 0.35}, {2, 2.7, 0.35}},
    {"hard-four_levels_up", 0, 400 * HOUR, 1, {2, 2.7, 0.42}, QUIET},
    {"hard-creep_both_24h", 0, 12 * HOUR, 1, {2, 2.33, 0.21}, {2, 2.33, 0.21}},
    {"hard-creep_up_24h", 12 * HOUR, 24 * HOUR, 1, {1.8, 2.07, 0.21}, QUIET},
    {"hard-spikes", 0, 12 * HOUR, 1, {2, 3, 4.36}, {2, 3, 4.36}},
    {"hard-fixed_spikes", 0, 12 * HOUR, 1, {2, 3, 3}, {2, 3, 3}},
    {"hard-normal", 0, HOUR, 1, {1.3, 2, 0.2}, {1.3, 2, 0.2}},
    {"hard-lopsided_normal", 0, HOUR, 1, {1.3, 2, 0.2}, {1.86, 2, 0.04}},
    {"hard-gamma", 0, HOUR, 1, {2.12, 2.6, 0.2}, {2.12, 2.6, 0.2}},
    {"hard-satellite", 0, 12 * HOUR, 1, {2, 12.2, 5.77}, {2, 12.2, 5.77}},
    {"hard-uniform_up", 0, HOUR, 1, {2, 4.2, 1.17}, QUIET},
    {"hard-workday_down", 0, 8 * HOUR, 1, QUIET, {2, 6, 4}},
    {"hard-workday_down", 8 * HOUR, 24 * HOUR, 1, QUIET, QUIET},
    {"hard-half_lost", 0, HOUR, 0.25, QUIET, QUIET},
    {"hard-shorter_up", 11 * HOUR, 12 * HOUR, 1, QUIET, QUIET},
    {"hard-shorter_up", 12 * HOUR, 13 * HOUR, 1, {1, 1.2, 0.2}, QUIET},
    {"hard-silence_1h", 21 * HOUR, 22 * HOUR, 1, QUIET, QUIET},
#undef QUIET
};
/* clang-format on */

struct sums {
	unsigned long count;
	double least, sum, square;
};

static void add(struct sums *s, double ms)
{
	s->least = s->count == 0 ? ms : fmin(s->least, ms);
	s->sum += ms;
	s->square += ms * ms;
	s->count++;
}

static bool obeys(const struct sums *s, const struct law *law)
{
	double mean = s->sum / (double)s->count;
	double sd = sqrt(s->square / (double)s->count - mean * mean);

	return fabs(s->least - law->least) <= LEAST_MS &&
	       fabs(mean - law->mean) <= MEAN_SHARE * law->mean &&
	       fabs(sd - law->sd) <= MEAN_SHARE * law->sd;
}

static bool scenario_of(const char *kind, struct scenario *s)
{
	const struct row row = {.path = "metro",
	    .special = kind,
	    .servers = 1,
	    .minpoll = 6,
	    .maxpoll = 6};

	row_scenario(&row, s);
	return row_is_hard(&row);
}

/* Sends a request each second. */
static bool as_expected(const struct expected *e)
{
	struct sums up = {0}, down = {0};
	unsigned long sent = 0;
	struct sim_world w;
	struct scenario s;
	struct trip trip;

	if (!scenario_of(e->kind, &s))
		return false;
	sim_world_init(&w, 1, &s.osc, 0);
	for (w.now = e->from; w.now < e->until; w.now += NS_PER_S) {
		sent++;
		if (!sim_world_trip(&w, &s.server[0], &trip))
			continue;
		add(&up, s_of_ns(trip.arrives - w.now) * 1e3);
		add(&down, s_of_ns(trip.returns - trip.arrives) * 1e3 - 0.02);
	}
	return fabs((double)up.count - e->heard * (double)sent) <=
		   MEAN_SHARE * e->heard * (double)sent &&
	       obeys(&up, &e->up) && obeys(&down, &e->down);
}

/* How often the level of the way up changes in a hundred hours; 0 if the ways
 * are not alike although they must be. */
static unsigned level_changes(const char *kind)
{
	struct sim_world w;
	struct scenario s;
	struct trip trip;
	int64_t before = 0;
	unsigned changes = 0;

	if (!scenario_of(kind, &s))
		return 0;
	s.server[0].up.shape = s.server[0].down.shape = 0;
	sim_world_init(&w, 1, &s.osc, 0);
	for (w.now = 0; w.now < 100 * HOUR; w.now += NS_PER_S) {
		int64_t up, down;

		if (!sim_world_trip(&w, &s.server[0], &trip))
			return 0;
		up = trip.arrives - w.now;
		down = trip.returns - trip.arrives - 20 * NS_PER_US;
		if (s.server[0].levels.alike && up != down)
			return 0;
		changes += up != before;
		before = up;
	}
	return changes;
}

/* Linux adds 500 ppm of the elapsed time. */
static bool max_error_grows(void)
{
	const struct sim_oscillator perfect = {0};
	const struct kernel_status status = {.max_error_ns = NS_PER_MS};
	struct sim_world w;
	struct clock_ops clock;

	sim_world_init(&w, 1, &perfect, 0);
	clock = sim_world_clock(&w);
	if (clock.set_status(clock.self, &status) != 0)
		return false;
	for (unsigned i = 1; i <= 100; i++)
		sim_world_advance(&w, i * NS_PER_S);
	return fabs(sim_world_max_error_s(&w) - 51e-3) < 1e-9;
}

/* A cold oscillator is fast by 5 ppm, and by a factor of e less after 1200 s.
 */
static bool oscillator_warms_up(void)
{
	const struct sim_oscillator osc = {
	    .boot_at = 100 * NS_PER_S, .cold = 5e-6, .warm_s = 1200};
	struct sim_world w;
	double before, cold;

	sim_world_init(&w, 1, &osc, 0);
	for (unsigned i = 1; i < 100; i++)
		sim_world_advance(&w, i * NS_PER_S);
	before = w.raw;
	sim_world_advance(&w, 100 * NS_PER_S);
	cold = w.raw;
	for (unsigned i = 101; i <= 1300; i++)
		sim_world_advance(&w, i * NS_PER_S);
	return before == 0 && fabs(cold - 5e-6) < 1e-12 &&
	       fabs(w.raw - cold / M_E) < 1e-12;
}

static void count(
    bool good, const char *name, unsigned *passed, unsigned *failed)
{
	if (!good)
		printf("FAILED the world %s is not as described\n", name);
	*passed += good;
	*failed += !good;
}

void check_worlds(unsigned *passed, unsigned *failed)
{
	unsigned hourly = level_changes("hard-levels_up");
	unsigned regular = level_changes("hard-satellite");

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		count(as_expected(&table[i]), table[i].kind, passed, failed);
	count(
	    hourly > 70 && hourly < 130, "with hourly levels", passed, failed);
	count(
	    regular == 100 * 3600 / 15, "with regular levels", passed, failed);
	count(max_error_grows(), "of the kernel", passed, failed);
	count(oscillator_warms_up(), "of a cold oscillator", passed, failed);
}
