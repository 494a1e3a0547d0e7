/*
 * The key that seals all that the agent saves: a file that only the user who
 * starts the agent, which is root, may read. It is read, or made, before the
 * agent gives up root's rights; then only keeper, engine and saver have it.
 */
#ifndef AGENT_SAVED_SEAL_KEY_H
#define AGENT_SAVED_SEAL_KEY_H

#include "agent/config/config.h"
#include "agent/saved/folder.h"
#include "nts/seal.h"

#define SEAL_KEY_FILE "seal.key"

/* The path of the key: next to the folder `saved-keys`, or to the drift file or
 * the last good time. "": nothing is saved, and no key is needed. */
void seal_key_path(const struct config *config, char out[FILE_PATH_MAX]);

/*
 * Reads the key. Makes a new one, if `make` says so, where there is none, and
 * where the old one may be known to somebody else; what was sealed before is
 * lost then. Logs why there is a new one. out->there is 0 if there is none, and
 * if one was wanted, `why` says why; otherwise `why` is as it was.
 */
void seal_key_take(const char *path, bool make, struct seal_key *out,
    char why[SAVED_FOLDER_WHY_MAX]);

#endif
