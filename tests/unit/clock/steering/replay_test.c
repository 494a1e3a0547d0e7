/*
 * Replays samples of a real network stack (traces/README.md). The true offset
 * is 0 in each second, so every estimate that differs from 0 is an error. `-v`
 * prints the RMS error of each window.
 */
#include "clock/steering/state.h"
#include "clock/steering/steering.h"

#include "tests/unit/clock/steering/rig.h"

#include <stdio.h>

#define TRACES "tests/unit/clock/steering/traces/"
#define SAMPLES_MAX 1000
#define WINDOWS 3
/* Before this second little is known. */
#define EARLY_S 30

struct trace {
	unsigned count;
	struct sample sample[SAMPLES_MAX];
};

/* The limit of the RMS error from second `from` to the next window, us. */
struct window {
	unsigned from;
	double rms_most;
};

static const struct replay {
	const char *file;
	struct window windows[WINDOWS]; /* the last one: to the end */
	double within_3_least;
} replays[] = {
    {"tbf-s2c.txt", {{187, 25}, {197, 6}, {217, 7}}, 0.78},
    {"busy-s2c.txt", {{187, 250}, {200, 50}, {257, 30}}, 0.83},
    {"busy-c2s-p4.txt", {{197, 2000}, {257, 400}, {317, 250}}, 0.84},
    {"cpu1-nots.txt", {{60, 40}, {120, 40}, {180, 35}}, 0.66},
    {"idle-p2.txt", {{60, 8}, {120, 11}, {200, 6}}, 0.95},
    {"exp.txt", {{60, 210}, {120, 120}, {217, 60}}, 0.95},
};

static bool verbose;

static void load(const char *file, struct trace *t)
{
	char path[200], line[200];
	FILE *in;

	(void)snprintf(path, sizeof(path), TRACES "%s", file);
	in = fopen(path, "r");
	assert_non_null(in);
	t->count = 0;
	while (fgets(line, sizeof(line), in)) {
		struct sample *m = &t->sample[t->count++];
		double at_s;
		long long offset, delay;

		assert_true(t->count < SAMPLES_MAX);
		assert_int_equal(
		    sscanf(line, "%lf %lld %lld", &at_s, &offset, &delay), 3);
		*m = (struct sample){.at = {RIG_START_NS + ns_of_s(at_s)},
		    .offset_ns = offset,
		    .delay_ns = delay,
		    .dispersion_ns = 200,
		    .stratum = 1};
	}
	(void)fclose(in);
}

struct sums {
	double square[WINDOWS];
	unsigned seconds[WINDOWS];
	unsigned late, within_3, beyond;
};

static void look(const struct rig *r, const struct replay *replay,
    unsigned second, struct sums *sums)
{
	struct tracking t = rig_track(r);
	double error = fabs((double)t.offset_ns);
	int64_t bound = t.root_delay_ns / 2 + t.root_dispersion_ns;

	for (unsigned w = 0; w < WINDOWS; w++) {
		unsigned until =
		    w + 1 < WINDOWS ? replay->windows[w + 1].from : UINT32_MAX;

		if (second < replay->windows[w].from || second >= until)
			continue;
		sums->square[w] += error * error * 1e-6;
		sums->seconds[w]++;
	}
	if (second < EARLY_S)
		return;
	sums->late++;
	sums->within_3 += error <= 3 * (double)t.est_error_ns;
	sums->beyond += error > (double)bound;
}

/* The clock is not controlled, so the estimate is that of a free oscillator. */
static struct sums replay_trace(const struct replay *replay)
{
	static struct trace trace;
	struct steering_config config = rig_usual;
	struct sums sums = {.late = 0};
	struct clock_command c;
	unsigned next = 0, end;
	struct rig r;

	load(replay->file, &trace);
	config.max_clock_error_ppm = 0; /* learned, as by default */
	rig_open(&r, 1, NULL, &config);
	end = (unsigned)s_of_ns(
	    trace.sample[trace.count - 1].at.ns - RIG_START_NS);
	for (unsigned second = 1; second <= end; second++) {
		r.now.ns = r.wall.ns = RIG_START_NS + second * NS_PER_S;
		while (next < trace.count &&
		       trace.sample[next].at.ns <= r.now.ns) {
			steering_add(r.steering, 0, &trace.sample[next++]);
			steering_set_reach(r.steering, 0, 1);
			if (steering_update(r.steering, &r.ledger, r.wall, &c))
				steering_applied(r.steering, KEEPER_NO_CLOCK);
		}
		look(&r, replay, second, &sums);
	}
	rig_close(&r);
	return sums;
}

static void traces_are_followed_as_well_as_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replays); i++) {
		const struct replay *p = &replays[i];
		struct sums s = replay_trace(p);
		double within = s.within_3 / (double)s.late;

		for (unsigned w = 0; w < WINDOWS; w++) {
			double rms = sqrt(s.square[w] / s.seconds[w]);

			if (verbose)
				print_message("%s from %u s: %.1f us\n",
				    p->file, p->windows[w].from, rms);
			if (!(rms <= p->windows[w].rms_most))
				fail_msg("%s: %.1f us from second %u on",
				    p->file, rms, p->windows[w].from);
		}
		if (verbose)
			print_message("%s: %.3f within three, %u beyond\n",
			    p->file, within, s.beyond);
		if (within < p->within_3_least)
			fail_msg("%s: only %.3f within three estimated errors",
			    p->file, within);
		if (s.beyond > 0)
			fail_msg("%s: the bound is broken in %u s", p->file,
			    s.beyond);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(traces_are_followed_as_well_as_before),
	};

	verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
