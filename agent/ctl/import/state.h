/* The drift file of another program as a drift file of the agent. Pure. */
#ifndef AGENT_CTL_IMPORT_STATE_H
#define AGENT_CTL_IMPORT_STATE_H

#include "agent/foreign/words.h"
#include "base/check.h"

#include <stdbool.h>

#define STATE_TEXT_MAX 64

/* `text`: chronyd's frequency and skew, or ntpd's frequency, in ppm. Writes a
 * line for the agent's file. False: it is no drift file of this program. */
bool state_drift(enum foreign_program program, const char *text,
    char out[STATE_TEXT_MAX]) MUST_USE;

#endif
