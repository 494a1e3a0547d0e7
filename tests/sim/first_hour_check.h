/* The first hour after a start: the clock error in four windows, compared with
 * that of chronyd after the same start. */
#ifndef SIM_FIRST_HOUR_CHECK_H
#define SIM_FIRST_HOUR_CHECK_H

/* Prints one line, and one for each row that fails. Adds to both counts. */
void check_first_hour(unsigned *passed, unsigned *failed);

#endif
