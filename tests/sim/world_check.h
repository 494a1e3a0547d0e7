#ifndef SIM_WORLD_CHECK_H
#define SIM_WORLD_CHECK_H

/* Checks that each kind of world delays packets as its table row says. */
void check_worlds(unsigned *passed, unsigned *failed);

#endif
