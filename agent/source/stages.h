/*
 * The state machine of a source: its stages, its events and one const table
 * that says what each event does at each stage. README.md prints the table.
 */
#ifndef AGENT_SOURCE_STAGES_H
#define AGENT_SOURCE_STAGES_H

#include <stdbool.h>

/* What is true of a source at a stage, as bits. */
enum stage_trait {
	TRAIT_ASKS = 1,	     /* it sends requests for time */
	TRAIT_EXCHANGES = 2, /* a key exchange is under way */
	/* It has keys, and the dates of the certificate were checked. */
	TRAIT_KEYED = 4,
	TRAIT_UNDATED = 8,  /* the dates of the certificate are not checked */
	TRAIT_RESTS = 16,   /* no answer can come before it is asked again */
	TRAIT_OFFLINE = 32, /* an administrator has switched it off */
};

/* clang-format off */
#define SOURCE_STAGES(X) \
	/* id, name, traits, text for ntsctl */ \
	X(STAGE_START, "start", 0, "not started yet") \
	X(STAGE_KEYING, "keying", TRAIT_EXCHANGES, \
	    "looks up the name and exchanges keys") \
	X(STAGE_POLLING, "polling", TRAIT_ASKS | TRAIT_KEYED, \
	    "asks for time") \
	X(STAGE_REKEYING, "rekeying", \
	    TRAIT_ASKS | TRAIT_EXCHANGES | TRAIT_KEYED, \
	    "asks for time with the old keys and exchanges new ones") \
	X(STAGE_RESTING, "resting", TRAIT_RESTS, \
	    "waits before the next try") \
	X(STAGE_UNDATED_KEYING, "undated-keying", \
	    TRAIT_EXCHANGES | TRAIT_UNDATED, \
	    "the clock is too wrong to check certificates: exchanges keys without a check of their dates") \
	X(STAGE_UNDATED_POLLING, "undated-polling", \
	    TRAIT_ASKS | TRAIT_UNDATED, \
	    "the clock is too wrong to check certificates: it is first set by agreement of several servers") \
	X(STAGE_OFFLINE, "offline", TRAIT_RESTS | TRAIT_OFFLINE, \
	    "switched off by order, without keys") \
	X(STAGE_OFFLINE_KEYED, "offline-keyed", \
	    TRAIT_RESTS | TRAIT_OFFLINE | TRAIT_KEYED, \
	    "switched off by order, with keys")
#define SOURCE_EVENTS(X) \
	X(EVENT_DUE,          "due")          /* the timer of the stage */ \
	X(EVENT_SAVED,        "saved")        /* keys of the last run are there */ \
	X(EVENT_KEYS,         "keys")         /* a key exchange succeeded */ \
	X(EVENT_KEYS_FAILED,  "keys-failed")  /* it failed or does not count */ \
	X(EVENT_NEED_KEYS,    "need-keys")    /* NAK, silence, few cookies, age */ \
	X(EVENT_NO_COOKIE,    "no-cookie")    /* no cookie is left */ \
	X(EVENT_DENIED,       "denied")       /* an authentic DENY or RSTR */ \
	X(EVENT_UNTRUSTED,    "untrusted")    /* no keys of the new trust in time */ \
	X(EVENT_DATES_FAILED, "dates-failed") /* only the dates were refused */ \
	X(EVENT_RECHECK,      "recheck")      /* the clock can check dates now */ \
	X(EVENT_OFFLINE,      "offline")      /* the order to switch it off */ \
	X(EVENT_ONLINE,       "online")       /* the order to switch it on */
/* clang-format on */
enum source_stage {
#define X(id, name, traits, text) id,
	SOURCE_STAGES(X)
#undef X
	    SOURCE_STAGE_COUNT
};
enum source_event {
#define X(id, name) id,
	SOURCE_EVENTS(X)
#undef X
	    SOURCE_EVENT_COUNT
};

/* What the engine must do now. */
enum source_action {
	ACTION_NOTHING,
	ACTION_KEYS, /* give source_ke_request() to the resolver */
	ACTION_SEND, /* send source_request() to source_address() */
	/* Close the socket: no answer is expected any more (RFC 9109 4/3). */
	ACTION_CLOSE,
};

/* Not defined: the event changes nothing at that stage. */
struct source_rule {
	enum source_stage next;
	enum source_action action;
	bool defined;
};
struct source_rule source_rule(
    enum source_stage stage, enum source_event event);

bool stage_has(enum source_stage stage, enum stage_trait trait);

const char *source_stage_name(enum source_stage stage);
const char *source_stage_text(enum source_stage stage);

#endif
