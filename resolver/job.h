/*
 * From a name to addresses, keys and cookies: one blocking function with a
 * deadline. Where it runs (a short-lived process, or inside the engine for
 * tests and simulation) is not its business.
 */
#ifndef RESOLVER_JOB_H
#define RESOLVER_JOB_H

#include "resolver/certificate/trust_config.h"
#include "resolver/frame.h"

/* Always fills `answer` (source, serial and stage at least). */
void resolver_job(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer);

/*
 * The resolver process: reads requests from `fd`, forks a job for each (at most
 * RESOLVER_JOBS_MAX at once, so that a name that hangs delays no other;
 * further ones wait), kills a job past its
 * deadline, answers. A trust_config in the place of a request replaces `trust`
 * for the jobs that begin after it. Returns an exit status when the engine
 * closes `fd`.
 */
#define RESOLVER_JOBS_MAX 64
int resolver_main(int fd, const struct trust_config *trust);

#endif
