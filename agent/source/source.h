/*
 * One server's life: keys, polls, rest. Pure: events and time come in, a wish
 * goes out; no socket, no clock, no log. The engine carries the wishes out.
 *
 * One const table says what each event does at each stage; what happened last
 * is kept in plain words for `ntsctl sources -v` and for one log line.
 */
#ifndef AGENT_SOURCE_SOURCE_H
#define AGENT_SOURCE_SOURCE_H

#include "agent/config/config.h"
#include "base/time.h"
#include "agent/source/log_budget.h"
#include "agent/source/pace.h"
#include "agent/source/request_size.h"
#include "agent/source/cookie_reserve.h"
#include "nts/fields.h"
#include "resolver/frame.h"

/* clang-format off */
#define SOURCE_STAGES(X) \
	X(STAGE_START,    "start",    "not started yet") \
	X(STAGE_KEYING,   "keying",   "looks up the name and exchanges keys") \
	X(STAGE_POLLING,  "polling",  "asks for time") \
	X(STAGE_REKEYING, "rekeying", "asks for time with the old keys and exchanges new ones") \
	X(STAGE_RESTING,  "resting",  "waits before the next try") \
	X(STAGE_UNDATED_KEYING, "undated-keying", "the clock is too wrong to check certificates: exchanges keys without looking at dates") \
	X(STAGE_UNDATED_POLLING, "undated-polling", "the clock is too wrong to check certificates: it is being set by agreement of several servers first")
#define SOURCE_EVENTS(X) \
	X(EVENT_DUE,         "due")          /* the timer of the stage */ \
	X(EVENT_SAVED,       "saved")        /* keys of before the restart are there */ \
	X(EVENT_KEYS,        "keys")         /* a key exchange succeeded */ \
	X(EVENT_KEYS_FAILED, "keys-failed")  /* it failed */ \
	X(EVENT_NEED_KEYS,   "need-keys")    /* a NAK, silence, or the last cookie is near */ \
	X(EVENT_NO_COOKIE,   "no-cookie")    /* nothing left to ask with */ \
	X(EVENT_DENIED,      "denied")       /* an authentic DENY or RSTR */ \
	X(EVENT_UNTRUSTED,   "untrusted")    /* no keys under the new trust, in time */ \
	X(EVENT_DATES_FAILED, "dates-failed") /* an exchange failed by dates alone */ \
	X(EVENT_RECHECK,     "recheck")      /* the clock is fit for dates now */
/* clang-format on */
enum source_stage {
#define X(id, name, text) id,
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
const char *source_stage_name(enum source_stage stage);
const char *source_stage_text(enum source_stage stage);
const char *source_event_name(enum source_event event);

/* What the engine shall do now. */
enum source_action {
	ACTION_NOTHING,
	ACTION_KEYS,  /* source_ke_request, give it to the resolver */
	ACTION_SEND,  /* source_request, send it to source_address */
	ACTION_CLOSE, /* close the socket of the last request: nobody waits */
};

/* The table, so that a test can print it for DESIGN.md. NULL: the event means
 * nothing at that stage. */
struct source_rule {
	enum source_stage next;
	enum source_action action;
	bool defined;
};
struct source_rule source_rule(
    enum source_stage stage, enum source_event event);

#define SOURCE_TEXT_MAX KE_TEXT_MAX
#define SOURCE_LINE_MAX (SOURCE_TEXT_MAX + 160)

/* What can be wrong at once, the worst first. */
enum trouble_kind {
	TROUBLE_KEYS, /* no key exchange */
	TROUBLE_TIME, /* no sample */
	TROUBLE_PATH, /* samples, but not all is well */
	TROUBLE_KINDS,
};
struct source_trouble {
	char failure[24]; /* one word: "dns", "certificate", "silence", ... */
	char reason[SOURCE_TEXT_MAX];
};

/* How the last request fared, kept until the next. */
struct source_counters {
	uint64_t sent, received, valid, good, lost, rejected, naks;
	uint64_t exchanges,
	    attempts; /* attempts: since the last valid answer */
};

struct source {
	const struct source_config *config;
	enum source_stage stage;
	bool offline; /* an administrator's order: nothing is asked */
	struct pace pace;
	struct nts_assoc assoc;
	struct cookie_reserve reserve; /* of assoc, on disk */
	struct nts_pending pending;
	struct mono poll_at;   /* next request; MONO_NEVER without keys */
	struct mono sent_at;   /* the last request */
	struct mono answer_by; /* the pending request is lost then */
	struct mono asked_at;  /* the key exchange under way or the last */
	/* The next key exchange; at STAGE_KEYING it replaces the one under way,
	 * and is MONO_NEVER but after a retry (agent/source/early_retry.h). */
	struct mono retry_at;
	struct mono keys_not_before; /* rate limit of key exchanges */
	bool keys_wanted;	     /* as soon as that allows */
	struct mono keys_at;	     /* the last successful one */
	struct mono renew_at;	     /* they are renewed then, in use or not */
	bool renewal_failed;
	/* They were made when other certificates were trusted, and are given
	 * up then; MONO_NEVER: they were not. */
	struct mono trusted_until;
	struct backoff renewal;
	struct mono
	    search_not_before;	  /* likewise, of those for silence alone */
	struct backoff search;	  /* since it was last steady */
	struct mono heard_at;	  /* the last good sample */
	bool heard;		  /* heard_at is set */
	int64_t delay_ns;	  /* of that sample */
	struct backoff backoff;	  /* of key exchanges without a valid answer */
	unsigned unanswered_keys; /* exchanges since the last valid answer */
	uint32_t serial;	  /* of the key exchange under way */
	uint8_t reach;	 /* RFC 5905: one bit per poll, newest lowest */
	unsigned silent; /* polls without an answer, in a row */
	struct mono silent_since; /* the first of them */
	bool nak_seen;		  /* on the pending request */
	int send_error;		  /* of the pending request, or 0 */
	struct request_size size;
	enum nts_err rejection; /* the last, on the pending request */
	bool unsynchronised;	/* the server said so last */
	unsigned stratum;	/* of the server, as of the last sample */
	unsigned address_count, address; /* in use */
	struct endpoint addresses[KE_ADDRESSES_MAX];
	struct source_counters count;
	/* Facts of the last key exchange, for the status. */
	struct ke_facts facts;
	enum ke_dates dates; /* of the last answer */
	/* Of the last answer: when the server set its clock. */
	uint64_t reference;
	uint64_t server_id; /* the same in names of one server; 0: none known */
	/* Set by the engine before source_keys: a chain that fails by its dates
	 * alone may be taken without them. */
	bool dates_may_wait;
	unsigned outdated; /* times that the server told a time outside them */
	/* What is wrong, in plain words; "" when nothing is. `failure` and
	 * `reason` are those of the worst. */
	struct source_trouble troubles[TROUBLE_KINDS];
	char failure[24], reason[SOURCE_TEXT_MAX];
	bool down; /* it had to do without keys or time since the last sample */
	/* A line for the log; the engine takes it with source_log_line. */
	struct log_budget news;
	enum log_level line_level;
	char line[SOURCE_LINE_MAX];
	struct log_budget votes; /* of being outvoted: agent/engine_verdicts */
	/* Of the last sample. */
	enum stamp_kind tx_stamp, rx_stamp;
};

void source_init(
    struct source *s, const struct source_config *config, struct mono now);

/* Wipes the secrets. */
void source_end(struct source *s);

/* So that a fleet that starts at once does not ask at once: waits for up to one
 * second, evenly by `random`. */
#define SOURCE_SPREAD_NS NS_PER_S
void source_spread_start(struct source *s, uint32_t random);

/* When source_timer must run next. */
struct mono source_deadline(const struct source *s);

/* Runs what is due. Call again until ACTION_NOTHING. */
enum source_action source_timer(
    struct source *s, struct mono now, uint32_t random);

/* Before anything else: keys that an agent before this one had, checked by
 * saved_keys_judge. `left` of their cookies are still on disk. */
void source_saved(struct source *s, const struct saved_keys *k, unsigned left,
    struct clock_reading now, uint32_t random);

/* ACTION_KEYS: what to ask the resolver. */
void source_ke_request(struct source *s, uint32_t slot, uint32_t timeout_ms,
    struct mono now, struct ke_request *out);

/* The resolver's answer; a late one to an older question is ignored. */
enum source_action source_keys(struct source *s, const struct ke_answer *answer,
    struct clock_reading now, uint32_t random);

/* ACTION_SEND: seal the request into `out`. False: no request (the reason is in
 * the source; source_timer has more to do). */
bool source_request(struct source *s, const struct nts_fresh *fresh,
    struct mono now, uint32_t random, struct writer *out) MUST_USE;
const struct endpoint *source_address(const struct source *s);

/* The request was not sent: `error` is an errno. */
void source_unsent(struct source *s, int error, struct mono now);

/* The request could not be sent or was refused on the way. */
void source_send_failed(struct source *s, int error, struct mono now);

/* Judge a datagram. ACTION_CLOSE: the exchange is over. When `*sample_ok`,
 * `answer` is authentic and carries a usable time. */
enum source_action source_datagram(struct source *s, const uint8_t *bytes,
    size_t len, struct mono now, uint32_t random, struct ntp_answer *answer,
    bool *sample_ok);

/* At STAGE_UNDATED_POLLING: a sample that may help to set the clock. */
void source_undated_sample(
    struct source *s, int64_t delay_ns, struct mono now, uint32_t random);

/* There, too: the server tells a time for which its certificate is not. */
void source_outdated(
    struct source *s, struct wall told, struct mono now, uint32_t random);

/* Other certificates are trusted from now on: new keys are asked for at `at`,
 * and those that it has serve for SOURCE_DISTRUST_NS at most. */
#define SOURCE_DISTRUST_NS (3600 * NS_PER_S)
void source_distrust(struct source *s, struct mono now, struct mono at);

/* What was exchanged without dates is thrown away, and keys are asked for anew.
 */
enum source_action source_recheck(struct source *s);

/* The clock is right now, as it may not have been before: likewise, and so is
 * what was exchanged with a certificate that is not valid at this time. */
enum source_action source_recheck_dates(struct source *s, struct wall now);

/* The server tells a time that cannot be, and its sample was not used. */
void source_disbelieved(struct source *s, struct wall told, struct mono now);

/* After a sample: `vote` as in pace_sample. Moves the next poll. */
void source_sampled(struct source *s, int64_t delay_ns, enum poll_vote vote,
    struct mono now, uint32_t random);

/* Another source has seen what may concern all: ask now, but for a server that
 * wants fewer requests. */
void source_hurry(struct source *s, struct mono now);

/* The sample's delay was above maxdelay, and it was not used. */
void source_too_slow(struct source *s, int64_t delay_ns, struct mono now);

/* The answer's times cannot be true: the server claims to have held the request
 * for `excess_ns` more than the whole exchange took. */
void source_contradicts(struct source *s, int64_t excess_ns, struct mono now);

/* The request under way is worth nothing: send another. */
void source_repeat(struct source *s, struct mono now);

/* Time jumped: what was measured is worth nothing, ask quickly again. */
void source_jumped(struct source *s, struct mono now);

/* Asks in a burst. False: it is offline or has no keys. */
bool source_burst(struct source *s, struct mono now) MUST_USE;

/* An administrator's order: nothing is asked until source_go_online. */
void source_go_offline(struct source *s);
void source_go_online(struct source *s, struct mono now);

/* Its certificate was taken without a check of its dates. */
bool source_undated(const struct source *s);

/* After a reload. `config` is borrowed from now on. */
void source_reconfigure(struct source *s, const struct source_config *config);

/* An answer to an exchange with another serial is not for this source. */
void source_renumber(struct source *s, uint32_t serial);

/* What is under way by old rules or under an old slot begins again. */
void source_begin_again(struct source *s, uint32_t serial, struct mono now);

/* How the last answer's request and the answer were stamped. */
void source_stamped(struct source *s, enum stamp_kind tx, enum stamp_kind rx);

/* Both names lead to one server: the new one, `a`, takes the id of `b`. */
void source_same_server(struct source *a, struct source *b);

/* The line for the log, given out once. False: nothing new. */
bool source_log_line(
    struct source *s, enum log_level *level, char *out, size_t size) MUST_USE;

#endif
