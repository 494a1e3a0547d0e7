/*
 * The table of all keys of the configuration. A key is one row: its section,
 * its name, the values that it takes, the field that it sets. README.md of
 * this folder says how to add one.
 */
#ifndef AGENT_CONFIG_KEYS_H
#define AGENT_CONFIG_KEYS_H

#include "agent/config/config.h"
#include "base/check.h"

/* For arrays with an element for each key; at least the number of keys. */
#define CONFIG_KEYS_MAX 64

enum said { UNSAID, SAID_NO, SAID_YES };

/* Keys that [agent] and [source NAME] have; the members say which are set. */
struct binding_draft {
	bool address_set, device_set, port_set, dscp_set;
	struct binding value;
};

/* The keys of a source that can only be judged together, or with [agent]. */
struct source_draft {
	enum said ipv4, ipv6;
	unsigned sources; /* of a pool; 0: not set */
	struct binding_draft binding;
};

/* The struct that has the field of a key. */
enum key_target {
	KEY_OF_CONFIG, /* struct config */
	KEY_OF_SOURCE, /* struct source_config */
	KEY_OF_DRAFT,  /* struct source_draft, of a source or of [agent] */
	KEY_TARGETS,
};

struct config_key {
	const char *section, *name;
	/* Sets the key's field of `target`, a struct of the kind that the
	 * member of this name says. False: the value is not as expected. */
	bool (*set)(
	    const struct config_key *key, const char *value, void *target);
	enum key_target target : 8;
	bool repeats;	      /* a file may have it several times */
	uint16_t size;	      /* of the field, in bytes */
	uint32_t offset;      /* of the field */
	double min, max;      /* in the unit that `set` reads */
	const char *expected; /* "yes or no"; follows "expected" in an error */
};

/* Keys have indices from 0 to config_key_count() - 1. */
size_t config_key_count(void);
const struct config_key *config_key_at(size_t i);
size_t config_key_index(const struct config_key *key);

/* NULL: there is no such key. A pool has the keys of a source, too. */
const struct config_key *config_key_find(const char *section, const char *name);

/* The first key of this name in any section. Only keys of [agent] also occur in
 * another one: in [source NAME]. */
const struct config_key *config_key_find_anywhere(const char *name);

/* The key with the name that is nearest to an unknown one. Prefers the keys of
 * `section`. NULL: no name is near. */
const struct config_key *config_key_nearest(
    const char *section, const char *name);

/* What to write instead of a word that chrony knows and we do not; NULL for
 * other words. */
const char *config_key_advice(const char *name);

bool config_section_known(const char *section);
/* The known section with the nearest name; NULL: no name is near. */
const char *config_section_nearest(const char *section);

#endif
