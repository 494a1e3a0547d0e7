/*
 * The saver: a process without any right that writes the keeper's files and
 * ends. A disk may block for seconds or for ever; the keeper must answer the
 * engine and end its slews meanwhile.
 */
#ifndef AGENT_KEEPER_SAVER_H
#define AGENT_KEEPER_SAVER_H

#include "agent/config/config.h"
#include "agent/host/child.h"
#include "agent/link/keeper_link.h"

struct saver {
	const struct child_starter *starter; /* borrowed */
	const struct seal_key *seal;	     /* of the files; borrowed */
	struct child child;
	bool at_work, answered; /* answered: and nobody has taken that */
};

/* Starts the saver with a SAVE. 0; -EBUSY: it is at work; another -errno. */
int saver_start(struct saver *s, const struct config *config,
    const struct keeper_message *m) MUST_USE;

/* Collects it when it has ended. True: it has not. */
bool saver_at_work(struct saver *s);

/* True: it has ended since the last call, and `*answer` is how: an enum
 * saver_answer (agent/saved/trouble.h). */
bool saver_take_answer(struct saver *s, int *answer) MUST_USE;

/* Carries out a SAVE in this process: --single-process, and the keeper at its
 * end. Returns an enum saver_answer. */
int keeper_save(const struct config *config, const struct seal_key *seal,
    const struct keeper_message *m);

/* The saver's process: takes a save_order from `fd` and writes the files.
 * Returns its answer, an exit status. */
int saver_main(int fd);

#endif
