#include "agent/source/request_size.h"

unsigned long request_size_limit(const struct request_size *r)
{
	/* No placeholder fits into one byte; the cookie is always sent. */
	return r->small ? 1 : 0;
}

void request_size_sent(struct request_size *r, bool large)
{
	r->sent_large = large;
}

/* The next request is small, whatever was lost: that costs only a cookie. */
void request_size_lost(struct request_size *r)
{
	if (r->sent_large)
		r->lost_large = true;
	else
		/* Small requests are lost, too: their size is not the cause. */
		r->evidence = 0;
	r->small = true;
}

static bool acquit(struct request_size *r)
{
	bool changed = r->blamed;

	*r = (struct request_size){0};
	return changed;
}

/* A path that is blamed has answered a small request. */
static bool try_large_again(struct request_size *r)
{
	if (++r->waited < r->patience)
		return false;
	/* A large one was allowed, but not needed. */
	if (!r->small)
		return acquit(r);
	r->waited = 0;
	if (r->patience < REQUEST_SIZE_PATIENCE_MAX)
		r->patience *= 2;
	r->small = false;
	return false;
}

bool request_size_answered(struct request_size *r)
{
	if (r->sent_large)
		return acquit(r);
	if (r->blamed)
		return try_large_again(r);
	r->small = false;
	if (!r->lost_large)
		return false;
	r->lost_large = false;
	if (++r->evidence < REQUEST_SIZE_EVIDENCE)
		return false;
	r->blamed = r->small = true;
	r->patience = REQUEST_SIZE_PATIENCE;
	return true;
}
