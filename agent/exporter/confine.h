/* Takes from the exporter every right that it does not need. */
#ifndef AGENT_EXPORTER_CONFINE_H
#define AGENT_EXPORTER_CONFINE_H

#include "base/check.h"

#include <stdbool.h>

#define CONFINE_EXPORTER_MAX 600

/* Called when all sockets are open, before a byte of a client is read. False:
 * the process must not go on, and `why` is a sentence. */
bool confine_exporter(char why[static CONFINE_EXPORTER_MAX]) MUST_USE;

#endif
