/* What the sandbox of the processes of a check lacks on this machine. */
#ifndef AGENT_CHECK_BOX_H
#define AGENT_CHECK_BOX_H

#include "agent/config/config.h"
#include "agent/host/sandbox/request.h"
#include "base/check.h"

#define BOX_TEXT_MAX (SANDBOX_TEXT_MAX + 120)

/* True: `text` says what the sandbox lacks, or is "". False: the agent does not
 * start here because of `sandbox = require`, and `text` says why. */
bool box_judge(enum confinement wanted, char text[BOX_TEXT_MAX]) MUST_USE;

#endif
