#include "clock/filter/oscillator.h"

#include <math.h>
#include <stdbool.h>

/*
 * Random walks of the frequency, from a good oven to a laptop put in the sun;
 * the last two of the ten are for sudden changes. Then quiet oscillators with a
 * drift, slow as from the sun on the roof (14000 s, a day's course) or brisk as
 * from an air conditioner (600 s). Walks are likely, drifts and sudden changes
 * less so.
 */
const struct oscillator oscillators[OSCILLATORS] = {
    /* clang-format off */
	{1e-11,    0, 0, 1},
	{3.16e-11, 0, 0, 1},
	{1e-10,    0, 0, 1},
	{3.16e-10, 0, 0, 1},
	{1e-9,     0, 0, 1},
	{3.16e-9,  0, 0, 1},
	{1e-8,     0, 0, 1},
	{3.16e-8,  0, 0, 0.5},
	{2e-7,     0, 0, 0.2},
	{2e-6,     0, 0, 0.05},
	{1e-11,  5e-12, 14e3, 0.2},
	{1e-10,  5e-12, 14e3, 0.2},
	{1e-9,   5e-12, 14e3, 0.2},
	{1e-11,  5e-11, 14e3, 0.2},
	{1e-10,  5e-11, 14e3, 0.2},
	{1e-9,   5e-11, 14e3, 0.2},
	{1e-11,  1e-10, 600, 0.2},
	{1e-10,  1e-10, 600, 0.2},
	{1e-9,   1e-10, 600, 0.2},
    /* clang-format on */
};

/* No oscillator changes its frequency by more than this (standard deviation,
 * s/s) while no sample arrives, not even in weeks. */
#define FREQ_CHANGE_MAX 20e-6
/* An interval shorter than this, in units of the drift's time, is brief. */
#define BRIEF 0.25

/* (s/s)^2 per s. */
static double wander_power(const struct oscillator *o, double dt)
{
	double q = o->wander * o->wander;
	double most = FREQ_CHANGE_MAX * FREQ_CHANGE_MAX;

	return q * dt > most ? most / dt : q;
}

/* The noise of a random walk of the frequency. */
static void add_wander(struct passage *p, const struct oscillator *o)
{
	double q = wander_power(o, p->dt), t = p->dt;

	p->noise[STATE_OFFSET][STATE_OFFSET] += q * t * t * t / 3;
	p->noise[STATE_OFFSET][STATE_FREQ] += q * t * t / 2;
	p->noise[STATE_FREQ][STATE_FREQ] += q * t;
}

/* How a drift fades in an interval: it depends on its time alone. */
struct fading {
	double tau, r; /* s; the interval in units of tau */
	double kept;   /* exp(-r) */
	double e1, e2; /* 1 - exp(-r), (1 - exp(-2 r)) / 2 */
};

static struct fading fading_of(double tau, double dt)
{
	double r = dt / tau;

	return (struct fading){tau, r, exp(-r), -expm1(-r), -expm1(-2 * r) / 2};
}

/*
 * The noise of an Ornstein-Uhlenbeck drift, of its integral (frequency) and of
 * its double integral (offset); r is the interval in units of tau. The closed
 * form cancels for small r; there the drift is taken as a random walk, which is
 * as good.
 */
static void add_drift_noise(
    struct passage *p, double drift_sd, const struct fading *f)
{
	double tau = f->tau, r = f->r, e1 = f->e1, e2 = f->e2;
	double s = 2 * drift_sd * drift_sd / tau;
	double r2 = r * r, r3 = r2 * r;
	bool brief = r < BRIEF;

	p->noise[STATE_DRIFT][STATE_DRIFT] += s * tau * e2;
	s *= tau * tau;
	p->noise[STATE_FREQ][STATE_DRIFT] += s * (brief ? r2 / 2 : e1 - e2);
	s *= tau;
	p->noise[STATE_FREQ][STATE_FREQ] +=
	    s * (brief ? r3 / 3 : r - 2 * e1 + e2);
	p->noise[STATE_OFFSET][STATE_DRIFT] +=
	    s * (brief ? r3 / 6 : e2 - r * (1 - e1));
	s *= tau;
	p->noise[STATE_OFFSET][STATE_FREQ] +=
	    s * (brief ? r2 * r2 / 8 : r2 / 2 - r * e1 + e1 - e2);
	s *= tau;
	p->noise[STATE_OFFSET][STATE_OFFSET] +=
	    s * (brief ? r2 * r3 / 20 : r3 / 3 - r2 - r + 2 * r * e1 + e2);
}

static struct passage passage_of(
    const struct oscillator *o, double dt, const struct fading *f)
{
	struct passage p = {.dt = dt};

	if (dt > 0)
		add_wander(&p, o);
	if (o->drift_time_s > 0) {
		p.drift_kept = f->kept;
		p.in_freq = f->tau * (1 - f->kept);
		p.in_offset = f->tau * (dt - p.in_freq);
		if (dt > 0)
			add_drift_noise(&p, o->drift_sd, f);
	}
	for (unsigned i = 0; i < OSCILLATOR_STATES; i++)
		for (unsigned j = 0; j < i; j++)
			p.noise[i][j] = p.noise[j][i];
	return p;
}

void oscillator_passages(double dt, struct passage out[OSCILLATORS])
{
	struct fading f = {.tau = 0};

	for (unsigned i = 0; i < OSCILLATORS; i++) {
		const struct oscillator *o = &oscillators[i];

		if (o->drift_time_s > 0 && o->drift_time_s != f.tau)
			f = fading_of(o->drift_time_s, dt);
		out[i] = passage_of(o, dt, &f);
	}
}
