#include "tests/sim/oscillator_check.h"

#include "base/check.h"
#include "tests/sim/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A LAN, polls of 16 s. */
#define LENGTH_NS (1200 * NS_PER_S)
#define SETTLED_NS (120 * NS_PER_S)

static const struct row {
	double freq_ppm; /* of the oscillator; positive: fast */
	unsigned servers;
	/* Limits. 0: the clock is slow by more than 9.09 percent, or fast by
	 * more than 11.11, and so needs a correction of more than 10. */
	double below_100us_s, rms_us;
} rows[] = {
    {1065, 1, 30, 5},
    {-1274, 1, 30, 5},
    {1944, 3, 30, 5},
    {-8960, 1, 30, 5},
    {8960, 3, 30, 5},
    {-60000, 1, 30, 5},
    {12000, 3, 30, 5},
    {95000, 1, 30, 5},
    {-90000, 1, 30, 5},
    {120000, 1, 0, 0},
    {-95000, 1, 0, 0},
};
/* The bursts at the start, and a request each 16 s. */
#define BEYOND_PACKETS_MAX 300

static void set_scenario(const struct row *row, struct scenario *s)
{
	*s = (struct scenario){
	    .osc = {.freq = row->freq_ppm * 1e-6, .wander = 1e-9},
	    .offset_s = 0.1,
	    .servers = row->servers,
	    .minpoll = 4,
	    .maxpoll = 4,
	    .length = LENGTH_NS,
	    .settled = SETTLED_NS,
	    .each_second = true,
	};
	for (unsigned i = 0; i < row->servers; i++)
		s->server[i] = (struct sim_server){
		    .number = i,
		    .up = {.base = 100e-6, .queue = 10e-6, .shape = 1},
		    .down = {.base = 100e-6, .queue = 10e-6, .shape = 1},
		};
}

static const char *failing(const struct row *row, const struct outcome *o)
{
	bool beyond = row->rms_us == 0;

	if (o->tracking.violations > 0 || o->kernel.violations > 0)
		return "the true error exceeded the bound";
	if (o->false_rejections > 0)
		return "an honest server was a falseticker";
	if (beyond && !strstr(o->reason, "Linux can do no more"))
		return "the status does not say why the clock is wrong";
	if (beyond)
		return o->packets > BEYOND_PACKETS_MAX ? "too many requests"
						       : NULL;
	if (!(o->below_100us < row->below_100us_s))
		return "the clock was right too late";
	if (o->rms * 1e6 > row->rms_us)
		return "not accurate enough";
	return NULL;
}

void check_oscillators(unsigned *passed, unsigned *failed)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = "the keeper refused a command";
		struct scenario s;
		struct outcome o = {.rms = NAN};

		set_scenario(&rows[i], &s);
		if (run_scenario(&s, 1, &o))
			why = failing(&rows[i], &o);
		if (why)
			printf("FAILED oscillator %+g ppm, %u servers: %s "
			       "(RMS %.2f us, below 100 us after %.1f s)\n",
			    rows[i].freq_ppm, rows[i].servers, why, o.rms * 1e6,
			    o.below_100us);
		*passed += !why;
		*failed += why != NULL;
	}
}
