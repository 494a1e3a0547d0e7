/*
 * What a source says: the sentence in the status and the line in the log.
 * For the files of this folder; `now` is when it happened.
 */
#ifndef AGENT_SOURCE_MESSAGES_H
#define AGENT_SOURCE_MESSAGES_H

#include "agent/saved/keys.h"
#include "agent/source/state.h"

/* What can fail. The stages of a key exchange (resolver/frame.h) come first,
 * with the words that they have there. */
/* clang-format off */
#define SOURCE_FAILURES(X) \
	/* id, kind of trouble, log level, word */ \
	X(FAILURE_CLOCK,      TROUBLE_KEYS, LOG_LEVEL_INFO,    "clock") \
	X(FAILURE_REQUEST,    TROUBLE_TIME, LOG_LEVEL_ERROR,   "request") \
	X(FAILURE_NETWORK,    TROUBLE_TIME, LOG_LEVEL_WARNING, "network") \
	X(FAILURE_SILENCE,    TROUBLE_TIME, LOG_LEVEL_WARNING, "silence") \
	X(FAILURE_REJECTED,   TROUBLE_TIME, LOG_LEVEL_WARNING, "rejected") \
	X(FAILURE_NAK,        TROUBLE_TIME, LOG_LEVEL_NOTICE,  "nak") \
	X(FAILURE_KISS,       TROUBLE_TIME, LOG_LEVEL_WARNING, "kiss") \
	X(FAILURE_DENIED,     TROUBLE_TIME, LOG_LEVEL_WARNING, "denied") \
	X(FAILURE_UNSYNCED,   TROUBLE_TIME, LOG_LEVEL_WARNING, "unsynchronised") \
	X(FAILURE_TIMES,      TROUBLE_TIME, LOG_LEVEL_WARNING, "times") \
	X(FAILURE_TIME,       TROUBLE_TIME, LOG_LEVEL_WARNING, "time") \
	X(FAILURE_DELAY,      TROUBLE_TIME, LOG_LEVEL_NOTICE,  "delay") \
	X(FAILURE_PATH,       TROUBLE_PATH, LOG_LEVEL_NOTICE,  "large-packets") \
	X(FAILURE_OFFLINE,    TROUBLE_ORDER, LOG_LEVEL_NOTICE, "offline")
/* clang-format on */
enum source_failure {
#define X(id, word) FAILURE_##id,
	KE_STAGES(X)
#undef X
#define X(id, kind, level, word) id,
	    SOURCE_FAILURES(X)
#undef X
		SOURCE_FAILURE_COUNT
};

static inline enum source_failure failure_of_stage(enum ke_stage stage)
{
	return (enum source_failure)stage;
}

/* Something is wrong: keeps the sentence for the status. It becomes a log line
 * unless that sentence, apart from its numbers, was logged since all was well.
 */
void source_trouble(struct source *s, struct mono now,
    enum source_failure failure, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Nothing of that kind is wrong any more. */
void source_well(struct source *s, enum trouble_kind kind);

/* Switched off by order: the status shows this before all other troubles. */
void say_offline(struct source *s);

/* No answer came to the last request, or none that counts. */
void say_silence(struct source *s, struct mono now);

/* The request could not be sent: `error` is an errno. */
void say_unsent(struct source *s, int error, struct mono now);

/* New keys, keys of the last run, a sample that was used. */
void say_keys(struct source *s, const struct ke_answer *a, struct wall now);
void say_saved(struct source *s, const struct saved_keys *k, struct wall now);
void say_heard(struct source *s, struct mono now);

/* Large packets begin to be lost on the path, or pass again. */
void say_path(struct source *s, struct mono now);

/* Its keys are dropped, because other certificates are trusted now. */
void say_untrusted(struct source *s, struct mono now);

/* Its certificate is not valid at the time `told` that its own server tells. */
void say_outdated(struct source *s, struct wall told, struct mono now);

#endif
