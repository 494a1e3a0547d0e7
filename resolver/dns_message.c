#include "resolver/dns_message.h"

#define LABEL_KIND 0xc0
#define POINTER 0xc0

/* A name is not needed: skips its labels. A pointer ends it (4.1.4). */
static void skip_name(struct reader *r)
{
	uint8_t len;

	do {
		len = take_u8(r);
		if ((len & LABEL_KIND) == POINTER) {
			(void)take_u8(r);
			return;
		}
		if (len & LABEL_KIND)
			r->ok = false;
		(void)take_bytes(r, len);
	} while (len > 0);
}

struct dns_message dns_message_of(const uint8_t *bytes, size_t len)
{
	struct dns_message m = {.base = bytes, .rest = reader_of(bytes, len)};
	uint16_t questions;

	(void)take_u16(&m.rest);
	m.flags = take_u16(&m.rest);
	questions = take_u16(&m.rest);
	m.answers = take_u16(&m.rest);
	(void)take_u32(&m.rest);
	for (; questions > 0; questions--) {
		skip_name(&m.rest);
		(void)take_u32(&m.rest);
	}
	return m;
}

bool dns_message_next(struct dns_message *m, struct dns_record *out)
{
	struct reader *r = &m->rest;

	if (m->answers == 0)
		return false;
	m->answers--;
	skip_name(r);
	out->type = take_u16(r);
	out->class = take_u16(r);
	(void)take_u32(r);
	out->data = take_sub(r, take_u16(r));
	return r->ok;
}
