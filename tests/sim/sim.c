/*
 * Closed-loop simulation of clock/.
 *   sim              a short set with limits; fails if accuracy is lost
 *   sim --bench [TEXT [SEEDS]]  every row whose name contains TEXT, compared
 *                    with chronyd in the same world
 *   sim --silence SEEDS  every row of tests/sim/silence.c
 */
#include "tests/sim/restart.h"
#include "tests/sim/rows.h"
#include "tests/sim/silence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_MAX 32
#define SHORT_SEEDS 2

struct result {
	double rms, p99, max; /* medians over the seeds, us */
	double within_1, within_3, packets, bound, cpu;
	unsigned long violations, rejections;
	double first, ms1, us100, us30; /* of the slowest seed, s */
	char states[SIM_SERVERS + 1];
};

static void name_of(const struct row *r, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s%s %.0e %u srv %d..%d", r->path,
	    r->special[0] ? "-" : "", r->special, r->wander, r->servers,
	    r->minpoll, r->maxpoll);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_us(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2] * 1e6;
}

static bool run_row(const struct row *row, unsigned seeds, struct result *out)
{
	double rms[SEEDS_MAX], p99[SEEDS_MAX], max[SEEDS_MAX];
	struct scenario s;
	struct outcome o;

	*out = (struct result){0};
	row_scenario(row, &s);
	for (unsigned i = 0; i < seeds; i++) {
		if (!run_scenario(&s, i + 1, &o))
			return false;
		rms[i] = o.rms;
		p99[i] = o.p99;
		max[i] = o.max;
		out->within_1 += o.within_1 / seeds;
		out->within_3 += o.within_3 / seeds;
		out->packets += o.packets / seeds;
		out->bound += o.mean_bound * 1e6 / seeds;
		out->cpu += o.cpu_per_sample * 1e6 / seeds;
		out->violations += o.bound_violations;
		out->rejections += o.false_rejections;
		out->first = fmax(out->first, o.first_correction);
		out->ms1 = fmax(out->ms1, o.below_1ms);
		out->us100 = fmax(out->us100, o.below_100us);
		out->us30 = fmax(out->us30, o.below_30us);
	}
	memcpy(out->states, o.states, sizeof(out->states));
	out->rms = median_us(rms, seeds);
	out->p99 = median_us(p99, seeds);
	out->max = median_us(max, seeds);
	return true;
}

static void print_ratio(double ours, double theirs)
{
	if (theirs > 0)
		printf(" %5.2f", ours / theirs);
	else
		printf("     -");
}

static void print_row(const struct row *row, const struct result *r)
{
	char name[80];

	name_of(row, name, sizeof(name));
	printf("%-34s %5.0f %8.2f %8.1f %8.1f", name, r->packets, r->rms,
	    r->p99, r->max);
	print_ratio(r->rms, row->rms);
	print_ratio(r->p99, row->p99);
	print_ratio(r->max, row->max);
	print_ratio(r->rms, row->limit);
	printf("  %3.0f%% %5.1f%% %6.0f %4lu %4lu %5.1f %s\n",
	    r->within_1 * 100, r->within_3 * 100, r->bound, r->violations,
	    r->rejections, r->cpu, r->states);
	if (row_is_start(row))
		printf("    set after %.1f s; below 1 ms from %.0f s, 100 us "
		       "%.0f s, 30 us %.0f s\n",
		    r->first, r->ms1, r->us100, r->us30);
	fflush(stdout);
}

/* How well the shown errors describe the true ones, over all rows. */
struct honesty {
	unsigned rows;
	double within_1, within_3;
	unsigned long violations, rejections;
};

static void judge_honesty(struct honesty *h, const struct result *r)
{
	h->rows++;
	h->within_1 += (r->within_1 - h->within_1) / h->rows;
	h->within_3 += (r->within_3 - h->within_3) / h->rows;
	h->violations += r->violations;
	h->rejections += r->rejections;
}

static void print_honesty(const struct honesty *h)
{
	printf(
	    "the true error is within the estimated one in %.1f %% of the "
	    "looks, within three times that in %.2f %%; it exceeds the bound "
	    "%lu times; honest servers are falsetickers %lu times (%u "
	    "rows)\n",
	    h->within_1 * 100, h->within_3 * 100, h->violations, h->rejections,
	    h->rows);
}

static int bench(const char *text, unsigned seeds)
{
	struct honesty honesty = {0};
	double log_sum = 0;
	unsigned compared = 0;

	printf(
	    "%-34s %5s %8s %8s %8s %5s %5s %5s %5s %5s %6s %6s %4s %4s %5s\n",
	    "row (errors in us)", "pkt/h", "rms", "p99", "max", "/rms", "/p99",
	    "/max", "/lim", "1sd", "3sd", "bound", "viol", "rej", "cpu");
	for (unsigned i = 0; i < row_count; i++) {
		struct result r;
		char name[80];

		name_of(&rows[i], name, sizeof(name));
		if (!strstr(name, text))
			continue;
		if (!run_row(&rows[i], seeds, &r))
			return 2;
		print_row(&rows[i], &r);
		judge_honesty(&honesty, &r);
		if (rows[i].rms > 0) {
			log_sum += log(r.rms / rows[i].rms);
			compared++;
		}
	}
	print_honesty(&honesty);
	if (compared > 0)
		printf("RMS divided by that of chronyd, geometric mean of %u "
		       "rows: %.3f\n",
		    compared, exp(log_sum / compared));
	return 0;
}

/* Says what is wrong with a row; NULL if nothing is. */
static const char *failing(const struct row *row, const struct result *r)
{
	if (r->rms > row->rms_most)
		return "less accurate than before";
	if (r->violations > 0)
		return "the true error exceeded the bound";
	if (r->rejections > 0)
		return "an honest server was a falseticker";
	if (r->within_3 < 0.95)
		return "the estimated error is too small";
	if (r->first > 4.5)
		return "the first correction came late";
	/* The aim is 0.60 over many seeds; here are only two. */
	if (row->rms > 0 && r->rms > 0.65 * row->rms)
		return "not accurate enough compared with chronyd";
	if (row->max > 0 && r->max > row->max)
		return "the largest error is larger than that of chronyd";
	return NULL;
}

/* One standard deviation of a normal distribution holds 68 %, three hold
 * 99.7 %. */
static bool calibrated(const struct honesty *h)
{
	bool good =
	    h->within_1 > 0.60 && h->within_1 < 0.75 && h->within_3 > 0.985;

	if (!good)
		printf(
		    "FAILED the estimated error is too large or too small\n");
	return good;
}

static int check(void)
{
	struct honesty honesty = {0};
	unsigned passed = 0, failed = 0;

	for (unsigned i = 0; i < row_count; i++) {
		const char *why = "the keeper refused a command";
		struct result r;
		char name[80];

		if (rows[i].rms_most <= 0)
			continue;
		if (run_row(&rows[i], SHORT_SEEDS, &r))
			why = failing(&rows[i], &r);
		judge_honesty(&honesty, &r);
		name_of(&rows[i], name, sizeof(name));
		if (why)
			printf("FAILED %s: %s (RMS %.2f us, limit %.2f)\n",
			    name, why, r.rms, rows[i].rms_most);
		passed += !why;
		failed += why != NULL;
	}
	check_restarts(&passed, &failed);
	check_silence(&passed, &failed);
	print_honesty(&honesty);
	if (calibrated(&honesty))
		passed++;
	else
		failed++;
	printf("sim: %u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}

static int usage(void)
{
	fprintf(
	    stderr, "usage: sim [--bench [TEXT [SEEDS]] | --silence SEEDS]\n");
	return 2;
}

int main(int argc, char **argv)
{
	int seeds = argc > 3 ? atoi(argv[3]) : 5;

	if (argc == 1)
		return check();
	if (argc == 3 && strcmp(argv[1], "--silence") == 0) {
		bench_silence((unsigned)atoi(argv[2]));
		return 0;
	}
	if (strcmp(argv[1], "--bench") != 0 || argc > 4 || seeds < 1 ||
	    seeds > SEEDS_MAX)
		return usage();
	return bench(argc > 2 ? argv[2] : "", (unsigned)seeds);
}
