/* From the socket's path to a snapshot. */
#ifndef CTL_FETCH_H
#define CTL_FETCH_H

#include "agent/ctl/connect.h"
#include "agent/ctl/snapshot.h"

/* As status_read and snapshot_parse in one, with their errors in `why`. */
bool snapshot_fetch(const char *socket, struct snapshot *out,
    char why[static CONNECT_ERROR_MAX]) MUST_USE;

#endif
