/*
 * Limits the waits that a local user can cause by open descriptors. Who may
 * send to a UNIX socket may also send descriptors (SCM_RIGHTS). The kernel
 * closes those that nobody takes when the message is read or the socket is
 * closed, in the process that does so. The last close(2) of a TCP socket with
 * SO_LINGER waits for its peer, for as long as the sender likes. A signal ends
 * that wait.
 */
#ifndef AGENT_HOST_WAIT_LIMIT_H
#define AGENT_HOST_WAIT_LIMIT_H

/* So short that a flood of such clients costs no more than their refusals. */
#define WAIT_LIMIT_US 200

/* Makes the kernel refuse messages with descriptors to the clients of `fd`, a
 * UNIX socket, before it listens. Only Linux 6.16 and later can do that. */
void wait_limit_no_descriptors(int fd);

/* From now on SIGALRM comes each WAIT_LIMIT_US, so that no wait is longer. */
void wait_limit_begin(void);

/* No signal comes any more. */
void wait_limit_end(void);

#endif
