#include "agent/cmdmon/protocol/wire.h"

#include "agent/cmdmon/protocol/float.h"
#include "base/time.h"

#include <string.h>

/* The upper half of the seconds from a program that has 32 bits for them. */
#define NO_UPPER_HALF 0x7fffffff
/* Times beyond this do not fit into 64 bits of nanoseconds. */
#define SECONDS_MAX (INT64_MAX / NS_PER_S - 1)

struct wire wire_reading(const void *bytes, size_t len)
{
	return (struct wire){.from = reader_of(bytes, len)};
}

struct wire wire_writing(void *buffer, size_t capacity)
{
	return (struct wire){.writes = true, .to = writer_of(buffer, capacity)};
}

bool wire_ok(const struct wire *w)
{
	return w->writes ? w->to.ok : w->from.ok;
}

size_t wire_len(const struct wire *w)
{
	return w->to.len;
}

void wire_u8(struct wire *w, uint8_t *value)
{
	if (w->writes)
		put_u8(&w->to, *value);
	else
		*value = take_u8(&w->from);
}

void wire_i8(struct wire *w, int8_t *value)
{
	uint8_t bits = (uint8_t)*value;

	wire_u8(w, &bits);
	*value = (int8_t)bits;
}

void wire_u16(struct wire *w, uint16_t *value)
{
	if (w->writes)
		put_u16(&w->to, *value);
	else
		*value = take_u16(&w->from);
}

void wire_i16(struct wire *w, int16_t *value)
{
	uint16_t bits = (uint16_t)*value;

	wire_u16(w, &bits);
	*value = (int16_t)bits;
}

void wire_u32(struct wire *w, uint32_t *value)
{
	if (w->writes)
		put_u32(&w->to, *value);
	else
		*value = take_u32(&w->from);
}

void wire_float(struct wire *w, double *value)
{
	uint32_t bits = w->writes ? cmdmon_float_of(*value) : 0;

	wire_u32(w, &bits);
	*value = cmdmon_float_value(bits);
}

static void wire_raw(struct wire *w, void *bytes, size_t count)
{
	const uint8_t *from;

	if (w->writes) {
		put_bytes(&w->to, bytes, count);
		return;
	}
	from = take_bytes(&w->from, count);
	if (from)
		memcpy(bytes, from, count);
	else
		memset(bytes, 0, count);
}

static size_t address_len(uint16_t family)
{
	switch (family) {
	case CMDMON_IPV4:
	case CMDMON_ID:
		return 4;
	case CMDMON_IPV6:
		return 16;
	default:
		return 0;
	}
}

void wire_address(struct wire *w, struct cmdmon_address *value)
{
	size_t used;

	wire_raw(w, value->bytes, sizeof(value->bytes));
	wire_u16(w, &value->family);
	wire_filler(w, 0, 2);
	if (w->writes)
		return;
	/* Two equal addresses have equal bytes. */
	used = address_len(value->family);
	if (used == 0)
		value->family = CMDMON_UNSPECIFIED;
	memset(value->bytes + used, 0, sizeof(value->bytes) - used);
}

/* The nanoseconds of `s` seconds and `ns`, which another program sent. */
static int64_t joined_ns(uint32_t upper, uint32_t lower, uint32_t ns)
{
	uint64_t s =
	    upper == NO_UPPER_HALF ? lower : (uint64_t)upper << 32 | lower;

	if (s > (uint64_t)SECONDS_MAX)
		s = (uint64_t)SECONDS_MAX;
	return (int64_t)s * NS_PER_S + (ns < NS_PER_S ? ns : NS_PER_S - 1);
}

void wire_time(struct wire *w, int64_t *ns)
{
	/* There is no time before 1970 on this wire. */
	uint64_t known = *ns > 0 ? (uint64_t)*ns : 0;
	uint64_t s = known / (uint64_t)NS_PER_S;
	uint32_t upper = (uint32_t)(s >> 32), lower = (uint32_t)s;
	uint32_t rest = (uint32_t)(known % (uint64_t)NS_PER_S);

	wire_u32(w, &upper);
	wire_u32(w, &lower);
	wire_u32(w, &rest);
	if (!w->writes)
		*ns = joined_ns(upper, lower, rest);
}

void wire_text(struct wire *w, char *text, size_t size)
{
	wire_raw(w, text, size);
	if (!w->writes)
		text[size - 1] = '\0';
}

void wire_zeros(struct wire *w, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t byte = 0;

		wire_u8(w, &byte);
		if (byte != 0)
			w->from.ok = false;
	}
}

void wire_filler(struct wire *w, uint8_t value, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t byte = value;

		wire_u8(w, &byte);
	}
}
