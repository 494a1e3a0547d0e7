/*
 * Hard worlds: paths and oscillators for which the estimator was not tuned. A
 * row names a kind of world; sizes follow from the row's path.
 */
#ifndef SIM_HARD_H
#define SIM_HARD_H

#include "base/check.h"
#include "tests/sim/rows.h"

extern const struct row hard_rows[];
extern const unsigned hard_row_count;

/* Changes an ordinary scenario to the named kind; false: no such kind. */
bool hard_apply(const char *kind, struct scenario *s) MUST_USE;

#endif
