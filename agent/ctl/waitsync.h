/*
 * Waits until the clock is synchronised, as `chronyc waitsync` does.
 */
#ifndef AGENT_CTL_WAITSYNC_H
#define AGENT_CTL_WAITSYNC_H

#include "agent/ctl/connect.h"
#include "agent/ctl/report/report.h"

#define WAITSYNC_ERROR_MAX 160

/* Our own lines, or those of chronyc with its zeros for what is unknown. */
enum waitsync_form { WAITSYNC_OWN, WAITSYNC_CHRONYC, WAITSYNC_CHRONYC_CSV };

struct waitsync {
	unsigned tries;		 /* 0: until it succeeds */
	double max_correction_s; /* 0: any */
	double max_skew_ppm;	 /* 0: any */
	double interval_s;	 /* at least 0.1 */
	enum waitsync_form form; /* WAITSYNC_OWN after waitsync_arguments() */
	/* The line of a try without an agent; NULL: there is none. */
	const char *no_agent;
};

/* TRIES, MAXCORRECTION, MAXSKEW, INTERVAL; their defaults are those of chronyc:
 * 0, 0, 0, 10. False: `why` says which is wrong. */
bool waitsync_arguments(struct waitsync *out, int argc, char **argv,
    char why[static WAITSYNC_ERROR_MAX]) MUST_USE;

/* Prints a line for each try to the view, and an error of the socket to
 * `errors` when it differs from the one before. EXIT_NOT_SYNCHRONISED after the
 * last try. */
enum exit_status waitsync_run(const struct waitsync *w, const char *socket,
    const struct view *v, FILE *errors);

#endif
