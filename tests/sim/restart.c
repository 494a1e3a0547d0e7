#include "tests/sim/restart.h"

#include "tests/sim/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR (3600 * NS_PER_S)
/* The largest RMS with saved samples, as a multiple of that of an agent that
 * runs on. That agent also profits from samples that it does not keep. */
#define RUNS_ON_RATIO 1.4
/* As a multiple of that of an agent without saved samples. */
#define FORGETS_RATIO 0.95
/* The same for saved samples after a reboot: no gain is required. More than 1
 * because of the random seeds. */
#define REBOOT_RATIO 1.05

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

/* Saved samples help at first; later, the new ones are as good. */
#define WATCHED (120 * NS_PER_S)

/* Fewer samples need more seeds, and take less time. */
static unsigned seeds_of(const struct row *row)
{
	return row->maxpoll > 6 ? 24 : 12;
}

/* Root mean square over all seeds, us; negative if the run failed. */
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
	good &= rms[REMEMBERS] <= RUNS_ON_RATIO * rms[RUNS_ON];
	good &= rms[REMEMBERS] <= FORGETS_RATIO * rms[FORGETS];
	good &= rms[REBOOTS] <= REBOOT_RATIO * rms[FORGETS];
	printf("%srestart, %s, %u servers, poll %d..%d: RMS of two minutes "
	       "%.2f us; after a reboot %.2f us, without saved samples %.2f "
	       "us, without a restart %.2f us\n",
	    good ? "" : "FAILED ", row->path, row->servers, row->minpoll,
	    row->maxpoll, rms[REMEMBERS], rms[REBOOTS], rms[FORGETS],
	    rms[RUNS_ON]);
	return good;
}

void check_restarts(unsigned *passed, unsigned *failed)
{
	for (size_t i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++) {
		bool good = check(&restarts[i]);

		*passed += good;
		*failed += !good;
	}
}
