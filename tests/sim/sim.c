/*
 * Closed-loop simulation of clock/.
 *   sim              a short set with limits; fails if accuracy is lost
 *   sim --parts      the names of the parts of that set
 *   sim --part NAME  one of them
 *   sim --bench [TEXT [SEEDS]]  every row whose name contains TEXT, compared
 *                    with chronyd in the same world; the names of the hard
 *                    worlds begin with "hard-"
 *   sim --start [TEXT [SEEDS]]  the RMS error in parts of the first hour
 *   sim --silence SEEDS  every row of tests/sim/silence.c
 *   sim --cost       processor time by the number of sources
 */
#include "tests/sim/cost.h"
#include "tests/sim/first_hour.h"
#include "tests/sim/first_hour_check.h"
#include "tests/sim/hard_worlds.h"
#include "tests/sim/oscillator_check.h"
#include "tests/sim/restart.h"
#include "tests/sim/rows.h"
#include "tests/sim/silence.h"
#include "tests/sim/world_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_MAX 128
#define SHORT_SEEDS 2
/* In each row. The kernel's estimated error stays as it is until the next
 * update, so this is less than for that of the tracking report. */
#define KERNEL_3_LEAST 0.95

struct result {
	double rms, p99, max; /* medians over the seeds, us */
	double start_rms[SIM_START_WINDOWS];
	struct coverage tracking, chance, kernel;
	struct coverage start[SIM_START_WINDOWS];
	double packets, bound, cpu;
	unsigned long rejections;
	unsigned busiest;
	double first, ms1, us100, us30; /* of the slowest seed, s */
	char states[SIM_SERVERS + 1];
};

static void name_of(const struct row *r, char *out, size_t size)
{
	const char *first = r->path, *second = r->special;

	if (row_is_hard(r)) {
		first = r->special;
		second = r->path;
	}
	(void)snprintf(out, size, "%s%s%s %.0e %u srv %d..%d", first,
	    second[0] ? "-" : "", second, r->wander, r->servers, r->minpoll,
	    r->maxpoll);
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

static void add_coverage(struct coverage *sum, const struct coverage *c)
{
	sum->looks += c->looks;
	sum->within_1 += c->within_1;
	sum->within_3 += c->within_3;
	sum->violations += c->violations;
}

static double share(unsigned long part, unsigned long all)
{
	return all > 0 ? (double)part / (double)all : 0;
}

static bool run_scenarios(
    const struct scenario *s, unsigned seeds, struct result *out)
{
	double rms[SEEDS_MAX] = {0}, p99[SEEDS_MAX] = {0};
	double max[SEEDS_MAX] = {0};
	double start[SIM_START_WINDOWS][SEEDS_MAX] = {0};
	struct outcome o;

	*out = (struct result){0};
	for (unsigned i = 0; i < seeds; i++) {
		if (!run_scenario(s, i + 1, &o))
			return false;
		rms[i] = o.rms;
		p99[i] = o.p99;
		max[i] = o.max;
		for (unsigned k = 0; k < SIM_START_WINDOWS; k++) {
			start[k][i] = o.start_rms[k];
			add_coverage(&out->start[k], &o.start[k]);
		}
		add_coverage(&out->tracking, &o.tracking);
		add_coverage(&out->chance, &o.chance);
		add_coverage(&out->kernel, &o.kernel);
		out->packets += o.packets / seeds;
		out->bound += o.mean_bound * 1e6 / seeds;
		out->cpu += o.cpu_per_sample * 1e6 / seeds;
		out->rejections += o.false_rejections;
		if (o.busiest > out->busiest)
			out->busiest = o.busiest;
		out->first = fmax(out->first, o.first_correction);
		out->ms1 = fmax(out->ms1, o.below_1ms);
		out->us100 = fmax(out->us100, o.below_100us);
		out->us30 = fmax(out->us30, o.below_30us);
	}
	memcpy(out->states, o.states, sizeof(out->states));
	out->rms = median_us(rms, seeds);
	out->p99 = median_us(p99, seeds);
	out->max = median_us(max, seeds);
	for (unsigned k = 0; k < SIM_START_WINDOWS; k++)
		out->start_rms[k] = median_us(start[k], seeds);
	return true;
}

static bool run_row(const struct row *row, unsigned seeds, struct result *out)
{
	struct scenario s;

	row_scenario(row, &s);
	return run_scenarios(&s, seeds, out);
}

static void print_ratio(double ours, double theirs)
{
	if (theirs > 0)
		printf(" %5.2f", ours / theirs);
	else
		printf("     -");
}

static void print_coverage(const struct coverage *c)
{
	printf("  %3.0f%% %5.1f%% %4lu", share(c->within_1, c->looks) * 100,
	    share(c->within_3, c->looks) * 100, c->violations);
}

static void print_row(const struct row *row, const struct result *r)
{
	char name[80];

	name_of(row, name, sizeof(name));
	printf("%-43s %5.0f %5u %8.2f %8.1f %8.1f", name, r->packets,
	    r->busiest, r->rms, r->p99, r->max);
	print_ratio(r->rms, row->rms);
	print_ratio(r->p99, row->p99);
	print_ratio(r->max, row->max);
	print_ratio(r->rms, row->limit);
	print_coverage(&r->tracking);
	print_coverage(&r->kernel);
	printf(" %6.0f %4lu %5.1f %s\n", r->bound, r->rejections, r->cpu,
	    r->states);
	if (row_is_start(row))
		printf("    set after %.1f s; below 1 ms from %.0f s, 100 us "
		       "%.0f s, 30 us %.0f s\n",
		    r->first, r->ms1, r->us100, r->us30);
	fflush(stdout);
}

/* How well the shown errors describe the true ones, over all rows. Each row
 * counts alike. */
struct honesty {
	unsigned rows;
	double within_1, within_3, chance_1, kernel_1, kernel_3;
	unsigned long violations, kernel_violations, rejections;
};

static void judge_honesty(struct honesty *h, const struct result *r)
{
	const struct coverage *t = &r->tracking, *k = &r->kernel;
	const struct coverage *c = &r->chance;

	h->rows++;
	h->within_1 += (share(t->within_1, t->looks) - h->within_1) / h->rows;
	h->within_3 += (share(t->within_3, t->looks) - h->within_3) / h->rows;
	h->chance_1 += (share(c->within_1, c->looks) - h->chance_1) / h->rows;
	h->kernel_1 += (share(k->within_1, k->looks) - h->kernel_1) / h->rows;
	h->kernel_3 += (share(k->within_3, k->looks) - h->kernel_3) / h->rows;
	h->violations += t->violations;
	h->kernel_violations += k->violations;
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
	printf("within what is estimated by chance alone in %.1f %%; ",
	    h->chance_1 * 100);
	printf("in the kernel, second by second: %.1f %%, %.2f %%, %lu times\n",
	    h->kernel_1 * 100, h->kernel_3 * 100, h->kernel_violations);
}

static void print_head(void)
{
	printf(
	    "%-43s %5s %5s %8s %8s %8s %5s %5s %5s %5s  %4s %6s %4s  %4s %6s "
	    "%4s %6s %4s %5s\n",
	    "row (errors in us)", "pkt/h", "most", "rms", "p99", "max", "/rms",
	    "/p99", "/max", "/lim", "1sd", "3sd", "viol", "k1sd", "k3sd",
	    "viol", "bound", "rej", "cpu");
}

static bool bench_rows(
    const struct row *row, unsigned count, const char *text, unsigned seeds)
{
	struct honesty honesty = {0};
	double log_sum = 0;
	unsigned compared = 0;

	for (unsigned i = 0; i < count; i++) {
		struct result r;
		char name[80];

		name_of(&row[i], name, sizeof(name));
		if (!strstr(name, text))
			continue;
		if (!run_row(&row[i], seeds, &r))
			return false;
		print_row(&row[i], &r);
		judge_honesty(&honesty, &r);
		if (row[i].rms > 0) {
			log_sum += log(r.rms / row[i].rms);
			compared++;
		}
	}
	if (honesty.rows > 0)
		print_honesty(&honesty);
	if (compared > 0)
		printf("RMS divided by that of chronyd, geometric mean of %u "
		       "rows: %.3f\n",
		    compared, exp(log_sum / compared));
	return true;
}

static int bench(const char *text, unsigned seeds)
{
	print_head();
	return bench_rows(rows, row_count, text, seeds) &&
		       bench_rows(hard_rows, hard_row_count, text, seeds)
		   ? 0
		   : 2;
}

static void print_window(const struct result *r, unsigned i, double chronyd_rms)
{
	const struct coverage *c = &r->start[i];

	printf(" %7.2f", r->start_rms[i]);
	print_ratio(r->start_rms[i], chronyd_rms);
	printf(
	    " %5.1f%% %3lu", share(c->within_3, c->looks) * 100, c->violations);
}

static bool start_row(
    const struct first_hour *first, const char *text, unsigned seeds)
{
	struct scenario s;
	struct result r;
	char name[80];

	name_of(&first->row, name, sizeof(name));
	if (!strstr(name, text))
		return true;
	row_scenario(&first->row, &s);
	s.length = 3601 * NS_PER_S;
	s.settled = 30 * NS_PER_S;
	if (!run_scenarios(&s, seeds, &r))
		return false;
	printf("%-40s %5.0f", name, r.packets);
	for (unsigned i = 0; i < SIM_START_WINDOWS; i++)
		print_window(&r, i, first->rms[i]);
	printf(" %6.1f\n", r.first);
	fflush(stdout);
	return true;
}

/* The first hour, window by window: RMS in us, divided by that of chronyd, and
 * what the kernel shows: the share of seconds within three estimated errors,
 * and seconds beyond the bound. */
static int bench_start(const char *text, unsigned seeds)
{
	printf("%-40s %5s", "row (errors in us)", "pkt/h");
	for (unsigned i = 0; i < SIM_START_WINDOWS; i++)
		printf("      %4u-%4u s, 3sd, viol", sim_start_windows[i],
		    sim_start_windows[i + 1]);
	printf(" %6s\n", "first");
	for (unsigned i = 0; i < first_hour_count; i++)
		if (!start_row(&first_hours[i], text, seeds))
			return 2;
	for (unsigned i = 0; i < hard_row_count; i++) {
		const struct first_hour hard = {.row = hard_rows[i]};

		if (!start_row(&hard, text, seeds))
			return 2;
	}
	return 0;
}

/* Says what is wrong with a row; NULL if nothing is. */
static const char *failing(const struct row *row, const struct result *r)
{
	/* The aim is 0.60 over many seeds; here are only two. */
	double ratio = row_is_hard(row) ? 1 : 0.65;

	if (r->rms > row->rms_most)
		return "less accurate than before";
	if (r->tracking.violations > 0 || r->kernel.violations > 0)
		return "the true error exceeded the bound";
	if (r->rejections > 0)
		return "an honest server was a falseticker";
	if (share(r->tracking.within_3, r->tracking.looks) < 0.95)
		return "the estimated error is too small";
	if (share(r->kernel.within_3, r->kernel.looks) < KERNEL_3_LEAST)
		return "the estimated error in the kernel is too small";
	if (r->first > 4.5)
		return "the first correction came late";
	if (row->rms > 0 && r->rms > ratio * row->rms)
		return "not accurate enough compared with chronyd";
	if (!row_is_hard(row) && row->max > 0 && r->max > row->max)
		return "the largest error is larger than that of chronyd";
	return NULL;
}

/* One standard deviation of a normal distribution holds 68 %, three hold
 * 99.7 %. */
static bool calibrated(const struct honesty *h)
{
	bool good = h->chance_1 > 0.60 && h->chance_1 < 0.75 &&
		    h->within_3 > 0.99 && h->kernel_3 > 0.99;

	if (!good)
		printf(
		    "FAILED the estimated error is too large or too small\n");
	return good;
}

/* The rows that have a limit. */
static void check_rows(struct honesty *honesty, const struct row *row,
    unsigned count, unsigned *passed, unsigned *failed)
{
	for (unsigned i = 0; i < count; i++) {
		const char *why = "the keeper refused a command";
		struct result r;
		char name[80];

		if (row[i].rms_most <= 0)
			continue;
		if (run_row(&row[i], SHORT_SEEDS, &r))
			why = failing(&row[i], &r);
		judge_honesty(honesty, &r);
		name_of(&row[i], name, sizeof(name));
		if (why)
			printf("FAILED %s: %s (RMS %.2f us, limit %.2f)\n",
			    name, why, r.rms, row[i].rms_most);
		*passed += !why;
		*failed += why != NULL;
	}
}

static void check_usual(unsigned *passed, unsigned *failed)
{
	struct honesty honesty = {0};

	check_rows(&honesty, rows, row_count, passed, failed);
	print_honesty(&honesty);
	if (calibrated(&honesty))
		++*passed;
	else
		++*failed;
}

static void check_hard(unsigned *passed, unsigned *failed)
{
	struct honesty honesty = {0};

	check_rows(&honesty, hard_rows, hard_row_count, passed, failed);
	print_honesty(&honesty);
}

/* The parts can run at the same time; the longest ones are first. */
static const struct {
	const char *name;
	void (*check)(unsigned *passed, unsigned *failed);
} parts[] = {
    {"usual", check_usual},
    {"hard", check_hard},
    {"silence", check_silence},
    {"first_hour", check_first_hour},
    {"restarts", check_restarts},
    {"oscillators", check_oscillators},
    {"worlds", check_worlds},
};

/* NULL: all parts. */
static int check(const char *part)
{
	unsigned passed = 0, failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!part || strcmp(parts[i].name, part) == 0)
			parts[i].check(&passed, &failed);
	printf("sim: %u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}

static int print_parts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		puts(parts[i].name);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim [--bench|--start [TEXT [SEEDS]]] | "
			"--silence SEEDS | --cost | --parts | --part NAME\n");
	return 2;
}

int main(int argc, char **argv)
{
	int seeds = argc > 3 ? atoi(argv[3]) : 5;
	const char *text = argc > 2 ? argv[2] : "";

	if (argc == 1)
		return check(NULL);
	if (argc == 2 && strcmp(argv[1], "--cost") == 0)
		return bench_cost() ? 0 : 2;
	if (argc == 2 && strcmp(argv[1], "--parts") == 0)
		return print_parts();
	if (argc == 3 && strcmp(argv[1], "--part") == 0)
		return check(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--silence") == 0) {
		bench_silence((unsigned)atoi(argv[2]));
		return 0;
	}
	if (argc > 4 || seeds < 1 || seeds > SEEDS_MAX)
		return usage();
	if (strcmp(argv[1], "--bench") == 0)
		return bench(text, (unsigned)seeds);
	if (strcmp(argv[1], "--start") == 0)
		return bench_start(text, (unsigned)seeds);
	return usage();
}
