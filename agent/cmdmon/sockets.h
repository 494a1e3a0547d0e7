/*
 * The sockets that requests come to: UDP on the loopback addresses and UNIX
 * datagrams, from systemd or made here.
 */
#ifndef AGENT_CMDMON_SOCKETS_H
#define AGENT_CMDMON_SOCKETS_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SOCKETS_MAX 8
#define SOCKETS_TEXT_MAX 300

struct sockets {
	unsigned count;
	int fd[SOCKETS_MAX];
	bool activated; /* by systemd */
};

/* Takes what systemd has passed (sd_listen_fds(3)); none is no error. False:
 * `why` says which descriptor is not a datagram socket of a family above. */
bool sockets_take(struct sockets *s, char why[SOCKETS_TEXT_MAX]) MUST_USE;

/* Binds 127.0.0.1 and, if the machine has IPv6, ::1. */
bool sockets_bind_port(
    struct sockets *s, uint16_t port, char why[SOCKETS_TEXT_MAX]) MUST_USE;

/* Binds a UNIX socket that every user may write to; a socket that is left at
 * `path` is replaced. The folder must belong to root or to the user of this
 * process: its owner can replace the socket. Not safe with other threads, as it
 * sets the umask for a moment. */
bool sockets_bind_path(
    struct sockets *s, const char *path, char why[SOCKETS_TEXT_MAX]) MUST_USE;

/* Is it an address of this machine that can get an answer: a loopback address,
 * or a UNIX socket with a name? */
bool sockets_is_local(const struct sockaddr_storage *peer, socklen_t len);

#endif
