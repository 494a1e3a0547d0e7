/*
 * One source of the configuration, tried once from the name to the time: what
 * was seen at each step. A plain struct without keys and cookies, which crosses
 * from the process that talks to the server to the one that prints.
 */
#ifndef AGENT_CHECK_SEEN_H
#define AGENT_CHECK_SEEN_H

#include "base/time.h"
#include "resolver/details.h"

/* The key exchange. */
struct probe_keys {
	enum ke_stage stage; /* KE_STAGE_DONE, or the one that failed */
	char text[KE_TEXT_MAX];
	struct ke_facts facts;
	struct ke_details details;
	bool dates_refused; /* only the dates of a certificate were refused */
	/* After success; also if the dates were the only fault, and the
	 * exchange was repeated without them. */
	bool have_keys;
	unsigned aead, cookies, cookie_len;
	char ntp_server[KE_SERVER_MAX]; /* as negotiated, or "" */
	struct endpoint address;	/* of the NTP server */
};

/* The best of the answers: the one with the shortest delay. */
struct probe_sample {
	int64_t offset_ns; /* positive: the clock of this machine is fast */
	int64_t delay_ns;
	int64_t root_delay_ns, root_dispersion_ns;
	int64_t distance_ns; /* the bound of the offset */
	int64_t server_s;    /* the server's time, seconds since 1970 */
	/* CLOCK_REALTIME minus CLOCK_MONOTONIC_RAW, which nobody sets, when the
	 * answer came. */
	int64_t wall_minus_raw_ns;
	unsigned stratum, leap;
	uint64_t reference; /* when the server set its clock, as it says */
};

/* The requests for time. */
struct probe_time {
	unsigned sent, answered; /* requests with NTS */
	/* Why the last datagram was refused; NTS_OK: it was not, or none came.
	 * A later request without an answer leaves it as it is. */
	enum nts_err error;
	/* errno of the last request that failed, an error of binding_apply()
	 * without its sign, or 0. */
	int network_error;
	/* Answers with an impossible delay, which are not samples: how many,
	 * and by how much the last delay was negative. */
	unsigned impossible;
	int64_t impossible_ns;
	bool have_sample;
	struct probe_sample sample;
	/* The largest request in bytes that was answered, and the smallest one
	 * that was not although smaller ones were; 0: none. */
	unsigned passed_size, lost_size;
	/* A plain request without NTS, sent only to find an obstacle. Its
	 * answer gives no time. */
	bool plain_sent, plain_answered;
	int plain_error; /* as network_error */
};

struct probe {
	bool begun;	 /* what follows may hang in a lookup only */
	bool keys_tried; /* `keys` is filled in */
	struct probe_keys keys;
	bool complete; /* all of it is */
	struct probe_time time;
};

/* Checks every value of a probe that another process has sent. */
bool probe_valid(const struct probe *p) MUST_USE;

/* How much of ke_facts.tls is version and suite; the group follows. */
size_t seen_suite_len(const char *tls);

#endif
