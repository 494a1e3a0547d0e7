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

bool cookie_jar_take(struct cookie_jar *jar, struct cookie *out)
{
	struct cookie *slot = &jar->slot[jar->first];

	if (jar->count == 0)
		return false;
	*out = *slot;
	explicit_bzero(slot, sizeof(*slot));
	jar->first = (jar->first + 1) % NTS_COOKIES;
	jar->count--;
	return true;
}

size_t cookie_jar_next_len(const struct cookie_jar *jar)
{
	return jar->count > 0 ? jar->slot[jar->first].len : 0;
}

void cookie_jar_wipe(struct cookie_jar *jar)
{
	explicit_bzero(jar, sizeof(*jar));
}
