/* The tables, for words.c alone. A table ends with a row without a name. */
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

extern const struct foreign_word chrony_words[];
extern const struct foreign_word ntpd_rs_words[];
extern const struct foreign_word ntpd_words[];
extern const struct foreign_word timesyncd_words[];

#endif
