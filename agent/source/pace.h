/*
 * When to ask: the poll interval of one server, and the back-off after a
 * failure. Pure. This file limits the load of servers; what the samples say
 * about the interval comes in as votes.
 */
#ifndef AGENT_SOURCE_PACE_H
#define AGENT_SOURCE_PACE_H

#include "agent/config/config.h"

/* Limits where the administrator set none. A server with a delay below
 * PACE_NEAR_NS is in our own LAN: more packets bring accuracy and cost little.
 * A server further away belongs to somebody else. */
#define PACE_NEAR_NS (2 * NS_PER_MS)
#define PACE_NEAR_MIN 4
#define PACE_NEAR_MAX 8
#define PACE_FAR_MIN 6
#define PACE_FAR_MAX 10
/* An interval below one second is for a server in the own network, whatever is
 * configured: after so many samples in a row with a longer delay, or before the
 * first sample, it is one second. */
#define PACE_SUBSECOND_NS (10 * NS_PER_MS)
#define PACE_SUBSECOND_SAMPLES 8

/* The promise to the owner of a server: in any period a source sends at most
 * one request per shortest interval, and this many more, or as many as are due
 * in PACE_ALLOWANCE_NS if that is more. README.md, "The promise". */
#define PACE_ALLOWANCE 64
#define PACE_ALLOWANCE_NS (900 * NS_PER_S)
/* What a silence leaves of it for the time when the server is back. */
#define PACE_RESERVE (PACE_ALLOWANCE / 2)
/* A clock that seems to change again and again leaves so many. */
#define PACE_CHANGED_RESERVE 8

/* A burst: answers wanted, requests at most, time between requests. One second
 * is within the default rate limits of NTP servers. In the burst of a start, an
 * answer brings the next request sooner. */
#define PACE_BURST_GOOD 4
#define PACE_BURST_TRIES 8
#define PACE_BURST_NS NS_PER_S
#define PACE_QUICK_NS (NS_PER_S / 8)

/* For pace_silence_ns(). */
#define PACE_SILENCE_NS (4 * NS_PER_S)
#define PACE_SILENCE_SHORT_NS (60 * NS_PER_S)
#define PACE_SILENCE_MAX_NS (120 * NS_PER_S)
#define PACE_SILENCE_LONG_NS (900 * NS_PER_S)
#define PACE_SILENCE_LONG_SHARE 8
/* After a burst the intervals double from this up to the one in force: they
 * show the frequency, for which a burst is too short. After the burst of a
 * start they double from less, and the last one comes twice. */
#define PACE_RAMP_LOG2_S 1
#define PACE_RAMP_START_LOG2_S (-1)
/* After a sample that no assumption explains, so many requests follow so soon.
 * If no queue explains it either, the clock has probably changed, and its error
 * grows: then the first request comes sooner, and the waits double. */
#define PACE_DOUBT_NS (2 * NS_PER_S)
#define PACE_DOUBT_TRIES 3
#define PACE_CONTRADICTED_NS (NS_PER_S / 2)

struct pace {
	int min_configured, max_configured; /* log2 s or POLL_AUTO */
	int poll_log2_s;		    /* the interval in force */
	unsigned burst_good, burst_tries;   /* left to do; 0: no burst */
	/* The interval of the ramp after a burst; the ramp ends when it reaches
	 * the interval in force. */
	int ramp_log2_s;
	bool ramp_repeated; /* the last interval of the ramp came once */
	unsigned doubted;   /* requests left because of a doubt */
	bool contradicted;  /* no queue explains the latest doubted sample */
	int votes;	    /* for a longer interval, in a row */
	/* Nothing is known yet: a burst ends at the shortest interval, and the
	 * burst and its ramp are no debt. */
	bool starting;
	/* The interval has not yet reached its maximum, and no vote has
	 * shortened it. */
	bool climbing;
	int unanswered; /* requests since the last sample */
	bool near;	/* the delay of the last sample was short */
	unsigned
	    distant; /* of PACE_SUBSECOND_SAMPLES; so many: no subseconds */
	double allowance; /* requests that may go out at once; most at first */
	/* The sum of the time by which requests were early. Later requests come
	 * a little later until it is paid back. */
	int64_t debt_ns;
	bool urgent; /* the clock is not known well: pay back later */
	/* The server sent RATE, and is not forgiven yet. */
	bool rate_limited;
	int min_wanted, max_wanted; /* as configured, while rate_limited */
	unsigned calm;		    /* good samples, of `patience` */
	unsigned patience;	    /* so many for a shorter interval */
};

void pace_init(struct pace *p, const struct source_config *config);

/* The administrator sets other limits. A RATE of the server stays in force, and
 * the allowance does not grow. */
void pace_configure(struct pace *p, const struct source_config *config);

/* Begins a burst. Its ramp follows, and then the interval in force. */
void pace_burst(struct pace *p);

/* As pace_burst(), until `good` answers have come or `tries` requests are sent;
 * both at least 1. */
void pace_burst_of(struct pace *p, unsigned good, unsigned tries);

/* As pace_burst(), but not at a server that asked for fewer requests. */
void pace_burst_unless_limited(struct pace *p);

/* A sample came with the delay `delay_ns` and the vote of
 * steering_poll_vote(). */
void pace_sample(struct pace *p, int64_t delay_ns, enum poll_vote vote);

/* A request went out, `since_ns` after the one before. */
void pace_sent(struct pace *p, int64_t since_ns);

/* The request of the last pace_sent() did not leave this machine: it costs the
 * server nothing. */
void pace_unsent(struct pace *p);

/* The least time from the last request to the next one, so that the promise of
 * PACE_ALLOWANCE is kept; 0 while the allowance lasts. */
int64_t pace_least_ns(const struct pace *p);

/* As pace_least_ns(), for a request that has no other reason than silence: it
 * leaves PACE_RESERVE. */
int64_t pace_least_silent_ns(const struct pace *p);

/* Something changed (a step, a new frequency): back to the shortest interval.
 */
void pace_restart(struct pace *p);

/* Time from one request to the next after a silence of `silent_ns`:
 * - an eighth of the silence, or a quarter after PACE_SILENCE_SHORT_NS,
 * - at least PACE_SILENCE_NS, or PACE_BURST_NS in a burst,
 * - at most PACE_SILENCE_MAX_NS or maxpoll.
 * After PACE_SILENCE_LONG_NS it is an eighth of the silence again (but no less
 * than PACE_SILENCE_MAX_NS), up to maxpoll. */
int64_t pace_silence_ns(
    const struct pace *p, int64_t silent_ns, uint32_t random);

/* The server asks for fewer requests (kiss code RATE, RFC 5905 section 7.4):
 * the interval doubles, and is the shortest one from now on, whatever was
 * configured. */
void pace_slow_down(struct pace *p);

/* A good sample. After PACE_RATE_POLLS of them the shortest interval is halved,
 * step by step down to what was configured. Each further RATE doubles that
 * number, up to PACE_RATE_POLLS_MAX. */
#define PACE_RATE_POLLS 64
#define PACE_RATE_POLLS_MAX 4096
void pace_forgive(struct pace *p);

/* Time from one request to the next. `random` makes it longer by up to 6 %, so
 * that a fleet does not ask at one moment. No server gets more requests than
 * the interval in force allows. */
int64_t pace_interval_ns(const struct pace *p, uint32_t random);

/* How long to wait for an answer. */
int64_t pace_answer_wait_ns(const struct pace *p);

/* RFC 8915 4.2/1, RFC 8915 4.2/2, RFC 8915 4.1.3/3, RFC 8915 5.7/14: the wait
 * after a failure. The cause of a failure decides how soon the next try is, and
 * how many tries come so soon. DNS is our own and costs little; a handshake
 * costs the server much. */
/* clang-format off */
#define PACE_CAUSES(X) \
	/* name, first wait s, so many of them, longest wait s, spread % */ \
	X(CAUSE_DNS,         1, 60, 120, 25) \
	X(CAUSE_CONNECT,     2, 10, 120, 75) \
	X(CAUSE_TLS,         3,  5, 900, 75) \
	X(CAUSE_CERTIFICATE, 3, 10, 900, 75) \
	X(CAUSE_EXCHANGE,    3,  5, 900, 75) \
	X(CAUSE_SILENCE,     8,  1, 120, 25) \
	X(CAUSE_SEARCH,      8,  1, 900, 25) \
	X(CAUSE_RENEWAL, 86400,  1, 86400, 25) \
	X(CAUSE_DENIED,  86400,  1, 86400, 25) \
	X(CAUSE_CRASHES, 21600,  1, 86400, 25)
/* clang-format on */
enum pace_cause {
#define X(name, first, steady, cap, spread) name,
	PACE_CAUSES(X)
#undef X
	    PACE_CAUSE_COUNT
};

struct backoff {
	enum pace_cause cause; /* of the last failure */
	unsigned failures;     /* of that cause, in a row */
};

/* The wait before the next try. Each call counts one failure of `cause`: the
 * first waits are equal, then they double up to the longest. `random` spreads
 * them by +-25 %. */
int64_t backoff_next_ns(
    struct backoff *b, enum pace_cause cause, uint32_t random);

#endif
