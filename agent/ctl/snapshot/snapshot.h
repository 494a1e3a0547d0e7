/*
 * The status, schema 1, as plain structs: what the agent writes to its status
 * socket (agent/query/status.c) and ntsctl(8) documents. A member of these
 * structs has the name that it has in JSON.
 *
 * Signs: an offset is positive when our clock is slow (behind); a source's
 * frequency is positive when our clock runs slow against it. chronyc's tables
 * use the opposite sign: only the text reports convert, JSON and CSV do not.
 */
#ifndef AGENT_CTL_SNAPSHOT_SNAPSHOT_H
#define AGENT_CTL_SNAPSHOT_SNAPSHOT_H

#include "agent/ctl/snapshot/field.h"

#define SNAPSHOT_SCHEMA 1
#define SNAPSHOT_ERROR_MAX 200

struct status_clock {
	bool controlled;    /* false: the clock is only measured */
	const char *reason; /* why not controlled or not synchronised */
	bool synchronised;
	const char *state;
	const char *selected; /* the best source's name; NULL or "": none */
	struct field_int combined; /* sources in the combination */
	const char *reference_id;  /* eight hex digits */
	struct field_int stratum;
	const char *leap; /* normal, insert, delete, unsynchronised */
	struct field_int reference_time_ns; /* since 1970 */
	struct field_int system_offset_ns;
	struct field_int last_offset_ns;
	struct field_int rms_offset_ns;
	struct field_real frequency_ppm; /* correction; positive: sped up */
	struct field_real residual_ppm;	 /* what the correction lacks */
	struct field_real skew_ppm;
	/* How fast the bound grows without an answer, and why. */
	const char *drift_reason; /* unknown, restarted, learned, ... */
	struct field_real drift_hour_ppm, drift_day_ppm, drift_jump_ppm;
	struct field_real drift_watched_s, drift_awake_s;
	struct field_int root_delay_ns, root_dispersion_ns;
	struct field_int est_error_ns; /* standard deviation */
	struct field_real update_interval_s;
	struct field_int steps, last_step_ns;
	bool refused; /* the correction is larger than refuse-threshold */
	struct field_int refused_ns, refusals;
	const char *disturbance;       /* the last from outside; NULL: none */
	struct field_real disturbed_s; /* its age */
};

struct status_packets {
	struct field_int sent, received, valid, good, lost, rejected;
};

struct status_nts {
	struct field_int aead; /* IANA number */
	const char *aead_name;
	struct field_int key_bits;
	struct field_int exchanges; /* successful key exchanges */
	struct field_int attempts;  /* since the last valid answer */
	struct field_real last_s;   /* age of the keys */
	struct field_int naks, cookies, cookie_len;
	const char *ke_address;
	struct field_int ke_port;
	const char *tls, *cert_subject;
	struct field_int cert_not_before, cert_not_after; /* s since 1970 */
	struct field_int cert_days_left; /* negative: it has expired */
};

struct status_source {
	const char *name, *host, *address;
	struct field_int port;
	const char *mark; /* one of * + - x ~ ? */
	const char *state, *reason, *stage, *failure;
	struct field_real next_try_s;
	struct field_int stratum, poll_log2_s, reach;
	struct field_real last_rx_s;
	struct field_int offset_ns, measured_ns, error_ns;
	const char *leap;
	struct field_int samples, runs;
	struct field_real span_s, frequency_ppm, skew_ppm;
	struct field_int mean_offset_ns, std_dev_ns, delay_ns, min_delay_ns;
	struct field_int asymmetry_ns, bias_ns, bias_sd_ns;
	const char *tx_stamp, *rx_stamp;
	struct field_list options;
	struct status_packets packets;
	struct status_nts nts;
};

struct snapshot {
	struct field_int schema, time_ns, pid;
	const char *version;
	struct field_real uptime_s;
	struct status_clock clock;
	unsigned source_count;
	struct status_source *sources;
	json_t *whole;		/* as received, with unknown members */
	struct text_pool texts; /* all texts above, cleaned */
};

/*
 * Parses `len` bytes of JSON. Unknown members are ignored. A missing member, a
 * wrong type or another schema is an error; `why` says which, as a sentence
 * without a full stop. On success the caller owns the snapshot and calls
 * snapshot_free.
 */
bool snapshot_parse(struct snapshot *out, const char *json, size_t len,
    char why[static SNAPSHOT_ERROR_MAX]) MUST_USE;
void snapshot_free(struct snapshot *s);

/* Its mark is *, + or -: selected, combined, or good but not needed. */
bool source_is_usable(const struct status_source *s);

/* The best source; NULL when none is selected. */
const struct status_source *snapshot_selected(const struct snapshot *s);

/* The largest possible error of our clock: |offset| + root delay / 2 + root
 * dispersion. Only of use when a source is selected. */
double snapshot_error_bound_ns(const struct snapshot *s);

#endif
