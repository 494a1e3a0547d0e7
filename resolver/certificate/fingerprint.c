/* trust_fingerprint(): a digest of everything that is trusted. */
#include "nts/digest.h"
#include "resolver/certificate/trust.h"
#include "resolver/certificate/trust_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct digest *d, const void *bytes, size_t len)
{
	const uint64_t size = len;

	/* With the length, so that different lists of parts differ. */
	digest_add(d, &size, sizeof(size));
	digest_add(d, bytes, len);
}

/* An unreadable or too large file counts as empty. trust_load() refuses it,
 * too. */
static void add_file(struct digest *d, const char *path)
{
	size_t len = 0;
	char *bytes = trust_read(path, &len);

	add(d, path, strlen(path));
	if (bytes)
		add(d, bytes, len);
	free(bytes);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Takes more files than trust_load() does. At worst, a change of an unused file
 * makes the agent fetch new keys. */
static void add_directory(struct digest *d, const char *directory)
{
	struct dirent **names = NULL;
	char path[PATH_MAX];
	int count = scandir(directory, &names, not_hidden, alphasort);

	add(d, directory, strlen(directory));
	for (int i = 0; i < count; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", directory, names[i]->d_name);
		add_file(d, path);
		free(names[i]);
	}
	free(names);
}

static void add_path(struct digest *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		add_directory(d, path);
	else
		add_file(d, path);
}

bool trust_fingerprint(
    const struct trust_config *config, uint8_t out[TRUST_FINGERPRINT_LEN])
{
	const char *paths[TRUST_READ_PATHS_MAX];
	unsigned count = trust_read_paths(config, paths);
	struct digest d = digest_begin();

	add(&d, &config->path_count, sizeof(config->path_count));
	add(&d, config->aeads, config->aead_count * sizeof(config->aeads[0]));
	for (unsigned i = 0; i < count; i++)
		add_path(&d, paths[i]);
	return digest_end(&d, out);
}
