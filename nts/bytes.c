#include "nts/bytes.h"

#include <string.h>

struct reader reader_of(const void *bytes, size_t len)
{
	return (struct reader){.at = bytes, .left = len, .ok = true};
}

const uint8_t *take_bytes(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (!r->ok || n > r->left) {
		r->ok = false;
		return NULL;
	}
	/* C forbids adding to a null pointer, even adding zero. */
	if (n > 0)
		r->at += n;
	r->left -= n;
	return at;
}

static uint64_t take_number(struct reader *r, size_t n)
{
	const uint8_t *at = take_bytes(r, n);
	uint64_t value = 0;

	for (size_t i = 0; at && i < n; i++)
		value = value << 8 | at[i];
	return value;
}

uint8_t take_u8(struct reader *r)
{
	return (uint8_t)take_number(r, 1);
}

uint16_t take_u16(struct reader *r)
{
	return (uint16_t)take_number(r, 2);
}

uint32_t take_u32(struct reader *r)
{
	return (uint32_t)take_number(r, 4);
}

uint64_t take_u64(struct reader *r)
{
	return take_number(r, 8);
}

struct reader take_sub(struct reader *r, size_t n)
{
	const uint8_t *at = take_bytes(r, n);

	return (struct reader){.at = at, .left = r->ok ? n : 0, .ok = r->ok};
}

bool reader_done(const struct reader *r)
{
	return r->ok && r->left == 0;
}

struct writer writer_of(void *buffer, size_t capacity)
{
	return (struct writer){
	    .base = buffer, .capacity = capacity, .ok = true};
}

/* Returns room for n bytes and counts them; NULL if they do not fit, or if n
 * is 0. */
static uint8_t *grow(struct writer *w, size_t n)
{
	if (!w->ok || n > w->capacity - w->len) {
		w->ok = false;
		return NULL;
	}
	w->len += n;
	return n > 0 ? w->base + w->len - n : NULL;
}

static void put_number(struct writer *w, uint64_t value, size_t n)
{
	uint8_t *at = grow(w, n);

	for (size_t i = n; at && i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
}

void put_u8(struct writer *w, uint8_t value)
{
	put_number(w, value, 1);
}

void put_u16(struct writer *w, uint16_t value)
{
	put_number(w, value, 2);
}

void put_u32(struct writer *w, uint32_t value)
{
	put_number(w, value, 4);
}

void put_u64(struct writer *w, uint64_t value)
{
	put_number(w, value, 8);
}

void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	uint8_t *at = grow(w, n);

	if (at)
		memcpy(at, bytes, n);
}

void put_zeros(struct writer *w, size_t n)
{
	uint8_t *at = grow(w, n);

	if (at)
		memset(at, 0, n);
}

size_t put_mark_u16(struct writer *w)
{
	size_t mark = w->len;

	put_u16(w, 0);
	return mark;
}

void patch_u16(struct writer *w, size_t mark, size_t value)
{
	if (!w->ok)
		return;
	if (value > UINT16_MAX || mark + 2 > w->len) {
		w->ok = false;
		return;
	}
	w->base[mark] = (uint8_t)(value >> 8);
	w->base[mark + 1] = (uint8_t)value;
}
