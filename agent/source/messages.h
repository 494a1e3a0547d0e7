/*
 * What a source says: the sentence in the status and the line in the log.
 * For the files of this folder; `now` is when it happened.
 */
#ifndef AGENT_SOURCE_MESSAGES_H
#define AGENT_SOURCE_MESSAGES_H

#include "agent/saved/keys.h"
#include "agent/source/state.h"
#include "base/failures.h"

/* The failure of a key exchange that got as far as this stage. */
enum failure failure_of_stage(enum ke_stage stage);

/* Something is wrong: keeps the sentence for the status. It becomes a log line
 * unless that sentence, apart from its numbers, was logged since all was well.
 */
void source_trouble(struct source *s, struct mono now, enum failure failure,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The job of a key exchange crashed: `text` says how, and count.crashes has
 * counted it. `rests`: the source waits for hours now. */
void say_crash(struct source *s, struct mono now, const char *text, bool rests);

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
