#include "tests/sim/cost.h"

#include "base/check.h"
#include "tests/sim/run.h"

#include <stdio.h>

#define SHORT_S 300
#define LONG_S 14400

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

bool bench_cost(void)
{
	static const unsigned servers[] = {1, 4, 16};
	static const int64_t seconds[] = {SHORT_S, LONG_S};
	struct scenario s;
	struct outcome o;

	printf("%7s %7s %9s %12s %12s %16s\n", "sources", "seconds", "samples",
	    "all, ms", "a sample, us", "longest turn, ms");
	for (unsigned k = 0; k < ARRAY_LEN(seconds); k++)
		for (unsigned i = 0; i < ARRAY_LEN(servers); i++) {
			scenario_of(servers[i], seconds[k], &s);
			if (!run_scenario(&s, 1, &o))
				return false;
			printf("%7u %7d %9lu %12.1f %12.1f %16.2f\n",
			    servers[i], (int)seconds[k], o.samples,
			    o.cpu_per_sample * (double)o.samples * 1e3,
			    o.cpu_per_sample * 1e6, o.longest_turn * 1e3);
		}
	return true;
}
