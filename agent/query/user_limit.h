/*
 * How often a user may ask for the status: USER_LIMIT_BURST times at once, then
 * USER_LIMIT_PER_S times a second. Pure. Root has no limit.
 */
#ifndef AGENT_QUERY_USER_LIMIT_H
#define AGENT_QUERY_USER_LIMIT_H

#include "base/allowance.h"

#include <stdbool.h>
#include <sys/types.h>

#define USER_LIMIT_BURST 100
#define USER_LIMIT_PER_S 20
/* All users together: one of them can become many by user namespaces. */
#define USER_LIMIT_ALL_BURST 300
#define USER_LIMIT_ALL_PER_S 60
/* Users that are remembered. */
#define USER_LIMIT_USERS 16

struct user_limit {
	struct allowance all;
	unsigned count;
	struct {
		uid_t uid;
		struct allowance allowance;
	} users[USER_LIMIT_USERS];
};

void user_limit_init(struct user_limit *l, struct mono now);

/* May the user ask now? Counts it. */
bool user_limit_allows(
    struct user_limit *l, uid_t uid, struct mono now) MUST_USE;

/* Has the user, or have all together, spent more than half of what they may at
 * once? A program that shows the status never does. */
bool user_limit_is_low(
    struct user_limit *l, uid_t uid, struct mono now) MUST_USE;

#endif
