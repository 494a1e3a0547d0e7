/* The cost of a restart: the clock error in the two minutes after it, with and
 * without saved samples, compared with an agent that runs on. */
#ifndef SIM_RESTART_H
#define SIM_RESTART_H

/* Prints a line for each row, and adds to both counts. */
void check_restarts(unsigned *passed, unsigned *failed);

#endif
