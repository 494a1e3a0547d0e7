/*
 * Reads the kernel clock and, in a guest, disturbs it. The agent has no part in
 * this.
 *
 * kclock read              prints the whole frequency the kernel runs at, tick
 *                          included, in ppm (positive: the clock runs fast),
 *                          and the status bits
 * kclock tick N            sets the tick (10000: nominal; one more: +100 ppm)
 * kclock freq PPM          sets the fine part of the frequency
 * kclock leap N            1: inserts a second at the next midnight (UTC), 0:
 *                          inserts none
 * kclock shift US          adds so many microseconds to CLOCK_REALTIME
 * kclock time              prints CLOCK_REALTIME, and CLOCK_REALTIME minus
 *                          CLOCK_BOOTTIME, in seconds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#define TICK_NOMINAL_US 10000
#define PPM_PER_TICK 100.0
#define FREQ_PER_PPM 65536.0

static int adjust(struct timex *t)
{
	if (adjtimex(t) == -1) {
		perror("kclock: adjtimex");
		return 1;
	}
	return 0;
}

static int show(void)
{
	struct timex t = {.modes = 0};

	if (adjust(&t) != 0)
		return 1;
	printf("%.3f %#x\n",
	    (double)t.freq / FREQ_PER_PPM +
		(double)(t.tick - TICK_NOMINAL_US) * PPM_PER_TICK,
	    (unsigned)t.status);
	return 0;
}

static int shift(long us)
{
	struct timex t = {.modes = ADJ_SETOFFSET};

	/* The microseconds must not be negative: borrow from the seconds. */
	t.time.tv_sec = us / 1000000;
	t.time.tv_usec = us % 1000000;
	if (t.time.tv_usec < 0) {
		t.time.tv_sec--;
		t.time.tv_usec += 1000000;
	}
	return adjust(&t);
}

static int set_tick(long tick_us)
{
	struct timex t = {.modes = ADJ_TICK, .tick = tick_us};

	return adjust(&t);
}

static int set_freq(double ppm)
{
	struct timex t = {
	    .modes = ADJ_FREQUENCY,
	    .freq = (long)(ppm * FREQ_PER_PPM),
	};

	return adjust(&t);
}

static int set_leap(long leap)
{
	struct timex t = {.modes = 0};

	if (adjust(&t) != 0)
		return 1;
	t.modes = ADJ_STATUS;
	t.status = leap ? t.status | STA_INS : t.status & ~STA_INS;
	return adjust(&t);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int show_time(void)
{
	double since_boot_s = seconds(CLOCK_BOOTTIME);
	double wall_s = seconds(CLOCK_REALTIME);

	printf("%.6f %.6f\n", wall_s, wall_s - since_boot_s);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "read") == 0)
		return show();
	if (argc == 2 && strcmp(argv[1], "time") == 0)
		return show_time();
	if (argc == 3 && strcmp(argv[1], "tick") == 0)
		return set_tick(strtol(argv[2], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "freq") == 0)
		return set_freq(strtod(argv[2], NULL));
	if (argc == 3 && strcmp(argv[1], "leap") == 0)
		return set_leap(strtol(argv[2], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "shift") == 0)
		return shift(strtol(argv[2], NULL, 10));
	fprintf(stderr, "usage: kclock read | kclock tick N | kclock freq PPM "
			"| kclock leap N | kclock shift US | kclock time\n");
	return 2;
}
