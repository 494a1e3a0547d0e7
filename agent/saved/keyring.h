/*
 * The saved keys of all sources: one file each (agent/saved/keys.h) in a
 * private folder (agent/saved/folder.h). Logs what it cannot do, once per
 * change.
 */
#ifndef AGENT_SAVED_KEYRING_H
#define AGENT_SAVED_KEYRING_H

#include "agent/saved/keys.h"
#include "agent/saved/folder.h"

struct keyring {
	struct saved_folder folder; /* .fd -1: nothing is kept */
	bool troubled;		    /* the last write failed */
	uint8_t binding[SAVED_KEYS_BINDING_LEN];
	/* Secret, and too large for a stack. */
	struct saved_keys rest;
	uint8_t bytes[SAVED_KEYS_BYTES_MAX];
};

/* Opens config->saved_keys, if one is configured, and removes the files of
 * sources that are not configured any more. */
void keyring_open(struct keyring *k, const struct config *config);

/* Wipes. */
void keyring_close(struct keyring *k);

/*
 * The saved keys of `source`, with the older half of the cookies, which are
 * then on disk no more; `*left` stay there. False: there are none, or none that
 * may be used; those are set aside or removed, and the log says why.
 */
bool keyring_take(struct keyring *k, const struct source_config *source,
    struct wall now, struct saved_keys *out, unsigned *left) MUST_USE;

/* Fills the identity in and replaces the file. */
void keyring_save(struct keyring *k, const struct source_config *source,
    struct saved_keys *keys);

/* Removes the file. */
void keyring_forget(struct keyring *k, const struct source_config *source);

#endif
