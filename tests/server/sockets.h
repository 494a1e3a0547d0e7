/* The sockets and the clock readings of the server. */
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
 * Opens one TCP and one UDP socket on each address. All addresses have the same
 * two ports; 0 selects a free port. With `skip_missing`, an address that this
 * machine does not have is skipped. On failure prints the error to stderr and
 * returns false.
 */
bool sockets_open(struct sockets *s, const char *const *addresses,
    unsigned count, uint16_t ke_port, uint16_t ntp_port,
    bool skip_missing) MUST_USE;
void sockets_close(struct sockets *s);

struct client {
	int fd; /* the socket that received the datagram */
	struct sockaddr_storage address;
	socklen_t address_len;
};

/* Receives a datagram and the kernel's timestamp of its arrival
 * (CLOCK_REALTIME). Returns its length, or -1 if there is none. */
ssize_t sockets_receive(int fd, void *bytes, size_t size, struct client *from,
    struct wall *received);

void sockets_send(const struct client *to, const void *bytes, size_t len);

#endif
