#include "tests/sim/first_hour.h"

#include "tests/sim/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEEDS 32
/* Our RMS, at most, as a multiple of that of chronyd. */
#define RATIO 0.9
/* The first correction, without the time of a key exchange, s. */
#define FIRST_S 0.5
/* RMS of chronyd with iburst in each window, us: medians of 60 seeds in
 * clknetsim, with a start that is wrong by 0.5 s and 70 ppm. */
/* clang-format off */
static const struct start {
	struct row row;
	double chronyd_us[SIM_START_WINDOWS];
} starts[] = {
	{{"lan", "", 1e-10, 1, 6, 10, 0, 0, 0, 0, 0},
	    {30.87, 5.09, 2.47, 2.78}},
	{{"lan", "", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	    {31.05, 5.03, 3.61, 10.41}},
	{{"lan", "", 1e-8, 1, 6, 10, 0, 0, 0, 0, 0},
	    {31.28, 8.67, 14.88, 14.29}},
	{{"lan", "", 1e-10, 1, 4, 8, 0, 0, 0, 0, 0},
	    {4.53, 2.22, 1.96, 3.65}},
	{{"lan", "", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	    {4.52, 2.45, 4.64, 12.38}},
	{{"lan", "", 1e-8, 1, 4, 8, 0, 0, 0, 0, 0},
	    {4.65, 5.94, 14.43, 18.96}},
	{{"near", "", 1e-10, 1, 6, 10, 0, 0, 0, 0, 0},
	    {2198, 153.1, 72.34, 55.08}},
	{{"near", "", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	    {2198, 153.1, 72.53, 61.35}},
	{{"near", "", 1e-8, 1, 6, 10, 0, 0, 0, 0, 0},
	    {2197, 153.4, 82.85, 187.2}},
	{{"near", "", 1e-10, 1, 4, 8, 0, 0, 0, 0, 0},
	    {149.2, 64.72, 56.05, 67.81}},
	{{"near", "", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	    {149.1, 65.18, 57.91, 76.15}},
	{{"near", "", 1e-8, 1, 4, 8, 0, 0, 0, 0, 0},
	    {148.2, 70.21, 79.13, 188.9}},
	{{"metro", "", 1e-10, 1, 6, 10, 0, 0, 0, 0, 0},
	    {660.3, 102, 48.35, 36.38}},
	{{"metro", "", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	    {660.3, 102, 49.99, 44.86}},
	{{"metro", "", 1e-8, 1, 6, 10, 0, 0, 0, 0, 0},
	    {660.8, 102.3, 60.86, 158.7}},
	{{"metro", "", 1e-10, 1, 4, 8, 0, 0, 0, 0, 0},
	    {91.02, 43.41, 36.86, 45.27}},
	{{"metro", "", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	    {90.93, 43.88, 39.11, 53.46}},
	{{"metro", "", 1e-8, 1, 4, 8, 0, 0, 0, 0, 0},
	    {89.84, 47.91, 58.62, 159.8}},
	{{"inet", "", 1e-10, 1, 6, 10, 0, 0, 0, 0, 0},
	    {2520, 514.2, 248.6, 185.1}},
	{{"inet", "", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	    {2520, 514.2, 243.1, 179.5}},
	{{"inet", "", 1e-8, 1, 6, 10, 0, 0, 0, 0, 0},
	    {2521, 514.4, 261, 280.8}},
	{{"inet", "", 1e-10, 1, 4, 8, 0, 0, 0, 0, 0},
	    {478.4, 216.8, 183.4, 224.7}},
	{{"inet", "", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	    {478.3, 216.8, 182.4, 230.1}},
	{{"inet", "", 1e-8, 1, 4, 8, 0, 0, 0, 0, 0},
	    {477.3, 216.1, 204, 354}},
};
/* clang-format on */

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
    const struct start *start, const struct medians *m, unsigned w)
{
	bool good = m->rms_us[w] <= RATIO * start->chronyd_us[w];

	if (!good)
		printf("FAILED start, %s %.0e %d..%d, %u to %u s: RMS %.2f "
		       "us, chronyd %.2f\n",
		    start->row.path, start->row.wander, start->row.minpoll,
		    start->row.maxpoll, sim_start_windows[w],
		    sim_start_windows[w + 1], m->rms_us[w],
		    start->chronyd_us[w]);
	return good;
}

/* Adds the logarithms of the ratios to `log_sum`. */
static bool good_start(const struct start *start, double *log_sum)
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
		log_sum[w] += log(m.rms_us[w] / start->chronyd_us[w]);
	}
	return good;
}

void check_first_hour(unsigned *passed, unsigned *failed)
{
	const unsigned count = sizeof(starts) / sizeof(starts[0]);
	double log_sum[SIM_START_WINDOWS] = {0};

	for (unsigned i = 0; i < count; i++) {
		bool good = good_start(&starts[i], log_sum);

		*passed += good;
		*failed += !good;
	}
	printf("first hour: RMS divided by that of chronyd, geometric means of "
	       "%u rows:",
	    count);
	for (unsigned w = 0; w < SIM_START_WINDOWS; w++)
		printf(" %.2f", exp(log_sum[w] / count));
	printf("\n");
}
