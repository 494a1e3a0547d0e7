#include "agent/source/pace.h"

#include <math.h>

/* So many votes double the interval; one vote against halves it. The first
 * climb takes more votes: most at the shortest interval, because the first
 * minutes need samples, and some more at the long intervals, because those
 * hours show the frequency, on which all later intervals depend. */
#define VOTES_TO_GROW 4
#define VOTES_TO_LEAVE_SHORTEST 8
#define VOTES_TO_CLIMB 6
#define VOTES_TO_CLIMB_HIGH 5
#define HIGH_BELOW_MAX 2
/* By how much a random number changes a time. */
#define INTERVAL_SPREAD_PERCENT 6
#define SILENCE_SPREAD_PERCENT 3
/* The longest wait stays near the one that the manual names. */
#define LONGEST_SPREAD_PERCENT 25
/* No server is this slow. */
#define ANSWER_WAIT_MAX_NS (4 * NS_PER_S)
/* The largest debt, in intervals; more in a silence, where requests out of turn
 * bring nothing. */
#define DEBT_INTERVALS 8
#define DEBT_INTERVALS_SILENT 32
/* An interval is longer by at most this part of it to pay back: a clock that
 * has just changed may change again, and needs its samples. What a start takes
 * of the allowance is not paid back, but what leaves less than ALLOWANCE_KEPT
 * of it is. */
#define DEBT_PAID_SHARE 4
#define ALLOWANCE_KEPT 0.7

static int64_t at_most(int64_t ns, int64_t most)
{
	return ns < most ? ns : most;
}

static int64_t poll_ns(int log2_s)
{
	return log2_s >= 0 ? NS_PER_S << log2_s : NS_PER_S >> -log2_s;
}

static int lower_limit(const struct pace *p, bool near)
{
	int lower = near ? PACE_NEAR_MIN : PACE_FAR_MIN;

	if (p->min_configured != POLL_AUTO)
		lower = p->min_configured;
	/* A configured maximum below the usual minimum counts. */
	else if (p->max_configured < lower)
		lower = p->max_configured;
	return lower < 0 && p->distant == PACE_SUBSECOND_SAMPLES ? 0 : lower;
}

/* A server that is found to be near gets the shortest interval. */
static void note_distance(struct pace *p, int64_t delay_ns)
{
	bool distant = p->distant == PACE_SUBSECOND_SAMPLES;

	if (delay_ns >= PACE_SUBSECOND_NS) {
		p->distant += !distant;
		return;
	}
	p->distant = 0;
	if (distant && lower_limit(p, p->near) < 0)
		p->poll_log2_s = lower_limit(p, p->near);
}

static int upper_limit(const struct pace *p, bool near)
{
	int lower = lower_limit(p, near);
	int upper = p->max_configured != POLL_AUTO ? p->max_configured
		    : near			   ? PACE_NEAR_MAX
						   : PACE_FAR_MAX;

	return upper < lower ? lower : upper;
}

static void clamp(struct pace *p, bool near)
{
	int lower = lower_limit(p, near), upper = upper_limit(p, near);

	if (p->poll_log2_s < lower)
		p->poll_log2_s = lower;
	if (p->poll_log2_s > upper)
		p->poll_log2_s = upper;
}

static int64_t shortest_ns(const struct pace *p)
{
	return poll_ns(lower_limit(p, p->near));
}

static double full_allowance(const struct pace *p)
{
	return fmax(
	    PACE_ALLOWANCE, (double)PACE_ALLOWANCE_NS / (double)shortest_ns(p));
}

void pace_init(struct pace *p, const struct source_config *config)
{
	*p = (struct pace){
	    .min_configured = config->minpoll,
	    .max_configured = config->maxpoll,
	    .ramp_log2_s = INT8_MAX,
	    .starting = true,
	    .climbing = true,
	    .distant = PACE_SUBSECOND_SAMPLES,
	};
	/* Without a known delay the server counts as far. */
	p->poll_log2_s = lower_limit(p, false);
	clamp(p, false);
	p->allowance = full_allowance(p);
}

static void begin_burst(struct pace *p, unsigned good, unsigned tries)
{
	p->burst_good = good;
	p->burst_tries = tries;
	p->ramp_log2_s =
	    p->starting ? PACE_RAMP_START_LOG2_S : PACE_RAMP_LOG2_S;
	p->ramp_repeated = !p->starting;
}

void pace_burst_of(struct pace *p, unsigned good, unsigned tries)
{
	/* Its answers come sooner than those that a doubt asks for. */
	p->doubted = 0;
	begin_burst(p, good, tries);
}

void pace_burst(struct pace *p)
{
	begin_burst(p, PACE_BURST_GOOD, PACE_BURST_TRIES);
}

void pace_burst_unless_limited(struct pace *p)
{
	if (!p->rate_limited)
		pace_burst(p);
}

static int votes_to_grow(const struct pace *p, bool near)
{
	if (!p->climbing)
		return VOTES_TO_GROW;
	if (p->poll_log2_s == lower_limit(p, near))
		return VOTES_TO_LEAVE_SHORTEST;
	return p->poll_log2_s < upper_limit(p, near) - HIGH_BELOW_MAX
		   ? VOTES_TO_CLIMB
		   : VOTES_TO_CLIMB_HIGH;
}

static void take_vote(struct pace *p, bool near, enum poll_vote vote)
{
	int before = p->poll_log2_s;

	switch (vote) {
	case POLL_DOUBTED:
	case POLL_CONTRADICTED:
	case POLL_KEEP:
		return;
	case POLL_CHANGED:
	case POLL_LONGER:
		if (++p->votes < votes_to_grow(p, near))
			return;
		p->poll_log2_s++;
		break;
	case POLL_SHORTER:
		p->poll_log2_s--;
		break;
	case POLL_SHORTEST:
		p->poll_log2_s = lower_limit(p, near);
		break;
	}
	p->votes = 0;
	clamp(p, near);
	if (p->poll_log2_s < before || p->poll_log2_s == upper_limit(p, near))
		p->climbing = false;
}

static bool ramping(const struct pace *p)
{
	return p->ramp_log2_s < p->poll_log2_s;
}

/* A server whose samples are never explained must not be asked often for ever.
 * A clock that has changed must be measured, whatever was asked before: then
 * only the promise counts. */
static bool may_ask_sooner(const struct pace *p, bool changed)
{
	if (p->rate_limited)
		return false;
	return changed
		   ? p->allowance >= PACE_CHANGED_RESERVE
		   : p->debt_ns < DEBT_INTERVALS / 2 * poll_ns(p->poll_log2_s);
}

static bool is_doubted(enum poll_vote vote)
{
	return vote == POLL_DOUBTED || vote == POLL_CONTRADICTED;
}

static void doubt(struct pace *p, enum poll_vote vote)
{
	p->contradicted = vote == POLL_CONTRADICTED;
	if (!is_doubted(vote))
		p->doubted = 0;
	else if (p->doubted == 0 && may_ask_sooner(p, p->contradicted))
		p->doubted = PACE_DOUBT_TRIES;
}

void pace_sample(struct pace *p, int64_t delay_ns, enum poll_vote vote)
{
	bool near = delay_ns < PACE_NEAR_NS;
	double full = full_allowance(p);

	p->unanswered = 0;
	p->near = near;
	note_distance(p, delay_ns);
	/* With another shortest interval the same share of it is left. */
	p->allowance *= full_allowance(p) / full;
	p->debt_ns =
	    at_most(p->debt_ns, DEBT_INTERVALS * poll_ns(p->poll_log2_s));
	if (p->burst_good > 0) {
		if (--p->burst_good == 0)
			p->burst_tries = 0;
		/* A burst does not show how the clock does between polls. */
		if (p->starting)
			p->poll_log2_s = lower_limit(p, near);
		return;
	}
	/* The burst and its ramp show offset and frequency of the new clock. */
	if (vote == POLL_CHANGED && may_ask_sooner(p, true)) {
		pace_burst(p);
		p->poll_log2_s = lower_limit(p, near);
		p->urgent = true;
		return;
	}
	doubt(p, vote);
	/* A doubted sample does not tell how well the clock is known. */
	if (!is_doubted(vote))
		p->urgent = vote == POLL_SHORTER || vote == POLL_SHORTEST;
	if (!ramping(p))
		take_vote(p, near, vote);
	clamp(p, near);
}

static void count_debt(struct pace *p, int64_t since_ns)
{
	int64_t full = poll_ns(p->poll_log2_s);
	int64_t debt =
	    at_most(p->debt_ns + full - since_ns, DEBT_INTERVALS_SILENT * full);

	p->debt_ns = debt < 0 || p->starting ? 0 : debt;
}

static void use_allowance(struct pace *p, int64_t since_ns)
{
	double more = (double)since_ns / (double)shortest_ns(p);

	p->allowance = fmin(p->allowance + more, full_allowance(p)) - 1;
}

/* The time until the allowance is `wanted`. */
static int64_t until_allowed_ns(const struct pace *p, int wanted)
{
	double lacks = wanted - p->allowance;

	return lacks <= 0 ? 0 : (int64_t)ceil(lacks * (double)shortest_ns(p));
}

int64_t pace_least_ns(const struct pace *p)
{
	return until_allowed_ns(p, 1);
}

int64_t pace_least_silent_ns(const struct pace *p)
{
	return until_allowed_ns(p, PACE_RESERVE + 1);
}

static void next_ramp_interval(struct pace *p)
{
	bool last = p->ramp_log2_s + 1 >= p->poll_log2_s;

	if (last && !p->ramp_repeated)
		p->ramp_repeated = true;
	else if (last)
		/* A longer interval later on does not begin another ramp. */
		p->ramp_log2_s = INT8_MAX;
	else
		p->ramp_log2_s++;
}

void pace_sent(struct pace *p, int64_t since_ns)
{
	count_debt(p, since_ns);
	use_allowance(p, since_ns);
	p->unanswered++;
	if (p->burst_tries > 0) {
		if (--p->burst_tries == 0)
			p->burst_good = 0;
		return;
	}
	if (!ramping(p))
		p->starting = false;
	else if (p->doubted == 0)
		next_ramp_interval(p);
	if (p->doubted > 0)
		p->doubted--;
}

void pace_unsent(struct pace *p)
{
	int64_t full = poll_ns(p->poll_log2_s);

	p->allowance++;
	p->debt_ns -= at_most(p->debt_ns, full);
}

void pace_restart(struct pace *p)
{
	p->starting = p->climbing = true;
	p->debt_ns = 0;
	p->votes = 0;
	p->poll_log2_s = lower_limit(p, p->poll_log2_s < PACE_FAR_MIN);
}

/* RATE cannot make the interval longer than this: a server that wants fewer
 * requests sends DENY. */
static int slowest(const struct pace *p)
{
	return p->max_configured != POLL_AUTO &&
		       p->max_configured > PACE_FAR_MAX
		   ? p->max_configured
		   : PACE_FAR_MAX;
}

static void remember_rate(struct pace *p)
{
	if (!p->rate_limited) {
		p->min_wanted = p->min_configured;
		p->max_wanted = p->max_configured;
	}
	p->rate_limited = true;
	p->calm = 0;
	if (p->patience == 0)
		p->patience = PACE_RATE_POLLS;
	else if (p->patience < PACE_RATE_POLLS_MAX)
		p->patience *= 2;
}

void pace_forgive(struct pace *p)
{
	int least = p->min_wanted != POLL_AUTO ? p->min_wanted : PACE_FAR_MIN;

	if (!p->rate_limited || ++p->calm < p->patience)
		return;
	p->calm = 0;
	if (--p->min_configured > least)
		return;
	p->rate_limited = false;
	p->min_configured = p->min_wanted;
	p->max_configured = p->max_wanted;
}

static void keep_max_above_min(struct pace *p)
{
	if (p->max_configured != POLL_AUTO &&
	    p->max_configured < p->min_configured)
		p->max_configured = p->min_configured;
}

/* RFC 8633 5.4/3: the poll field of the answer does not count. */
void pace_slow_down(struct pace *p)
{
	remember_rate(p);
	p->burst_good = p->burst_tries = p->doubted = 0;
	p->votes = 0;
	p->ramp_log2_s = INT8_MAX;
	if (p->poll_log2_s < slowest(p))
		p->poll_log2_s++;
	/* The server knows its load (RFC 5905 section 7.4). */
	p->min_configured = p->poll_log2_s;
	keep_max_above_min(p);
}

static int64_t spread(int64_t ns, int percent, uint32_t random)
{
	double unit = (double)random / (double)UINT32_MAX; /* 0..1 */

	return ns + (int64_t)((2 * unit - 1) * percent / 100 * (double)ns);
}

void pace_configure(struct pace *p, const struct source_config *config)
{
	const struct pace was = *p;

	pace_init(p, config);
	p->patience = was.patience;
	p->near = was.near;
	p->allowance = was.allowance;
	if (!was.rate_limited)
		return;
	p->rate_limited = true;
	p->starting = was.starting;
	p->debt_ns = was.debt_ns;
	p->calm = was.calm;
	p->min_wanted = p->min_configured;
	p->max_wanted = p->max_configured;
	if (p->min_configured == POLL_AUTO ||
	    p->min_configured < was.min_configured)
		p->min_configured = was.min_configured;
	keep_max_above_min(p);
	if (p->poll_log2_s < was.poll_log2_s)
		p->poll_log2_s = was.poll_log2_s;
	clamp(p, false);
}

static int64_t burst_ns(const struct pace *p)
{
	return p->starting && p->unanswered == 0 ? PACE_QUICK_NS
						 : PACE_BURST_NS;
}

/* A far server gets a second for its answer. */
static int64_t ramp_ns(const struct pace *p)
{
	int64_t ns = poll_ns(p->ramp_log2_s);

	return p->unanswered == 0 || ns > PACE_BURST_NS ? ns : PACE_BURST_NS;
}

static int64_t doubt_ns(const struct pace *p)
{
	return p->contradicted
		   ? PACE_CONTRADICTED_NS << (PACE_DOUBT_TRIES - p->doubted)
		   : PACE_DOUBT_NS;
}

static int64_t paid_ns(const struct pace *p, int64_t full)
{
	int64_t most = full / DEBT_PAID_SHARE;

	if (p->urgent)
		return 0;
	return p->allowance < ALLOWANCE_KEPT * full_allowance(p)
		   ? most
		   : at_most(p->debt_ns, most);
}

/* Of a ramp or a doubt, whichever asks first. */
static int64_t sooner_ns(const struct pace *p)
{
	if (!ramping(p))
		return doubt_ns(p);
	return p->doubted > 0 ? at_most(ramp_ns(p), doubt_ns(p)) : ramp_ns(p);
}

int64_t pace_interval_ns(const struct pace *p, uint32_t random)
{
	int64_t full = poll_ns(p->poll_log2_s), ns;

	if (p->burst_tries > 0)
		ns = at_most(full, burst_ns(p));
	else if (!ramping(p) && p->doubted == 0)
		ns = full + paid_ns(p, full);
	else
		ns = at_most(full, sooner_ns(p));
	return ns + (int64_t)(INTERVAL_SPREAD_PERCENT / 100.0 * (double)ns *
			      ((double)random / (double)UINT32_MAX));
}

/* A network that is there for minutes in hours must not be missed, so the wait
 * is a share of the silence, and not above the longest interval. */
static int64_t long_silence_ns(int64_t silent_ns, int64_t longest)
{
	int64_t wait = silent_ns / PACE_SILENCE_LONG_SHARE;

	return at_most(
	    wait > PACE_SILENCE_MAX_NS ? wait : PACE_SILENCE_MAX_NS, longest);
}

int64_t pace_silence_ns(
    const struct pace *p, int64_t silent_ns, uint32_t random)
{
	int64_t longest = poll_ns(upper_limit(p, false));
	int64_t least = p->burst_tries > 0 ? PACE_BURST_NS : PACE_SILENCE_NS;
	int64_t wait =
	    silent_ns < PACE_SILENCE_SHORT_NS ? silent_ns / 8 : silent_ns / 4;

	if (silent_ns >= PACE_SILENCE_LONG_NS)
		return spread(long_silence_ns(silent_ns, longest),
		    SILENCE_SPREAD_PERCENT, random);
	wait = at_most(wait > least ? wait : least, PACE_SILENCE_MAX_NS);
	return spread(at_most(wait, longest), SILENCE_SPREAD_PERCENT, random);
}

int64_t pace_answer_wait_ns(const struct pace *p)
{
	int64_t interval = pace_interval_ns(p, 0);

	return at_most(interval - interval / 8, ANSWER_WAIT_MAX_NS);
}

static int64_t doubled(int64_t first, unsigned times, int64_t cap)
{
	int64_t value = first;

	while (times-- > 0 && value < cap)
		value *= 2;
	return value < cap ? value : cap;
}

int64_t backoff_next_ns(
    struct backoff *b, enum pace_cause cause, uint32_t random)
{
	static const struct {
		int64_t first_s, cap_s;
		unsigned steady;
		int spread_percent;
	} waits[] = {
#define X(name, first, steady, cap, spread)                                    \
	[name] = {first, cap, steady, spread},
	    PACE_CAUSES(X)
#undef X
	};
	unsigned steady = waits[cause].steady, times = 0;
	int64_t wait_s;

	/* Another cause starts from its own first wait. */
	if (b->cause != cause)
		b->failures = 0;
	b->cause = cause;
	b->failures++;
	if (b->failures > steady)
		times = b->failures - steady;
	wait_s = doubled(waits[cause].first_s, times, waits[cause].cap_s);
	return spread(wait_s * NS_PER_S,
	    wait_s < waits[cause].cap_s ? waits[cause].spread_percent
					: LONGEST_SPREAD_PERCENT,
	    random);
}
