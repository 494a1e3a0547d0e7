#include "nts/cookies.h"

#include <string.h>

bool cookie_jar_put(struct cookie_jar *jar, const uint8_t *bytes, size_t len)
{
	struct cookie *slot;

	if (len == 0 || len > NTS_COOKIE_MAX)
		return false;
	slot = &jar->slot[(jar->first + jar->count) % NTS_COOKIES];
	if (jar->count == NTS_COOKIES)
		jar->first = (jar->first + 1) % NTS_COOKIES;
	else
		jar->count++;
	explicit_bzero(slot, sizeof(*slot));
	slot->len = (uint16_t)len;
	memcpy(slot->bytes, bytes, len);
	return true;
}

static bool move_out(
    struct cookie_jar *jar, struct cookie *slot, struct cookie *out)
{
	if (jar->count == 0)
		return false;
	*out = *slot;
	explicit_bzero(slot, sizeof(*slot));
	jar->count--;
	return true;
}

bool cookie_jar_take(struct cookie_jar *jar, struct cookie *out)
{
	bool taken = move_out(jar, &jar->slot[jar->first], out);

	if (taken)
		jar->first = (jar->first + 1) % NTS_COOKIES;
	return taken;
}

bool cookie_jar_put_back(struct cookie_jar *jar, const struct cookie *cookie)
{
	if (cookie->len == 0 || jar->count == NTS_COOKIES)
		return false;
	jar->first = (jar->first + NTS_COOKIES - 1) % NTS_COOKIES;
	jar->slot[jar->first] = *cookie;
	jar->count++;
	return true;
}

bool cookie_jar_take_newest(struct cookie_jar *jar, struct cookie *out)
{
	unsigned newest = (jar->first + jar->count + NTS_COOKIES - 1);

	return move_out(jar, &jar->slot[newest % NTS_COOKIES], out);
}

size_t cookie_jar_next_len(const struct cookie_jar *jar)
{
	return jar->count > 0 ? jar->slot[jar->first].len : 0;
}
