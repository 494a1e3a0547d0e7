#include "agent/foreign/tables.h"

/* timesyncd.conf(5), section [Time]. */
/* clang-format off */
#define TIMESYNCD_WORDS(X) \
X("NTP", DIRECTIVE, TAKEN, NULL, "a comment for each server, because timesyncd has no NTS") \
X("Servers", DIRECTIVE, TAKEN, NULL, "the old name of NTP") \
X("FallbackNTP", DIRECTIVE, TAKEN, NULL, "a comment for each server, because timesyncd has no NTS") \
X("RootDistanceMaxSec", DIRECTIVE, TAKEN, NULL, "maxdistance in [clock], 16 s at most") \
X("PollIntervalMinSec", DIRECTIVE, NEEDLESS, NULL, "the agent chooses the interval; minpoll in [source NAME]") \
X("PollIntervalMaxSec", DIRECTIVE, NEEDLESS, NULL, "the agent chooses the interval; maxpoll in [source NAME]") \
X("ConnectionRetrySec", DIRECTIVE, NEEDLESS, NULL, "the agent chooses the waits by their causes") \
X("SaveIntervalSec", DIRECTIVE, NEEDLESS, NULL, "the agent keeps the last good time by itself")
/* clang-format on */

FOREIGN_TABLES(timesyncd_words, timesyncd_reasons, TIMESYNCD_WORDS)
