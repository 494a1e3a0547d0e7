/*
 * Tells systemd the state of a unit with Type=notify (sd_notify(3)): one
 * datagram to the socket in $NOTIFY_SOCKET.
 */
#ifndef AGENT_HOST_NOTIFY_H
#define AGENT_HOST_NOTIFY_H

/* `state`: "READY=1\nSTATUS=...". Without $NOTIFY_SOCKET, or when the service
 * manager does not listen, nothing happens. */
void notify_manager(const char *state);

/* A reload begins; notify_manager("READY=1") tells its end. */
void notify_reloading(void);

#endif
