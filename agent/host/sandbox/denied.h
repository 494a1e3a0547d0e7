/* What happens when a process makes a call that its filter denies. */
#ifndef AGENT_HOST_SANDBOX_DENIED_H
#define AGENT_HOST_SANDBOX_DENIED_H

#include "base/check.h"
#include "base/log.h"

/*
 * Takes SIGSYS: one line in the log names the process and the call, and the
 * process dies of the signal. `process` is a string constant. Called before the
 * filter is loaded. 0, or -errno.
 */
int denied_prepare(const char *process, enum log_target target) MUST_USE;

#endif
