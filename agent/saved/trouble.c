#include "agent/saved/trouble.h"

#include <errno.h>
#include <stdio.h>

void saved_trouble(char out[static SAVED_TROUBLE_MAX], const char *what,
    const struct saved_folder *f, const char *name, int err)
{
	out[0] = '\0';
	if (err)
		snprintf(out, SAVED_TROUBLE_MAX, "cannot %s %s/%s: %s", what,
		    f->path, name, saved_folder_error(err));
}

int saver_answer_of(int err, bool good_time)
{
	if (!err)
		return SAVER_DONE;
	return (-err < SAVER_HANGS ? -err : EIO) |
	       (good_time ? SAVER_GOOD_TIME : 0);
}

void saver_trouble(
    char out[static SAVED_TROUBLE_MAX], const struct config *c, int answer)
{
	const char *path =
	    answer & SAVER_GOOD_TIME ? c->goodtime_file : c->driftfile;
	int error = answer & ~SAVER_GOOD_TIME;

	out[0] = '\0';
	if (error == SAVER_HANGS)
		snprintf(out, SAVED_TROUBLE_MAX,
		    "the disk has not taken what was saved last");
	else if (error == SAVER_BROKEN)
		snprintf(out, SAVED_TROUBLE_MAX,
		    "the saver has failed: see the log");
	else if (error != SAVER_DONE)
		snprintf(out, SAVED_TROUBLE_MAX, "cannot write %s: %s", path,
		    saved_error(-error));
}
