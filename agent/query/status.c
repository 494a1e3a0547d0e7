#include "agent/query/status.h"

#include "agent/engine/wrong_clock.h"
#include "agent/query/members.h"
#include "agent/query/source_status.h"
#include "nts/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA 2

/* RFC 5905 section 7.3: the IPv4 address itself, or the first four octets of
 * the MD5 hash of the IPv6 address. False: there is no MD5 here. */
static bool reference_id(const struct source *selected, char out[9])
{
	const struct endpoint *a = source_address(selected);
	uint8_t id[DIGEST_MD5_LEN];

	if (a->family == 4)
		memcpy(id, a->address, 4);
	else if (!digest_md5_of(a->address, 16, id))
		return false;
	snprintf(out, 9, "%02X%02X%02X%02X", id[0], id[1], id[2], id[3]);
	return true;
}

static void put_selected(
    json_t *o, const struct engine *e, const struct tracking *t)
{
	bool some = t->selected >= 0;
	char refid[9] = "";
	bool has_id = some && reference_id(&e->sources[t->selected], refid);

	member_text_if(o, "selected", some,
	    some ? e->config->sources[t->selected].name : "");
	member_int(o, "combined", t->combined);
	member_int(o, "minsources", e->config->steering.min_sources);
	member_text_if(o, "reference_id", has_id, refid);
	member_int(o, "stratum", t->stratum);
	member_text(o, "leap", leap_name(t->leap));
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

/* Why no source is selected, or why the clock is not controlled. */
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
	member_text(
	    o, "reason", wrong_clock_active(e) ? text : clock_reason(e, t));
}

/* From the first sample in the filter on, the frequency has a skew; before it,
 * no offset is known. */
static bool is_estimated(const struct tracking *t)
{
	return t->skew_ppm > 0;
}

static void put_offsets(
    json_t *o, const struct engine *e, const struct tracking *t)
{
	bool estimated = is_estimated(t), updated = t->updates > 0;
	int64_t updated_ns =
	    t->updated.ns + timescale_added_ns(&e->timescale, e->now.wall);

	member_int_if(o, "reference_time_ns", updated, updated_ns);
	member_offset_if(o, "offset_ns", estimated, t->offset_ns);
	member_offset_if(o, "update_offset_ns", updated, t->last_offset_ns);
	/* 0 after a step, until the next update. */
	member_int_if(
	    o, "rms_offset_ns", t->rms_offset_ns > 0, t->rms_offset_ns);
}

static void put_frequency(
    json_t *o, const struct engine *e, const struct tracking *t)
{
	bool estimated = is_estimated(t);
	/* From the drift file, from a sample, or from the first correction. */
	bool known = estimated || t->updates > 0 ||
		     e->start_freq_sd_ppm < FREQ_SD_UNKNOWN_PPM;
	/* What nobody corrects is a part of what the clock does alone. */
	double alone_ppm = e->options->no_clock && estimated
			       ? t->freq_ppm + t->residual_ppm
			       : t->freq_ppm;

	member_frequency_if(o, "uncorrected_frequency_ppm", known, alone_ppm);
	member_frequency_if(
	    o, "residual_frequency_ppm", estimated, t->residual_ppm);
	member_real_if(o, "skew_ppm", estimated, t->skew_ppm);
}

static void put_drift(json_t *o, const struct tracking *t)
{
	bool jumps = t->drift_jump_ppm > 0;

	member_text(o, "drift_reason", drift_reason_name(t->drift_reason));
	member_real(o, "drift_hour_ppm", t->drift_hour_ppm);
	member_real(o, "drift_day_ppm", t->drift_day_ppm);
	member_real_if(o, "drift_jump_ppm", jumps, t->drift_jump_ppm);
	member_real(o, "drift_watched_s", t->drift_watched_s);
	member_real(o, "drift_awake_s", t->drift_awake_s);
}

int64_t status_bound_ns(const struct tracking *t)
{
	return llabs(t->offset_ns) + (t->root_delay_ns + 1) / 2 +
	       t->root_dispersion_ns;
}

static void put_errors(json_t *o, const struct tracking *t)
{
	bool selected = is_estimated(t) && t->selected >= 0;

	member_int_if(o, "root_delay_ns", selected, t->root_delay_ns);
	member_int_if(o, "root_dispersion_ns", selected, t->root_dispersion_ns);
	member_int_if(o, "bound_ns", selected, status_bound_ns(t));
	member_int_if(o, "est_error_ns", is_estimated(t), t->est_error_ns);
}

static void put_corrections(json_t *o, const struct tracking *t)
{
	/* An interval lies between two updates. */
	member_real_if(
	    o, "update_interval_s", t->updates > 1, t->update_interval_s);
	member_int(o, "steps", (int64_t)t->steps);
	member_int_if(o, "last_step_ns", t->steps > 0, t->last_step_ns);
	member_flag(o, "refused", t->refused);
	member_offset_if(o, "refused_offset_ns", t->refused, t->refused_ns);
	member_int(o, "refusals", (int64_t)t->refusals);
}

static void put_keeper(json_t *o, const struct engine *e)
{
	bool controlled = !e->options->no_clock;

	member_int_if(o, "keeper_steps", controlled, e->order.steps);
	member_int_if(o, "keeper_refusals", controlled, e->order.refused);
}

static void put_disturbance(json_t *o, const struct engine *e, struct mono now)
{
	bool any = e->disturbed.text[0] != '\0';

	member_text_if(o, "disturbance", any, e->disturbed.text);
	member_real_if(
	    o, "disturbed_s", any, s_of_ns(now.ns - e->disturbed.at.ns));
}

/* Files of sources.d with an error. */
static void put_unused_files(json_t *o, const struct config *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->unused_file_count && i < UNUSED_FILES_SHOWN;
	     i++)
		json_array_append_new(list, json_string(c->unused_files[i]));
	member_int(o, "unused_file_count", c->unused_file_count);
	json_object_set_new(o, "unused_files", list);
}

/* What the last try could not save. */
static void put_unsaved(json_t *o, const struct engine *e)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < UNSAVED_KINDS; k++)
		if (e->unsaved[k].text[0])
			json_array_append_new(
			    list, json_string(e->unsaved[k].text));
	member_int(o, "unsaved_count", (int64_t)json_array_size(list));
	json_object_set_new(o, "unsaved", list);
}

static json_t *clock_json(
    const struct engine *e, const struct tracking *t, struct mono now)
{
	json_t *o = json_object();

	member_flag(o, "controlled", !e->options->no_clock);
	put_clock_reason(o, e, t);
	member_flag(o, "synchronised", t->synchronised);
	member_text(o, "state", clock_state(e, t));
	put_selected(o, e, t);
	put_offsets(o, e, t);
	put_frequency(o, e, t);
	put_drift(o, t);
	put_errors(o, t);
	put_corrections(o, t);
	put_keeper(o, e);
	put_disturbance(o, e, now);
	return o;
}

char *status_json_of(const struct engine *e, const struct status_view *v,
    struct clock_reading now)
{
	json_t *o = json_object(), *sources = json_array();
	char *text;

	for (unsigned i = 0; i < e->source_count; i++)
		json_array_append_new(
		    sources, source_status(e, i, &v->sources[i], now));
	member_int(o, "schema", SCHEMA);
	member_text(o, "version", NTSAGENT_VERSION);
	member_int(o, "time_ns", now.wall.ns);
	member_real(o, "uptime_s", s_of_ns(now.mono.ns - e->started.mono.ns));
	member_int(o, "pid", getpid());
	member_text_if(
	    o, "sandbox", e->options->sandbox != NULL, e->options->sandbox);
	put_unused_files(o, e->config);
	put_unsaved(o, e);
	json_object_set_new(o, "clock", clock_json(e, &v->clock, now.mono));
	json_object_set_new(o, "sources", sources);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* On the heap: the engine's stack stays small. */
char *status_json(const struct engine *e, struct clock_reading now)
{
	struct status_view *v = malloc(sizeof(*v));
	char *text;

	if (!v)
		return NULL;
	steering_tracking(e->steering, &e->timescale, now.wall, &v->clock);
	for (unsigned i = 0; i < e->source_count; i++) {
		steering_source_view(
		    e->steering, i, &e->timescale, now.wall, &v->sources[i]);
		steering_source_details(
		    e->steering, i, &e->timescale, now.wall, &v->sources[i]);
		steering_source_bias(e->steering, i, &v->sources[i]);
	}
	text = status_json_of(e, v, now);
	free(v);
	return text;
}
