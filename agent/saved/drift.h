/*
 * The file of the learned drift (clock/steering/drift_bound.h). Pure. README.md
 * of this folder has the format.
 *
 * It is a separate file: what was learned in weeks is still true after a boot,
 * with other servers, and if the file of samples is lost.
 */
#ifndef AGENT_SAVED_DRIFT_H
#define AGENT_SAVED_DRIFT_H

#include "clock/steering/drift_bound.h"
#include "nts/bytes.h"

/* The length of the file. */
#define SAVED_DRIFT_LEN (8 + 2 + DRIFT_PERIODS * DRIFT_LAGS * 16 + 32)

void saved_drift_put(struct writer *w, const struct drift_learned *l);
/* False: damaged, of another version, or with a value out of range; then `out`
 * is empty. */
bool saved_drift_take(
    const uint8_t *bytes, size_t len, struct drift_learned *out) MUST_USE;

#endif
