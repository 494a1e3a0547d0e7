/*
 * Which troubles of a source are worth a line in the log. Each sentence is
 * logged once until all is well again. When trouble and recovery take turns,
 * a few lines are logged, and then none until the source has been steady for
 * an hour. Pure.
 */
#ifndef AGENT_SOURCE_LOG_BUDGET_H
#define AGENT_SOURCE_LOG_BUDGET_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SAID_MAX 16
/* Lines about a source that comes and goes. */
#define BUDGET_LINES_MAX 8
/* A source without trouble for this long is steady. */
#define BUDGET_STEADY_NS (3600 * NS_PER_S)
/* A source without a sample for this long does not come and go: it is gone. */
#define BUDGET_GONE_NS (600 * NS_PER_S)

struct log_budget {
	/* Hashes of the sentences that were logged since all was well. */
	unsigned said_count;
	uint32_t said[BUDGET_SAID_MAX];
	unsigned spent;		/* lines since it was steady */
	bool muted;		/* no more lines until it is steady or gone */
	struct mono trouble_at; /* the last trouble */
	struct mono first_at;	/* the first trouble ever; 0: none yet */
	/* A silence since this time, or before it, has had its lines. */
	struct mono lifted_for;
};

enum log_budget_answer {
	BUDGET_NONE,
	BUDGET_LINE,
	BUDGET_LAST_LINE, /* a line, and no more until it is steady */
	BUDGET_STEADY,	  /* a line: it is steady after all that */
};

/* A trouble. `text` that differs only in digits, or in words in double quotes,
 * is the same sentence. `heard_at` is the time of the last good sample; 0:
 * there was none. */
enum log_budget_answer log_budget_trouble(struct log_budget *b,
    const char *text, struct mono heard_at, struct mono now);

/* Is it the same sentence for log_budget_trouble()? */
bool log_budget_same(const char *a, const char *b);

/* A good sample. */
enum log_budget_answer log_budget_well(struct log_budget *b, struct mono now);

#endif
