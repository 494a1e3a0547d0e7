/* What the agent may do, decided before anything is started. */
#ifndef AGENT_LAUNCH_RIGHTS_H
#define AGENT_LAUNCH_RIGHTS_H

#include "agent/config/options.h"

/* What this process is and has. */
struct rights {
	bool root, sys_time;
};

struct rights rights_read(void);

/* May the agent's own user give it orders? Not if there is anything to gain:
 * jobs run as that user. */
bool rights_of_a_demo(struct rights rights);

/*
 * Decides whether the agent sets the clock: sets `no_clock` and its reason when
 * it may not. False: it must not start, and `why` is the reason; "" when it
 * starts.
 */
#define RIGHTS_TEXT_MAX 200
bool rights_decide(struct rights rights, struct run_options *run,
    char why[RIGHTS_TEXT_MAX]) MUST_USE;

#endif
