/* The lines of chrony.conf(5) that name a server. */
#ifndef AGENT_CTL_IMPORT_CHRONY_H
#define AGENT_CTL_IMPORT_CHRONY_H

#include "agent/ctl/import/parsers.h"

/* `words`: the host and the options. False: chronyd would not take them. */
bool chrony_server(struct import *i, const char *text,
    const struct foreign_word *directive, char **words,
    unsigned count) MUST_USE;

#endif
