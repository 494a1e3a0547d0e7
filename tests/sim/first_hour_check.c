#include "tests/sim/first_hour_check.h"

#include "tests/sim/first_hour.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEEDS 32
/* Every so many rows are checked; `sim --start` shows all of them. */
#define ROW_STEP 5
/* The limit of our RMS, as a multiple of that of chronyd. The aim is 0.9; the
 * medians of SEEDS seeds are uncertain by a few per cent. */
#define RATIO 0.95
/* The first correction, without the time of a key exchange, s. */
#define FIRST_S 0.5
struct medians {
	double rms_us[SIM_START_WINDOWS];
	double first_s; /* of the slowest seed */
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool run_start(const struct row *row, struct medians *out)
{
	double rms[SIM_START_WINDOWS][SEEDS];
	struct scenario s;
	struct outcome o;

	*out = (struct medians){.first_s = 0};
	row_scenario(row, &s);
	s.length = 3601 * NS_PER_S;
	s.settled = 30 * NS_PER_S;
	for (unsigned i = 0; i < SEEDS; i++) {
		if (!run_scenario(&s, i + 1, &o))
			return false;
		for (unsigned w = 0; w < SIM_START_WINDOWS; w++)
			rms[w][i] = o.start_rms[w];
		out->first_s = fmax(out->first_s, o.first_correction);
	}
	for (unsigned w = 0; w < SIM_START_WINDOWS; w++) {
		qsort(rms[w], SEEDS, sizeof(rms[w][0]), by_size);
		out->rms_us[w] = rms[w][SEEDS / 2] * 1e6;
	}
	return true;
}

static bool good_window(
    const struct first_hour *start, const struct medians *m, unsigned w)
{
	bool good = m->rms_us[w] <= RATIO * start->rms[w];

	if (!good)
		printf("FAILED start, %s %.0e %d..%d, %u to %u s: RMS %.2f "
		       "us, chronyd %.2f\n",
		    start->row.path, start->row.wander, start->row.minpoll,
		    start->row.maxpoll, sim_start_windows[w],
		    sim_start_windows[w + 1], m->rms_us[w], start->rms[w]);
	return good;
}

/* Adds the logarithms of the ratios to `log_sum`. */
static bool good_start(const struct first_hour *start, double *log_sum)
{
	struct medians m;
	bool good;

	if (!run_start(&start->row, &m))
		return false;
	good = m.first_s <= FIRST_S;
	if (!good)
		printf("FAILED start, %s: the first correction comes after "
		       "%.2f s\n",
		    start->row.path, m.first_s);
	for (unsigned w = 0; w < SIM_START_WINDOWS; w++) {
		good = good_window(start, &m, w) && good;
		log_sum[w] += log(m.rms_us[w] / start->rms[w]);
	}
	return good;
}

void check_first_hour(unsigned *passed, unsigned *failed)
{
	unsigned count = 0;
	double log_sum[SIM_START_WINDOWS] = {0};

	for (unsigned i = 0; i < first_hour_count; i += ROW_STEP) {
		bool good = good_start(&first_hours[i], log_sum);

		*passed += good;
		*failed += !good;
		count++;
	}
	printf("first hour: RMS divided by that of chronyd, geometric means of "
	       "%u rows:",
	    count);
	for (unsigned w = 0; w < SIM_START_WINDOWS; w++)
		printf(" %.2f", exp(log_sum[w] / count));
	printf("\n");
}
