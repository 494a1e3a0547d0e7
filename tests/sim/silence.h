/* All servers fall silent: does the bound hold, and how wide is it? */
#ifndef SIM_SILENCE_H
#define SIM_SILENCE_H

void check_silence(unsigned *passed, unsigned *failed);
/* Prints every row with this many seeds. */
void bench_silence(unsigned seeds);

#endif
