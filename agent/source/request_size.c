#include "agent/source/request_size.h"

unsigned long request_size_limit(const struct request_size *r)
{
	/* So little that no placeholder fits; the cookie itself always does. */
	return r->small ? 1 : 0;
}

void request_size_sent(struct request_size *r, bool large)
{
	r->sent_large = large;
}

/* Whatever it was that got lost: the next one is small, since that costs
 * nothing but a cookie. */
void request_size_lost(struct request_size *r)
{
	if (r->sent_large)
		r->lost_large = true;
	else
		/* Small ones get lost, too: it is not their size. */
		r->evidence = 0;
	r->small = true;
}

static bool begin_anew(struct request_size *r)
{
	bool turned = r->blamed;

	*r = (struct request_size){0};
	return turned;
}

/* True: no large request was needed for as long. */
static bool try_large_again(struct request_size *r)
{
	if (++r->waited < r->patience)
		return false;
	if (!r->small)
		return begin_anew(r);
	r->waited = 0;
	if (r->patience < REQUEST_SIZE_PATIENCE_MAX)
		r->patience *= 2;
	r->small = false;
	return false;
}

bool request_size_answered(struct request_size *r)
{
	if (r->sent_large)
		return begin_anew(r);
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
