/*
 * The sandbox: takes from a process all that it does not need. System calls are
 * filtered by seccomp, files and TCP ports by Landlock, amounts by resource
 * limits. A process enters it once, after it has dropped its rights and taken
 * its request, and before it reads a byte that another machine sent.
 *
 * agent/host/sandbox/README.md says what each part can do and cannot do.
 */
#ifndef AGENT_HOST_SANDBOX_SANDBOX_H
#define AGENT_HOST_SANDBOX_SANDBOX_H

#include "agent/host/sandbox/request.h"
#include "base/check.h"

#include <stdbool.h>

/*
 * Confines this process for the rest of its life. Parts that the kernel lacks
 * are left out (sandbox_missing()). False: `why` is a sentence, and the process
 * must exit.
 */
bool sandbox_enter(
    const struct sandbox_request *r, char why[SANDBOX_TEXT_MAX]) MUST_USE;

/* The level that this build and this environment allow at most. Under
 * sanitizers, valgrind and preloaded simulators, on other machines than x86-64
 * and arm64, and with an old libseccomp it is SANDBOX_OFF; `why` says so. With
 * SANDBOX_ON `why` is "". */
enum sandbox_level sandbox_possible(char why[SANDBOX_TEXT_MAX]);

/* Writes which parts of the sandbox this kernel lacks, as a list in words; "":
 * none. Returns how many. */
unsigned sandbox_missing(char text[SANDBOX_TEXT_MAX]);

#endif
