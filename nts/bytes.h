/*
 * The only reader and the only writer of bytes on the wire, and the only place
 * that checks a length. A failure stays: take or put a whole message, then
 * look at `ok` once. A take that fails returns zero, a put that fails writes
 * nothing.
 */
#ifndef NTS_BYTES_H
#define NTS_BYTES_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cursor over borrowed bytes; it never writes to them. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool ok;
};

struct reader reader_of(const void *bytes, size_t len);

uint8_t take_u8(struct reader *r);
uint16_t take_u16(struct reader *r); /* all numbers are big-endian */
uint32_t take_u32(struct reader *r);
uint64_t take_u64(struct reader *r);

/* Returns the next n bytes, borrowed; NULL if fewer are left. An empty reader
 * of NULL also returns NULL for n = 0: r->ok tells the two apart. */
const uint8_t *take_bytes(struct reader *r, size_t n);

/* Returns a reader of the next n bytes alone. If fewer are left, neither that
 * reader nor r is ok. */
struct reader take_sub(struct reader *r, size_t n);

/* True if all takes succeeded and every byte was taken. */
bool reader_done(const struct reader *r) MUST_USE;

/* A cursor over a borrowed buffer. */
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

/* Reserves a 16-bit length and returns its offset, for patch_u16(). A value
 * that does not fit into 16 bits fails the writer. */
size_t put_mark_u16(struct writer *w);
void patch_u16(struct writer *w, size_t mark, size_t value);

#endif
