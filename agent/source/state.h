/*
 * The state of one source. Only the files of this folder write its members;
 * other rooms read them and call the functions of agent/source/source.h.
 */
#ifndef AGENT_SOURCE_STATE_H
#define AGENT_SOURCE_STATE_H

#include "agent/config/config.h"
#include "agent/source/checks.h"
#include "agent/source/log_budget.h"
#include "agent/source/pace.h"
#include "agent/source/request_size.h"
#include "agent/source/stages.h"
#include "base/failures.h"
#include "base/sample.h"
#include "base/time.h"
#include "nts/fields.h"
#include "resolver/frame.h"

#define SOURCE_TEXT_MAX KE_TEXT_MAX
#define SOURCE_LINE_MAX (SOURCE_TEXT_MAX + 160)

/* What every handler gets: the time of the event and a random number, uniform
 * over the whole range. */
struct tick {
	struct mono now;
	uint32_t random;
};

/* Troubles that can exist at the same time, the worst first. */
enum trouble_kind {
	TROUBLE_ORDER, /* an administrator has switched the source off */
	TROUBLE_KEYS,  /* no key exchange succeeds */
	TROUBLE_TIME,  /* no sample comes */
	TROUBLE_PATH,  /* samples come, but the path has a fault */
	TROUBLE_KINDS,
};
struct source_trouble {
	const char *failure; /* one word, static; NULL: no such trouble */
	char reason[SOURCE_TEXT_MAX];
};

struct source_counters {
	uint64_t sent, received; /* requests; datagrams of any kind */
	uint64_t valid;		 /* authentic answers, kisses included */
	uint64_t good;		 /* samples that were used */
	uint64_t lost;		 /* requests that were given up */
	uint64_t rejected;	 /* datagrams that were no answer */
	uint64_t naks;
	uint64_t exchanges; /* of keys, those that succeeded */
	uint64_t attempts;  /* exchanges begun since the last valid answer */
	uint64_t crashes;   /* jobs of exchanges that a signal ended */
	/* Of the answers that could be a sample: how many were stamped so. */
	uint64_t kernel_sent, kernel_received;
	uint64_t hardware_sent, hardware_received;
	uint64_t begun; /* exchanges, whatever became of them */
	uint64_t key_failures[FAILURE_COUNT]; /* of them, by cause */
	uint64_t checks[ANSWER_CHECK_COUNT];  /* answers that failed each */
};

/* Which cookies of a source are on disk; agent/source/cookie_reserve.h. */
struct cookie_reserve {
	bool there;	   /* a file exists */
	unsigned cookies;  /* in that file */
	uint64_t exchange; /* count.exchanges when its keys were made */
	bool barred;	   /* the keys of `exchange` must not be written */
	struct mono renew_at;
};

/* The last rule of the table that was used. */
struct source_step {
	uint64_t number; /* of rules used so far */
	enum source_stage from;
	enum source_event event;
};

/* The answers of which the shortest one counts for maxdelayratio. A route that
 * has become longer for good is accepted after so many. */
#define RECENT_DELAYS 16

/* So many crashes of a source within SOURCE_CRASH_NS make it rest. */
#define SOURCE_CRASHES 3
#define SOURCE_CRASH_NS (3600 * NS_PER_S)

struct source {
	const struct source_config *config; /* borrowed */
	enum source_stage stage;
	struct source_step step;
	struct pace pace;
	struct request_size size;

	/* Requests for time. */
	struct nts_assoc assoc;
	struct nts_pending pending;
	struct mono poll_at;	/* the next request */
	struct mono sent_at;	/* the last request */
	struct mono answer_by;	/* when the pending request counts as lost */
	bool nak_seen;		/* a NAK to the pending request came */
	int send_error;		/* of the pending request: for say_unsent() */
	enum nts_err rejection; /* the last one, of the pending request */
	uint8_t reach;	 /* RFC 5905: one bit per request, the newest lowest */
	unsigned silent; /* requests without an answer, in a row */
	struct mono silent_since; /* when the first of them was sent */

	/* The delays of the latest answers, for maxdelayratio. */
	struct recent_delays {
		int64_t ns[RECENT_DELAYS];
		unsigned seen; /* answers, with those that are forgotten */
	} delays;

	/* The last good sample. */
	bool heard; /* there was one */
	struct mono heard_at;
	int64_t delay_ns; /* also of an answer beyond maxdelay */

	/* The last authentic answer. */
	bool unsynchronised; /* the server said that its clock is not set */
	unsigned stratum;
	uint32_t reference_id; /* what it is set by, RFC 5905 section 7.3 */
	uint64_t reference;    /* when the server set its clock, NTP format */
	enum stamp_kind tx_stamp, rx_stamp;
	struct ntp_header header; /* of one with a time; version 0: none yet */
	struct endpoint local;	  /* where it arrived; absent: unknown */
	/* The check that the last datagram failed, plus one; 0: it failed none.
	 */
	unsigned last_failed;
	/* The same number in all sources that lead to one server; 0: no other
	 * one is known to. */
	uint64_t server_id;

	/* Answers in a row that had no vote or were outvoted, or did count;
	 * another address is wanted in place of this one; not before this time;
	 * so often since many answers in a row did count. */
	unsigned useless, useful;
	bool replacing;
	unsigned replaced;
	struct mono replace_not_before;

	/* Key exchanges. */
	uint32_t serial;      /* of the last one that was begun */
	struct mono asked_at; /* when its request was made */
	/* Without keys: the next exchange. While one is under way this is
	 * MONO_NEVER, or when an early retry replaces it. */
	struct mono retry_at;
	struct mono keys_not_before;   /* limits the rate of exchanges */
	struct mono search_not_before; /* of those for silence alone */
	bool keys_wanted; /* exchange keys as soon as the limit allows */
	unsigned unanswered_keys; /* exchanges since the last valid answer */
	struct backoff backoff;	  /* of exchanges without a valid answer */
	struct backoff search;	  /* of those for silence alone */
	/* When the last jobs crashed, each in the place of its number. */
	struct mono crashed_at[SOURCE_CRASHES];
	/* The first exchange that began after the last crash of a job of any
	 * source; 0: none has crashed. Keys of an older one are suspect. */
	uint64_t clean_exchange;

	/* The keys in use. */
	struct mono keys_at;  /* when they were exchanged */
	struct mono renew_at; /* when they are exchanged again at the latest */
	struct backoff renewal;
	bool renewal_failed;
	/* They were exchanged when other certificates were trusted, and are
	 * dropped at this time; MONO_NEVER: they were not. */
	struct mono trusted_until;
	struct ke_facts facts; /* of the server, for these keys */
	enum ke_dates dates;   /* whether its dates were checked */
	/* A chain that fails by its dates alone may be accepted. */
	bool dates_may_wait;
	unsigned
	    outdated; /* times outside these dates that it told, in a row */
	unsigned address_count, address; /* `address` is in use */
	struct endpoint last_tried;	 /* see ke_answer; absent: none */
	/* Where keys were last exchanged, if DNS fails; absent: not known. */
	struct endpoint known;
	struct endpoint addresses[KE_ADDRESSES_MAX];
	struct cookie_reserve reserve;

	struct source_counters count;

	/* What is wrong. `failure` and `reason` show the worst trouble, and are
	 * "" when there is none. */
	struct source_trouble troubles[TROUBLE_KINDS];
	const char *failure;
	char reason[SOURCE_TEXT_MAX];
	bool down; /* it had no keys or no time since the last sample */

	/* One line for the log; "" when there is none. */
	char line[SOURCE_LINE_MAX];
	enum log_level line_level;
	struct log_budget budget; /* of lines about troubles */
	struct log_budget votes;  /* of lines about being outvoted */
	struct mono agreed_at;	  /* with the majority, the last time */
};

/* Uses the rule of `event`, if there is one. ACTION_KEYS: a new exchange has
 * its serial. */
enum source_action source_apply(struct source *s, enum source_event event);

/* Counts a check that the last datagram has failed. */
static inline void source_note_failed(struct source *s, enum answer_check check)
{
	s->count.checks[check]++;
	s->last_failed = (unsigned)check + 1;
}

/* Does the table have a rule for `event` now? */
bool source_expects(const struct source *s, enum source_event event);

/* It sends requests for time. */
static inline bool source_asking(const struct source *s)
{
	return stage_has(s->stage, TRAIT_ASKS);
}

/* A key exchange is under way. */
static inline bool source_exchanging(const struct source *s)
{
	return stage_has(s->stage, TRAIT_EXCHANGES);
}

/* It has keys, and the dates of the certificate were checked. Requests go out
 * with them unless the source is offline. */
static inline bool source_keyed(const struct source *s)
{
	return stage_has(s->stage, TRAIT_KEYED);
}

/* The dates of its certificate are not checked. */
static inline bool source_undated(const struct source *s)
{
	return stage_has(s->stage, TRAIT_UNDATED);
}

/* No answer can come before it is asked again: it waits, or is offline. */
static inline bool source_resting(const struct source *s)
{
	return stage_has(s->stage, TRAIT_RESTS);
}

/* An administrator has switched it off. */
static inline bool source_offline(const struct source *s)
{
	return stage_has(s->stage, TRAIT_OFFLINE);
}

/* Where requests for time go. */
static inline const struct endpoint *source_address(const struct source *s)
{
	return &s->addresses[s->address];
}

#endif
