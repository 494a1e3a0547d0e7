/*
 * The one reader and the one writer of wire bytes: the only place that checks
 * a length. Failure is sticky: take or put a whole message, then look at `ok`
 * once. A failed take returns zero, a failed put writes nothing.
 */
#ifndef NTS_BYTES_H
#define NTS_BYTES_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrows the bytes; never writes to them. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool ok;
};

struct reader reader_of(const void *bytes, size_t len);

uint8_t take_u8(struct reader *r);
uint16_t take_u16(struct reader *r); /* big-endian, as all below */
uint32_t take_u32(struct reader *r);
uint64_t take_u64(struct reader *r);

/* The next n bytes, borrowed; NULL when fewer are left. Of none from a reader
 * of NULL it is NULL, too: r->ok tells. */
const uint8_t *take_bytes(struct reader *r, size_t n);

/* A reader of the next n bytes alone; not ok (and r too) when fewer are left.
 */
struct reader take_sub(struct reader *r, size_t n);

/* All takes succeeded and every byte was used. */
bool reader_done(const struct reader *r) MUST_USE;

/* Borrows the buffer. */
struct writer {
	uint8_t *base;
	size_t capacity, len;
	bool ok;
};

struct writer writer_of(void *buffer, size_t capacity);

void put_u8(struct writer *w, uint8_t value);
void put_u16(struct writer *w, uint16_t value);
void put_u32(struct writer *w, uint32_t value);
void put_u64(struct writer *w, uint64_t value);
void put_bytes(struct writer *w, const void *bytes, size_t n);
void put_zeros(struct writer *w, size_t n);

/* Reserve a 16-bit length; patch_u16 fills it in later. */
size_t put_mark_u16(struct writer *w);
void patch_u16(struct writer *w, size_t mark, size_t value);

#endif
