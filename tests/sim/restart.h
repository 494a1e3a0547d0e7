/* What a restart costs: the ten minutes after it, with what was measured before
 * it and without, beside the same ten minutes of an agent that runs on. */
#ifndef SIM_RESTART_H
#define SIM_RESTART_H

/* Prints a line per row, and adds to both counts. */
void check_restarts(unsigned *passed, unsigned *failed);

#endif
