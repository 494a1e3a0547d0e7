/*
 * What an ICMP message says of a connection or a request. The kernel makes the
 * same errno of "the host is down" and of "a firewall prohibits it".
 */
#ifndef RESOLVER_ICMP_H
#define RESOLVER_ICMP_H

#include <stdbool.h>

/* In the place of an errno: a firewall rejects the packet. No errno is so
 * large. */
#define ICMP_PROHIBITED 4999

/* Keeps ICMP errors of a TCP socket of the family `af` for icmp_error_of_tcp().
 * Switch it off when the socket is connected: with it, a single message ends a
 * connection. */
void icmp_watch(int fd, int af, bool on);

/* `error` came after connect(2) began. Returns ICMP_PROHIBITED, EHOSTUNREACH if
 * the network beyond this machine is at fault, or else `error`. */
int icmp_error_of_tcp(int fd, int error);

/* `error` came from recv(2) on a connected UDP socket. Such a socket gets no
 * error for a host that is down, so what says "unreachable" is a firewall. */
int icmp_error_of_udp(int error);

#endif
