/* `ntsctl check`: hands over to `ntsagentd --check`. What reads bytes from the
 * network stays in the agent's program, which confines it. */
#ifndef AGENT_CTL_AGENT_CHECK_H
#define AGENT_CTL_AGENT_CHECK_H

#include "agent/ctl/options.h"

#define AGENT_CHECK_ARGUMENTS_MAX 10
#define AGENT_CHECK_PATH_MAX 4096
#define AGENT_CHECK_ERROR_MAX 400

/* The build may name another folder (SBINDIR of the Makefile). */
#ifndef NTSAGENT_SBINDIR
#define NTSAGENT_SBINDIR "/usr/local/sbin"
#endif

/* The command line of ntsagentd: borrows from `o` and `program`, and ends with
 * NULL. */
void agent_check_arguments(const struct options *o, const char *program,
    const char *out[static AGENT_CHECK_ARGUMENTS_MAX]);

/* Finds ntsagentd: next to `self`, the path of this program, or else in
 * `folder`. `self` may be "". False: neither can be executed. */
bool agent_check_find(const char *self, const char *folder,
    char out[static AGENT_CHECK_PATH_MAX]) MUST_USE;

/* Becomes ntsagentd. Returns only if that fails: `why` is a sentence. */
void agent_check_run(
    const struct options *o, char why[static AGENT_CHECK_ERROR_MAX]);

#endif
