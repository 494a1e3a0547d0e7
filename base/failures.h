/*
 * The words for what can fail at a source: `failure` in the status. The agent
 * writes them and ntsctl gives advice by them, so both take them from here;
 * ntsctl(8) lists them, and no word is ever renamed within a schema.
 */
#ifndef BASE_FAILURES_H
#define BASE_FAILURES_H

#include <string.h>

/* clang-format off */
#define FAILURES(X) \
	/* of the key exchange: the step that failed */ \
	X(FAILURE_START,          "start") \
	X(FAILURE_DNS,            "dns") \
	X(FAILURE_KE_BIND,        "ke-bind") \
	X(FAILURE_CONNECT,        "connect") \
	X(FAILURE_TLS,            "tls") \
	X(FAILURE_CERTIFICATE,    "certificate") \
	X(FAILURE_NTS_KE,         "nts-ke") \
	X(FAILURE_NTP_NAME,       "ntp-name") \
	X(FAILURE_CLOCK,          "clock") \
	X(FAILURE_CRASH,          "crash") \
	/* of the requests for time */ \
	X(FAILURE_BIND,           "bind") \
	X(FAILURE_NETWORK,        "network") \
	X(FAILURE_REQUEST,        "request") \
	X(FAILURE_SILENCE,        "silence") \
	X(FAILURE_REJECTED,       "rejected") \
	X(FAILURE_NAK,            "nak") \
	X(FAILURE_KISS,           "kiss") \
	X(FAILURE_DENIED,         "denied") \
	X(FAILURE_UNSYNCHRONISED, "unsynchronised") \
	X(FAILURE_TIMES,          "times") \
	X(FAILURE_TIME,           "time") \
	X(FAILURE_DELAY,          "delay") \
	/* of the path, although samples arrive */ \
	X(FAILURE_LARGE_PACKETS,  "large-packets") \
	/* not a failure: an administrator's order */ \
	X(FAILURE_OFFLINE,        "offline")
/* clang-format on */

enum failure {
#define X(id, word) id,
	FAILURES(X)
#undef X
	    FAILURE_COUNT
};

/* "" for FAILURE_COUNT, which stands for "nothing" and for an unknown word. */
static inline const char *failure_word(enum failure failure)
{
	static const char *const words[FAILURE_COUNT + 1] = {
#define X(id, word) [id] = (word),
	    FAILURES(X)
#undef X
		[FAILURE_COUNT] = "",
	};

	return words[failure];
}

/* FAILURE_COUNT when `word` is not on the list. */
static inline enum failure failure_of_word(const char *word)
{
	int i = 0;

	while (i < FAILURE_COUNT &&
	       strcmp(failure_word((enum failure)i), word) != 0)
		i++;
	return (enum failure)i;
}

#endif
