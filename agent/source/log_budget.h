/*
 * Which news of a source is worth a line in the log. Each sentence once until
 * all is well again; and when a path is so bad that trouble and recovery take
 * turns, a few lines and then none until it has been steady for an hour.
 * Pure: text and time come in, a verdict goes out.
 */
#ifndef AGENT_SOURCE_LOG_BUDGET_H
#define AGENT_SOURCE_LOG_BUDGET_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SAID_MAX 8
/* Lines before a source that comes and goes is told of no more. */
#define BUDGET_BUDGET 8
/* Without trouble for so long, a source is steady. */
#define BUDGET_STEADY_NS (3600 * NS_PER_S)
/* Without a sample for so long, it does not come and go: it is gone. */
#define BUDGET_GONE_NS (600 * NS_PER_S)

struct log_budget {
	/* Of the sentences since all was well. */
	unsigned said_count;
	uint32_t said[BUDGET_SAID_MAX];
	unsigned spent; /* lines since it was steady */
	bool muted;
	struct mono trouble_at; /* the last */
};

enum log_budget_answer {
	BUDGET_NONE,
	BUDGET_LINE,
	BUDGET_LAST_LINE, /* and nothing more for a while */
	BUDGET_STEADY,	  /* after that while */
};

/* A trouble, in the words of `text`; numbers do not count. `heard_at` is when
 * the last good sample came. */
enum log_budget_answer log_budget_trouble(struct log_budget *n,
    const char *text, struct mono heard_at, struct mono now);

/* A good sample. */
enum log_budget_answer log_budget_well(struct log_budget *n, struct mono now);

#endif
