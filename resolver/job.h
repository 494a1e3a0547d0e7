/*
 * From a name to addresses, keys and cookies. A job is one blocking function
 * with a deadline. The resolver runs it in a process of its own; tests and the
 * simulation call it directly.
 */
#ifndef RESOLVER_JOB_H
#define RESOLVER_JOB_H

#include "resolver/certificate/trust_config.h"
#include "resolver/frame.h"

/* Always fills in `answer`, with the source and serial of the request. */
void resolver_job(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer);

/*
 * The resolver process: reads requests from `fd`, starts a job for each, sends
 * its answer, and kills a job that is past its deadline. Up to
 * RESOLVER_JOBS_MAX jobs run at once, so that a name server that does not
 * answer delays no other job; more requests wait. A struct trust_config from
 * `fd` replaces `trust` for the jobs that start after it. Returns an exit
 * status when the engine closes `fd`.
 */
#define RESOLVER_JOBS_MAX 64
int resolver_main(int fd, const struct trust_config *trust);

#endif
