#include "agent/query/user_limit.h"

static const struct allowance_limit one = {USER_LIMIT_BURST, USER_LIMIT_PER_S};
static const struct allowance_limit all = {
    USER_LIMIT_ALL_BURST, USER_LIMIT_ALL_PER_S};

void user_limit_init(struct user_limit *l, struct mono now)
{
	*l = (struct user_limit){.all = allowance_full(&all, now)};
}

/* A new user takes the place of the one who loses the least by that. */
static unsigned place_for(struct user_limit *l, struct mono now)
{
	unsigned best = 0;

	if (l->count < USER_LIMIT_USERS)
		return l->count++;
	for (unsigned i = 1; i < l->count; i++)
		if (allowance_left(&l->users[i].allowance, &one, now) >
		    allowance_left(&l->users[best].allowance, &one, now))
			best = i;
	return best;
}

static struct allowance *allowance_of(
    struct user_limit *l, uid_t uid, struct mono now)
{
	unsigned i = 0;

	while (i < l->count && l->users[i].uid != uid)
		i++;
	if (i == l->count) {
		i = place_for(l, now);
		l->users[i].uid = uid;
		l->users[i].allowance = allowance_full(&one, now);
	}
	return &l->users[i].allowance;
}

bool user_limit_allows(struct user_limit *l, uid_t uid, struct mono now)
{
	return uid == 0 ||
	       (allowance_spend(allowance_of(l, uid, now), &one, now) &&
		   allowance_spend(&l->all, &all, now));
}

bool user_limit_is_low(struct user_limit *l, uid_t uid, struct mono now)
{
	return uid != 0 &&
	       (allowance_left(allowance_of(l, uid, now), &one, now) <
		       one.burst / 2 ||
		   allowance_left(&l->all, &all, now) < all.burst / 2);
}
