/* One word of another program's configuration file. */
#ifndef AGENT_FOREIGN_WORD_H
#define AGENT_FOREIGN_WORD_H

enum foreign_fate {
	FATE_TAKEN,    /* the import writes a key for it */
	FATE_NEEDLESS, /* nothing is lost without it */
	FATE_LOST,     /* the agent has nothing like it */
};

/* Some words are a directive and an option of a server, with two meanings. */
enum foreign_place {
	PLACE_DIRECTIVE,
	PLACE_OPTION, /* of a server */
	PLACE_BOTH,
};

struct foreign_word {
	const char *name; /* of ntp.toml: with its tables, "server.listen" */
	enum foreign_place place;
	enum foreign_fate fate;
	/* What ntsagentd says if its own configuration has the word; NULL: the
	 * word is also a key there, or not a word of chrony. */
	const char *advice;
};

#endif
