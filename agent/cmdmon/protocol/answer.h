/*
 * The answers of chrony's monitoring protocol as structs, and their bytes. The
 * units are seconds and parts per million.
 *
 * Signs: an offset is positive when the local clock is fast, and a frequency
 * when it runs fast; but `correction_s` of tracking and `offset_s` of ntpdata
 * are positive when it is slow. That is so in chrony, too.
 */
#ifndef AGENT_CMDMON_PROTOCOL_ANSWER_H
#define AGENT_CMDMON_PROTOCOL_ANSWER_H

#include "agent/cmdmon/protocol/request.h"

#define CMDMON_NAME_MAX 256
/* The age of what never happened. */
#define CMDMON_NEVER UINT32_MAX

/* The answer's own number, which differs from that of its request. */
enum cmdmon_reply {
	CMDMON_REPLY_NULL = 1,
	CMDMON_REPLY_N_SOURCES = 2,
	CMDMON_REPLY_SOURCE_DATA = 3,
	CMDMON_REPLY_TRACKING = 5,
	CMDMON_REPLY_SOURCESTATS = 6,
	CMDMON_REPLY_ACTIVITY = 12,
	CMDMON_REPLY_NTP_DATA = 16,
	CMDMON_REPLY_NTP_SOURCE_NAME = 19,
	CMDMON_REPLY_AUTH_DATA = 20,
	CMDMON_REPLY_SELECT_DATA = 23,
	CMDMON_REPLY_NTP_DATA2 = 26,
};

enum cmdmon_leap {
	CMDMON_LEAP_NORMAL = 0,
	CMDMON_LEAP_INSERT = 1,
	CMDMON_LEAP_DELETE = 2,
	CMDMON_LEAP_UNSYNCHRONISED = 3,
};

enum cmdmon_state {
	CMDMON_STATE_SELECTED = 0,    /* chronyc's mark * */
	CMDMON_STATE_UNUSABLE = 1,    /* ? */
	CMDMON_STATE_FALSETICKER = 2, /* x */
	CMDMON_STATE_VARIABLE = 3,    /* ~ */
	CMDMON_STATE_COMBINED = 4,    /* + */
	CMDMON_STATE_GOOD = 5,	      /* - */
};

struct cmdmon_tracking {
	uint32_t reference_id;
	struct cmdmon_address address;
	uint16_t stratum; /* 0: not synchronised */
	uint16_t leap;	  /* enum cmdmon_leap */
	int64_t reference_time_ns;
	double correction_s; /* positive: slow */
	double last_offset_s, rms_offset_s;
	double frequency_ppm, residual_ppm, skew_ppm;
	double root_delay_s, root_dispersion_s;
	double update_interval_s;
};

struct cmdmon_source_data {
	struct cmdmon_address address;
	int16_t poll_log2_s;
	uint16_t stratum;
	uint16_t state; /* enum cmdmon_state */
	uint16_t mode;	/* 0: a client of a server; 1: peer; 2: other clock */
	uint16_t flags;
	uint16_t reach;
	uint32_t since_sample_s;
	double measured_s, adjusted_s, error_s;
};

struct cmdmon_sourcestats {
	uint32_t reference_id;
	struct cmdmon_address address;
	uint32_t samples, runs, span_s;
	double std_dev_s, residual_ppm, skew_ppm;
	double offset_s, offset_error_s;
};

struct cmdmon_activity {
	uint32_t online, offline, burst_online, burst_offline, unresolved;
};

#define CMDMON_NTP_TESTS_PASSED 0x3ff
#define CMDMON_NTP_AUTHENTICATED 0x8000

struct cmdmon_ntp_data {
	struct cmdmon_address remote, local;
	uint16_t port;
	uint8_t leap, version, mode, stratum;
	int8_t poll_log2_s, precision_log2_s;
	double root_delay_s, root_dispersion_s;
	uint32_t reference_id;
	int64_t reference_time_ns;
	double offset_s; /* positive: slow */
	double delay_s, dispersion_s, response_s, asymmetry;
	uint16_t flags;
	uint8_t tx_stamp, rx_stamp; /* D daemon, K kernel, H hardware */
	uint32_t sent, received, valid, good;
	/* Only the longer form has these. */
	uint32_t kernel_tx, kernel_rx, hardware_tx, hardware_rx;
};

struct cmdmon_auth_data {
	uint16_t mode; /* 0 none, 1 symmetric key, 2 NTS */
	uint16_t key_type;
	uint32_t key_id;
	uint16_t key_bits, attempts;
	uint32_t last_s;
	uint16_t cookies, cookie_len, naks;
};

#define CMDMON_OPTION_NOSELECT 0x1
#define CMDMON_OPTION_PREFER 0x2
#define CMDMON_OPTION_TRUST 0x4
#define CMDMON_OPTION_REQUIRE 0x8

struct cmdmon_select_data {
	uint32_t reference_id;
	struct cmdmon_address address;
	uint8_t letter, authenticated, leap;
	uint16_t configured, effective; /* options */
	uint32_t last_sample_s;
	double score, low_s, high_s;
};

struct cmdmon_answer {
	uint16_t command;
	uint32_t sequence;
	uint16_t reply;	 /* enum cmdmon_reply */
	uint16_t status; /* enum cmdmon_status */
	union {
		uint32_t source_count;
		struct cmdmon_source_data source;
		struct cmdmon_tracking tracking;
		struct cmdmon_sourcestats stats;
		struct cmdmon_activity activity;
		struct cmdmon_ntp_data ntp;
		char name[CMDMON_NAME_MAX];
		struct cmdmon_auth_data auth;
		struct cmdmon_select_data select;
	};
};

/* Writes the answer; `out` has CMDMON_MESSAGE_MAX bytes. Returns its length, or
 * 0 if it would be longer than `most`, the length of the request. */
size_t cmdmon_answer_write(
    const struct cmdmon_answer *answer, size_t most, uint8_t *out) MUST_USE;

/* False: it is not a whole answer of a kind that is known here. With another
 * status than CMDMON_SUCCESS only the first four members are set. */
bool cmdmon_answer_parse(
    const uint8_t *datagram, size_t len, struct cmdmon_answer *out) MUST_USE;

#endif
