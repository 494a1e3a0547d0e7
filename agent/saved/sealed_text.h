/*
 * Seals the short files that stay readable, the drift file and the last good
 * time (clock/kernel/drift_file.h): a line after the text proves that the agent
 * wrote it. A file without that line counts only if root, or the user who
 * starts the agent, owns it, as one that an administrator took from chrony.
 */
#ifndef AGENT_SAVED_SEALED_TEXT_H
#define AGENT_SAVED_SEALED_TEXT_H

#include "clock/kernel/drift_file.h"
#include "nts/seal.h"

#define DRIFT_KIND "drift"
#define GOOD_TIME_KIND "last-good-time"

struct sealed_text {
	const struct seal_key *key; /* borrowed */
	const char *kind;
};

/* The seal for drift_file.h; it borrows `t`. */
struct file_seal sealed_text_of(const struct sealed_text *t);

/* Did a load fail because of the seal? */
bool sealed_text_refused(int err);

/* What such an error means; it follows the name of the file. */
const char *sealed_text_error(int err);

#endif
