#include "agent/cmdmon/protocol/request.h"

#include "agent/cmdmon/protocol/wire.h"

#include <string.h>

#define PACKET_REQUEST 1
/* A reader of version 5 understands an answer that says so. */
#define OLDEST_VERSION 5
/* The commands of version 6 have the numbers below this one. */
#define COMMANDS 75

#define SMOOTHING 51
#define RTC_REPORT 35

/* Numbers that chrony used once. A server of today calls them invalid. */
static const uint8_t retired[] = {
    0, 10, 12, 27, 28, 32, 38, 39, 40, 55, 56, 58, 59, 60, 61};

/* What a command has behind the header. */
enum body {
	BODY_NONE,
	BODY_INDEX,
	BODY_ADDRESS,
};

static const struct {
	uint16_t command;
	enum body body;
	size_t answer_len;
} kinds[] = {
    {CMDMON_N_SOURCES, BODY_NONE, CMDMON_N_SOURCES_LEN},
    {CMDMON_SOURCE_DATA, BODY_INDEX, CMDMON_SOURCE_DATA_LEN},
    {CMDMON_TRACKING, BODY_NONE, CMDMON_TRACKING_LEN},
    {CMDMON_SOURCESTATS, BODY_INDEX, CMDMON_SOURCESTATS_LEN},
    {CMDMON_ACTIVITY, BODY_NONE, CMDMON_ACTIVITY_LEN},
    /* The shorter of its two forms. */
    {CMDMON_NTP_DATA, BODY_ADDRESS, CMDMON_NTP_DATA_LEN},
    {CMDMON_NTP_SOURCE_NAME, BODY_ADDRESS, CMDMON_NTP_SOURCE_NAME_LEN},
    {CMDMON_AUTH_DATA, BODY_ADDRESS, CMDMON_AUTH_DATA_LEN},
    {CMDMON_SELECT_DATA, BODY_INDEX, CMDMON_SELECT_DATA_LEN},
};

static const size_t body_len[] = {
    [BODY_NONE] = 0, [BODY_INDEX] = 4, [BODY_ADDRESS] = 20};

/* -1: it has no answer here. */
static int kind_of(uint16_t command)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].command == command)
			return (int)i;
	return -1;
}

static size_t least_len(int kind)
{
	size_t request = CMDMON_REQUEST_HEADER_LEN + body_len[kinds[kind].body];

	return request > kinds[kind].answer_len ? request
						: kinds[kind].answer_len;
}

static enum cmdmon_status refusal_of(uint16_t command)
{
	if (command >= COMMANDS ||
	    (command <= UINT8_MAX && memchr(retired, command, sizeof(retired))))
		return CMDMON_INVALID;
	if (command == SMOOTHING)
		return CMDMON_NOT_ENABLED;
	if (command == RTC_REPORT)
		return CMDMON_NO_RTC;
	return CMDMON_NOT_AUTHORISED;
}

static void exchange_header(
    struct wire *w, uint8_t *version, uint8_t *type, struct cmdmon_request *r)
{
	uint16_t attempt = 0;
	uint32_t zero = 0;

	wire_u8(w, version);
	wire_u8(w, type);
	wire_zeros(w, 2);
	wire_u16(w, &r->command);
	wire_u16(w, &attempt);
	wire_u32(w, &r->sequence);
	/* chronyd does not look at these eight bytes. */
	wire_u32(w, &zero);
	wire_u32(w, &zero);
}

static void exchange_body(struct wire *w, enum body b, struct cmdmon_request *r)
{
	if (b == BODY_INDEX)
		wire_u32(w, &r->index);
	else if (b == BODY_ADDRESS)
		wire_address(w, &r->address);
}

enum cmdmon_verdict cmdmon_request_parse(const uint8_t *datagram, size_t len,
    struct cmdmon_request *out, enum cmdmon_status *status)
{
	struct wire w = wire_reading(datagram, len);
	uint8_t version = 0, type = 0;
	int kind;

	*out = (struct cmdmon_request){.length = len};
	*status = CMDMON_SUCCESS;
	exchange_header(&w, &version, &type, out);
	/* The shortest answer is longer than the header of a request. */
	if (!wire_ok(&w) || len < CMDMON_ANSWER_HEADER_LEN ||
	    len > CMDMON_MESSAGE_MAX || type != PACKET_REQUEST ||
	    version < OLDEST_VERSION)
		return CMDMON_IGNORE;
	kind = kind_of(out->command);
	if (version != CMDMON_VERSION)
		*status = CMDMON_BAD_VERSION;
	else if (kind < 0)
		*status = refusal_of(out->command);
	else if (len < least_len(kind))
		*status = CMDMON_BAD_LENGTH;
	else
		exchange_body(&w, kinds[kind].body, out);
	return *status == CMDMON_SUCCESS ? CMDMON_ANSWER : CMDMON_REFUSE;
}

size_t cmdmon_request_write(const struct cmdmon_request *request, uint8_t *out)
{
	struct wire w = wire_writing(out, CMDMON_MESSAGE_MAX);
	struct cmdmon_request r = *request;
	uint8_t version = CMDMON_VERSION, type = PACKET_REQUEST;
	int kind = kind_of(r.command);
	size_t len = kind < 0 ? CMDMON_ANSWER_HEADER_LEN : least_len(kind);

	/* The longer form of this answer has more of what it counts. */
	if (r.command == CMDMON_NTP_DATA)
		len = CMDMON_NTP_DATA2_LEN;
	exchange_header(&w, &version, &type, &r);
	if (kind >= 0)
		exchange_body(&w, kinds[kind].body, &r);
	wire_zeros(&w, len - wire_len(&w));
	return wire_len(&w);
}
