/* System calls: turns the rules of a profile into a seccomp filter. */
#ifndef AGENT_HOST_SANDBOX_FILTER_H
#define AGENT_HOST_SANDBOX_FILTER_H

#include "agent/host/sandbox/request.h"
#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* Is the table of calls for this architecture, and does libseccomp know each
 * call that a process needs to start? False: `why` is a sentence. */
bool filter_possible(char why[SANDBOX_TEXT_MAX]);

/* Can the kernel filter system calls? */
bool filter_available(void);

/*
 * Loads the filter of `sets` (enum call_set). A call that is not in them raises
 * SIGSYS, which denied_prepare() has to be ready for; with `only_log` the
 * kernel logs it and carries it out. Calls of another architecture end the
 * process. 0, or -errno.
 */
int filter_load(uint32_t sets, bool only_log) MUST_USE;

#endif
