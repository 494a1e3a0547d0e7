#include "resolver/dns_message.h"

#include <ctype.h>

#define LABEL_KIND 0xc0
#define POINTER 0xc0
#define HEADER_LEN 12

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

/* Takes number and question. Not ok: there is not one question. */
static struct reader take_question(
    const uint8_t *bytes, size_t len, uint16_t *number)
{
	struct reader r = reader_of(bytes, len), start;

	*number = take_u16(&r);
	(void)take_u16(&r);
	r.ok &= take_u16(&r) == 1;
	(void)take_bytes(&r, HEADER_LEN - 6);
	start = r;
	skip_name(&r);
	(void)take_u32(&r);
	start.ok = r.ok;
	start.left -= r.left;
	return start;
}

bool dns_message_answers(
    const uint8_t *bytes, size_t len, const uint8_t *query, size_t query_len)
{
	uint16_t asked, answered;
	struct reader q = take_question(query, query_len, &asked);
	struct reader a = take_question(bytes, len, &answered);

	if (!q.ok || !a.ok || asked != answered || q.left != a.left)
		return false;
	for (size_t i = 0; i < q.left; i++)
		if (tolower(q.at[i]) != tolower(a.at[i]))
			return false;
	return true;
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
