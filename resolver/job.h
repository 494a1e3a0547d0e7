/*
 * From a name to addresses, keys and cookies: one blocking function with a
 * deadline. Where it runs (a short-lived process, or inside the engine for
 * tests and simulation) is not its business.
 */
#ifndef RESOLVER_JOB_H
#define RESOLVER_JOB_H

#include "resolver/frame.h"

#define TRUST_PATHS_MAX 32
#define TRUST_PATH_LEN 256

/* Read before every job, so that renewed files are seen. */
struct trust_config {
	bool system_certs; /* the library's default store as well */
	unsigned path_count;
	char paths[TRUST_PATHS_MAX][TRUST_PATH_LEN]; /* PEM file or directory */
	/* AEADs to offer, in order; none: all that pass the self-test */
	unsigned aead_count;
	enum aead_id aeads[AEAD_KINDS];
};

/* Checks counts, closing NULs and algorithms. */
bool trust_config_valid(const struct trust_config *t) MUST_USE;

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
