/* The sandbox of the programs that have no configuration: ntsagent-exporter and
 * ntsagent-cmdmon. */
#ifndef AGENT_HOST_SANDBOX_CONFINE_H
#define AGENT_HOST_SANDBOX_CONFINE_H

#include "agent/host/sandbox/sandbox.h"

#include <stdio.h>

/* Called when all sockets are open and the rights are dropped, before a byte of
 * a client is read. One log line says what of the sandbox this build or this
 * kernel lacks. False: the process must not go on, and `why` is a sentence. */
bool sandbox_confine(
    enum sandbox_profile profile, char why[SANDBOX_TEXT_MAX]) MUST_USE;

/* What --version prints: the program with its version, what it can do, whether
 * this build and kernel have a sandbox, and its libraries. */
void confine_print_version(const char *program, const char *features,
    const char *libraries, FILE *out);

#endif
