/*
 * The status, schema 2, as plain structs: what the agent writes to its status
 * socket (agent/query/status.c) and ntsctl(8) documents. A member of these
 * structs has the name that it has in JSON.
 *
 * Signs, in all outputs: an offset is positive if our clock is ahead (fast),
 * and a frequency is positive if our clock runs fast. A step is positive if
 * forward.
 */
#ifndef AGENT_CTL_SNAPSHOT_SNAPSHOT_H
#define AGENT_CTL_SNAPSHOT_SNAPSHOT_H

#include "agent/ctl/snapshot/field.h"

#define SNAPSHOT_SCHEMA 2
#define SNAPSHOT_ERROR_MAX 200

struct status_clock {
	bool controlled;    /* false: the clock is only measured */
	const char *reason; /* why not controlled or not synchronised */
	bool synchronised;
	const char *state;
	const char *selected; /* the best source's name; NULL or "": none */
	struct field_int combined;   /* sources in the combination */
	struct field_int minsources; /* so many are needed, as configured */
	const char *reference_id;    /* eight hex digits */
	struct field_int stratum;
	const char *leap; /* normal, insert, delete, unsynchronised */
	struct field_int reference_time_ns; /* since 1970 */
	struct field_int offset_ns;
	struct field_int update_offset_ns; /* at the last correction */
	struct field_int rms_offset_ns;
	struct field_real uncorrected_frequency_ppm;
	struct field_real residual_frequency_ppm; /* the correction misses it */
	struct field_real skew_ppm;
	/* How fast the bound grows without an answer, and why. */
	const char *drift_reason; /* unknown, restarted, learned, ... */
	struct field_real drift_hour_ppm, drift_day_ppm, drift_jump_ppm;
	struct field_real drift_watched_s, drift_awake_s;
	struct field_int root_delay_ns, root_dispersion_ns;
	struct field_int bound_ns;     /* the largest possible error */
	struct field_int est_error_ns; /* standard deviation */
	struct field_real update_interval_s;
	struct field_int steps, last_step_ns;
	bool refused; /* the correction is larger than refuse-threshold */
	struct field_int refused_offset_ns, refusals;
	/* What the keeper has counted: steps, and commands that it refused. */
	struct field_int keeper_steps, keeper_refusals;
	const char *disturbance;       /* the last from outside; NULL: none */
	struct field_real disturbed_s; /* its age */
};

struct status_packets {
	struct field_int sent, received, valid, good, lost, rejected;
	/* Answers that were stamped so, and their requests. */
	struct field_int kernel_sent, kernel_received;
	struct field_int hardware_sent, hardware_received;
};

/* The latest authentic answer that told a time, as it came. */
struct status_answer {
	const char *local_address;
	struct field_int version, poll_log2_s, precision_log2_s;
	struct field_int root_delay_ns, root_dispersion_ns;
	struct field_int reference_time_ns; /* since 1970 */
	struct field_int response_ns;	    /* the server held the request */
	struct field_int dispersion_ns;
	const char *failed_check; /* of the latest datagram; NULL: none */
};

struct status_nts {
	struct field_int aead; /* IANA number */
	const char *aead_name;
	struct field_int key_bits;
	struct field_int exchanges;   /* successful key exchanges */
	struct field_int attempts;    /* since the last valid answer */
	struct field_int crashes;     /* of the agent's own jobs */
	struct field_int begun;	      /* key exchanges, since the start */
	struct field_counts failures; /* of key exchanges, by cause */
	struct field_real last_s;     /* age of the keys */
	struct field_int naks, cookies, cookie_len;
	const char *ke_address;
	struct field_int ke_port;
	const char *tls, *cert_subject;
	struct field_int cert_not_before, cert_not_after; /* s since 1970 */
	struct field_int cert_days_left; /* negative: it has expired */
};

struct status_source {
	unsigned number; /* from 1, as configured */
	const char *name, *host, *pool, *address;
	const char *same_server; /* the first name of this server, or NULL */
	struct field_int port, addresses;
	const char *mark; /* one of * + - x ~ ? */
	const char *state, *reason, *stage, *failure;
	struct field_real next_try_s;
	struct field_int stratum;
	const char *reference_id; /* four characters, or eight digits */
	struct field_int poll_log2_s, reach;
	struct field_real last_rx_s;
	struct field_int adjusted_offset_ns, measured_offset_ns, error_ns;
	const char *leap;
	struct field_int samples, runs;
	struct field_real span_s, residual_frequency_ppm, skew_ppm;
	struct field_int estimated_offset_ns, std_dev_ns, delay_ns,
	    min_delay_ns;
	struct field_int asymmetry_ns, offset_bias_ns, bias_sd_ns;
	const char *tx_stamp, *rx_stamp;
	struct field_list options;
	/* The interval in the selection, and how near the server is compared
	 * with the selected one. */
	struct field_int low_offset_ns, high_offset_ns;
	struct field_real score;
	struct status_packets packets;
	struct status_answer answer;
	struct field_counts checks; /* answers that failed each */
	struct status_nts nts;
};

struct snapshot {
	struct field_int schema, time_ns, pid;
	const char *version;
	struct field_real uptime_s;
	/* Files of sources.d with an error; the first ones as lines. */
	struct field_int unused_file_count;
	struct field_list unused_files;
	struct field_int unsaved_count;
	struct field_list unsaved;
	struct status_clock clock;
	unsigned source_count;
	struct status_source *sources;
	json_t *whole;		/* as received, with unknown members */
	struct text_pool texts; /* all texts above, cleaned */
};

/*
 * Parses `len` bytes of JSON. Unknown members are ignored; members that an
 * older agent does not have are unknown. A wrong type, another schema, or a
 * status without the members that name clock and sources is an error; `why`
 * says which, as a sentence without a full stop. On success the caller owns the
 * snapshot and calls snapshot_free.
 */
bool snapshot_parse(struct snapshot *out, const char *json, size_t len,
    char why[static SNAPSHOT_ERROR_MAX]) MUST_USE;
void snapshot_free(struct snapshot *s);

/* An administrator has ordered it: `ntsctl offline`. */
bool source_is_switched_off(const struct status_source *s);

/* It has this option of the configuration: "noselect", "prefer", ... */
bool source_has_option(const struct status_source *s, const char *option);

/* Its mark is *, + or -: selected, combined, or good but not needed. */
bool source_is_usable(const struct status_source *s);

/* The best source; NULL when none is selected. */
const struct status_source *snapshot_selected(const struct snapshot *s);

#endif
