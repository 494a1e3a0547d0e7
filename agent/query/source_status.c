#include "agent/query/source_status.h"

#include "agent/engine/duplicates.h"
#include "agent/engine/leap_second.h"
#include "agent/query/members.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

/* The least samples for a deviation, and for a frequency with its skew. */
#define DEVIATION_SAMPLES 2
#define FREQUENCY_SAMPLES 3

#define S_PER_DAY 86400

const char *leap_name(enum leap leap)
{
	static const char *const names[] = {
	    [LEAP_NONE] = "normal",
	    [LEAP_INSERT] = "insert",
	    [LEAP_DELETE] = "delete",
	    [LEAP_UNKNOWN] = "unsynchronised",
	};

	return names[leap];
}

static const char *stamp_name(enum stamp_kind kind)
{
	static const char *const names[] = {
	    [STAMP_DAEMON] = "daemon",
	    [STAMP_KERNEL] = "kernel",
	    [STAMP_HARDWARE] = "hardware",
	};

	return names[kind];
}

static double age_s(struct mono then, struct mono now)
{
	return s_of_ns(now.ns - then.ns);
}

static json_t *options_json(const struct source_options *options)
{
	const struct {
		bool set;
		const char *name;
	} flags[] = {
	    {options->prefer, "prefer"},
	    {options->noselect, "noselect"},
	    {options->trust, "trust"},
	    {options->require, "require"},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].set)
			json_array_append_new(list, json_string(flags[i].name));
	return list;
}

static json_t *packets_json(const struct source_counters *c)
{
	json_t *o = json_object();

	member_int(o, "sent", (int64_t)c->sent);
	member_int(o, "received", (int64_t)c->received);
	member_int(o, "valid", (int64_t)c->valid);
	member_int(o, "good", (int64_t)c->good);
	member_int(o, "lost", (int64_t)c->lost);
	member_int(o, "rejected", (int64_t)c->rejected);
	member_int(o, "kernel_sent", (int64_t)c->kernel_sent);
	member_int(o, "kernel_received", (int64_t)c->kernel_received);
	member_int(o, "hardware_sent", (int64_t)c->hardware_sent);
	member_int(o, "hardware_received", (int64_t)c->hardware_received);
	return o;
}

static int64_t stamps_apart_ns(uint64_t from, uint64_t to, struct wall pivot)
{
	return ntp_to_wall(to, pivot).ns - ntp_to_wall(from, pivot).ns;
}

/* The latest answer that told a time, as it came. */
static json_t *answer_json(
    const struct source *s, const struct source_view *v, struct wall now)
{
	const struct ntp_header *h = &s->header;
	bool ok = h->version != 0, local = s->local.family != 0;
	bool set = ok && h->reference != 0;
	char at[ENDPOINT_TEXT_MAX] = "";
	json_t *o = json_object();

	if (local)
		endpoint_text(&s->local, false, at);
	member_text_if(o, "local_address", local, at);
	member_int_if(o, "version", ok, h->version);
	member_int_if(o, "poll_log2_s", ok, h->poll);
	member_int_if(o, "precision_log2_s", ok, h->precision);
	member_int_if(o, "root_delay_ns", ok, ntp_short_to_ns(h->root_delay));
	member_int_if(
	    o, "root_dispersion_ns", ok, ntp_short_to_ns(h->root_dispersion));
	member_int_if(
	    o, "reference_time_ns", set, ntp_to_wall(h->reference, now).ns);
	member_int_if(o, "response_ns", ok,
	    stamps_apart_ns(h->receive, h->transmit, now));
	member_int_if(
	    o, "dispersion_ns", v->have_sample, v->last_dispersion_ns);
	member_text_if(o, "failed_check", s->last_failed > 0,
	    s->last_failed > 0
		? check_facts((enum answer_check)(s->last_failed - 1)).name
		: "");
	return o;
}

static void put_selection(json_t *o, const struct source_view *v)
{
	member_real_if(o, "score", v->score > 0, v->score);
	/* The sign turns the interval around. */
	member_offset_if(o, "low_offset_ns", v->have_sample, v->high_ns);
	member_offset_if(o, "high_offset_ns", v->have_sample, v->low_ns);
}

/* A check that is not named has not failed. */
static json_t *checks_json(const struct source_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < ANSWER_CHECK_COUNT; i++)
		if (c->checks[i] > 0)
			member_int(o, check_facts((enum answer_check)i).name,
			    (int64_t)c->checks[i]);
	return o;
}

/* A cause that is not named has not occurred. */
static json_t *failures_json(const struct source_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		if (c->key_failures[i] > 0)
			member_int(o, failure_word((enum failure)i),
			    (int64_t)c->key_failures[i]);
	return o;
}

/* Rounded down: a certificate that expired an hour ago has -1 days left. */
static int64_t days_until(int64_t when_s, struct wall now)
{
	return (int64_t)floor(((double)when_s - s_of_ns(now.ns)) / S_PER_DAY);
}

static void put_certificate(json_t *o, const struct source *s, struct wall now)
{
	bool known = s->facts.not_after != 0;

	member_text_if(
	    o, "cert_subject", s->facts.subject[0] != '\0', s->facts.subject);
	member_flag_if(
	    o, "dates_checked", known, s->dates != KE_DATES_UNCHECKED);
	member_int_if(o, "cert_not_before", known, s->facts.not_before);
	member_int_if(o, "cert_not_after", known, s->facts.not_after);
	member_int_if(
	    o, "cert_days_left", known, days_until(s->facts.not_after, now));
}

static json_t *nts_json(const struct source *s, struct clock_reading now)
{
	json_t *o = json_object();
	char ke[ENDPOINT_TEXT_MAX] = "";
	bool keyed = s->assoc.aead != AEAD_NONE,
	     peer = s->facts.peer.family != 0;

	if (peer)
		endpoint_text(&s->facts.peer, false, ke);
	member_int_if(o, "aead", keyed, s->assoc.aead);
	member_text_if(o, "aead_name", keyed, aead_name(s->assoc.aead));
	member_int_if(
	    o, "key_bits", keyed, (int64_t)aead_key_len(s->assoc.aead) * 8);
	member_int(o, "exchanges", (int64_t)s->count.exchanges);
	member_int(o, "attempts", (int64_t)s->count.attempts);
	member_int(o, "begun", (int64_t)s->count.begun);
	json_object_set_new(o, "failures", failures_json(&s->count));
	member_int(o, "crashes", (int64_t)s->count.crashes);
	member_real_if(o, "last_s", keyed, age_s(s->keys_at, now.mono));
	member_int(o, "naks", (int64_t)s->count.naks);
	member_int(o, "cookies", s->assoc.jar.count);
	member_int_if(o, "cookie_len", s->assoc.jar.count > 0,
	    (int64_t)cookie_jar_next_len(&s->assoc.jar));
	member_text_if(o, "ke_address", peer, ke);
	member_int(o, "ke_port", s->config->ke_port);
	member_text_if(o, "tls", s->facts.tls[0] != '\0', s->facts.tls);
	put_certificate(o, s, now.wall);
	return o;
}

static bool differs(enum select_state state)
{
	return state == SELECT_FALSETICKER || state == SELECT_NO_MAJORITY;
}

#define REASON_MAX 160

/* With the value and the limit. The last sample may be better than the best one
 * in use was, after ageing: then only the limit is told. */
static const char *distance_reason(
    const struct engine *e, const struct source_view *v, char out[REASON_MAX])
{
	const int64_t limit_ns = e->config->steering.max_distance_ns;
	char value[40] = "";

	if (v->have_sample && v->bound_ns > limit_ns)
		snprintf(
		    value, sizeof(value), ", %.6f s, ", s_of_ns(v->bound_ns));
	snprintf(out, REASON_MAX,
	    "its root distance%sis above maxdistance = %.6f s in [clock]",
	    value[0] ? value : " ", s_of_ns(limit_ns));
	return out;
}

/* The first that applies: trouble, a leap second, the stage, the selection.
 * `room` may hold the sentence. */
static const char *reason_of(const struct engine *e, unsigned i,
    const struct source_view *v, char room[REASON_MAX])
{
	const struct source *s = &e->sources[i];

	if (s->reason[0])
		return s->reason;
	if (differs(v->state) && engine_leap_reason(e, i))
		return engine_leap_reason(e, i);
	if (v->state == SELECT_NO_SAMPLES)
		return source_stage_text(s->stage);
	if (v->state == SELECT_DISTANCE)
		return distance_reason(e, v, room);
	return select_state_text(v->state);
}

static void put_statistics(json_t *o, const struct source_view *v)
{
	bool ok = v->have_sample;
	bool spread = v->samples >= DEVIATION_SAMPLES;
	bool slope = v->samples >= FREQUENCY_SAMPLES;

	member_int(o, "samples", v->samples);
	member_int(o, "runs", v->runs);
	member_real_if(o, "span_s", ok, v->span_s);
	member_frequency_if(o, "residual_frequency_ppm", slope, v->freq_ppm);
	member_real_if(o, "skew_ppm", slope, v->skew_ppm);
	member_offset_if(o, "estimated_offset_ns", ok, v->offset_ns);
	member_int_if(o, "std_dev_ns", spread, v->std_dev_ns);
}

/* RFC 5905 section 7.3: four characters that name the clock of a stratum-1
 * server, else a number that names the server's own source. */
static void put_reference(json_t *o, const struct source *s)
{
	const uint32_t id = s->reference_id;
	const char text[] = {(char)(id >> 24), (char)(id >> 16),
	    (char)(id >> 8), (char)id, '\0'};
	bool named = s->stratum == 1 && id >> 24 != 0;
	char number[9];

	for (const char *c = text; *c; c++)
		named = named && isprint((unsigned char)*c);
	snprintf(number, sizeof(number), "%08X", id);
	member_text_if(
	    o, "reference_id", s->heard && id != 0, named ? text : number);
}

static void put_measurement(json_t *o, const struct source *s,
    const struct source_view *v, struct clock_reading now)
{
	bool ok = v->have_sample;

	member_int_if(o, "stratum", ok, v->stratum);
	put_reference(o, s);
	member_real_if(o, "last_rx_s", s->heard, age_s(s->heard_at, now.mono));
	member_offset_if(o, "adjusted_offset_ns", ok, v->last_offset_ns);
	member_offset_if(o, "measured_offset_ns", ok, v->last_measured_ns);
	member_int_if(o, "error_ns", ok, v->bound_ns);
	member_text_if(o, "leap", ok, leap_name(v->leap));
	put_statistics(o, v);
	member_int_if(o, "delay_ns", ok, v->last_delay_ns);
	member_int_if(o, "min_delay_ns", ok, v->min_delay_ns);
	member_int(o, "asymmetry_ns", s->config->options.asymmetry_ns);
	member_offset_if(o, "offset_bias_ns", v->has_bias, v->bias_ns);
	member_int_if(o, "bias_sd_ns", v->has_bias, v->bias_sd_ns);
	member_text_if(o, "tx_stamp", ok, stamp_name(s->tx_stamp));
	member_text_if(o, "rx_stamp", ok, stamp_name(s->rx_stamp));
}

static void put_identity(
    json_t *o, const struct source *s, const struct source *first)
{
	bool addressed = s->address_count > 0;
	char at[ENDPOINT_TEXT_MAX] = "", pool[SOURCE_NAME_MAX];

	snprintf(pool, sizeof(pool), "%.*s", (int)config_pool_len(s->config),
	    s->config->name);
	if (addressed)
		endpoint_text(source_address(s), false, at);
	member_text(o, "name", s->config->name);
	member_text(o, "host", s->config->host);
	member_text_if(o, "same_server", first != s, first->config->name);
	member_text_if(o, "pool", pool[0] != '\0', pool);
	member_flag(o, "srv", s->config->srv);
	member_text_if(o, "address", addressed, at);
	member_int_if(o, "port", addressed, source_address(s)->port);
	member_int_if(o, "addresses", addressed, s->address_count);
}

static void put_state(json_t *o, const struct engine *e, unsigned i,
    const struct source_view *v, struct mono now)
{
	const struct source *s = &e->sources[i];
	const char mark[2] = {select_state_mark(v->state)};
	char room[REASON_MAX];
	bool waits = !source_offline(s) &&
		     (s->stage == STAGE_RESTING || s->stage == STAGE_START);

	member_text(o, "mark", mark);
	member_text(o, "state", select_state_name(v->state));
	member_text(o, "reason", reason_of(e, i, v, room));
	member_text(o, "stage", source_stage_name(s->stage));
	member_text(o, "failure", s->failure);
	member_real_if(
	    o, "next_try_s", waits, s_of_ns(s->retry_at.ns - now.ns));
	member_int(o, "poll_log2_s", s->pace.poll_log2_s);
	member_int(o, "reach", s->reach);
}

json_t *source_status(const struct engine *e, unsigned i,
    const struct source_view *v, struct clock_reading now)
{
	const struct source *s = &e->sources[i];
	json_t *o = json_object();

	put_identity(o, s, &e->sources[engine_first_name(e, i)]);
	put_state(o, e, i, v, now.mono);
	put_measurement(o, s, v, now);
	json_object_set_new(o, "options", options_json(&s->config->options));
	put_selection(o, v);
	json_object_set_new(o, "packets", packets_json(&s->count));
	json_object_set_new(o, "answer", answer_json(s, v, now.wall));
	json_object_set_new(o, "checks", checks_json(&s->count));
	json_object_set_new(o, "nts", nts_json(s, now));
	return o;
}
