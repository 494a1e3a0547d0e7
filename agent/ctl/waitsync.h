/*
 * Waits until the clock is synchronised, as `chronyc waitsync` does.
 */
#ifndef AGENT_CTL_WAITSYNC_H
#define AGENT_CTL_WAITSYNC_H

#include "agent/ctl/connect.h"
#include "agent/ctl/report/report.h"

#define WAITSYNC_ERROR_MAX 160

struct waitsync {
	unsigned tries;		 /* 0: until it succeeds */
	double max_correction_s; /* 0: any */
	double max_skew_ppm;	 /* 0: any */
	double interval_s;	 /* at least 0.1 */
};

/* Each argument left out has chronyc's default: 0, 0, 0, 10. False: `why` says
 * which is wrong. */
bool waitsync_arguments(struct waitsync *out, int argc, char **argv,
    char why[static WAITSYNC_ERROR_MAX]) MUST_USE;

/* One line per try to the view; trouble with the socket to `errors`, once as
 * long as it stays the same. EXIT_NOT_SYNCHRONISED when the tries are over. */
enum exit_status waitsync_run(const struct waitsync *w, const char *socket,
    const struct view *v, FILE *errors);

#endif
