#include "resolver/certificate/trust_config.h"

#include <string.h>

static bool paths_valid(const char paths[][FILE_PATH_MAX], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!memchr(paths[i], '\0', FILE_PATH_MAX))
			return false;
	return true;
}

static bool bool_valid(const bool *b)
{
	unsigned char byte;

	memcpy(&byte, b, 1);
	return byte <= 1;
}

bool trust_config_valid(const struct trust_config *t)
{
	if (!bool_valid(&t->system_certs) || t->path_count > TRUST_PATHS_MAX ||
	    t->crl_count > CRL_PATHS_MAX || t->aead_count > AEAD_COUNT)
		return false;
	if (!paths_valid(t->paths, t->path_count) ||
	    !paths_valid(t->crls, t->crl_count))
		return false;
	for (unsigned i = 0; i < t->aead_count; i++)
		if (aead_key_len(t->aeads[i]) == 0)
			return false;
	return true;
}
