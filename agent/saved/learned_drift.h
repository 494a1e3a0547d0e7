/*
 * The file of the learned drift (clock/steering/drift_bound.h). Pure. README.md
 * of this folder has the format.
 *
 * It is a separate file: what was learned in weeks still counts after a boot,
 * with other servers, and if the file of samples is lost. It does not count on
 * another machine, as on a clone.
 */
#ifndef AGENT_SAVED_LEARNED_DRIFT_H
#define AGENT_SAVED_LEARNED_DRIFT_H

#include "agent/saved/machine.h"
#include "agent/saved/samples.h"
#include "clock/steering/drift_bound.h"
#include "nts/bytes.h"

/* The length of the file. */
#define SAVED_DRIFT_LEN                                                        \
	(8 + 2 + DIGEST_LEN + BOOT_ID_LEN + 8 + 8 +                            \
	    DRIFT_PERIODS * DRIFT_LAGS * 16 + DIGEST_LEN)

struct saved_drift {
	uint8_t machine[DIGEST_LEN]; /* see machine_digest() */
	uint8_t boot[BOOT_ID_LEN];
	int64_t asleep_ns; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
	struct drift_learned learned;
};

void saved_drift_put(struct writer *w, const struct saved_drift *d);
/* False: damaged, of another version, or with a value out of range; then `out`
 * is empty. */
bool saved_drift_take(
    const uint8_t *bytes, size_t len, struct saved_drift *out) MUST_USE;

/* What counts now. After a boot or a suspend the clock was not watched yet, and
 * never for longer than the machine is awake: a forged file cannot say more. */
struct drift_learned saved_drift_now(
    const struct saved_drift *d, const struct timeline *now);

#endif
