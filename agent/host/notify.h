/*
 * Tells systemd the state of a unit with Type=notify (sd_notify(3)): one
 * datagram to the socket in $NOTIFY_SOCKET.
 */
#ifndef AGENT_HOST_NOTIFY_H
#define AGENT_HOST_NOTIFY_H

#include <stdint.h>

/* `state`: "READY=1\nSTATUS=...". Without $NOTIFY_SOCKET, or when the service
 * manager does not listen, nothing happens. */
void notify_manager(const char *state);

/* The time within which the manager wants to hear WATCHDOG=1 from this process
 * again and again (WatchdogSec=, sd_watchdog_enabled(3)). 0: it does not. */
int64_t notify_watchdog_ns(void);

/* A reload begins; notify_manager("READY=1") tells its end. */
void notify_reloading(void);

#endif
