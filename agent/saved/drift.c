#include "agent/saved/drift.h"

#include "nts/digest.h"

#include <math.h>
#include <string.h>

#define MAGIC "NTSDRIFT"
#define MAGIC_LEN 8
/* Raise it with each change of the format or of what the numbers mean. */
#define VERSION 1

/* Units of the file. */
#define RATE_UNIT 1e-15
#define WINDOW_UNIT 1e-3

static void put_number(struct writer *w, double value, double unit)
{
	put_u64(w, (uint64_t)llround(value / unit));
}

/* A double cannot hold all of 2^64 exactly, but all numbers that are within the
 * limits of drift_learned_valid(). */
static double take_number(struct reader *r, double unit)
{
	return (double)take_u64(r) * unit;
}

void saved_drift_put(struct writer *w, const struct drift_learned *l)
{
	uint8_t sum[DIGEST_LEN];

	put_bytes(w, MAGIC, MAGIC_LEN);
	put_u16(w, VERSION);
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			put_number(w, l->period[k].lag[i].worst, RATE_UNIT);
			put_number(w, l->period[k].lag[i].windows, WINDOW_UNIT);
		}
	if (!w->ok || !digest_of(w->base, w->len, sum))
		w->ok = false;
	else
		put_bytes(w, sum, sizeof(sum));
}

static bool is_whole(const uint8_t *bytes, size_t len)
{
	uint8_t sum[DIGEST_LEN];

	return len == SAVED_DRIFT_LEN &&
	       digest_of(bytes, len - DIGEST_LEN, sum) &&
	       memcmp(sum, bytes + len - DIGEST_LEN, DIGEST_LEN) == 0 &&
	       memcmp(bytes, MAGIC, MAGIC_LEN) == 0;
}

bool saved_drift_take(
    const uint8_t *bytes, size_t len, struct drift_learned *out)
{
	struct reader r;

	*out = (struct drift_learned){0};
	if (!is_whole(bytes, len))
		return false;
	r = reader_of(bytes + MAGIC_LEN, len - MAGIC_LEN - DIGEST_LEN);
	if (take_u16(&r) != VERSION)
		return false;
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			out->period[k].lag[i].worst =
			    take_number(&r, RATE_UNIT);
			out->period[k].lag[i].windows =
			    take_number(&r, WINDOW_UNIT);
		}
	if (reader_done(&r) && drift_learned_valid(out))
		return true;
	*out = (struct drift_learned){0};
	return false;
}
