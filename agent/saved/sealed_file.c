#include "agent/saved/sealed_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int error_of(enum seal_result result)
{
	static const int errors[] = {
	    [SEAL_GOOD] = 0,
	    [SEAL_MISSING] = SEALED_MISSING,
	    [SEAL_OTHER] = SEALED_OTHER,
	    [SEAL_BROKEN] = SEALED_BROKEN,
	    [SEAL_NO_KEY] = -ENOKEY,
	};

	return errors[result];
}

const char *sealed_file_error(int err)
{
	switch (err) {
	case SEALED_BROKEN:
		return "has a broken seal: it was changed, moved or copied, or "
		       "seal.key is another one";
	case SEALED_MISSING:
		return "has no seal: an older version saved it, or somebody "
		       "else put it there";
	case SEALED_OTHER:
		return "was sealed by another version of ntsagentd";
	default:
		return strerror(-err);
	}
}

int sealed_file_read(const struct saved_folder *f, const char *name,
    struct seal_label label, void *bytes, size_t size, size_t *len)
{
	uint8_t *sealed = malloc(size + SEAL_EXTRA);
	size_t got = 0;
	int err =
	    sealed ? saved_folder_read(f, name, sealed, size + SEAL_EXTRA, &got)
		   : -ENOMEM;

	*len = 0;
	if (!err)
		err = error_of(seal_open(f->seal, label, sealed, got, bytes));
	if (!err)
		*len = got - SEAL_EXTRA;
	free(sealed);
	return err;
}

int sealed_file_replace(const struct saved_folder *f, const char *name,
    struct seal_label label, const void *bytes, size_t len)
{
	uint8_t nonce[SEAL_NONCE_LEN], *sealed = malloc(len + SEAL_EXTRA);
	int err = -ENOMEM;

	if (!sealed)
		return err;
	if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce) ||
	    !seal_close(f->seal, label, nonce, bytes, len, sealed))
		err = -ENOKEY;
	else
		err = saved_folder_replace(f, name, sealed, len + SEAL_EXTRA);
	free(sealed);
	return err;
}
