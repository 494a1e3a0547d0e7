#include "agent/saved/sealed_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static_assert(FILE_SEAL_MAX > 2 * SEAL_TAG_LEN, "a tag as hexadecimal text");

static bool make(const void *self, const char *text, char out[FILE_SEAL_MAX])
{
	const struct sealed_text *t = self;
	uint8_t tag[SEAL_TAG_LEN];

	if (!seal_text(t->key, (struct seal_label){t->kind, ""}, text, tag))
		return false;
	for (size_t i = 0; i < sizeof(tag); i++)
		snprintf(out + 2 * i, 3, "%02x", tag[i]);
	return true;
}

/* The time of a comparison must not tell how much of a guess is right. */
static bool same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differs = 0;

	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

static int check(
    const void *self, const char *text, const char *seal, uid_t owner)
{
	const struct sealed_text *t = self;
	char expected[FILE_SEAL_MAX];

	if (!seal)
		return owner == 0 || owner == geteuid() ? 0 : SEAL_LINE_MISSING;
	if (!t->key->there)
		return -ENOKEY;
	return make(self, text, expected) && same(expected, seal)
		   ? 0
		   : SEAL_LINE_BROKEN;
}

struct file_seal sealed_text_of(const struct sealed_text *t)
{
	return (struct file_seal){.self = t, .make = make, .check = check};
}

bool sealed_text_refused(int err)
{
	return err == SEAL_LINE_BROKEN || err == SEAL_LINE_MISSING ||
	       err == -ENOKEY;
}

const char *sealed_text_error(int err)
{
	if (err == SEAL_LINE_BROKEN)
		return "has a broken seal: it was changed or copied, or "
		       "seal.key is another one";
	if (err == SEAL_LINE_MISSING)
		return "has no seal and does not belong to root (if you copied "
		       "it, give it to root: chown root)";
	return "has a seal that cannot be checked without seal.key";
}
