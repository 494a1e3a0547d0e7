/* Puts each process into its sandbox, with what its request says of files and
 * ports. */
#ifndef AGENT_LAUNCH_CONFINE_H
#define AGENT_LAUNCH_CONFINE_H

#include "agent/launch/context.h"
#include "base/check.h"

/* Decides how far the processes are confined, by the configuration, the build
 * and the kernel. Logs once what is missing. False: logged, and the agent must
 * not start. */
bool confine_decide(
    enum confinement wanted, enum sandbox_level *level) MUST_USE;

/* Does Landlock keep a job from the files of its user? */
bool confine_hides_files(enum sandbox_level level);

#define CONFINE_TEXT_MAX (SANDBOX_TEXT_MAX + 40)

/* The level, and what the kernel lacks, in words for the status. */
void confine_text(enum sandbox_level level, char text[CONFINE_TEXT_MAX]);

/*
 * Each of these confines this process for the rest of its life. A process that
 * runs as long as the agent gives back the memory of its start, too. False:
 * logged, and the process must exit.
 */
bool confine(const struct process_context *c) MUST_USE;
bool confine_keeper(
    const struct process_context *c, const struct config *config) MUST_USE;
bool confine_engine(
    const struct process_context *c, const struct config *config) MUST_USE;
bool confine_resolver(const struct process_context *c) MUST_USE;

/* Its order stays in the link. */
bool confine_saver(const struct process_context *c) MUST_USE;
bool confine_logger(const struct process_context *c) MUST_USE;

/* For job_box; `self` is the process_context. */
bool confine_job(void *self, const struct ke_request *request,
    const struct trust_config *trust) MUST_USE;

#endif
