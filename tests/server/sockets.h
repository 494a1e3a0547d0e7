/* The server's sockets, and its only readings of the clock. */
#ifndef TESTS_SERVER_SOCKETS_H
#define TESTS_SERVER_SOCKETS_H

#include "base/check.h"
#include "base/time.h"

#include <stddef.h>
#include <sys/socket.h>

#define ADDRESSES_MAX 8

struct mono mono_now(void);
struct wall wall_now(void);

struct sockets {
	unsigned count;
	int ke[ADDRESSES_MAX], ntp[ADDRESSES_MAX];
	uint16_t ke_port, ntp_port;
};

/*
 * Opens one TCP and one UDP socket on each address; all addresses have the
 * same two ports, and 0 asks for two that are free. `may_miss`: an address
 * that this machine does not have is left out. False: said on stderr.
 */
bool sockets_open(struct sockets *s, const char *const *addresses,
    unsigned count, uint16_t ke_port, uint16_t ntp_port,
    bool may_miss) MUST_USE;
void sockets_close(struct sockets *s);

struct client {
	int fd; /* the socket that it came through */
	struct sockaddr_storage address;
	socklen_t address_len;
};

/* One datagram, with the kernel's stamp of its arrival (CLOCK_REALTIME).
 * Returns its length, or -1 when none is there. */
ssize_t sockets_receive(int fd, void *bytes, size_t size, struct client *from,
    struct wall *received);

void sockets_send(const struct client *to, const void *bytes, size_t len);

#endif
