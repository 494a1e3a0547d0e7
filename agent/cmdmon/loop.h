/* The process that answers. */
#ifndef AGENT_CMDMON_LOOP_H
#define AGENT_CMDMON_LOOP_H

#include "agent/cmdmon/sockets.h"

/* A program that systemd starts again for the next request may leave. */
#define LOOP_IDLE_MS (5 * 60 * 1000)

/* Answers until a signal ends the process; if systemd has passed the sockets,
 * it returns after LOOP_IDLE_MS without a request. False: it cannot wait. */
bool loop_run(const struct sockets *s, const char *status_path) MUST_USE;

#endif
