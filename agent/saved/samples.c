#include "agent/saved/samples.h"

#include "nts/digest.h"

#include <math.h>
#include <string.h>

#define MAGIC "NTSAMEAS"
#define MAGIC_LEN 8
/* Increase it with each change of the format. */
#define VERSION 1

/* The error of a span: two clocks cannot be read at one instant. */
#define READING_NS 200.0
/* The largest error of a bridge. */
#define DOUBT_MAX_NS 1000.0
/* The rates of the two timescales differ by less. */
#define RATES_MAX 50e-6
/* A slew that went on moves the clock by less; a step or a leap second moves it
 * by more. */
#define STEP_NS (20 * NS_PER_MS)
#define SLEW_RATE 50e-6
/* BOOTTIME and MONOTONIC cannot be read at one instant either. */
#define ASLEEP_NS (10 * NS_PER_MS)
/* Times until the year 2200, 100000 ppm, an hour. */
#define TIME_MAX_NS (INT64_C(7258118400) * NS_PER_S)
/* The differences of samples' times and offsets must fit into an int64_t. A
 * sample of before a step may be older than 1970 on the timescale of now. */
#define SAMPLE_MIN_NS (-TIME_MAX_NS / 5)
#define OFFSET_MAX_NS (TIME_MAX_NS / 2)
#define RATE_MAX_PPB (100 * 1000 * 1000)
#define SHORT_MAX_NS (3600 * NS_PER_S)

static bool rates(const struct timeline *t, double *osc_per_raw)
{
	if (t->span_raw_ns <= 0)
		return false;
	*osc_per_raw = (double)t->span_osc_ns / (double)t->span_raw_ns;
	return fabs(*osc_per_raw - 1) <= RATES_MAX;
}

/* Did anything step the clock? Why it did so is not known here. */
static bool stepped(
    const struct timeline *then, const struct timeline *now, int64_t gap)
{
	double moved = (double)(now->wall_ns - then->wall_ns - gap) -
		       (double)then->rate_ppb * 1e-9 * (double)gap;

	return fabs(moved) > (double)STEP_NS + SLEW_RATE * (double)gap;
}

bool timeline_goes_on(const uint8_t boot[BOOT_ID_LEN], int64_t asleep_ns,
    const struct timeline *now)
{
	int64_t asleep = now->asleep_ns - asleep_ns;

	return memcmp(boot, now->boot, BOOT_ID_LEN) == 0 &&
	       asleep <= ASLEEP_NS && asleep >= -ASLEEP_NS;
}

bool timeline_bridge(
    const struct timeline *then, const struct timeline *now, int64_t *shift_ns)
{
	int64_t gap = now->raw_ns - then->raw_ns;
	double rate;

	if (!timeline_goes_on(then->boot, then->asleep_ns, now) || gap < 0 ||
	    stepped(then, now, gap) || !rates(then, &rate))
		return false;
	if (READING_NS * (double)gap / (double)then->span_raw_ns > DOUBT_MAX_NS)
		return false;
	/* A double is exact enough for the small difference. */
	*shift_ns = now->osc_ns - then->osc_ns - gap -
		    llround((rate - 1) * (double)gap);
	return true;
}

void saved_samples_shift(struct saved_source *m, int64_t shift_ns)
{
	for (unsigned i = 0; i < m->count; i++) {
		m->samples[i].at.ns += shift_ns;
		/* The offset is server minus local clock. */
		m->samples[i].offset_ns -= shift_ns;
	}
}

/* The parts of the format. */

static void put_i64(struct writer *w, int64_t value)
{
	put_u64(w, (uint64_t)value);
}

static int64_t take_i64(struct reader *r)
{
	return (int64_t)take_u64(r);
}

static void take_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *bytes = take_bytes(r, len);

	if (bytes)
		memcpy(out, bytes, len);
}

static void put_timeline(struct writer *w, const struct timeline *t)
{
	put_bytes(w, t->boot, sizeof(t->boot));
	put_i64(w, t->raw_ns);
	put_i64(w, t->osc_ns);
	put_i64(w, t->asleep_ns);
	put_i64(w, t->wall_ns);
	put_i64(w, t->rate_ppb);
	put_i64(w, t->span_raw_ns);
	put_i64(w, t->span_osc_ns);
}

static void take_timeline(struct reader *r, struct timeline *t)
{
	take_copy(r, t->boot, sizeof(t->boot));
	t->raw_ns = take_i64(r);
	t->osc_ns = take_i64(r);
	t->asleep_ns = take_i64(r);
	t->wall_ns = take_i64(r);
	t->rate_ppb = take_i64(r);
	t->span_raw_ns = take_i64(r);
	t->span_osc_ns = take_i64(r);
}

static void put_sample(struct writer *w, const struct sample *m)
{
	put_i64(w, m->at.ns);
	put_i64(w, m->offset_ns);
	put_i64(w, m->delay_ns);
	put_i64(w, m->dispersion_ns);
	put_i64(w, m->root_delay_ns);
	put_i64(w, m->root_dispersion_ns);
	put_u8(w, (uint8_t)m->tx_stamp);
	put_u8(w, (uint8_t)m->rx_stamp);
	put_u8(w, (uint8_t)m->leap);
	put_u8(w, m->stratum);
}

static void take_sample(struct reader *r, struct sample *m)
{
	m->at.ns = take_i64(r);
	m->offset_ns = take_i64(r);
	m->delay_ns = take_i64(r);
	m->dispersion_ns = take_i64(r);
	m->root_delay_ns = take_i64(r);
	m->root_dispersion_ns = take_i64(r);
	m->tx_stamp = (enum stamp_kind)take_u8(r);
	m->rx_stamp = (enum stamp_kind)take_u8(r);
	m->leap = (enum leap)take_u8(r);
	m->stratum = take_u8(r);
}

static bool within(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

static bool sample_valid(const struct sample *m)
{
	return within(m->at.ns, SAMPLE_MIN_NS, TIME_MAX_NS) &&
	       within(m->offset_ns, -OFFSET_MAX_NS, OFFSET_MAX_NS) &&
	       within(m->delay_ns, 1, SHORT_MAX_NS) &&
	       within(m->dispersion_ns, 0, SHORT_MAX_NS) &&
	       within(
		   m->root_delay_ns, -SHORT_MAX_NS * 24, SHORT_MAX_NS * 24) &&
	       within(m->root_dispersion_ns, 0, SHORT_MAX_NS * 24) &&
	       m->tx_stamp <= STAMP_HARDWARE && m->rx_stamp <= STAMP_HARDWARE &&
	       m->leap <= LEAP_UNKNOWN && within(m->stratum, 1, 15);
}

static bool timeline_valid(const struct timeline *t)
{
	return within(t->raw_ns, 0, TIME_MAX_NS) &&
	       within(t->osc_ns, -TIME_MAX_NS, TIME_MAX_NS) &&
	       within(t->asleep_ns, -TIME_MAX_NS, TIME_MAX_NS) &&
	       within(t->wall_ns, -TIME_MAX_NS, TIME_MAX_NS) &&
	       within(t->rate_ppb, -RATE_MAX_PPB, RATE_MAX_PPB) &&
	       within(t->span_raw_ns, 0, TIME_MAX_NS) &&
	       within(t->span_osc_ns, 0, TIME_MAX_NS);
}

void saved_samples_begin(
    struct writer *w, const struct timeline *t, unsigned sources)
{
	put_bytes(w, MAGIC, MAGIC_LEN);
	put_u16(w, VERSION);
	put_timeline(w, t);
	put_u16(w, (uint16_t)sources);
}

/* saved_samples_open() refuses a whole file for one bad sample. */
static bool all_samples_valid(const struct saved_source *m)
{
	for (unsigned i = 0; i < m->count; i++)
		if (!sample_valid(&m->samples[i]))
			return false;
	return true;
}

void saved_samples_put(struct writer *w, const struct saved_source *m)
{
	size_t len = strlen(m->name);
	unsigned count = all_samples_valid(m) ? m->count : 0;

	put_u8(w, (uint8_t)len);
	put_bytes(w, m->name, len);
	put_u8(w, m->address.family);
	put_u32(w, m->address.scope_id);
	put_bytes(w, m->address.address, sizeof(m->address.address));
	put_u16(w, (uint16_t)count);
	for (unsigned i = 0; i < count; i++)
		put_sample(w, &m->samples[i]);
}

void saved_samples_end(struct writer *w)
{
	digest_put(w);
}

static void take_name(struct reader *r, char out[SOURCE_NAME_MAX])
{
	size_t len = take_u8(r);
	const uint8_t *bytes = take_bytes(r, len);

	if (len == 0 || len >= SOURCE_NAME_MAX ||
	    (bytes && memchr(bytes, '\0', len)))
		r->ok = false;
	else if (bytes)
		memcpy(out, bytes, len);
}

bool saved_samples_take(struct reader *r, struct saved_source *out)
{
	*out = (struct saved_source){.count = 0};
	take_name(r, out->name);
	out->address.family = take_u8(r);
	out->address.scope_id = take_u32(r);
	take_copy(r, out->address.address, sizeof(out->address.address));
	out->count = take_u16(r);
	if (out->count > STEERING_SAMPLES_MAX)
		r->ok = false;
	for (unsigned i = 0; r->ok && i < out->count; i++) {
		take_sample(r, &out->samples[i]);
		r->ok &= sample_valid(&out->samples[i]);
	}
	return r->ok;
}

static bool all_valid(struct reader r, unsigned sources)
{
	struct saved_source m;

	for (unsigned i = 0; i < sources; i++)
		if (!saved_samples_take(&r, &m))
			return false;
	return reader_done(&r);
}

bool saved_samples_open(struct reader *r, const uint8_t *bytes, size_t len,
    struct timeline *t, unsigned *sources)
{
	const uint8_t *magic;

	if (!digest_ends(bytes, len))
		return false;
	*r = reader_of(bytes, len - DIGEST_LEN);
	magic = take_bytes(r, MAGIC_LEN);
	if (!magic || memcmp(magic, MAGIC, MAGIC_LEN) != 0 ||
	    take_u16(r) != VERSION)
		return false;
	take_timeline(r, t);
	*sources = take_u16(r);
	return r->ok && timeline_valid(t) && *sources <= SOURCES_MAX &&
	       all_valid(*r, *sources);
}
