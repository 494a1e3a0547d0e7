/*
 * What was measured, as it lies on disk for the next start: the samples of each
 * source, and how the timescale that they live on goes on. Pure.
 *
 * That timescale is the free-running oscillator as seen through one process's
 * ledger. Between two processes CLOCK_MONOTONIC_RAW carries it on, which is the
 * same oscillator and which nobody can steer: so it does not matter what was
 * done to the clock meanwhile, by the agent before it died or by others.
 */
#ifndef AGENT_SAVED_SAMPLES_H
#define AGENT_SAVED_SAMPLES_H

#include "agent/config/config.h"
#include "clock/steering/restore.h"
#include "nts/bytes.h"

#define BOOT_ID_LEN 16
#define SAVED_SAMPLES_HEAD_MAX 160
#define SAVED_SOURCE_MAX (SOURCE_NAME_MAX + 64 + STEERING_MEMORY * 56)

/* Two timescales at one moment. */
struct timeline {
	uint8_t boot[BOOT_ID_LEN];
	int64_t raw_ns;	   /* CLOCK_MONOTONIC_RAW */
	int64_t osc_ns;	   /* struct osc of the process's ledger */
	int64_t asleep_ns; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
	int64_t wall_ns;   /* CLOCK_REALTIME */
	int64_t rate_ppb;  /* how much faster it is made to run */
	/* Since the process began, on each; 0: not known. The two run at rates
	 * that differ by what the kernel rounds: a few ppm at most. */
	int64_t span_raw_ns, span_osc_ns;
};

struct saved_source {
	char name[SOURCE_NAME_MAX];
	struct endpoint address; /* whom the samples are of; the port is 0 */
	unsigned count;
	struct sample samples[STEERING_MEMORY]; /* oldest first */
};

/*
 * What to add to a time on the timescale of `then` to have it on that of `now`.
 * False: another boot, a suspend or a step of the clock between, or more than a
 * microsecond of doubt.
 */
bool timeline_bridge(const struct timeline *then, const struct timeline *now,
    int64_t *shift_ns) MUST_USE;

/* Moves samples by that. */
void saved_samples_shift(struct saved_source *m, int64_t shift_ns);

/* Head, each source, end: the whole is in `w`. A source with a sample beyond
 * all reason goes without its samples. */
void saved_samples_begin(
    struct writer *w, const struct timeline *t, unsigned sources);
void saved_samples_put(struct writer *w, const struct saved_source *m);
void saved_samples_end(struct writer *w);

/* Checks the whole, each source included. True: `r` stands before the first of
 * `*sources` sources. */
bool saved_samples_open(struct reader *r, const uint8_t *bytes, size_t len,
    struct timeline *t, unsigned *sources) MUST_USE;
/* True as long as saved_samples_open promised one. */
bool saved_samples_take(struct reader *r, struct saved_source *out) MUST_USE;

#endif
