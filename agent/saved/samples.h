/*
 * Saved measurements, for the next start: the samples of each source, and what
 * is needed to continue the timescale that they live on. Pure. README.md of
 * this folder has the format.
 *
 * That timescale is the free-running oscillator as the ledger of one process
 * knows it. CLOCK_MONOTONIC_RAW follows the same oscillator, and nobody can
 * steer it. So it continues the timescale in the next process, whatever the
 * agent or another program did to the clock in between.
 */
#ifndef AGENT_SAVED_SAMPLES_H
#define AGENT_SAVED_SAMPLES_H

#include "agent/config/config.h"
#include "clock/steering/restore.h"
#include "nts/bytes.h"

#define BOOT_ID_LEN 16
/* Enough bytes for everything but the sources, and for one source. */
#define SAVED_SAMPLES_HEAD_MAX 160
#define SAVED_SOURCE_MAX (SOURCE_NAME_MAX + 64 + STEERING_SAMPLES_MAX * 56)

/* Two timescales, read together. */
struct timeline {
	uint8_t boot[BOOT_ID_LEN];
	int64_t raw_ns;	   /* CLOCK_MONOTONIC_RAW */
	int64_t osc_ns;	   /* struct osc of the process's ledger */
	int64_t asleep_ns; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
	int64_t wall_ns;   /* CLOCK_REALTIME */
	/* Set frequency of CLOCK_REALTIME, in ppb; positive: faster. */
	int64_t rate_ppb;
	/* Time since the process began, on each; 0: not known. The rates of the
	 * two differ by a few ppm at most, by what the kernel rounds. */
	int64_t span_raw_ns, span_osc_ns;
};

struct saved_source {
	char name[SOURCE_NAME_MAX];
	struct endpoint address; /* of the server that was measured; port 0 */
	unsigned count;
	struct sample samples[STEERING_SAMPLES_MAX]; /* oldest first */
};

/* True: between the two times the machine was neither booted nor suspended.
 */
bool timeline_goes_on(const uint8_t boot[BOOT_ID_LEN], int64_t asleep_ns,
    const struct timeline *now);

/*
 * Computes what to add to a time on the timescale of `then` to get the time on
 * that of `now`. False: not possible to within a microsecond, or the machine
 * was booted or suspended or its clock stepped in between.
 */
bool timeline_bridge(const struct timeline *then, const struct timeline *now,
    int64_t *shift_ns) MUST_USE;

/* Moves the samples to the other timescale. */
void saved_samples_shift(struct saved_source *m, int64_t shift_ns);

/* Writes the file to `w`: begin, put for each of `sources` sources, end. A
 * source with a sample that saved_samples_take() would refuse is written
 * without samples. */
void saved_samples_begin(
    struct writer *w, const struct timeline *t, unsigned sources);
void saved_samples_put(struct writer *w, const struct saved_source *m);
void saved_samples_end(struct writer *w);

/* Checks the whole file with all sources. True: the file has `*sources`
 * sources, and `r` is at the first of them. */
bool saved_samples_open(struct reader *r, const uint8_t *bytes, size_t len,
    struct timeline *t, unsigned *sources) MUST_USE;
/* Reads the next source. True for each source that saved_samples_open() has
 * counted. */
bool saved_samples_take(struct reader *r, struct saved_source *out) MUST_USE;

#endif
