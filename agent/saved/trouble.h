/*
 * Why a file cannot be saved: a sentence for the log and the status, and the
 * saver's answer, which is its exit status.
 */
#ifndef AGENT_SAVED_TROUBLE_H
#define AGENT_SAVED_TROUBLE_H

#include "agent/config/config.h"
#include "agent/saved/folder.h"

#define SAVED_TROUBLE_MAX 512

/* "cannot write FOLDER/NAME: WHY", with what to do; "" if `err` is 0. `what`
 * is "write" or "remove", `err` is -errno. */
void saved_trouble(char out[static SAVED_TROUBLE_MAX], const char *what,
    const struct saved_folder *f, const char *name, int err);

/* What the saver says: an errno, or one of these, which are no errno of a file.
 * With SAVER_GOOD_TIME it is about the last good time, else about the drift. */
enum saver_answer {
	SAVER_DONE = 0,
	SAVER_HANGS = 126,  /* the disk has not taken what was saved last */
	SAVER_BROKEN = 127, /* it could not begin, or was killed */
	SAVER_GOOD_TIME = 128,
};

/* The answer for -errno. */
int saver_answer_of(int err, bool good_time);

/* "" if all is well. */
void saver_trouble(
    char out[static SAVED_TROUBLE_MAX], const struct config *c, int answer);

#endif
