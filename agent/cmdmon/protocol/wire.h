/*
 * One description of a message for both directions: each call puts the value
 * into a message that is written, or takes it from a message that is read. And
 * the lengths of all messages.
 */
#ifndef AGENT_CMDMON_PROTOCOL_WIRE_H
#define AGENT_CMDMON_PROTOCOL_WIRE_H

#include "agent/cmdmon/protocol/address.h"
#include "nts/bytes.h"

#define CMDMON_REQUEST_HEADER_LEN 20
#define CMDMON_ANSWER_HEADER_LEN 28

/* Of whole answers. */
#define CMDMON_N_SOURCES_LEN 32
#define CMDMON_SOURCE_DATA_LEN 76
#define CMDMON_TRACKING_LEN 104
#define CMDMON_SOURCESTATS_LEN 84
#define CMDMON_ACTIVITY_LEN 48
#define CMDMON_NTP_DATA_LEN 152
#define CMDMON_NTP_DATA2_LEN 172
#define CMDMON_NTP_SOURCE_NAME_LEN 284
#define CMDMON_AUTH_DATA_LEN 52
#define CMDMON_SELECT_DATA_LEN 76

struct wire {
	bool writes;
	struct writer to;
	struct reader from;
};

struct wire wire_reading(const void *bytes, size_t len);
struct wire wire_writing(void *buffer, size_t capacity);

/* Every value fitted, or was there; and bytes that must be zero were. */
bool wire_ok(const struct wire *w) MUST_USE;
/* The bytes written so far. */
size_t wire_len(const struct wire *w);

void wire_u8(struct wire *w, uint8_t *value);
void wire_i8(struct wire *w, int8_t *value);
void wire_u16(struct wire *w, uint16_t *value);
void wire_i16(struct wire *w, int16_t *value);
void wire_u32(struct wire *w, uint32_t *value);
void wire_float(struct wire *w, double *value);
void wire_address(struct wire *w, struct cmdmon_address *value);
/* Nanoseconds since 1970; on the wire three words: seconds in two, and
 * nanoseconds. */
void wire_time(struct wire *w, int64_t *ns);
void wire_text(struct wire *w, char *text, size_t size);
/* Reading: they must be zero. */
void wire_zeros(struct wire *w, size_t count);
/* Writing: `value` in all of them. Reading: they are skipped. */
void wire_filler(struct wire *w, uint8_t value, size_t count);

#endif
