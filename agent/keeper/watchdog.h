/*
 * Finds an engine that hangs: the keeper asks it again and again whether its
 * loop still turns. A core: times in, a decision out.
 *
 * Only answers count, not the time alone: each question waits for a whole
 * period of its own. So a machine that was suspended or paused, whatever its
 * clocks did then, leaves the engine two more periods.
 */
#ifndef AGENT_KEEPER_WATCHDOG_H
#define AGENT_KEEPER_WATCHDOG_H

#include "base/check.h"
#include "base/time.h"

/* This number of questions in a row without an answer is a hang. */
#define WATCHDOG_UNANSWERED_MAX 3

struct watchdog {
	int64_t period_ns; /* from one question to the next; 0: nobody asks */
	struct mono next;
	uint32_t serial;     /* of the latest question */
	unsigned unanswered; /* questions since the latest answer */
};

enum watchdog_act {
	WATCHDOG_WAIT,
	WATCHDOG_ASK, /* send a question with `serial` */
	WATCHDOG_HANGS
};

/* `timeout_ns`: within this time the service manager must hear of an answer. 0:
 * it does not wait for any. A hang is found after half of it, and at most two
 * thirds. */
struct watchdog watchdog_of(int64_t timeout_ns, struct mono now);

enum watchdog_act watchdog_tick(struct watchdog *w, struct mono now);

/* When watchdog_tick() must be called; MONO_NEVER. */
struct mono watchdog_deadline(const struct watchdog *w);

/* The engine has answered the question `serial`. False: that question does not
 * wait for an answer. */
bool watchdog_heard(struct watchdog *w, uint32_t serial) MUST_USE;

/* How long a hang lasts before it is found, at least. */
int64_t watchdog_patience_ns(const struct watchdog *w);

#endif
