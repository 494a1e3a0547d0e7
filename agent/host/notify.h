/*
 * What systemd wants to hear of a unit with Type=notify (sd_notify(3)): one
 * datagram to the socket in $NOTIFY_SOCKET.
 */
#ifndef AGENT_HOST_NOTIFY_H
#define AGENT_HOST_NOTIFY_H

/* `state`: "READY=1\nSTATUS=...". Without $NOTIFY_SOCKET nothing happens; a
 * service manager that does not listen is not our trouble. */
void notify_manager(const char *state);

/* The configuration is being read again; "READY=1" ends it. */
void notify_reloading(void);

#endif
