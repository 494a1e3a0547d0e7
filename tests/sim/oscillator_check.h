/* Checks that oscillators far beyond 500 ppm are corrected, and that the shown
 * bounds hold from the first second. */
#ifndef SIM_OSCILLATOR_CHECK_H
#define SIM_OSCILLATOR_CHECK_H

/* Adds to the counts and prints what failed. */
void check_oscillators(unsigned *passed, unsigned *failed);

#endif
