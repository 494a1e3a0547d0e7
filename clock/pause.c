#include "clock/pause.h"

static bool lags(const struct pause_answer *v, int64_t since_ns)
{
	double lost_ns = (double)since_ns * (PAUSE_FREQ_PPM * 1e-6);

	return v->lag_ns > PAUSE_MIN_NS &&
	       (double)(v->lag_ns - v->bound_ns) > lost_ns;
}

static bool agree(const struct pause_answer *a, const struct pause_answer *b)
{
	int64_t apart_ns = a->lag_ns - b->lag_ns;

	if (apart_ns < 0)
		apart_ns = -apart_ns;
	return apart_ns <= a->bound_ns + b->bound_ns;
}

/* Does the lag grow by more than the queues explain, and fast enough to explain
 * all of it? The first of the answers shows it best: it is the oldest one. */
static bool grows(const struct pause_answer *before,
    const struct pause_answer *now, int64_t since_ns)
{
	double more_ns = (double)(now->lag_ns - before->first_lag_ns);
	double time_ns = (double)(now->at.ns - before->first.ns);

	return before->strikes > 0 && time_ns > 0 &&
	       more_ns > (double)(before->first_noise_ns + now->noise_ns) +
			     PAUSE_FREQ_PPM * 1e-6 * time_ns &&
	       (double)now->lag_ns <
		   PAUSE_RAMP_SHARE * more_ns / time_ns * (double)since_ns;
}

/* An answer that contradicts the answers before it starts a new count. */
static void count_strike(
    struct pause_answer *v, const struct pause_answer *answer)
{
	const struct pause_answer before = *v;
	bool again = before.strikes > 0 && agree(&before, answer);

	*v = *answer;
	v->strikes = again ? before.strikes + 1 : 1;
	v->first = again ? before.first : answer->first;
	v->first_lag_ns = again ? before.first_lag_ns : answer->lag_ns;
	v->first_noise_ns = again ? before.first_noise_ns : answer->noise_ns;
}

struct votes {
	unsigned all, with, against;
	unsigned strikes; /* most of a voter that is with it */
};

/* A voter is against a pause if it answered since the first report of the lag
 * and found none. */
static struct votes count_votes(
    const struct pause *p, unsigned source, uint64_t voters)
{
	const struct pause_answer *v = &p->voices[source];
	struct votes n = {0};

	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		const struct pause_answer *other = &p->voices[i];

		if (!(voters >> i & 1))
			continue;
		n.all++;
		if (other->strikes > 0 && agree(v, other)) {
			n.with++;
			if (other->strikes > n.strikes)
				n.strikes = other->strikes;
		}
		n.against +=
		    other->strikes == 0 && other->first.ns > v->first.ns;
	}
	return n;
}

/* A second answer with the same lag, or a lag that no frequency explains. */
static bool is_no_ramp(
    const struct votes *n, const struct pause_answer *v, int64_t since_ns)
{
	return n->strikes > 1 ||
	       (double)v->lag_ns > PAUSE_SURE_PPM * 1e-6 * (double)since_ns;
}

enum pause_verdict pause_judge(struct pause *p, unsigned source,
    struct pause_answer answer, int64_t since_ns, uint64_t voters)
{
	struct pause_answer *v = &p->voices[source];
	struct votes n;

	if (!lags(&answer, since_ns)) {
		*v = answer;
		v->strikes = 0;
		return PAUSE_NONE;
	}
	if (v->ramp || grows(v, &answer, since_ns)) {
		*v = answer;
		v->strikes = 0;
		v->ramp = true;
		return PAUSE_NONE;
	}
	count_strike(v, &answer);
	n = count_votes(p, source, voters);
	if (2 * n.with > n.all && is_no_ramp(&n, v, since_ns) &&
	    (n.all > 1 || v->strikes >= PAUSE_STRIKES)) {
		*p = (struct pause){0};
		return PAUSE_FOUND;
	}
	return 2 * n.against >= n.all || v->strikes > PAUSE_STRIKES
		   ? PAUSE_NONE
		   : PAUSE_DOUBT;
}
