/*
 * How much the answers of one source scatter by themselves, whatever the other
 * sources and the estimate say (maxjitter). Pure.
 */
#ifndef CLOCK_STEERING_SCATTER_H
#define CLOCK_STEERING_SCATTER_H

#include "clock/steering/state.h"

/*
 * The standard deviation of one of the latest answers, s, from the changes
 * between neighbours. What a steady oscillator does is subtracted. The two
 * largest changes do not count: a server that was set, or one wrong answer, is
 * no scatter. 0: too few answers to tell.
 */
double scatter_s(const struct steering_source *src);

#endif
