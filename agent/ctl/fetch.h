/* From the socket's path to a snapshot. */
#ifndef AGENT_CTL_FETCH_H
#define AGENT_CTL_FETCH_H

#include "agent/ctl/connect.h"
#include "agent/ctl/print/snapshot.h"

/* As status_read and snapshot_parse in one, with their errors in `why`. */
bool snapshot_fetch(const char *socket, struct snapshot *out,
    char why[static CONNECT_ERROR_MAX]) MUST_USE;

#endif
