/* From a datagram to its answer. A core: no descriptor, no clock. */
#ifndef AGENT_CMDMON_RESPOND_H
#define AGENT_CMDMON_RESPOND_H

#include "agent/cmdmon/protocol/request.h"
#include "agent/ctl/snapshot/snapshot.h"

/* Does the datagram ask for something that needs the status? */
bool respond_needs_status(const uint8_t *datagram, size_t len);

/*
 * Writes the answer to `out`, which has CMDMON_MESSAGE_MAX bytes. `s` is NULL
 * if the agent has no status: then a question about it has failed. Returns the
 * length, which is never above `len`; 0: no answer.
 */
size_t respond(const uint8_t *datagram, size_t len, const struct snapshot *s,
    uint8_t *out);

#endif
