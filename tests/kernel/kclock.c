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
 * kclock adjtime US        starts a slew of so many microseconds, as adjtime(3)
 *                          does
 * kclock loop US           gives the kernel's own loop an offset to slew, as a
 *                          time daemon does; at most half a second
 * kclock left              prints what adjtime(3) has left to slew, in
 *                          microseconds, the status bits, and what the
 *                          kernel's loop has left, in nanoseconds
 * kclock synchronised      says that the clock is right
 * kclock errors            prints maxerror, esterror and the TAI offset
 * kclock time              prints CLOCK_REALTIME, and CLOCK_REALTIME minus
 *                          CLOCK_BOOTTIME, in seconds
 * kclock slept             prints how long the machine has been suspended since
 *                          its boot, as far as its kernel knows, in seconds
 */
#include "base/check.h"

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

static int start_adjtime(long us)
{
	struct timex t = {.modes = ADJ_OFFSET_SINGLESHOT, .offset = us};

	return adjust(&t);
}

/* The frequency stays: the slowest loop, and the slew is that of the offset. */
static int start_loop(long us)
{
	struct timex t = {.modes = 0};

	if (adjust(&t) != 0)
		return 1;
	t.modes = ADJ_OFFSET | ADJ_STATUS | ADJ_TIMECONST | ADJ_NANO;
	t.status |= STA_PLL | STA_FREQHOLD;
	t.constant = 6;
	t.offset = us * 1000;
	return adjust(&t);
}

static int show_left(void)
{
	struct timex now = {.modes = 0}, t = {.modes = ADJ_OFFSET_SS_READ};

	if (adjust(&now) != 0 || adjust(&t) != 0)
		return 1;
	printf("%ld %#x %ld\n", t.offset, (unsigned)now.status, now.offset);
	return 0;
}

static int say_synchronised(void)
{
	struct timex t = {.modes = 0};

	if (adjust(&t) != 0)
		return 1;
	t.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR;
	t.status &= ~STA_UNSYNC;
	t.maxerror = t.esterror = 0;
	return adjust(&t);
}

static int show_errors(void)
{
	struct timex t = {.modes = 0};

	if (adjust(&t) != 0)
		return 1;
	printf("%ld %ld %d\n", t.maxerror, t.esterror, t.tai);
	return 0;
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

static int show_slept(void)
{
	double monotonic_s = seconds(CLOCK_MONOTONIC);

	printf("%.3f\n", seconds(CLOCK_BOOTTIME) - monotonic_s);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} readers[] = {
    {"read", show},
    {"left", show_left},
    {"synchronised", say_synchronised},
    {"errors", show_errors},
    {"time", show_time},
    {"slept", show_slept},
};

static const struct {
	const char *name;
	int (*run)(long value);
} setters[] = {
    {"tick", set_tick},
    {"leap", set_leap},
    {"shift", shift},
    {"adjtime", start_adjtime},
    {"loop", start_loop},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(readers); i++)
		if (strcmp(argv[1], readers[i].name) == 0)
			return readers[i].run();
	for (size_t i = 0; argc == 3 && i < ARRAY_LEN(setters); i++)
		if (strcmp(argv[1], setters[i].name) == 0)
			return setters[i].run(strtol(argv[2], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "freq") == 0)
		return set_freq(strtod(argv[2], NULL));
	fprintf(stderr, "usage: kclock read | left | synchronised | errors | "
			"time | slept | tick N | freq PPM | leap N | "
			"shift US | adjtime US | loop US\n");
	return 2;
}
