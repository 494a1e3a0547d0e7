/* The real side of the engine's ports. */
#ifndef AGENT_LOOP_PORTS_H
#define AGENT_LOOP_PORTS_H

#include "agent/loop/state.h"

/* Makes the ports, without those that save: see ports_save_too. */
struct engine_ports ports_of(struct engine_loop *p);

/* The kernel gives random numbers. False: logged. */
bool ports_have_random(void) MUST_USE;

/* Switches the saving of keys and samples on or off. */
void ports_save_too(struct engine_loop *p, bool save);

/* With a logger, the engine gives it the lines of the files of measurements. */
void ports_log_too(struct engine_loop *p);

/* The logger says whether it can write, or has ended. */
void ports_hear_logger(struct engine_loop *p);

/* Opens the folder of what is saved; the engine learns of what is wrong. */
void ports_open_keyring(struct engine_loop *p);

#endif
