/*
 * The rules by which servers agree on the time while the clock is too wrong to
 * check certificates by. Pure: the engine brings what the servers offer, and
 * sets the clock.
 *
 * The certificates of these servers were checked in all but their dates. A
 * strict majority must share a point within their bounds. At least three
 * independent servers must have answered, or both if only two are configured,
 * or one if `bootstrap = single`. The agreed time must lie within the dates of
 * each certificate, and not before the earliest time that can be true. After
 * the step, the engine checks every certificate again in full.
 */
#ifndef AGENT_ENGINE_BOOTSTRAP_H
#define AGENT_ENGINE_BOOTSTRAP_H

#include "agent/config/config.h"
#include "clock/timescale.h"
#include "resolver/frame.h"

#define BOOTSTRAP_TEXT_MAX 400

/* What one server offers. */
struct bootstrap_offer {
	bool there;
	bool undated;	   /* the dates of its certificate were not checked */
	struct osc at;	   /* of the sample */
	int64_t offset_ns; /* server minus uncorrected clock */
	int64_t bound_ns;  /* the truth is within offset +- bound */
	/* The time for which its whole chain is valid, seconds since 1970; 0:
	 * unknown. */
	int64_t not_before_s, not_after_s;
	/* Two offers that share one of these come from one server. */
	struct endpoint address;
	uint8_t key[KE_CERT_KEY_LEN];
	char host[HOST_MAX];
};

enum bootstrap_outcome {
	BOOTSTRAP_FEW,	    /* not enough servers have answered */
	BOOTSTRAP_DISAGREE, /* no majority of them agrees */
	BOOTSTRAP_EARLY,    /* they agree on a time that is past */
	BOOTSTRAP_RIGHT,    /* the clock is fit to check dates by */
	BOOTSTRAP_AGREED,   /* set the clock */
};

struct bootstrap_result {
	enum bootstrap_outcome outcome;
	unsigned needed;   /* independent servers that must answer */
	unsigned voters;   /* independent servers that have answered */
	unsigned agreeing; /* voters that agree */
	int64_t step_ns;   /* agreed time minus wall clock */
};

struct bootstrap {
	enum bootstrap_policy policy;
	bool over; /* decided, or not wanted */
	unsigned source_count;
	unsigned configured;	/* sources without noselect */
	int64_t earliest_ns;	/* no earlier time can be true; since 1970 */
	int64_t bound_max_ns;	/* an offer with a wider bound is no vote */
	struct mono decide_at;	/* decide then without silent servers */
	struct mono hold_until; /* until then the steering waits */
	/* Not 0: opened again because the clock has stood still this long. */
	int64_t pause_ns;
	struct mono pause_at;
	struct bootstrap_result result; /* the latest */
	struct bootstrap_offer offers[SOURCES_MAX];
};

/* `earliest_ns`: no time before it is accepted; since 1970. */
void bootstrap_init(
    struct bootstrap *b, const struct config *config, int64_t earliest_ns);

/* Returns true while the dates of certificates may stay unchecked: from
 * bootstrap_init or bootstrap_reopen to bootstrap_end, if the policy permits
 * it. */
bool bootstrap_open(const struct bootstrap *b);
void bootstrap_end(struct bootstrap *b);

/* The clock has stood still for `pause_ns`, which is more than a running agent
 * corrects. From now on it is set only if the servers agree that it lags by
 * this much. False: the policy forbids it. */
bool bootstrap_reopen(struct bootstrap *b, int64_t pause_ns, struct mono now);

/* A source exchanges keys without a check of dates. Returns true for the first
 * one. */
bool bootstrap_begin(struct bootstrap *b, struct mono now);

/* Returns true while the steering must wait: a server whose dates happen to fit
 * the wrong clock must not set it alone. `undated`: some source is used without
 * a check of dates, or the clock has stood still. */
bool bootstrap_holds(const struct bootstrap *b, bool undated, struct mono now);

void bootstrap_take(struct bootstrap *b, unsigned source,
    const struct bootstrap_offer *offer, struct mono now);

/* Drops all offers. */
void bootstrap_forget(struct bootstrap *b);

/* Returns true when it is time to decide. `settled`: every source has made its
 * offer or has failed. */
bool bootstrap_due(const struct bootstrap *b, bool settled, struct mono now);

/* Decides, and keeps the result in b->result. */
const struct bootstrap_result *bootstrap_decide(
    struct bootstrap *b, const struct timescale *t, struct wall now);

/* Returns true if the offered time lies within the dates of the certificate of
 * its server. */
bool bootstrap_offer_dated(const struct bootstrap_offer *offer,
    const struct timescale *t, struct wall now);

/* Says why the clock is not set yet: one sentence, at most BOOTSTRAP_TEXT_MAX.
 */
void bootstrap_text(const struct bootstrap *b, char *out, size_t size);

#endif
