/*
 * The saved keys of all sources: one file for each (agent/saved/keys.h) in a
 * private folder (agent/saved/folder.h). Logs what it cannot read; who writes
 * looks at `trouble`.
 */
#ifndef AGENT_SAVED_KEYRING_H
#define AGENT_SAVED_KEYRING_H

#include "agent/saved/folder.h"
#include "agent/saved/keys.h"
#include "agent/saved/trouble.h"
#include "nts/seal.h"

struct keyring {
	struct saved_folder folder; /* .fd -1: keys are not saved */
	/* What is wrong with the folder, or with the last write; "": nothing.
	 */
	char trouble[SAVED_TROUBLE_MAX];
	uint8_t binding[SAVED_KEYS_BINDING_LEN];
	/* Secret, and too large for the stack. */
	struct saved_keys rest;
	uint8_t bytes[SAVED_KEYS_BYTES_MAX];
};

/* Opens config->saved_keys, if it is configured and there is a key for seals,
 * and removes the files of sources that are not configured any more. Borrows
 * `seal`. */
void keyring_open(struct keyring *k, const struct config *config,
    const struct seal_key *seal);

/* Closes the folder and wipes the secrets. */
void keyring_close(struct keyring *k);

/*
 * Takes the keys of `source` and the older half of its cookies. These cookies
 * are no longer on the disk when it returns; `*left` cookies are. False: there
 * are no usable keys. It has then set the file aside or removed it, and logged
 * why; `out` is empty, but for the address of the key server (facts.peer) if
 * the file was one of this source.
 */
bool keyring_take(struct keyring *k, const struct source_config *source,
    struct wall now, struct saved_keys *out, unsigned *left) MUST_USE;

/* Fills in the identity of `keys` and replaces the file. */
void keyring_save(struct keyring *k, const struct source_config *source,
    struct saved_keys *keys);

/* Keeps or removes the mark of a job that has crashed, which says that keys
 * must not be used at the next start. */
void keyring_mark_crash(struct keyring *k, bool marked);

/* Did an earlier process leave that mark? Then all saved keys have been
 * removed, and the log says why. The mark stays. */
bool keyring_refuse_marked(struct keyring *k);

/* Removes the file. */
void keyring_forget(struct keyring *k, const struct source_config *source);

#endif
