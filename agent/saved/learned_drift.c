#include "agent/saved/learned_drift.h"

#include "nts/digest.h"

#include <math.h>
#include <string.h>

#define MAGIC "NTSDRIFT"
#define MAGIC_LEN 8
/* Raise it with each change of the format or of what the numbers mean. */
#define VERSION 2

/* Units of the file. */
#define RATE_UNIT 1e-15
#define WINDOW_UNIT 1e-3
#define AWAKE_UNIT 1e-3

/* A hundred years. */
#define ASLEEP_MAX_NS (INT64_C(100) * 366 * 86400 * NS_PER_S)

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

static void put_learned(struct writer *w, const struct drift_learned *l)
{
	put_number(w, l->awake_s, AWAKE_UNIT);
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			put_number(w, l->period[k].lag[i].worst, RATE_UNIT);
			put_number(w, l->period[k].lag[i].windows, WINDOW_UNIT);
		}
}

void saved_drift_put(struct writer *w, const struct saved_drift *d)
{
	put_bytes(w, MAGIC, MAGIC_LEN);
	put_u16(w, VERSION);
	put_bytes(w, d->machine, sizeof(d->machine));
	put_bytes(w, d->boot, sizeof(d->boot));
	/* Two clocks are not read at one instant: it may be a little below 0.
	 */
	put_u64(w, d->asleep_ns > 0 ? (uint64_t)d->asleep_ns : 0);
	put_learned(w, &d->learned);
	digest_put(w);
}

static bool is_whole(const uint8_t *bytes, size_t len)
{
	return len == SAVED_DRIFT_LEN && digest_ends(bytes, len) &&
	       memcmp(bytes, MAGIC, MAGIC_LEN) == 0;
}

static void take_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *bytes = take_bytes(r, len);

	if (bytes)
		memcpy(out, bytes, len);
}

static void take_learned(struct reader *r, struct drift_learned *out)
{
	out->awake_s = take_number(r, AWAKE_UNIT);
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			out->period[k].lag[i].worst = take_number(r, RATE_UNIT);
			out->period[k].lag[i].windows =
			    take_number(r, WINDOW_UNIT);
		}
}

/* Returns true if all is well. */
static bool take_all(struct reader *r, struct saved_drift *out)
{
	uint64_t asleep_ns;

	if (take_u16(r) != VERSION)
		return false;
	take_copy(r, out->machine, sizeof(out->machine));
	take_copy(r, out->boot, sizeof(out->boot));
	asleep_ns = take_u64(r);
	if (asleep_ns > ASLEEP_MAX_NS)
		return false;
	out->asleep_ns = (int64_t)asleep_ns;
	take_learned(r, &out->learned);
	return reader_done(r) && drift_learned_valid(&out->learned);
}

bool saved_drift_take(const uint8_t *bytes, size_t len, struct saved_drift *out)
{
	struct reader r;

	*out = (struct saved_drift){.asleep_ns = 0};
	if (!is_whole(bytes, len))
		return false;
	r = reader_of(bytes + MAGIC_LEN, len - MAGIC_LEN - DIGEST_LEN);
	if (take_all(&r, out))
		return true;
	*out = (struct saved_drift){.asleep_ns = 0};
	return false;
}

struct drift_learned saved_drift_now(
    const struct saved_drift *d, const struct timeline *now)
{
	struct drift_learned l = d->learned;

	l.awake_s = timeline_goes_on(d->boot, d->asleep_ns, now)
			? fmin(l.awake_s, fmax(s_of_ns(now->raw_ns), 0))
			: 0;
	return l;
}
