/* The sockets that wait for clients: from systemd, or made by an address. */
#ifndef AGENT_EXPORTER_LISTEN_H
#define AGENT_EXPORTER_LISTEN_H

#include "base/check.h"

#include <stdbool.h>

#define LISTEN_TEXT_MAX 300

/*
 * Sockets that systemd has opened (sd_listen_fds(3)): their number, at most
 * `max`, or 0. They do not block and are not inherited. The variables of the
 * environment are removed. -1: `why` says which one cannot be used.
 */
int listen_inherited(
    int *fds, unsigned max, char why[static LISTEN_TEXT_MAX]) MUST_USE;

/* Listens on ADDRESS:PORT or [ADDRESS]:PORT, an address in digits. The
 * descriptor, or -1: `why` is a sentence. */
int listen_on(const char *address, char why[static LISTEN_TEXT_MAX]) MUST_USE;

#endif
