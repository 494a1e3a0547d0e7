/* A folder of saved files for one test. Include after cmocka.h. */
#ifndef TESTS_UNIT_AGENT_SAVED_MADE_FOLDER_H
#define TESTS_UNIT_AGENT_SAVED_MADE_FOLDER_H

#include "agent/saved/folder.h"

#include <stdlib.h>
#include <unistd.h>

static inline bool is_any_file(const void *self, const char *name)
{
	(void)self;
	(void)name;
	return true;
}

static inline void sweep_all(struct saved_folder *folder)
{
	saved_folder_sweep(folder, is_any_file, NULL);
}

/* `dir` ends with XXXXXX, and becomes the name. */
static inline void made_folder_open(struct saved_folder *folder, char *dir)
{
	char why[SAVED_FOLDER_WHY_MAX];

	assert_non_null(mkdtemp(dir));
	if (!saved_folder_open(folder, dir, why))
		fail_msg("%s", why);
}

static inline void made_folder_drop(
    struct saved_folder *folder, const char *dir)
{
	sweep_all(folder);
	saved_folder_close(folder);
	assert_int_equal(rmdir(dir), 0);
}

#endif
