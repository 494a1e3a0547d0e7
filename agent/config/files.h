/* Which files make up the configuration. */
#ifndef AGENT_CONFIG_FILES_H
#define AGENT_CONFIG_FILES_H

#include "base/check.h"

#include <limits.h>

struct dirent;

/* The folder conf.d beside the main file. */
void config_folder(const char *main_path, char out[PATH_MAX]);

/* Its files NAME.conf, in the order of the names; the caller frees each entry
 * and the array. -1: errno says why. */
int config_folder_list(const char *folder, struct dirent ***entries) MUST_USE;

#endif
