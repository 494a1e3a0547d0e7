/*
 * When to ask: the poll interval of one server, and the back-off after a
 * failure. Pure; manners toward servers, not statistics.
 */
#ifndef AGENT_SOURCE_PACE_H
#define AGENT_SOURCE_PACE_H

#include "agent/config/config.h"

/* Limits where the administrator set none. A path shorter than PACE_NEAR_NS
 * leads to a server of one's own LAN: more packets there buy accuracy and cost
 * little; a server further away is somebody else's. */
#define PACE_NEAR_NS (2 * NS_PER_MS)
#define PACE_NEAR_MIN 4
#define PACE_NEAR_MAX 8
#define PACE_FAR_MIN 6
#define PACE_FAR_MAX 10

/* A burst: answers wanted, requests at most, time between requests. One second
 * keeps clear of the rate limits that NTP servers ship with. */
#define PACE_BURST_GOOD 4
#define PACE_BURST_TRIES 8
#define PACE_BURST_NS NS_PER_S

#define PACE_SILENCE_NS (4 * NS_PER_S)
#define PACE_SILENCE_SHORT_NS (60 * NS_PER_S)
#define PACE_SILENCE_MAX_NS (120 * NS_PER_S)
#define PACE_SILENCE_LONG_NS (900 * NS_PER_S)
/* After the burst the intervals double from this up to the one in force: what
 * the burst could not tell of the frequency comes from them. */
#define PACE_RAMP_LOG2_S 1
/* An answer that cannot be explained is asked for again so soon, so often. */
#define PACE_DOUBT_NS (2 * NS_PER_S)
#define PACE_DOUBT_TRIES 3

struct pace {
	int min_configured, max_configured; /* log2 s or POLL_AUTO */
	int poll_log2_s;		    /* the interval in force */
	unsigned burst_good, burst_tries;   /* left to do; 0: no burst */
	int ramp_log2_s;  /* the interval after a burst, while below the one
			     in force */
	unsigned doubted; /* requests left at PACE_DOUBT_NS */
	int votes;	  /* of late samples for a longer interval */
	/* Nothing is known yet: a burst ends at the shortest interval, and it
	 * and the ramp after it are nobody's debt. */
	bool starting;
	/* The interval has not been as long as it may be, or too long, yet. */
	bool climbing;
	int unanswered; /* requests since the last sample */
	/* Requests out of turn were early by so much in all; the ones after
	 * them come later for it. */
	int64_t debt_ns;
	bool urgent; /* the clock is not known well: later than that */
	/* While a server that sent RATE is spared. */
	bool rate_limited;
	int min_wanted, max_wanted; /* as they were configured */
	unsigned calm, patience; /* good polls, and so many for a step back */
};

void pace_init(struct pace *p, const struct source_config *config);

/* Other limits by the administrator. That the server asked for fewer requests
 * stays true, whatever they are. */
void pace_configure(struct pace *p, const struct source_config *config);

/* A burst now, and the ramp; then the interval in force again. */
void pace_burst(struct pace *p);

/* As pace_burst(), but not at a server that asked for fewer requests. */
void pace_burst_unless_limited(struct pace *p);

/* A sample came: `delay_ns` its delay, `vote` from steering_poll_vote. */
void pace_sample(struct pace *p, int64_t delay_ns, enum poll_vote vote);

/* A request went out, `since_ns` after the one before. */
void pace_sent(struct pace *p, int64_t since_ns);

/* Something changed (a step, a new frequency): ask often again. */
void pace_restart(struct pace *p);

/* From one request to the next while nobody has answered for `silent_ns`: an
 * eighth of that, so that the return is soon noticed after a short silence, a
 * quarter after PACE_SILENCE_SHORT_NS, and PACE_SILENCE_MAX_NS or maxpoll at
 * most; never sooner than PACE_SILENCE_NS, but for a burst. After
 * PACE_SILENCE_LONG_NS maxpoll, or twice that until no more was sent than
 * maxpoll says, as long as it is no more than a quarter of the silence either.
 */
int64_t pace_silence_ns(
    const struct pace *p, int64_t silent_ns, uint32_t random);

/* The server asks for fewer requests (kiss code RATE): the interval doubles,
 * and that is its least from now on, whatever was configured. */
void pace_slow_down(struct pace *p);

/* A good answer. After PACE_RATE_POLLS of them the least is halved again, step
 * by step down to what was configured; after each further RATE it takes twice
 * as many, up to PACE_RATE_POLLS_MAX. */
#define PACE_RATE_POLLS 64
#define PACE_RATE_POLLS_MAX 4096
void pace_forgive(struct pace *p);

/* Time from one request to the next, longer by up to 6 % with `random` so that
 * a fleet does not march in step, and no server hears more of us than the
 * interval in force says. */
int64_t pace_interval_ns(const struct pace *p, uint32_t random);

/* How long an answer is waited for. */
int64_t pace_answer_wait_ns(const struct pace *p);

/* What failed decides how soon it is tried again, and how many times so soon.
 * DNS is one's own and costs little; a handshake costs the server much. */
/* clang-format off */
#define PACE_CAUSES(X) \
	/* name, first retry s, so many, cap s */ \
	X(CAUSE_DNS,         1, 60, 120) \
	X(CAUSE_CONNECT,     2, 10, 120) \
	X(CAUSE_TLS,         3,  5, 900) \
	X(CAUSE_CERTIFICATE, 3, 10, 900) \
	X(CAUSE_EXCHANGE,    3,  5, 900) \
	X(CAUSE_SILENCE,     8,  1, 120) \
	X(CAUSE_SEARCH,      8,  1, 900) \
	X(CAUSE_RENEWAL, 86400,  1, 86400) \
	X(CAUSE_DENIED,  86400,  1, 86400)
/* clang-format on */
enum pace_cause {
#define X(name, first, steady, cap) name,
	PACE_CAUSES(X)
#undef X
	    PACE_CAUSE_COUNT
};

struct backoff {
	enum pace_cause cause; /* of the last one */
	unsigned failures;     /* of that cause, in a row */
};

/* The cause's first wait for its first tries, then doubled with each call up to
 * its cap; spread by +-25 % with `random`. */
int64_t backoff_next_ns(
    struct backoff *b, enum pace_cause cause, uint32_t random);

#endif
