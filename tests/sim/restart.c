#include "tests/sim/restart.h"

#include "tests/sim/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR (3600 * NS_PER_S)
/* Of what an agent that runs on reaches: it still knows what was learned from
 * samples that are no longer kept. */
#define WORSE_AT_MOST 1.4
/* Of what an agent without memory reaches. */
#define BETTER_AT_LEAST 0.95
/* ... but for chance. */
#define NO_WORSE 1.05

/* clang-format off */
static const struct row restarts[] = {
	{"lan",   "", 1e-9, 1, 4, 4,  0, 0, 0, 0, 0},
	{"lan",   "", 1e-9, 4, 4, 4,  0, 0, 0, 0, 0},
	{"lan",   "", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "", 1e-9, 3, 6, 6,  0, 0, 0, 0, 0},
	{"inet",  "", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
};
/* clang-format on */

enum kind { RUNS_ON, REMEMBERS, REBOOTS, FORGETS, KINDS };

/* What memory is worth shows at once; soon a burst has told as much. */
#define WATCHED (120 * NS_PER_S)

/* Fewer samples leave more to chance, and take less time. */
static unsigned seeds_of(const struct row *row)
{
	return row->maxpoll > 6 ? 24 : 12;
}

/* Root of the mean square over all seeds, us; negative: the run failed. */
static double rms_us(const struct row *row, enum kind kind)
{
	struct scenario s;
	struct outcome o;
	unsigned seeds = seeds_of(row);
	double square = 0;

	row_scenario(row, &s);
	s.settled = 12 * HOUR;
	s.length = s.settled + WATCHED;
	s.restart_at = kind == RUNS_ON ? 0 : s.settled;
	s.remembers = kind == REMEMBERS || kind == REBOOTS;
	s.reboots = kind == REBOOTS;
	for (unsigned i = 0; i < seeds; i++) {
		if (!run_scenario(&s, i + 1, &o))
			return -1;
		square += o.rms * o.rms / seeds;
	}
	return sqrt(square) * 1e6;
}

static bool check(const struct row *row)
{
	double rms[KINDS];
	bool good = true;

	for (int kind = 0; kind < KINDS; kind++) {
		rms[kind] = rms_us(row, (enum kind)kind);
		good &= rms[kind] >= 0;
	}
	good &= rms[REMEMBERS] <= WORSE_AT_MOST * rms[RUNS_ON];
	good &= rms[REMEMBERS] <= BETTER_AT_LEAST * rms[FORGETS];
	good &= rms[REBOOTS] <= NO_WORSE * rms[FORGETS];
	printf("%srestart, %s, %u servers, poll %d..%d: rms of two minutes "
	       "%.2f us; after a boot %.2f us, without memory %.2f us, without "
	       "a restart %.2f us\n",
	    good ? "" : "FAILED ", row->path, row->servers, row->minpoll,
	    row->maxpoll, rms[REMEMBERS], rms[REBOOTS], rms[FORGETS],
	    rms[RUNS_ON]);
	return good;
}

void check_restarts(unsigned *passed, unsigned *failed)
{
	for (size_t i = 0; i < sizeof restarts / sizeof restarts[0]; i++) {
		bool good = check(&restarts[i]);

		*passed += good;
		*failed += !good;
	}
}
