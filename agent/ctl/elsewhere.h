/* Commands of other programs, which ntsctl executes. `check` is in ntsagentd:
 * what reads bytes from the network is in the agent's program, which confines
 * it. `import`, `compare`, `graph` and `watch` are in ntsctl-tools, a package
 * of its own. */
#ifndef AGENT_CTL_ELSEWHERE_H
#define AGENT_CTL_ELSEWHERE_H

#include "agent/ctl/options.h"
#include "agent/ctl/report/report.h"

#include <stdio.h>

#define ELSEWHERE_ARGUMENTS_MAX 18
#define ELSEWHERE_PATH_MAX 4096
#define ELSEWHERE_ERROR_MAX 600

/* The build may name other folders (SBINDIR and LIBEXECDIR of the Makefile). */
#ifndef NTSAGENT_SBINDIR
#define NTSAGENT_SBINDIR "/usr/local/sbin"
#endif
#ifndef NTSAGENT_LIBEXECDIR
#define NTSAGENT_LIBEXECDIR "/usr/local/libexec/ntsagent"
#endif

/* The command lines of ntsagentd and ntsctl-tools. They borrow from `o` and
 * `program`, and end with NULL. */
void elsewhere_check_arguments(const struct options *o, const char *program,
    const char *out[static ELSEWHERE_ARGUMENTS_MAX]);
void elsewhere_report_arguments(const struct options *o, const char *program,
    const char *out[static ELSEWHERE_ARGUMENTS_MAX]);

/* Finds the program `name`: next to `self`, the path of this program, or else
 * in `folder`. `self` may be "". False: neither can be executed. */
bool elsewhere_find(const char *self, const char *name, const char *folder,
    char out[static ELSEWHERE_PATH_MAX]) MUST_USE;

/* Becomes ntsagentd. Returns only if that fails: `why` is a sentence. */
void elsewhere_check(
    const struct options *o, char why[static ELSEWHERE_ERROR_MAX]);

/* Becomes ntsctl-tools. Returns only if that fails. elsewhere_report() is for
 * commands that take the options of ntsctl: compare and graph. */
int elsewhere_import(int argc, char **argv, FILE *out, FILE *errors);
enum exit_status elsewhere_report(
    const struct options *o, const struct view *v, FILE *errors);

#endif
