#include "nts/ntp.h"

#define FIELD_HEAD 4
#define FIELD_MIN 16
/* The precision of two clocks may take this much off the delay of a short
 * path. */
#define DELAY_NOISE_NS (100 * NS_PER_US)

bool ntp_header_take(struct reader *r, struct ntp_header *out)
{
	uint8_t first = take_u8(r);

	*out = (struct ntp_header){
	    .leap = first >> 6,
	    .version = (first >> 3) & 7,
	    .mode = first & 7,
	};
	out->stratum = take_u8(r);
	out->poll = (int8_t)take_u8(r);
	out->precision = (int8_t)take_u8(r);
	out->root_delay = take_u32(r);
	out->root_dispersion = take_u32(r);
	out->reference_id = take_u32(r);
	out->reference = take_u64(r);
	out->origin = take_u64(r);
	out->receive = take_u64(r);
	out->transmit = take_u64(r);
	return r->ok;
}

void ntp_header_put(struct writer *w, const struct ntp_header *h)
{
	put_u8(w, (uint8_t)((h->leap & 3) << 6 | (h->version & 7) << 3 |
			    (h->mode & 7)));
	put_u8(w, h->stratum);
	put_u8(w, (uint8_t)h->poll);
	put_u8(w, (uint8_t)h->precision);
	put_u32(w, h->root_delay);
	put_u32(w, h->root_dispersion);
	put_u32(w, h->reference_id);
	put_u64(w, h->reference);
	put_u64(w, h->origin);
	put_u64(w, h->receive);
	put_u64(w, h->transmit);
}

bool ntp_field_take(
    struct reader *r, const uint8_t *start, struct ntp_field *out)
{
	struct ntp_field f = {0};
	uint16_t len;

	if (!r->ok || r->left == 0)
		return false;
	f.offset = (size_t)(r->at - start);
	f.type = take_u16(r);
	len = take_u16(r);
	/* RFC 7822 7.5.1.4: at least four words, and no part of a word. */
	if (!r->ok || len < FIELD_MIN || len % 4 != 0) {
		r->ok = false;
		return false;
	}
	f.body = take_sub(r, (size_t)len - FIELD_HEAD);
	if (!r->ok)
		return false;
	*out = f;
	return true;
}

size_t ntp_field_begin(struct writer *w, uint16_t type)
{
	put_u16(w, type);
	return put_mark_u16(w);
}

void ntp_field_end(struct writer *w, size_t mark, size_t min_len)
{
	size_t start = mark - 2, len = w->len - start;

	if (len < min_len)
		put_zeros(w, min_len - len);
	len = w->len - start;
	put_zeros(w, (4 - len % 4) % 4);
	patch_u16(w, mark, w->len - start);
}

struct wall ntp_to_wall(uint64_t stamp, struct wall pivot)
{
	uint64_t around = ntp_from_wall(pivot);
	/* The signed difference modulo 2^64 selects the nearest era. */
	int64_t apart = (int64_t)(stamp - around);
	int64_t seconds = apart >> 32; /* rounded down */
	uint64_t fraction = (uint64_t)apart & UINT32_MAX;
	int64_t apart_ns =
	    seconds * NS_PER_S +
	    (int64_t)((fraction * (uint64_t)NS_PER_S + (UINT64_C(1) << 31)) >>
		      32);
	struct wall t;

	/* A wildly wrong clock must not make the sum overflow. */
	if (__builtin_add_overflow(pivot.ns, apart_ns, &t.ns))
		t.ns = apart_ns < 0 ? INT64_MIN : INT64_MAX;
	return t;
}

uint64_t ntp_from_wall(struct wall t)
{
	int64_t seconds = t.ns / NS_PER_S, rest = t.ns % NS_PER_S;

	if (rest < 0) {
		seconds--;
		rest += NS_PER_S;
	}
	return ((uint64_t)seconds + NTP_UNIX_EPOCH) << 32 |
	       ((uint64_t)rest << 32) / (uint64_t)NS_PER_S;
}

bool ntp_delay_impossible(int64_t delay_ns, int64_t granularity_ns)
{
	/* Both stamps may be wrong by a step of a coarse clock. */
	return delay_ns < -DELAY_NOISE_NS - 2 * granularity_ns;
}

int64_t ntp_short_to_ns(uint32_t value)
{
	return (int64_t)(((uint64_t)value * (uint64_t)NS_PER_S + 32768) >> 16);
}
