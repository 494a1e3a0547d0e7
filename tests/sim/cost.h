/* What the estimator costs on this machine. Only `make bench-cost` judges it:
 * another program that needs the processor makes it slower. */
#ifndef SIM_COST_H
#define SIM_COST_H

#include <stdbool.h>

/* Prints processor time by the number of sources. Returns false if it is beyond
 * the limits, or a run failed. */
bool bench_cost(void);

#endif
