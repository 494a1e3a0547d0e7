/* ntsctl events: what happened, the newest last. */
#ifndef AGENT_CTL_HISTORY_EVENTS_H
#define AGENT_CTL_HISTORY_EVENTS_H

#include "agent/ctl/print/table.h"
#include "agent/ctl/report/report.h"
#include "agent/history/format.h"

struct events_options {
	const char *socket; /* the agent's status socket */
	const char *since;  /* NULL: all */
	const char *source; /* NULL: all, and those of the clock */
	bool follow;	    /* go on with new events until it is stopped */
};

enum exit_status events_run(
    const struct events_options *o, const struct view *v, FILE *errors);

/* Prints the events from number `first` on that are not older than `since_s`.
 * `source`: only its events; NULL: all. False: the output cannot be written. */
bool events_print(const struct history_file *f, uint64_t first, int64_t since_s,
    const char *source, const struct view *v);

/* The number of the oldest event that is still there. */
uint64_t events_first(const struct history_file *f);

#endif
