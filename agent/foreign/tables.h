/*
 * The tables, for words.c alone. A list X has for each word its name, its
 * place, its fate, the advice of struct foreign_word, and the reason that the
 * import gives; NULL: the reason stands in the advice. ntsagentd prints no
 * reason, so these are a table of their own, which it does not contain.
 */
#ifndef AGENT_FOREIGN_TABLES_H
#define AGENT_FOREIGN_TABLES_H

#include "agent/foreign/word.h"

#include <stddef.h>

#define DIRECTIVE PLACE_DIRECTIVE
#define OPTION PLACE_OPTION
#define ANYWHERE PLACE_BOTH
#define TAKEN FATE_TAKEN
#define NEEDLESS FATE_NEEDLESS
#define LOST FATE_LOST

#define SERVES_NOT "leave it out: the agent serves no time and opens no port"

/* Ends with a row without a name. */
extern const struct foreign_word chrony_words[];
extern const struct foreign_word ntpd_rs_words[];
extern const struct foreign_word ntpd_words[];
extern const struct foreign_word timesyncd_words[];

/* For ntsagentd, which needs neither place nor fate. */
struct foreign_advice {
	const char *name, *advice;
};
extern const struct foreign_advice chrony_advice[]; /* ends without a name */

/* The same indices. */
extern const char *const chrony_reasons[];
extern const char *const ntpd_rs_reasons[];
extern const char *const ntpd_reasons[];
extern const char *const timesyncd_reasons[];

/* clang-format off */
#define FOREIGN_WORD(name, place, fate, advice, reason) {name, place, fate, advice},
#define FOREIGN_REASON(name, place, fate, advice, reason) reason,
#define FOREIGN_ADVICE(name, place, fate, advice, reason) {name, advice},
#define FOREIGN_TABLES(words, reasons, X) \
	const struct foreign_word words[] = { \
		X(FOREIGN_WORD) {NULL, ANYWHERE, LOST, NULL}}; \
	const char *const reasons[] = {X(FOREIGN_REASON)};
/* clang-format on */

#endif
