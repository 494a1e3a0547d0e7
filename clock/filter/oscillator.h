/*
 * How an oscillator that nobody corrects may move: the assumptions that the
 * joint filter runs side by side (clock/filter/estimate.h). Pure.
 *
 * Offset x (s), frequency f (s/s) and drift d (1/s) obey
 *
 *   dx = f dt,  df = d dt + q dW1,  dd = -d dt / tau + s dW2,
 *   s^2 = 2 D^2 / tau
 *
 * The frequency wanders by q, and drifts as temperature makes it: the drift has
 * the standard deviation D and is forgotten in tau (Uhlenbeck and Ornstein,
 * 1930).
 */
#ifndef CLOCK_FILTER_OSCILLATOR_H
#define CLOCK_FILTER_OSCILLATOR_H

#define OSCILLATORS 19

struct oscillator {
	double wander;	     /* q, s/s per sqrt(s) */
	double drift_sd;     /* D, 1/s; 0: no drift */
	double drift_time_s; /* tau, s; 0: no drift */
	double prior;	     /* relative to the others */
};

extern const struct oscillator oscillators[OSCILLATORS];

/* The states of an oscillator: the first of each filter's. */
enum oscillator_state {
	STATE_OFFSET, /* s */
	STATE_FREQ,   /* s/s */
	STATE_DRIFT,  /* 1/s */
	OSCILLATOR_STATES
};

/*
 * What an interval of `dt` seconds does. The three states after it are linear
 * in those before, plus noise with the covariance `noise`:
 * offset += dt * freq + in_offset * drift, freq += in_freq * drift,
 * drift *= drift_kept.
 */
struct passage {
	double dt;
	double drift_kept;
	double in_freq, in_offset; /* s, s^2 */
	double noise[OSCILLATOR_STATES][OSCILLATOR_STATES];
};

/* Of all oscillators. */
void oscillator_passages(double dt, struct passage out[OSCILLATORS]);

#endif
