/*
 * Do most sources show the change that the members show? A change that all show
 * at once is one of the clock, or of the line that they share. A lie is shown
 * by one alone. The bounds of far servers see a change only after minutes; but
 * a path keeps its asymmetry, so two answers of one server differ by what their
 * queues explain and by what the clock did in between.
 */
#ifndef CLOCK_STEERING_CONFIRMATION_H
#define CLOCK_STEERING_CONFIRMATION_H

#include "base/check.h"
#include "clock/steering/state.h"

/* Smaller changes of the frequency do not count, s/s. */
#define FREQ_OF_FEW 100e-6

/* Does the latest answer of most voters fit the estimate, and contradict the
 * frequency that was known before, unless that is the estimate's, too? */
bool confirmation_given(const struct steering *s) MUST_USE;

#endif
