/*
 * Every key of the configuration as one row: where it stands, what it takes,
 * where it goes. A new key is a new row here, a paragraph in
 * ntsagent.conf(5) and a line in etc/ntsagent.conf; a test checks all three.
 */
#ifndef AGENT_CONFIG_KEYS_H
#define AGENT_CONFIG_KEYS_H

#include "agent/config/config.h"

/* More than there are, for arrays with an element a key. */
#define CONFIG_KEYS_MAX 64

enum said { UNSAID, SAID_NO, SAID_YES };

/* A source while it is read: what is judged only when all is known. */
struct source_draft {
	enum said ipv4, ipv6;
};

struct config_key {
	const char *section, *name;
	/* Sets the field at `base` (struct config or struct source_config, or
	 * the draft for ipv4 and ipv6). False: not as expected. */
	bool (*set)(
	    const struct config_key *key, const char *value, void *base);
	size_t offset, size;
	double min, max;      /* in the unit that `set` reads */
	bool repeats;	      /* may stand more than once */
	const char *expected; /* "yes or no", for messages and the manual */
};

size_t config_key_count(void);
const struct config_key *config_key_at(size_t i);

/* NULL: unknown. */
const struct config_key *config_key_find(const char *section, const char *name);

/* In whichever section it stands; no name stands in two. */
const struct config_key *config_key_find_anywhere(const char *name);

/* The index of a key in the table. */
size_t config_key_index(const struct config_key *key);

/* What to write instead of an unknown key or section: the nearest known one, of
 * this section if there is one; or what an administrator of chrony should know.
 * NULL: no idea. */
const struct config_key *config_key_nearest(
    const char *section, const char *name);
const char *config_key_advice(const char *name);
const char *config_section_nearest(const char *section);
bool config_section_known(const char *section);

#endif
