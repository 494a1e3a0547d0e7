/* Reads the status from the socket and parses it. */
#ifndef AGENT_CTL_FETCH_H
#define AGENT_CTL_FETCH_H

#include "agent/ctl/connect.h"
#include "agent/ctl/snapshot/snapshot.h"

/* The caller owns the snapshot: snapshot_free. False: `why` is the sentence of
 * status_read or snapshot_parse. */
bool snapshot_fetch(const char *socket, struct snapshot *out,
    char why[static CONNECT_ERROR_MAX]) MUST_USE;

/* For a process that others wait for: another time limit, from the connection
 * to the end of the answer. */
bool snapshot_fetch_within(const char *socket, int timeout_ms,
    struct snapshot *out, char why[static CONNECT_ERROR_MAX]) MUST_USE;

#endif
