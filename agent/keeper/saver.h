/*
 * The saver: a process without any right that writes the keeper's files and
 * ends. A disk may take seconds, or for ever; the keeper must answer meanwhile,
 * and end its slews.
 */
#ifndef AGENT_KEEPER_SAVER_H
#define AGENT_KEEPER_SAVER_H

#include "agent/keeper/keeper_loop.h"

struct saver {
	struct child child;
	bool at_work;
};

/* Carries out a SAVE. 0; -EBUSY: one is at work; another -errno. */
int saver_start(struct saver *s, const struct identity *identity,
    const struct config *config, const struct keeper_message *m) MUST_USE;

/* Looks whether it has ended. */
bool saver_at_work(struct saver *s);

#endif
