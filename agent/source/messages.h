/*
 * What a source says of itself: the sentence that stands in the status, and the
 * line in the log. For agent/source/source.c; `now` is when it happened.
 */
#ifndef AGENT_SOURCE_MESSAGES_H
#define AGENT_SOURCE_MESSAGES_H

#include "agent/source/source.h"

/* Something is wrong: `failure` is the word for the cause. The same trouble
 * again is no news, but its words are kept up to date. */
void source_trouble(struct source *s, struct mono now, enum trouble_kind kind,
    enum log_level level, const char *failure, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

/* Nothing of that kind is wrong any more. */
void source_well(struct source *s, enum trouble_kind kind);

/* A request has had no answer, or none that counts. */
void say_silence(struct source *s, struct mono now);

/* New keys, those of the last run, a sample. */
void say_keys(struct source *s, const struct ke_answer *a, struct wall now);
void say_saved(struct source *s, const struct saved_keys *k, struct wall now);
void say_heard(struct source *s, struct mono now);

/* Large packets have begun to be lost on the path, or to pass. */
void say_path(struct source *s, struct mono now);

/* Its keys are given up, for they were made when others were trusted. */
void say_untrusted(struct source *s, struct mono now);

/* The certificate does not fit the time `told` by its own server. */
void say_outdated(struct source *s, struct wall told, struct mono now);

#endif
