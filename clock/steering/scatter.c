#include "clock/steering/scatter.h"

#include <math.h>
#include <stdlib.h>

/* The latest answers that count: few, so that a source that has become steady
 * is soon used again. */
#define SCATTER_SAMPLES 8
#define SCATTER_CHANGES (SCATTER_SAMPLES - 1)
/* One answer that is wrong makes two changes, a server that is set makes one.
 */
#define SCATTER_FORGIVEN 2
#define SCATTER_LEAST_CHANGES 4
/* No oscillator that Linux can correct is off by more, s/s. */
#define SCATTER_FREQ_MAX 0.1

/* What the offset changes in a second, by the median of all changes. */
static double usual_rate(
    const double *change, const double *seconds, unsigned n)
{
	double rates[SCATTER_CHANGES] = {0};
	double median;

	for (unsigned i = 0; i < n; i++)
		rates[i] = change[i] / seconds[i];
	qsort(rates, n, sizeof(rates[0]), ascending);
	median = (rates[(n - 1) / 2] + rates[n / 2]) / 2;
	return fmin(fmax(median, -SCATTER_FREQ_MAX), SCATTER_FREQ_MAX);
}

/* The changes between neighbours, s, with the time between them, s. */
static unsigned changes(
    const struct steering_source *src, double *change, double *seconds)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SCATTER_CHANGES && i + 1 < src->count; i++) {
		const struct sample *m = &const_record(src, i)->sample;
		const struct sample *before = &const_record(src, i + 1)->sample;

		if (m->at.ns <= before->at.ns)
			continue;
		change[n] = s_of_ns(m->offset_ns - before->offset_ns);
		seconds[n++] = s_of_ns(m->at.ns - before->at.ns);
	}
	return n;
}

double scatter_s(const struct steering_source *src)
{
	double change[SCATTER_CHANGES] = {0}, seconds[SCATTER_CHANGES] = {0};
	unsigned n = changes(src, change, seconds);
	double rate, square = 0;

	if (n < SCATTER_LEAST_CHANGES)
		return 0;
	rate = usual_rate(change, seconds, n);
	for (unsigned i = 0; i < n; i++)
		change[i] = fabs(change[i] - rate * seconds[i]);
	qsort(change, n, sizeof(change[0]), ascending);
	for (unsigned i = 0; i < n - SCATTER_FORGIVEN; i++)
		square += change[i] * change[i];
	/* A change is the difference of two answers. */
	return sqrt(square / (n - SCATTER_FORGIVEN) / 2);
}
