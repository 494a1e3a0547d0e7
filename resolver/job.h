/*
 * From a name to addresses, keys and cookies: one blocking function with a
 * deadline, which does not know whether it runs in a short-lived process or,
 * for tests and simulation, inside the engine.
 */
#ifndef RESOLVER_JOB_H
#define RESOLVER_JOB_H

#include "resolver/certificate/trust_config.h"
#include "resolver/frame.h"

#include <sys/types.h>

/* Always fills `answer` (source, serial and stage at least). */
void resolver_job(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer);

/* How long a job with this timeout waits for a connection, for all addresses of
 * a name together. */
int64_t job_connect_ns(uint32_t timeout_ms);

struct ke_details;

/* The same, and fills `details`, too, as far as the job gets. */
void resolver_job_detailed(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer,
    struct ke_details *details);

/*
 * Starts the process of a job, which runs resolver_job_main() with `link[1]`.
 * The caller closes both ends. Fills `pid`. 0, or -errno.
 *
 * A job that a server has taken over may send descriptors whose last close(2)
 * waits: `link` makes sockets that refuse them where the kernel can, and
 * between `limit` and `unlimit` no wait is long.
 */
struct job_starter {
	int (*link)(int link[2]);
	void (*limit)(void);
	void (*unlimit)(void);
	int (*start)(void *self, const int link[2], pid_t *pid);
	void *self;
};

/*
 * The resolver process: reads requests from `fd`, starts a job for each, kills
 * a job after its deadline, and answers. At most RESOLVER_JOBS_MAX run at once,
 * so that a name that hangs delays no other; further requests wait. A
 * trust_config in the place of a request replaces `trust` for the jobs that
 * start after it. Returns an exit status when the engine closes `fd`.
 */
#define RESOLVER_JOBS_MAX 64
int resolver_main(int fd, const struct trust_config *trust,
    const struct job_starter *starter);

/* What confines a job to its request, before it does anything. */
struct job_box {
	/* False: logged, and the job must end. */
	bool (*enter)(void *self, const struct ke_request *request,
	    const struct trust_config *trust);
	void *self;
};

/* The process of a job: takes a ke_request and a trust_config from `fd`, enters
 * its sandbox (`box`), and sends one ke_answer. Returns an exit status. */
int resolver_job_main(int fd, const struct job_box *box);

#endif
