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

/* An answer that contradicts the answers before it starts a new count. */
static void count_strike(
    struct pause_answer *v, const struct pause_answer *answer)
{
	unsigned strikes = v->strikes > 0 && agree(v, answer) ? v->strikes : 0;
	struct mono first = strikes > 0 ? v->first : answer->first;

	*v = *answer;
	v->strikes = strikes + 1;
	v->first = first;
}

struct votes {
	unsigned all, with, against;
};

/* A voter is against a pause if it answered since the first report of the lag
 * and found none. */
static struct votes count_votes(
    const struct pause *p, unsigned source, uint64_t voters)
{
	const struct pause_answer *v = &p->voices[source];
	struct votes n = {0, 0, 0};

	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		const struct pause_answer *other = &p->voices[i];

		if (!(voters >> i & 1))
			continue;
		n.all++;
		n.with += other->strikes > 0 && agree(v, other);
		n.against +=
		    other->strikes == 0 && other->first.ns > v->first.ns;
	}
	return n;
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
	count_strike(v, &answer);
	n = count_votes(p, source, voters);
	if (2 * n.with > n.all && (n.all > 1 || v->strikes >= PAUSE_STRIKES)) {
		*p = (struct pause){0};
		return PAUSE_FOUND;
	}
	return 2 * n.against >= n.all || v->strikes > PAUSE_STRIKES
		   ? PAUSE_NONE
		   : PAUSE_DOUBT;
}
