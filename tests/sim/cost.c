#include "tests/sim/cost.h"

#include "base/check.h"
#include "tests/sim/run.h"

#include <stdio.h>

#define SHORT_S 300
#define LONG_S 14400
/* What the estimator may cost, with any number of sources: the mean of all
 * samples of the long run, and the longest time in which the engine does
 * nothing else. */
#define SAMPLE_MOST_S 50e-6
#define TURN_MOST_S 2e-3

/* LAN servers at poll 4. In the middle, one of them is wrong for a while, so
 * that the filter starts again twice. */
static void scenario_of(unsigned servers, int64_t seconds, struct scenario *out)
{
	*out = (struct scenario){
	    .osc = {.freq = 3e-5, .wander = 1e-9},
	    .offset_s = 0.5,
	    .servers = servers,
	    .minpoll = 4,
	    .maxpoll = 4,
	    .length = seconds * NS_PER_S,
	};
	for (unsigned i = 0; i < servers; i++) {
		out->server[i].number = i;
		out->server[i].up = out->server[i].down =
		    (struct way){.base = 100e-6, .queue = 10e-6, .shape = 1};
	}
	if (servers < 3)
		return;
	out->server[servers - 1].lie_from = out->length / 2;
	out->server[servers - 1].lie_until = out->length / 2 + 900 * NS_PER_S;
	out->server[servers - 1].lie = 5;
}

/* Prints a row. False: it costs too much. */
static bool show(unsigned servers, int64_t seconds, const struct outcome *o)
{
	bool dear = seconds == LONG_S && o->cpu_per_sample > SAMPLE_MOST_S;
	bool blocks = o->longest_turn > TURN_MOST_S;

	printf("%7u %7d %9lu %12.1f %12.1f %16.2f%s%s\n", servers, (int)seconds,
	    o->samples, o->cpu_per_sample * (double)o->samples * 1e3,
	    o->cpu_per_sample * 1e6, o->longest_turn * 1e3,
	    dear ? "  FAILED: a sample costs more than 50 us" : "",
	    blocks ? "  FAILED: a turn takes longer than 2 ms" : "");
	return !dear && !blocks;
}

bool bench_cost(void)
{
	static const unsigned servers[] = {1, 4, 16};
	static const int64_t seconds[] = {SHORT_S, LONG_S};
	struct scenario s;
	struct outcome o;
	bool ok = true;

	printf("%7s %7s %9s %12s %12s %16s\n", "sources", "seconds", "samples",
	    "all, ms", "a sample, us", "longest turn, ms");
	for (unsigned k = 0; k < ARRAY_LEN(seconds); k++)
		for (unsigned i = 0; i < ARRAY_LEN(servers); i++) {
			scenario_of(servers[i], seconds[k], &s);
			if (!run_scenario(&s, 1, &o))
				return false;
			ok &= show(servers[i], seconds[k], &o);
		}
	return ok;
}
