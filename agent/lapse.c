#include "agent/lapse.h"

static bool lags(const struct lapse_voice *v, int64_t since_ns)
{
	double lost_ns = (double)since_ns * (LAPSE_FREQ_PPM * 1e-6);

	return v->lag_ns > LAPSE_LEAST_NS &&
	       (double)(v->lag_ns - v->bound_ns) > lost_ns;
}

static bool agree(const struct lapse_voice *a, const struct lapse_voice *b)
{
	int64_t apart_ns = a->lag_ns - b->lag_ns;

	if (apart_ns < 0)
		apart_ns = -apart_ns;
	return apart_ns <= a->bound_ns + b->bound_ns;
}

static void hear(struct lapse_voice *v, const struct lapse_voice *answer)
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

/* Against it: who has answered since, and found nothing. */
static struct votes count(
    const struct lapse *l, unsigned source, uint64_t voters)
{
	const struct lapse_voice *v = &l->voices[source];
	struct votes n = {0, 0, 0};

	for (unsigned i = 0; i < CONFIG_SOURCES_MAX; i++) {
		const struct lapse_voice *other = &l->voices[i];

		if (!(voters >> i & 1))
			continue;
		n.all++;
		n.with += other->strikes > 0 && agree(v, other);
		n.against +=
		    other->strikes == 0 && other->first.ns > v->first.ns;
	}
	return n;
}

enum lapse_verdict lapse_judge(struct lapse *l, unsigned source,
    struct lapse_voice answer, int64_t since_ns, uint64_t voters)
{
	struct lapse_voice *v = &l->voices[source];
	struct votes n;

	if (!lags(&answer, since_ns)) {
		*v = answer;
		v->strikes = 0;
		return LAPSE_NONE;
	}
	hear(v, &answer);
	n = count(l, source, voters);
	if (2 * n.with > n.all && (n.all > 1 || v->strikes >= LAPSE_STRIKES)) {
		*l = (struct lapse){0};
		return LAPSE_FOUND;
	}
	return 2 * n.against >= n.all || v->strikes > LAPSE_STRIKES
		   ? LAPSE_NONE
		   : LAPSE_DOUBT;
}
