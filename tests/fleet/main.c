/*
 * What a fleet of agents does to its key servers; README.md of this folder.
 *
 *   fleet [AGENTS [WORLD]]   the figures of all worlds, or of those whose names
 *                            contain WORLD, and the rates over time
 *   fleet --sizes            fleets of 1000 to 30,000 agents
 *   fleet --check            500 agents; fails if a figure is beyond its limit
 */
#include "tests/fleet/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENTS 10000
#define AGENTS_CHECKED 500
#define AGENTS_MAX 100000
#define HOUR_S 3600

static const struct world worlds[] = {
    {.name = "no limit", .kind = SERVER_QUEUES, .length_s = 30},
    {.name = "closes above 100", .kind = SERVER_CLOSES, .length_s = 30},
    {.name = "ignores above 100", .kind = SERVER_IGNORES, .length_s = 30},
    {.name = "one of three is down",
	.kind = SERVER_CLOSES,
	.one_down = true,
	.length_s = 30},
    {.name = "ten times slower",
	.kind = SERVER_CLOSES,
	.slower = 10,
	.length_s = 300},
    {.name = "the network is back after an hour",
	.kind = SERVER_CLOSES,
	.network_s = HOUR_S,
	.settled_s = HOUR_S,
	.length_s = HOUR_S + 300},
    {.name = "the same, and the link was seen",
	.kind = SERVER_CLOSES,
	.network_s = HOUR_S,
	.link_seen = true,
	.settled_s = HOUR_S,
	.length_s = HOUR_S + 60},
    {.name = "cookie keys are lost",
	.kind = SERVER_CLOSES,
	.restart_s = 120,
	.settled_s = 120,
	.length_s = 200},
    {.name = "saved keys",
	.kind = SERVER_CLOSES,
	.saved = true,
	.length_s = 30},
};

/* What the figures of a world come to. */
struct summary {
	double s50, s99, s100; /* until so many % are synchronised */
	double connects;       /* of an agent, with one server */
	double keyed;	       /* until 99 % have the keys of server 0, s */
	double idle_s; /* of that time: server 0 idle, and clients wait */
	uint64_t connects_most, requests_most; /* in a second */
};

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double percentile_s(
    const struct world *w, const int64_t *sorted, size_t count, double share)
{
	int64_t ns = sorted[(size_t)(share * (double)(count - 1))];

	return ns == INT64_MAX ? -1 : s_of_ns(ns) - (double)w->settled_s;
}

static uint64_t most(const uint64_t *in)
{
	uint64_t out = 0;

	for (int i = 0; i < SECONDS_MAX; i++)
		if (in[i] > out)
			out = in[i];
	return out;
}

static uint64_t sum(const uint64_t *in)
{
	uint64_t out = 0;

	for (int i = 0; i < SECONDS_MAX; i++)
		out += in[i];
	return out;
}

static double idle_s(const struct figures *g, double until_s)
{
	int64_t out_ns = 0;

	for (int i = 0; i < SECONDS_MAX && i < until_s; i++)
		out_ns += g->idle_ns_in[i];
	return s_of_ns(out_ns);
}

static void summarise(struct fleet *f, struct summary *out)
{
	struct figures *g = &f->figures;
	size_t n = f->agents;

	qsort(g->synchronised_ns, n, sizeof(int64_t), by_size);
	qsort(g->keyed_ns, n, sizeof(int64_t), by_size);
	*out = (struct summary){
	    .s50 = percentile_s(f->world, g->synchronised_ns, n, 0.5),
	    .s99 = percentile_s(f->world, g->synchronised_ns, n, 0.99),
	    .s100 = percentile_s(f->world, g->synchronised_ns, n, 1),
	    .connects = (double)sum(g->connects_in) / (double)n,
	    .keyed = percentile_s(f->world, g->keyed_ns, n, 0.99),
	    .connects_most = most(g->connects_in),
	    .requests_most = most(g->requests_in),
	};
	out->idle_s = idle_s(g, out->keyed);
}

static void print_heading(unsigned agents, unsigned scale)
{
	printf("%u agents, %d servers; an exchange takes %.0f us of a "
	       "processor\n",
	    agents, SERVERS, scale * (double)KEY_SERVER_EXCHANGE_NS / 1e3);
	printf("%-34s %7s %7s %7s %9s %7s %7s %9s %10s\n", "", "50 %", "99 %",
	    "100 %", "connects", "keys", "idle", "connects", "requests");
	printf("%-34s %23s %9s %7s %7s %9s %10s\n", "", "synchronised after s",
	    "each", "99 %, s", "s", "most/s", "most/s");
}

/* The width of a row grows with the time. */
static int width_at(int second)
{
	return second < 10 ? 1 : second < 60 ? 10 : second < 600 ? 60 : 600;
}

static void print_rate(const char *what, const uint64_t *in, int length_s)
{
	printf("    %-10s", what);
	for (int at = 0; at < length_s; at += width_at(at)) {
		uint64_t n = 0;

		for (int i = at; i < at + width_at(at) && i < length_s; i++)
			n += in[i];
		printf(" %.0f", (double)n / width_at(at));
	}
	printf("\n");
}

static void print_world(
    const struct fleet *f, const struct summary *s, unsigned scale)
{
	const struct figures *g = &f->figures;
	int length_s = (int)(f->world->length_s - f->world->settled_s);

	printf("%-34s %7.1f %7.1f %7.1f %9.2f %7.1f %7.1f %9llu %10llu\n",
	    f->world->name, s->s50, s->s99, s->s100, s->connects, s->keyed,
	    s->idle_s, (unsigned long long)s->connects_most,
	    (unsigned long long)s->requests_most);
	/* The check is short. */
	if (scale > 1)
		return;
	print_rate("connects/s", g->connects_in, length_s);
	print_rate("served/s", g->served_in, length_s);
	print_rate("requests/s", g->requests_in, length_s);
	fflush(stdout);
}

static void run_world(
    const struct world *w, unsigned agents, unsigned scale, struct summary *out)
{
	static struct fleet f;

	fleet_run(&f, w, agents, scale);
	summarise(&f, out);
	print_world(&f, out, scale);
	fleet_free(&f);
}

static int bench(unsigned agents, const char *part)
{
	struct summary s;

	print_heading(agents, 1);
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		if (strstr(worlds[i].name, part))
			run_world(&worlds[i], agents, 1, &s);
	return 0;
}

static const struct world *world_called(const char *name)
{
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		if (strcmp(worlds[i].name, name) == 0)
			return &worlds[i];
	abort();
}

/* How many clients do the servers carry that start at one moment? */
static int bench_sizes(void)
{
	static const unsigned sizes[] = {1000, 3000, 10000, 30000};
	struct summary s;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		print_heading(sizes[i], 1);
		run_world(world_called("no limit"), sizes[i], 1, &s);
		run_world(world_called("closes above 100"), sizes[i], 1, &s);
	}
	return 0;
}

/* Nobody can know that the network is back: the servers idle meanwhile. */
#define NOT_JUDGED (-1)

/* 500 agents and servers that are as much slower behave like 10,000. */
static const struct limit {
	const char *world;
	double s99, s100; /* s */
	double least, connects;
	double idle_s;
} limits[] = {
    {"no limit", 6, 7, 1, 1.01, 0.1},
    {"closes above 100", 7, 12, 1.2, 1.4, 3.2},
    {"ignores above 100", 10, 15, 1, 1.6, 5},
    {"one of three is down", 10, 15, 1.3, 1.55, 4.2},
    {"ten times slower", 60, 80, 4, 6, 25},
    {"the network is back after an hour", 180, 200, 0.9, 1.1, NOT_JUDGED},
    {"the same, and the link was seen", 7, 12, 1.2, 1.45, 6},
    {"cookie keys are lost", 20, 40, 1, 1.1, 6},
    {"saved keys", 0.5, 0.5, 0, 0, 0},
};

static bool within(double value, double most)
{
	return value >= 0 && value <= most;
}

static bool good(const struct limit *l, const struct summary *s)
{
	return within(s->s99, l->s99) && within(s->s100, l->s100) &&
	       s->connects >= l->least && s->connects <= l->connects &&
	       (l->idle_s == NOT_JUDGED || s->idle_s <= l->idle_s);
}

static int check(void)
{
	unsigned passed = 0, failed = 0;
	struct summary s;

	print_heading(AGENTS_CHECKED, AGENTS / AGENTS_CHECKED);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct limit *l = &limits[i];

		run_world(world_called(l->world), AGENTS_CHECKED,
		    AGENTS / AGENTS_CHECKED, &s);
		if (good(l, &s)) {
			passed++;
			continue;
		}
		failed++;
		printf("FAILED %s: 99 %% within %.1f s, all within %.1f s, "
		       "%.2f to %.2f connects, %.1f s idle are allowed\n",
		    l->world, l->s99, l->s100, l->least, l->connects,
		    l->idle_s);
	}
	printf("fleet: %u passed, %u failed\n", passed, failed);
	return failed > 0;
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";
	int agents = argc > 1 ? atoi(first) : AGENTS;

	if (argc == 2 && strcmp(first, "--check") == 0)
		return check();
	if (argc == 2 && strcmp(first, "--sizes") == 0)
		return bench_sizes();
	if (argc > 3 || agents < 1 || agents > AGENTS_MAX) {
		fputs("usage: fleet [AGENTS [WORLD]] | fleet --sizes | "
		      "fleet --check\n",
		    stderr);
		return 2;
	}
	return bench((unsigned)agents, argc > 2 ? argv[2] : "");
}
