#include "agent/query/status.h"

#include "agent/engine/leap_second.h"
#include "agent/engine/wrong_clock.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA 1

/* One member each. What is not known is null. */

static void put_bool(json_t *o, const char *key, bool value)
{
	json_object_set_new(o, key, json_boolean(value));
}

static void put_integer(json_t *o, const char *key, int64_t value)
{
	json_object_set_new(o, key, json_integer(value));
}

/* JSON has no infinity and no NaN. */
static void put_number(json_t *o, const char *key, double value)
{
	json_object_set_new(
	    o, key, isfinite(value) ? json_real(value) : json_real(0));
}

/* Text may come from the network: what is not UTF-8 is shown as "?". */
static void put_text(json_t *o, const char *key, const char *text)
{
	json_t *value = json_string(text);

	json_object_set_new(o, key, value ? value : json_string("?"));
}

static void put_null(json_t *o, const char *key)
{
	json_object_set_new(o, key, json_null());
}

static void put_integer_if(
    json_t *o, const char *key, bool known, int64_t value)
{
	if (known)
		put_integer(o, key, value);
	else
		put_null(o, key);
}

static void put_number_if(json_t *o, const char *key, bool known, double value)
{
	if (known && isfinite(value))
		put_number(o, key, value);
	else
		put_null(o, key);
}

static void put_text_if(
    json_t *o, const char *key, bool known, const char *text)
{
	if (known)
		put_text(o, key, text);
	else
		put_null(o, key);
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
	if (wrong_clock_active(e))
		return "bootstrap";
	return e->ever_synchronised ? "lost" : "starting";
}

/* Why there is no selection, or why the clock is left alone. */
static const char *clock_reason(
    const struct engine *e, const struct tracking *t)
{
	if (t->reason[0])
		return t->reason;
	return e->options->no_clock && e->options->no_clock_reason
		   ? e->options->no_clock_reason
		   : "";
}

static void put_clock_reason(
    json_t *o, const struct engine *e, const struct tracking *t)
{
	char text[BOOTSTRAP_TEXT_MAX];

	bootstrap_text(&e->bootstrap, text, sizeof(text));
	put_text(
	    o, "reason", wrong_clock_active(e) ? text : clock_reason(e, t));
}

static void put_disturbance(json_t *o, const struct engine *e, struct mono now)
{
	bool any = e->disturbed.text[0] != '\0';

	put_text_if(o, "disturbance", any, e->disturbed.text);
	put_number_if(o, "disturbed_s", any, age_s(e->disturbed.at, now));
}

static json_t *clock_json(
    const struct engine *e, const struct tracking *t, struct mono now)
{
	json_t *o = json_object();
	bool some = t->selected >= 0;
	char refid[9];
	int64_t updated_ns =
	    t->updated.ns + timescale_added_ns(&e->timescale, e->now.wall);

	reference_id(e, t, refid);
	put_bool(o, "controlled", !e->options->no_clock);
	put_clock_reason(o, e, t);
	put_bool(o, "synchronised", t->synchronised);
	put_text(o, "state", clock_state(e, t));
	put_text_if(o, "selected", some,
	    some ? e->config->sources[t->selected].name : "");
	put_integer(o, "combined", t->combined);
	put_text(o, "reference_id", refid);
	put_integer(o, "stratum", t->stratum);
	put_text(o, "leap", leap_name(t->leap));
	put_integer(o, "reference_time_ns", t->updates ? updated_ns : 0);
	put_integer(o, "system_offset_ns", t->offset_ns);
	put_integer(o, "last_offset_ns", t->last_offset_ns);
	put_integer(o, "rms_offset_ns", t->rms_offset_ns);
	put_number(o, "frequency_ppm", t->freq_ppm);
	put_number(o, "residual_ppm", t->residual_ppm);
	put_number(o, "skew_ppm", t->skew_ppm);
	put_integer(o, "root_delay_ns", t->root_delay_ns);
	put_integer(o, "root_dispersion_ns", t->root_dispersion_ns);
	put_integer(o, "est_error_ns", t->est_error_ns);
	put_number(o, "update_interval_s", t->update_interval_s);
	put_integer(o, "steps", (int64_t)t->steps);
	put_integer(o, "last_step_ns", t->last_step_ns);
	put_bool(o, "refused", t->refused);
	put_integer(o, "refused_ns", t->refused_ns);
	put_disturbance(o, e, now);
	return o;
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

	put_integer(o, "sent", (int64_t)c->sent);
	put_integer(o, "received", (int64_t)c->received);
	put_integer(o, "valid", (int64_t)c->valid);
	put_integer(o, "good", (int64_t)c->good);
	put_integer(o, "lost", (int64_t)c->lost);
	put_integer(o, "rejected", (int64_t)c->rejected);
	return o;
}

/* Rounded down, so that a certificate that ended an hour ago has -1 left. */
static int64_t days_until(int64_t when_s, struct wall now)
{
	return (int64_t)floor(((double)when_s - s_of_ns(now.ns)) / 86400);
}

static json_t *nts_json(const struct source *s, struct clock_reading now)
{
	json_t *o = json_object();
	char ke[ENDPOINT_TEXT_MAX] = "";
	bool keyed = s->assoc.aead != AEAD_NONE,
	     peer = s->facts.peer.family != 0;
	bool cert = s->facts.not_after != 0;

	if (peer)
		endpoint_text(&s->facts.peer, false, ke);
	put_integer_if(o, "aead", keyed, s->assoc.aead);
	put_text_if(o, "aead_name", keyed, aead_name(s->assoc.aead));
	put_integer_if(
	    o, "key_bits", keyed, (int64_t)aead_key_len(s->assoc.aead) * 8);
	put_integer(o, "exchanges", (int64_t)s->count.exchanges);
	put_integer(o, "attempts", (int64_t)s->count.attempts);
	put_number_if(o, "last_s", keyed, age_s(s->keys_at, now.mono));
	put_integer(o, "naks", (int64_t)s->count.naks);
	put_integer(o, "cookies", s->assoc.jar.count);
	put_integer(
	    o, "cookie_len", (int64_t)cookie_jar_next_len(&s->assoc.jar));
	put_text_if(o, "ke_address", peer, ke);
	put_integer(o, "ke_port", s->config->ke_port);
	put_text_if(o, "tls", s->facts.tls[0] != '\0', s->facts.tls);
	put_text_if(
	    o, "cert_subject", s->facts.subject[0] != '\0', s->facts.subject);
	put_bool(o, "dates_checked", s->dates != KE_DATES_UNCHECKED);
	put_integer_if(o, "cert_not_before", cert, s->facts.not_before);
	put_integer_if(o, "cert_not_after", cert, s->facts.not_after);
	put_integer_if(o, "cert_days_left", cert,
	    days_until(s->facts.not_after, now.wall));
	return o;
}

static bool differs(enum select_state state)
{
	return state == SELECT_FALSETICKER || state == SELECT_NO_MAJORITY;
}

/* The first that applies: trouble, the stage, the verdict of the selection. */
static const char *reason_of(
    const struct engine *e, unsigned i, const struct source_view *v)
{
	const struct source *s = &e->sources[i];

	if (s->reason[0])
		return s->reason;
	if (differs(v->state) && engine_leap_reason(e, i))
		return engine_leap_reason(e, i);
	if (v->state == SELECT_NO_SAMPLES)
		return source_stage_text(s->stage);
	return select_state_text(v->state);
}

static void put_measurement(json_t *o, const struct source *s,
    const struct source_view *v, struct clock_reading now)
{
	bool ok = v->have_sample;

	put_integer_if(o, "stratum", ok, v->stratum);
	put_number_if(o, "last_rx_s", s->heard, age_s(s->heard_at, now.mono));
	put_integer_if(o, "offset_ns", ok, v->last_offset_ns);
	put_integer_if(o, "measured_ns", ok, v->last_measured_ns);
	put_integer_if(o, "error_ns", ok, v->bound_ns);
	put_text_if(o, "leap", ok, leap_name(v->leap));
	put_integer(o, "samples", v->samples);
	put_integer(o, "runs", v->runs);
	put_number(o, "span_s", v->span_s);
	put_number_if(o, "frequency_ppm", ok, v->freq_ppm);
	put_number_if(o, "skew_ppm", ok, v->skew_ppm);
	put_integer_if(o, "mean_offset_ns", ok, v->offset_ns);
	put_integer_if(o, "std_dev_ns", ok, v->std_dev_ns);
	put_integer_if(o, "delay_ns", ok, v->last_delay_ns);
	put_integer_if(o, "min_delay_ns", ok, v->min_delay_ns);
	put_text_if(o, "tx_stamp", ok, stamp_name(s->tx_stamp));
	put_text_if(o, "rx_stamp", ok, stamp_name(s->rx_stamp));
}

static json_t *source_json(
    const struct engine *e, unsigned i, struct clock_reading now)
{
	const struct source *s = &e->sources[i];
	bool addressed = s->address_count > 0;
	bool rests = !s->offline &&
		     (s->stage == STAGE_RESTING || s->stage == STAGE_START);
	char at[ENDPOINT_TEXT_MAX] = "", mark[2] = {0};
	json_t *o = json_object();
	struct source_view v;

	steering_source_view(e->steering, i, &e->timescale, now.wall, &v);
	mark[0] = select_state_mark(v.state);
	if (addressed)
		endpoint_text(source_address(s), false, at);
	put_text(o, "name", s->config->name);
	put_text(o, "host", s->config->host);
	put_text_if(o, "address", addressed, at);
	put_integer_if(o, "port", addressed, source_address(s)->port);
	put_text(o, "mark", mark);
	put_text(o, "state", select_state_name(v.state));
	put_text(o, "reason", reason_of(e, i, &v));
	put_text(o, "stage", source_stage_name(s->stage));
	put_text(o, "failure", s->failure);
	put_number_if(
	    o, "next_try_s", rests, s_of_ns(s->retry_at.ns - now.mono.ns));
	put_integer(o, "poll_log2_s", s->pace.poll_log2_s);
	put_integer(o, "reach", s->reach);
	put_measurement(o, s, &v, now);
	json_object_set_new(o, "options", options_json(&s->config->options));
	json_object_set_new(o, "packets", packets_json(&s->count));
	json_object_set_new(o, "nts", nts_json(s, now));
	return o;
}

char *status_json(const struct engine *e, struct clock_reading now)
{
	json_t *o = json_object(), *sources = json_array();
	struct tracking t;
	char *text;

	steering_tracking(e->steering, &e->timescale, now.wall, &t);
	for (unsigned i = 0; i < e->source_count; i++)
		json_array_append_new(sources, source_json(e, i, now));
	put_integer(o, "schema", SCHEMA);
	put_text(o, "version", NTSAGENT_VERSION);
	put_integer(o, "time_ns", now.wall.ns);
	put_number(o, "uptime_s", age_s(e->started.mono, now.mono));
	put_integer(o, "pid", getpid());
	json_object_set_new(o, "clock", clock_json(e, &t, now.mono));
	json_object_set_new(o, "sources", sources);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}
