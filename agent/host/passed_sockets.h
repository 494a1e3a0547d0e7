/* Sockets that the service manager has opened for this process
 * (sd_listen_fds(3)). */
#ifndef AGENT_HOST_PASSED_SOCKETS_H
#define AGENT_HOST_PASSED_SOCKETS_H

#include "base/check.h"

/* The first one; the others follow. */
#define PASSED_SOCKETS_FIRST 3

/* How many there are; 0: none. Removes the variables of the environment, so a
 * second call returns 0. The caller judges each socket, and closes it on
 * exec. */
long passed_sockets(void) MUST_USE;

#endif
