/*
 * From an authentic answer to a sample of the steering: one list of filters,
 * see source/checks.h for the whole list and README.md for the table.
 */
#ifndef AGENT_ENGINE_SAMPLES_H
#define AGENT_ENGINE_SAMPLES_H

#include "agent/engine/state.h"

/* Takes, holds or drops what source d->slot has answered. */
void engine_take_sample(struct engine *e, const struct datagram *d,
    const struct ntp_answer *answer);

#endif
