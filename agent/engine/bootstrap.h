/*
 * What to do about a clock that is too wrong to check certificates by: believe,
 * once, what a quorum of servers says whose certificates are right in all but
 * their dates. Pure: the engine brings what servers say, and sets the clock.
 *
 * A strict majority of at least three independent servers must agree within
 * their bounds; of all that are configured when those are only two; one alone
 * only when the administrator has said so. What they agree on must lie within
 * the time for which each of their certificates was issued, and not before the
 * floor, which is the last time that this machine knew to be good. After the
 * step every certificate is checked again in full.
 */
#ifndef AGENT_ENGINE_BOOTSTRAP_H
#define AGENT_ENGINE_BOOTSTRAP_H

#include "agent/config/config.h"
#include "clock/timescale.h"
#include "resolver/frame.h"

#define BOOTSTRAP_TEXT_MAX 400

/* What one server says. */
struct bootstrap_offer {
	bool there;
	bool undated;	   /* the dates of its certificate were not checked */
	struct osc at;	   /* when it said so */
	int64_t offset_ns; /* server minus uncorrected clock */
	int64_t bound_ns;  /* an honest server is not further off */
	/* When its whole chain is valid, seconds since 1970; 0: not known. */
	int64_t not_before_s, not_after_s;
	/* Two that share one of these are one server. */
	struct endpoint address;
	uint8_t key[KE_CERT_KEY_LEN];
	char host[HOST_MAX];
};

/* clang-format off */
#define BOOTSTRAP_OUTCOMES(X) \
	X(BOOTSTRAP_FEW,      "few")      /* not enough servers have answered */ \
	X(BOOTSTRAP_DISAGREE, "disagree") /* no majority of those that did */ \
	X(BOOTSTRAP_EARLY,    "early")    /* it agrees on a time before the floor */ \
	X(BOOTSTRAP_RIGHT,    "right")    /* a majority says that dates can be checked */ \
	X(BOOTSTRAP_AGREED,   "agreed")   /* set the clock */
/* clang-format on */
enum bootstrap_outcome {
#define X(id, name) id,
	BOOTSTRAP_OUTCOMES(X)
#undef X
	    BOOTSTRAP_OUTCOME_COUNT
};
const char *bootstrap_outcome_name(enum bootstrap_outcome outcome);

struct bootstrap_result {
	enum bootstrap_outcome outcome;
	unsigned needed;   /* independent servers that must have answered */
	unsigned voters;   /* that have */
	unsigned agreeing; /* of them */
	int64_t step_ns;   /* from the wall clock to what they agree on */
};

struct bootstrap {
	enum bootstrap_policy policy;
	bool over; /* it was decided, or is not wanted */
	unsigned source_count, configured; /* the latter: without noselect */
	int64_t earliest_ns;
	int64_t bound_max_ns;	/* a server with a wider bound says nothing */
	struct mono decide_at;	/* who is silent until then is not waited for */
	struct mono hold_until; /* as long, dated sources wait for the others */
	/* It was opened again because the clock has stood still for so long. */
	int64_t pause_ns;
	struct mono pause_at;
	struct bootstrap_result result; /* the latest */
	struct bootstrap_offer offers[SOURCES_MAX];
};

/* `earliest_ns`: no time before it is believed, since 1970. */
void bootstrap_init(
    struct bootstrap *b, const struct config *config, int64_t earliest_ns);

/* May dates be left unchecked, for now? False from bootstrap_end on, but for
 * bootstrap_reopen. */
bool bootstrap_open(const struct bootstrap *b);
void bootstrap_end(struct bootstrap *b);

/* The clock has stood still, for longer than a running agent corrects: what is
 * known of it is worth no more than at a start. Only an agreement on a clock
 * that lags by so much sets it. False: the policy is against that. */
bool bootstrap_reopen(struct bootstrap *b, int64_t pause_ns, struct mono now);

/* A source is asked without dates from now on. True: it is the first. */
bool bootstrap_begin(struct bootstrap *b, struct mono now);

/* Does the steering wait, so that a server whose dates happen to fit the wrong
 * clock does not set it alone? `undated`: some source is asked without dates,
 * or the clock has stood still. */
bool bootstrap_holds(const struct bootstrap *b, bool undated, struct mono now);

void bootstrap_take(struct bootstrap *b, unsigned source,
    const struct bootstrap_offer *offer, struct mono now);

/* Nothing of what was said counts any more. */
void bootstrap_forget(struct bootstrap *b);

/* Is it time to decide? `settled`: every source has made its offer or has
 * failed. */
bool bootstrap_due(const struct bootstrap *b, bool settled, struct mono now);

/* Decides, and keeps the result. */
const struct bootstrap_result *bootstrap_decide(
    struct bootstrap *b, const struct timescale *t, struct wall now);

/* Does the time that it tells lie within the dates of its own certificate? */
bool bootstrap_offer_dated(const struct bootstrap_offer *offer,
    const struct timescale *t, struct wall now);

/* In plain words why the clock is not set yet. */
void bootstrap_text(const struct bootstrap *b, char *out, size_t size);

#endif
