/*
 * The lasting errors that no packet shows: the two ways of a path differ, and
 * only their sum is measured. They are estimated, so that the shown error is
 * not smaller than the true one. Internal to clock/steering.
 */
#ifndef CLOCK_STEERING_UNSEEN_ERROR_H
#define CLOCK_STEERING_UNSEEN_ERROR_H

struct steering;

/* The standard deviation of the error of the joint estimate that comes from
 * this, s. The errors that this machine or a shared line may cause count as
 * equal for all members, the others as independent. */
double unseen_sd(const struct steering *s);

#endif
