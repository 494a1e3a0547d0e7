#include "agent/status.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA 1

static json_t *number_or_null(bool known, double value)
{
	return known ? json_real(value) : json_null();
}

static json_t *integer_or_null(bool known, int64_t value)
{
	return known ? json_integer(value) : json_null();
}

/* Text may come from the network: what is not UTF-8 is shown as "?". */
static json_t *text_or_null(const char *text)
{
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	return value ? value : json_string("?");
}

static const char *leap_name(enum leap leap)
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

/* chronyd's way: an IPv4 address as it is, a hash of an IPv6 one. */
static void reference_id(
    const struct engine *e, const struct tracking *t, char out[9])
{
	const struct endpoint *a;
	uint32_t id = 0;

	if (t->selected >= 0) {
		a = source_address(&e->sources[t->selected]);
		for (unsigned i = 0; i < (a->family == 4 ? 4u : 16u); i++)
			id = (a->family == 4 ? id << 8 : id * 31) +
			     a->address[i];
	}
	snprintf(out, 9, "%08X", id);
}

static const char *clock_state(const struct engine *e, const struct tracking *t)
{
	if (t->refused)
		return "refused";
	if (t->synchronised)
		return "synchronised";
	return e->ever_synchronised ? "lost" : "starting";
}

static json_t *clock_json(const struct engine *e, const struct tracking *t)
{
	char refid[9];
	const char *why = t->reason;
	int64_t updated_ns =
	    t->updates
		? t->updated.ns + timescale_added_ns(&e->timescale, e->now.wall)
		: 0;

	reference_id(e, t, refid);
	if (!why[0] && e->options->no_clock)
		why = e->options->no_clock_reason;
	return json_pack(
	    "{s:b, s:o, s:b, s:s, s:o, s:i, s:s, s:i, s:s, s:I,"
	    " s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:f, s:I, s:I,"
	    " s:b, s:I}",
	    "controlled", !e->options->no_clock, "reason",
	    text_or_null(why ? why : ""), "synchronised", t->synchronised,
	    "state", clock_state(e, t), "selected",
	    text_or_null(
		t->selected >= 0 ? e->config->sources[t->selected].name : NULL),
	    "combined", (int)t->combined, "reference_id", refid, "stratum",
	    (int)t->stratum, "leap", leap_name(t->leap), "reference_time_ns",
	    (json_int_t)updated_ns, "system_offset_ns",
	    (json_int_t)t->offset_ns, "last_offset_ns",
	    (json_int_t)t->last_offset_ns, "rms_offset_ns",
	    (json_int_t)t->rms_offset_ns, "frequency_ppm", t->freq_ppm,
	    "residual_ppm", t->residual_ppm, "skew_ppm", t->skew_ppm,
	    "root_delay_ns", (json_int_t)t->root_delay_ns, "root_dispersion_ns",
	    (json_int_t)t->root_dispersion_ns, "est_error_ns",
	    (json_int_t)t->est_error_ns, "update_interval_s",
	    t->update_interval_s, "steps", (json_int_t)t->steps, "last_step_ns",
	    (json_int_t)t->last_step_ns, "refused", t->refused, "refused_ns",
	    (json_int_t)t->refused_ns);
}

static json_t *options_json(const struct source_options *o)
{
	json_t *list = json_array();

	if (o->prefer)
		json_array_append_new(list, json_string("prefer"));
	if (o->noselect)
		json_array_append_new(list, json_string("noselect"));
	if (o->trust)
		json_array_append_new(list, json_string("trust"));
	if (o->require)
		json_array_append_new(list, json_string("require"));
	return list;
}

static json_t *packets_json(const struct source_counters *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "sent",
	    (json_int_t)c->sent, "received", (json_int_t)c->received, "valid",
	    (json_int_t)c->valid, "good", (json_int_t)c->good, "lost",
	    (json_int_t)c->lost, "rejected", (json_int_t)c->rejected);
}

static json_t *nts_json(const struct source *s, struct moment now)
{
	char ke[ENDPOINT_TEXT_MAX];
	bool keyed = s->assoc.aead != AEAD_NONE, peer = s->ke_peer.family != 0;
	bool cert = s->cert_not_after != 0;
	int64_t left_s = s->cert_not_after - now.wall.ns / NS_PER_S;

	return json_pack(
	    "{s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o,"
	    " s:o, s:o, s:o, s:o}",
	    "aead", integer_or_null(keyed, s->assoc.aead), "aead_name",
	    text_or_null(keyed ? aead_name(s->assoc.aead) : NULL), "key_bits",
	    integer_or_null(keyed, (int64_t)aead_key_len(s->assoc.aead) * 8),
	    "exchanges", (json_int_t)s->count.exchanges, "attempts",
	    (json_int_t)s->count.attempts, "last_s",
	    number_or_null(s->count.exchanges > 0, age_s(s->keys_at, now.mono)),
	    "naks", (json_int_t)s->count.naks, "cookies",
	    (json_int_t)s->assoc.jar.count, "cookie_len",
	    (json_int_t)cookie_jar_next_len(&s->assoc.jar), "ke_address",
	    text_or_null(peer ? endpoint_text(&s->ke_peer, false, ke) : NULL),
	    "ke_port", integer_or_null(peer, s->ke_peer.port), "tls",
	    text_or_null(s->tls[0] ? s->tls : NULL), "cert_subject",
	    text_or_null(s->cert_subject[0] ? s->cert_subject : NULL),
	    "cert_not_before", integer_or_null(cert, s->cert_not_before),
	    "cert_not_after", integer_or_null(cert, s->cert_not_after),
	    "cert_days_left", integer_or_null(cert, left_s / 86400));
}

/* The first that applies: trouble, the stage, the verdict of the selection. */
static const char *reason_of(
    const struct source *s, const struct source_view *v)
{
	if (v->state != SOURCE_SELECTED && v->state != SOURCE_COMBINED &&
	    s->reason[0])
		return s->reason;
	if (v->state == SOURCE_NO_SAMPLES)
		return source_stage_text(s->stage);
	return source_state_text(v->state);
}

static json_t *next_try(const struct source *s, struct mono now)
{
	if (s->stage == STAGE_RESTING || s->stage == STAGE_START)
		return json_real(s_of_ns(s->retry_at.ns - now.ns));
	return json_null();
}

static json_t *measurement_json(
    const struct source *s, const struct source_view *v, struct moment now)
{
	bool ok = v->have_sample;

	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:f, s:o, s:o, s:o,"
	    " s:o, s:o, s:o, s:o, s:o}",
	    "stratum", integer_or_null(ok, v->stratum), "last_rx_s",
	    number_or_null(s->heard, age_s(s->heard_at, now.mono)), "offset_ns",
	    integer_or_null(ok, v->last_offset_ns), "measured_ns",
	    integer_or_null(ok, v->last_measured_ns), "error_ns",
	    integer_or_null(ok, v->bound_ns), "leap",
	    text_or_null(ok ? leap_name(v->leap) : NULL), "samples",
	    (int)v->samples, "runs", (int)v->runs, "span_s", v->span_s,
	    "frequency_ppm", number_or_null(ok, v->freq_ppm), "skew_ppm",
	    number_or_null(ok, v->skew_ppm), "mean_offset_ns",
	    integer_or_null(ok, v->offset_ns), "std_dev_ns",
	    integer_or_null(ok, v->std_dev_ns), "delay_ns",
	    integer_or_null(ok, v->last_delay_ns), "min_delay_ns",
	    integer_or_null(ok, v->min_delay_ns), "tx_stamp",
	    text_or_null(ok ? stamp_name(s->tx_stamp) : NULL), "rx_stamp",
	    text_or_null(ok ? stamp_name(s->rx_stamp) : NULL));
}

static json_t *source_json(
    const struct engine *e, unsigned i, struct moment now)
{
	const struct source *s = &e->sources[i];
	char at[ENDPOINT_TEXT_MAX], mark[2] = {0};
	bool addressed = s->address_count > 0;
	struct source_view v;
	json_t *json, *measured;

	steering_source_view(e->steering, i, &e->timescale, now.wall, &v);
	mark[0] = source_state_mark(v.state);
	json = json_pack(
	    "{s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:i, s:i,"
	    " s:o, s:o, s:o}",
	    "name", s->config->name, "host", s->config->host, "address",
	    text_or_null(
		addressed ? endpoint_text(source_address(s), false, at) : NULL),
	    "port", integer_or_null(addressed, source_address(s)->port), "mark",
	    mark, "state", source_state_name(v.state), "reason",
	    text_or_null(reason_of(s, &v)), "stage",
	    source_stage_name(s->stage), "failure", s->failure, "next_try_s",
	    next_try(s, now.mono), "poll_log2_s", s->pace.poll_log2_s, "reach",
	    (int)s->reach, "options", options_json(&s->config->options),
	    "packets", packets_json(&s->count), "nts", nts_json(s, now));
	measured = measurement_json(s, &v, now);
	if (json && measured)
		json_object_update(json, measured);
	json_decref(measured);
	return json;
}

char *status_json(const struct engine *e, struct moment now)
{
	struct tracking t;
	json_t *root, *sources = json_array();
	char *text;

	steering_tracking(e->steering, &e->timescale, now.wall, &t);
	for (unsigned i = 0; i < e->source_count; i++)
		json_array_append_new(sources, source_json(e, i, now));
	root =
	    json_pack("{s:i, s:s, s:I, s:f, s:i, s:o, s:o}", "schema", SCHEMA,
		"version", NTSAGENT_VERSION, "time_ns", (json_int_t)now.wall.ns,
		"uptime_s", age_s(e->started.mono, now.mono), "pid",
		(int)getpid(), "clock", clock_json(e, &t), "sources", sources);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return text;
}
