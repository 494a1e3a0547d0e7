#include "agent/foreign/tables.h"

/* timesyncd.conf(5), section [Time]. */
/* clang-format off */
const struct foreign_word timesyncd_words[] = {
{"NTP", DIRECTIVE, TAKEN, NULL, "a comment for each server, because timesyncd has no NTS"},
{"FallbackNTP", DIRECTIVE, TAKEN, NULL, "a comment for each server, because timesyncd has no NTS"},
{"RootDistanceMaxSec", DIRECTIVE, TAKEN, NULL, "maxdistance in [clock], 16 s at most"},
{"PollIntervalMinSec", DIRECTIVE, NEEDLESS, NULL, "the agent chooses the interval; minpoll in [source NAME]"},
{"PollIntervalMaxSec", DIRECTIVE, NEEDLESS, NULL, "the agent chooses the interval; maxpoll in [source NAME]"},
{"ConnectionRetrySec", DIRECTIVE, NEEDLESS, NULL, "the agent chooses the waits by their causes"},
{"SaveIntervalSec", DIRECTIVE, NEEDLESS, NULL, "the agent keeps the last good time by itself"},
{NULL, ANYWHERE, LOST, NULL, NULL},
};
/* clang-format on */
