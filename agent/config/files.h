/* Which files make up the configuration. */
#ifndef AGENT_CONFIG_FILES_H
#define AGENT_CONFIG_FILES_H

#include "base/check.h"

#include <limits.h>

struct dirent;

/* Two folders next to the main file: parts of the configuration, and sources
 * that programs and administrators add. */
#define CONFIG_PARTS "conf.d"
#define CONFIG_SOURCES "sources.d"

/* The path of such a folder. */
void config_folder(const char *main_path, const char *name, char out[PATH_MAX]);

/* The files NAME.conf of that folder, in the order of their names. Returns how
 * many; the caller frees each entry and the array. -1: see errno. */
int config_folder_list(const char *folder, struct dirent ***entries) MUST_USE;

/* The same for files that are not read because of their names, and may have
 * been meant to be. */
int config_folder_misnamed(
    const char *folder, struct dirent ***entries) MUST_USE;

#endif
