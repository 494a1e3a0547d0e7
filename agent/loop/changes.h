/*
 * Watches what may end the waits of sources: the network, the files of trusted
 * certificates, and jumps of the clock. Without the descriptors the agent
 * works, but waits longer.
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
	int alarm_fd; /* readable when the clock was set; < 0: none, then the
			 next event notices it */
	bool clock_was_set; /* since changes_heed() was called last */
};

/* Opens no descriptor: nothing is noticed. */
void changes_init(struct changes *c, struct mono now);

/* Opens the descriptors, and logs what will not be noticed. `trust` is
 * borrowed. */
void changes_open(struct changes *c, const struct trust_config *trust);
void changes_close(struct changes *c);

/* Watches the files of `trust` from now on, which is borrowed. Returns true if
 * their contents differ from those before. */
bool changes_watch_trust(struct changes *c, const struct trust_config *trust);

/* Returns how many it has filled in, at most CHANGES_FDS. */
nfds_t changes_pollfds(const struct changes *c, struct pollfd fds[]);

/* Reads `fd`, which is ready. False: it is not one of these descriptors. */
bool changes_hear(struct changes *c, int fd, struct mono now) MUST_USE;

struct mono changes_deadline(const struct changes *c);

/* Ends waits for changes that are due. Returns true if the trusted files have
 * other contents than before. The caller calls engine_on_timer next. */
bool changes_heed(
    struct changes *c, struct engine *e, struct clock_reading now);

#endif
