/* SIGTERM and SIGINT, which end the process of the engine. */
#ifndef AGENT_LOOP_SIGNALS_H
#define AGENT_LOOP_SIGNALS_H

#include <stdbool.h>

/*
 * Catches them, and ignores SIGPIPE and SIGHUP. With `by_descriptor`, it
 * returns a descriptor that is readable after a signal, so that none is lost
 * between signals_end_asked() and poll(2); -1 on failure. Without it, it
 * returns -1, and poll(2) returns EINTR: a simulator has no signalfd(2).
 */
int signals_catch(bool by_descriptor);

/* Returns true after a signal, or after signals_note_end. */
bool signals_end_asked(void);

/* The descriptor is readable. */
void signals_note_end(void);

#endif
