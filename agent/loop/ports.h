/* The real side of the engine's ports. */
#ifndef AGENT_LOOP_PORTS_H
#define AGENT_LOOP_PORTS_H

#include "agent/loop/state.h"

/* Makes the ports, without those that save: see ports_save_too. */
struct engine_ports ports_of(struct engine_loop *p);

/* Switches the saving of keys and samples on or off. */
void ports_save_too(struct engine_loop *p, bool save);

#endif
