#include "clock/leap_tzif.h"

#include <string.h>

#define HEADER_LEN 44
/* TAI - UTC at the beginning of 1972, when leap seconds began. */
#define TAI_FIRST_S 10
/* All corrections up to now add up to 27. */
#define CORRECTION_MAX 1000

/* One data block: its header, and where its parts are. */
struct block {
	unsigned version; /* the character of the header */
	uint64_t leaps;	  /* leap second records, ... */
	uint64_t at;	  /* ... which begin here */
	uint64_t time_len;
	uint64_t end;
};

static int64_t big_endian(const unsigned char *bytes, uint64_t len)
{
	/* The sign of the first byte is that of the number. */
	uint64_t n = bytes[0] & 0x80 ? UINT64_MAX : 0;

	for (uint64_t i = 0; i < len; i++)
		n = n << 8 | bytes[i];
	return (int64_t)n;
}

static uint64_t count_at(const unsigned char *bytes)
{
	return (uint64_t)big_endian(bytes, 4) & UINT32_MAX;
}

/* Section 3.1. All counts have 32 bits, so no sum overflows. */
static bool read_block(const unsigned char *bytes, size_t len, uint64_t at,
    uint64_t time_len, struct block *b)
{
	const unsigned char *h = bytes + at;
	uint64_t indicators, times, types, chars;

	if (at + HEADER_LEN > len || memcmp(h, "TZif", 4) != 0)
		return false;
	indicators = count_at(h + 20) + count_at(h + 24);
	times = count_at(h + 32);
	types = count_at(h + 36);
	chars = count_at(h + 40);
	*b = (struct block){
	    .version = h[4],
	    .leaps = count_at(h + 28),
	    .at = at + HEADER_LEN + times * (time_len + 1) + types * 6 + chars,
	    .time_len = time_len,
	};
	b->end = b->at + b->leaps * (time_len + 4) + indicators;
	return b->end <= len;
}

/* A record whose correction is that of the one before it is the expiry of the
 * table (version 4). Records count in time with leap seconds. */
static bool take_record(struct leap_table *t, int64_t at_s, int64_t correction,
    int64_t before, int64_t now_s)
{
	int64_t since_s = at_s - before;

	if (correction < -CORRECTION_MAX || correction > CORRECTION_MAX)
		return false;
	if (correction == before) {
		t->expires_s = since_s;
	} else if (since_s <= now_s) {
		t->known = true;
		t->since_s = since_s;
		t->tai_s = TAI_FIRST_S + (int)correction;
	}
	return true;
}

static bool take_records(const struct block *b, const unsigned char *bytes,
    int64_t now_s, struct leap_table *t)
{
	int64_t before = 0, last_s = INT64_MIN;

	for (uint64_t i = 0; i < b->leaps; i++) {
		const unsigned char *r = bytes + b->at + i * (b->time_len + 4);
		int64_t at_s = big_endian(r, b->time_len);
		int64_t correction = big_endian(r + b->time_len, 4);

		/* Nothing before 1970 is a leap second. */
		if (at_s <= last_s || at_s < 0 ||
		    !take_record(t, at_s, correction, before, now_s))
			return false;
		last_s = at_s;
		before = correction;
	}
	return t->known;
}

bool leap_tzif_read(
    struct leap_table *t, const unsigned char *bytes, size_t len, int64_t now_s)
{
	struct leap_table found = {.known = false};
	struct block b;

	if (!read_block(bytes, len, 0, 4, &b))
		return false;
	/* From version 2 on, a second block has times of 64 bits. */
	if (b.version >= '2' && !read_block(bytes, len, b.end, 8, &b))
		return false;
	if (!take_records(&b, bytes, now_s, &found))
		return false;
	*t = found;
	return true;
}
