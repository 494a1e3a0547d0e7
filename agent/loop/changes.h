/*
 * What happens around the agent and may end the waiting of its sources: changes
 * of the network, of the trusted certificates, of the clock. The descriptors
 * that tell of it, as one. Without them the agent works, but waits longer.
 */
#ifndef AGENT_LOOP_CHANGES_H
#define AGENT_LOOP_CHANGES_H

#include "agent/engine/state.h"
#include "agent/host/network.h"
#include "agent/host/watch.h"
#include "resolver/certificate/trust.h"

#include <poll.h>

#define CHANGES_FDS 3

struct changes {
	struct network network;
	struct watch trust;
	const struct trust_config *trust_config; /* borrowed */
	uint8_t fingerprint[TRUST_FINGERPRINT_LEN];
	int alarm_fd; /* the clock was set; -1: the next wake-up notices it */
};

/* No descriptor: nothing is noticed. */
void changes_init(struct changes *c, struct mono now);

/* Logs what will not be noticed. */
void changes_open(struct changes *c, const struct trust_config *trust);
void changes_close(struct changes *c);

/* Other certificates from now on; `trust` is borrowed. True: their files have
 * other contents than those before. */
bool changes_watch_trust(struct changes *c, const struct trust_config *trust);

/* At most CHANGES_FDS. */
nfds_t changes_pollfds(const struct changes *c, struct pollfd fds[]);

/* `fd` is ready. False: it is none of ours. */
bool changes_hear(struct changes *c, int fd, struct mono now) MUST_USE;

struct mono changes_deadline(const struct changes *c);

/* Does what is due. engine_on_timer comes next. True: the files that are
 * trusted have other contents than before. */
bool changes_heed(
    struct changes *c, struct engine *e, struct clock_reading now);

#endif
