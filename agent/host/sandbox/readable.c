#include "agent/host/sandbox/readable.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not in the list: /var, /run and /home as a whole, the agent's own folders in
 * particular. Links in the list are followed. */
static const char *const of_system[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    /* /etc/resolv.conf may lead there. */
    "/etc/resolv.conf",
    "/etc/hosts",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    /* The caches of nscd and sssd. */
    "/run/nscd",
    "/var/cache/nscd",
    "/var/db/nscd",
    "/var/lib/sss/mc",
    "/var/lib/sss/pipes",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    /* Is the kernel in FIPS mode? How many processors are there? */
    "/proc/sys",
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
};

/* The environment may name other files and folders. */
static const char *const variables[] = {
    "HOSTALIASES",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
};

struct walk {
	int (*allow)(void *self, const char *path);
	void *self;
};

/* A folder of certificates may be full of links. */
static int allow_links(const struct walk *w, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int err = 0;

	while (dir && !err && (entry = readdir(dir))) {
		char path[PATH_MAX];

		/* Some file systems do not tell. */
		if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		err = w->allow(w->self, path);
	}
	if (dir)
		closedir(dir);
	return err;
}

static int allow_with_links(const struct walk *w, const char *path)
{
	int err = w->allow(w->self, path);

	return err ? err : allow_links(w, path);
}

/* Paths with colons between them. */
static int allow_list(const struct walk *w, const char *list)
{
	char *copy = strdup(list), *rest = copy, *path;
	int err = 0;

	while (!err && rest && (path = strsep(&rest, ":")))
		if (path[0] == '/')
			err = allow_with_links(w, path);
	free(copy);
	return err;
}

int readable_each(const char *const *more, unsigned count,
    int (*allow)(void *self, const char *path), void *self)
{
	const struct walk w = {allow, self};
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(of_system) && !err; i++)
		err = allow(self, of_system[i]);
	for (size_t i = 0; i < ARRAY_LEN(variables) && !err; i++) {
		const char *value = getenv(variables[i]);

		err = value ? allow_list(&w, value) : 0;
	}
	for (unsigned i = 0; i < count && !err; i++)
		err = allow_with_links(&w, more[i]);
	return err;
}
