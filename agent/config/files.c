#include "agent/config/files.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

void config_folder(const char *main_path, const char *name, char out[PATH_MAX])
{
	const char *slash = strrchr(main_path, '/');
	int len = slash ? (int)(slash + 1 - main_path) : 0;

	snprintf(out, PATH_MAX, "%.*s%s", len, main_path, name);
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && strcmp(dot ? dot : "", ".conf") == 0;
}

/* Not what editors and package managers leave next to a file, such as
 * "a.conf~" and "a.conf.dpkg-old". */
static int is_misnamed(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return name[0] != '.' && !strstr(name, ".conf") &&
	       strncmp(name, "README", 6) != 0;
}

int config_folder_misnamed(const char *folder, struct dirent ***entries)
{
	return scandir(folder, entries, is_misnamed, alphasort);
}

int config_folder_list(const char *folder, struct dirent ***entries)
{
	return scandir(folder, entries, is_conf, alphasort);
}
