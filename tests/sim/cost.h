/* What the estimator costs on this machine. No test judges it. */
#ifndef SIM_COST_H
#define SIM_COST_H

#include <stdbool.h>

/* Prints processor time by the number of sources. Returns false if a run
 * failed. */
bool bench_cost(void);

#endif
