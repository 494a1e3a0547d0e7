/*
 * Which news of a source is worth a line in the log. Each sentence once until
 * all is well again; and when a path is so bad that trouble and recovery take
 * turns, a few lines and then none until it has been steady for an hour.
 * Pure: text and time come in, a verdict goes out.
 */
#ifndef AGENT_NEWS_H
#define AGENT_NEWS_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define NEWS_SAID_MAX 8
/* Lines before a source that comes and goes is told of no more. */
#define NEWS_BUDGET 8
/* Without trouble for so long, a source is steady. */
#define NEWS_STEADY_NS (3600 * NS_PER_S)
/* Without a sample for so long, it does not come and go: it is gone. */
#define NEWS_GONE_NS (600 * NS_PER_S)

struct news {
	/* Of the sentences since all was well. */
	unsigned said_count;
	uint32_t said[NEWS_SAID_MAX];
	unsigned spent; /* lines since it was steady */
	bool muted;
	struct mono trouble_at; /* the last */
};

enum news_verdict {
	NEWS_NONE,
	NEWS_LINE,
	NEWS_LAST_LINE, /* and nothing more for a while */
	NEWS_STEADY,	/* after that while */
};

/* A trouble, in the words of `text`; numbers do not count. `heard_at` is when
 * the last good sample came. */
enum news_verdict news_trouble(
    struct news *n, const char *text, struct mono heard_at, struct mono now);

/* A good sample. */
enum news_verdict news_well(struct news *n, struct mono now);

#endif
