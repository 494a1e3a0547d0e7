/*
 * The requests of chrony's monitoring protocol, version 6: a header of 20
 * bytes, what the command needs, and zeros up to the length of the answer. All
 * numbers are big-endian.
 */
#ifndef AGENT_CMDMON_PROTOCOL_REQUEST_H
#define AGENT_CMDMON_PROTOCOL_REQUEST_H

#include "agent/cmdmon/protocol/address.h"
#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDMON_VERSION 6
#define CMDMON_PORT 323
/* No request and no answer is longer. */
#define CMDMON_MESSAGE_MAX 1024

/* The commands that only read, and have an answer here. */
enum cmdmon_command {
	CMDMON_N_SOURCES = 14,
	CMDMON_SOURCE_DATA = 15,
	CMDMON_TRACKING = 33,
	CMDMON_SOURCESTATS = 34,
	CMDMON_ACTIVITY = 44,
	CMDMON_NTP_DATA = 57,
	CMDMON_NTP_SOURCE_NAME = 65,
	CMDMON_AUTH_DATA = 67,
	CMDMON_SELECT_DATA = 69,
};

/* The result of a command, as the protocol numbers it. */
enum cmdmon_status {
	CMDMON_SUCCESS = 0,
	CMDMON_FAILED = 1,
	CMDMON_NOT_AUTHORISED = 2,
	CMDMON_INVALID = 3,
	CMDMON_NO_SUCH_SOURCE = 4,
	CMDMON_NOT_ENABLED = 6,
	CMDMON_NO_RTC = 13,
	CMDMON_BAD_VERSION = 18,
	CMDMON_BAD_LENGTH = 19,
};

struct cmdmon_request {
	uint16_t command; /* any number, if the verdict is to refuse */
	uint32_t sequence;
	uint32_t index; /* SOURCE_DATA, SOURCESTATS, SELECT_DATA */
	struct cmdmon_address address; /* NTP_DATA, AUTH_DATA, ..._NAME */
	size_t length;		       /* of the datagram */
};

enum cmdmon_verdict {
	CMDMON_IGNORE, /* not a request, or its answer could be longer */
	CMDMON_REFUSE, /* an answer with `status` alone */
	CMDMON_ANSWER,
};

/* Judges a datagram. Unless it is ignored, `out` has the header; `status` is
 * set for CMDMON_REFUSE. */
enum cmdmon_verdict cmdmon_request_parse(const uint8_t *datagram, size_t len,
    struct cmdmon_request *out, enum cmdmon_status *status) MUST_USE;

/* Writes a request for `command`, padded to the length of its answer. `out` has
 * CMDMON_MESSAGE_MAX bytes. Returns its length. */
size_t cmdmon_request_write(const struct cmdmon_request *request, uint8_t *out);

#endif
