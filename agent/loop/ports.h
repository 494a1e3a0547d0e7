/* The real side of the engine's ports. */
#ifndef AGENT_LOOP_PORTS_H
#define AGENT_LOOP_PORTS_H

#include "agent/loop/state.h"

/* Without the ports that save: see ports_save_too. */
struct engine_ports ports_of(struct engine_loop *p);

/* Keys and samples are saved from now on, or no longer. */
void ports_save_too(struct engine_loop *p, bool save);

#endif
