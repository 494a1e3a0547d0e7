/* SIGTERM and SIGINT, which end the engine's process. */
#ifndef AGENT_LOOP_SIGNALS_H
#define AGENT_LOOP_SIGNALS_H

#include <stdbool.h>

/*
 * Catches them, and ignores SIGPIPE and SIGHUP. With `by_descriptor` it returns
 * a descriptor that is readable when one has come, so that none is lost between
 * a look and poll(2); -1 on failure. Without it, -1: poll(2) returns EINTR. A
 * simulator has no signalfd(2).
 */
int signals_catch(bool by_descriptor);

/* Has one come, or has signals_note_end been called? */
bool signals_end_asked(void);

/* The descriptor was readable. */
void signals_note_end(void);

#endif
