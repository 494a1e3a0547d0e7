#include "agent/ctl/shadow/agreement.h"

#include <math.h>
#include <stdlib.h>

struct edge {
	double at;
	int opens; /* 1: an interval begins; -1: it ends */
};

/* At one point, beginnings come first: intervals that touch overlap. */
static int compare(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return b->opens - a->opens;
}

bool agreement_of(
    const struct interval *intervals, unsigned count, struct interval *out)
{
	struct edge edges[2 * AGREEMENT_MAX];
	int open = 0, most = 0;

	if (count == 0 || count > AGREEMENT_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		double low = intervals[i].low, high = intervals[i].high;

		/* A foreign program can claim a negative error. */
		edges[2 * i] = (struct edge){fmin(low, high), 1};
		edges[2 * i + 1] = (struct edge){fmax(low, high), -1};
	}
	qsort(edges, 2UL * count, sizeof(edges[0]), compare);
	for (unsigned i = 0; i < 2 * count; i++) {
		open += edges[i].opens;
		if (open > most) {
			most = open;
			/* The largest overlap ends at the next end. */
			out->low = edges[i].at;
			out->high = edges[i + 1].at;
		}
	}
	return 2U * (unsigned)most > count;
}
