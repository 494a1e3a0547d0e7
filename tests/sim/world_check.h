#ifndef SIM_WORLD_CHECK_H
#define SIM_WORLD_CHECK_H

/* Checks that the worlds delay packets as they say. */
void check_worlds(unsigned *passed, unsigned *failed);

#endif
