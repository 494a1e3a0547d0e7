#include "agent/ctl/snapshot/snapshot.h"

#include "agent/ctl/snapshot/clean.h"
#include "base/failures.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_NEEDED(m) FIELD_NEEDED(struct snapshot, m)
#define MEMBER(m) FIELD(struct snapshot, m)
#define CLOCK(m) FIELD(struct status_clock, m)
#define CLOCK_NEEDED(m) FIELD_NEEDED(struct status_clock, m)
#define CLOCK_OR_NULL(m) FIELD_OR_NULL(struct status_clock, m)
#define SOURCE(m) FIELD(struct status_source, m)
#define SOURCE_NEEDED(m) FIELD_NEEDED(struct status_source, m)
#define SOURCE_OR_NULL(m) FIELD_OR_NULL(struct status_source, m)

/* clang-format off */
static const struct field snapshot_fields[] = {
	MEMBER_NEEDED(schema), MEMBER_NEEDED(version), MEMBER_NEEDED(time_ns),
	MEMBER(uptime_s),
	MEMBER(pid),
	MEMBER(unused_file_count), MEMBER(unused_files),
	MEMBER(unsaved_count), MEMBER(unsaved),
};

static const struct field clock_fields[] = {
	CLOCK_NEEDED(controlled), CLOCK_OR_NULL(reason),
	CLOCK_NEEDED(synchronised), CLOCK_NEEDED(state), CLOCK_OR_NULL(selected), CLOCK_OR_NULL(combined),
	CLOCK_OR_NULL(reference_id), CLOCK_OR_NULL(stratum),
	CLOCK_OR_NULL(leap), CLOCK_OR_NULL(reference_time_ns),
	CLOCK_OR_NULL(offset_ns), CLOCK_OR_NULL(update_offset_ns),
	CLOCK_OR_NULL(rms_offset_ns), CLOCK_OR_NULL(uncorrected_frequency_ppm),
	CLOCK_OR_NULL(residual_frequency_ppm), CLOCK_OR_NULL(skew_ppm),
	CLOCK_OR_NULL(drift_reason), CLOCK_OR_NULL(drift_hour_ppm),
	CLOCK_OR_NULL(drift_day_ppm), CLOCK_OR_NULL(drift_jump_ppm),
	CLOCK_OR_NULL(drift_watched_s), CLOCK_OR_NULL(drift_awake_s),
	CLOCK_OR_NULL(root_delay_ns), CLOCK_OR_NULL(root_dispersion_ns),
	CLOCK_OR_NULL(bound_ns), CLOCK_OR_NULL(est_error_ns), CLOCK_OR_NULL(update_interval_s),
	CLOCK_OR_NULL(steps), CLOCK_OR_NULL(last_step_ns), CLOCK_NEEDED(refused),
	CLOCK_OR_NULL(refused_offset_ns), CLOCK(refusals),
	CLOCK_OR_NULL(minsources),
	CLOCK_OR_NULL(keeper_steps), CLOCK_OR_NULL(keeper_refusals),
	CLOCK_OR_NULL(disturbance),
	CLOCK_OR_NULL(disturbed_s),
};

static const struct field source_fields[] = {
	SOURCE_NEEDED(name), SOURCE_NEEDED(host), SOURCE_OR_NULL(pool),
	SOURCE_OR_NULL(same_server), SOURCE_OR_NULL(address),
	SOURCE_OR_NULL(port), SOURCE_OR_NULL(addresses), SOURCE_NEEDED(mark), SOURCE_NEEDED(state),
	SOURCE_NEEDED(reason), SOURCE_NEEDED(stage), SOURCE_OR_NULL(failure), SOURCE_OR_NULL(next_try_s),
	SOURCE_OR_NULL(stratum), SOURCE_OR_NULL(reference_id),
	SOURCE_OR_NULL(poll_log2_s), SOURCE(reach),
	SOURCE_OR_NULL(last_rx_s), SOURCE_OR_NULL(adjusted_offset_ns),
	SOURCE_OR_NULL(measured_offset_ns), SOURCE_OR_NULL(error_ns),
	SOURCE_OR_NULL(leap), SOURCE(samples), SOURCE(runs),
	SOURCE_OR_NULL(span_s), SOURCE_OR_NULL(residual_frequency_ppm),
	SOURCE_OR_NULL(skew_ppm), SOURCE_OR_NULL(estimated_offset_ns),
	SOURCE_OR_NULL(std_dev_ns), SOURCE_OR_NULL(delay_ns),
	SOURCE_OR_NULL(min_delay_ns), SOURCE(asymmetry_ns),
	SOURCE_OR_NULL(offset_bias_ns), SOURCE_OR_NULL(bias_sd_ns),
	SOURCE_OR_NULL(tx_stamp),
	SOURCE_OR_NULL(rx_stamp), SOURCE(options),
	SOURCE(packets.sent), SOURCE(packets.received), SOURCE(packets.valid),
	SOURCE(packets.good), SOURCE(packets.lost), SOURCE(packets.rejected),
	SOURCE_OR_NULL(low_offset_ns), SOURCE_OR_NULL(high_offset_ns),
	SOURCE_OR_NULL(score),
	SOURCE(packets.kernel_sent), SOURCE(packets.kernel_received),
	SOURCE(packets.hardware_sent), SOURCE(packets.hardware_received),
	SOURCE_OR_NULL(answer.local_address), SOURCE_OR_NULL(answer.version),
	SOURCE_OR_NULL(answer.poll_log2_s),
	SOURCE_OR_NULL(answer.precision_log2_s),
	SOURCE_OR_NULL(answer.root_delay_ns),
	SOURCE_OR_NULL(answer.root_dispersion_ns),
	SOURCE_OR_NULL(answer.reference_time_ns),
	SOURCE_OR_NULL(answer.response_ns),
	SOURCE_OR_NULL(answer.dispersion_ns),
	SOURCE_OR_NULL(answer.failed_check),
	SOURCE_OR_NULL(nts.aead), SOURCE_OR_NULL(nts.aead_name),
	SOURCE_OR_NULL(nts.key_bits), SOURCE(nts.exchanges),
	SOURCE(nts.attempts), SOURCE(nts.crashes), SOURCE_OR_NULL(nts.last_s), SOURCE(nts.naks),
	SOURCE(nts.cookies), SOURCE_OR_NULL(nts.cookie_len),
	SOURCE_OR_NULL(nts.ke_address), SOURCE_OR_NULL(nts.ke_port),
	SOURCE_OR_NULL(nts.tls), SOURCE_OR_NULL(nts.cert_subject),
	SOURCE_OR_NULL(nts.cert_not_before),
	SOURCE_OR_NULL(nts.cert_not_after),
	SOURCE_OR_NULL(nts.cert_days_left),
	SOURCE(checks), SOURCE(nts.begun), SOURCE(nts.failures),
};
/* clang-format on */

struct parse {
	struct text_pool *texts;
	char *why;
};

static bool fail(struct parse *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(struct parse *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->why, SNAPSHOT_ERROR_MAX, fmt, args);
	va_end(args);
	return false;
}

static bool parse_fields(struct parse *p, const struct field *f, size_t count,
    const json_t *object, void *row, const char *where)
{
	for (size_t i = 0; i < count; i++) {
		const char *wrong = field_parse(&f[i], object, row, p->texts);

		if (wrong)
			return fail(p, "its %s%s %s", where, f[i].key, wrong);
	}
	return true;
}

static bool parse_source(
    struct parse *p, const json_t *object, struct status_source *s, size_t i)
{
	char where[32];

	s->number = (unsigned)i + 1;
	snprintf(where, sizeof(where), "sources[%zu].", i);
	if (!parse_fields(
		p, source_fields, ARRAY_LEN(source_fields), object, s, where))
		return false;
	if (strlen(s->mark) != 1)
		return fail(p, "its %smark is not one character", where);
	if (s->reach.n < 0 || s->reach.n > 255)
		return fail(p, "its %sreach is not 0 to 255", where);
	return true;
}

static bool parse_sources(struct parse *p, struct snapshot *s)
{
	const json_t *array = json_object_get(s->whole, "sources");
	size_t count = json_array_size(array);

	if (!json_is_array(array))
		return fail(p, "its sources is not a list");
	s->sources = calloc(count + 1, sizeof(*s->sources));
	if (!s->sources)
		return fail(p, "no memory is left for it");
	for (size_t i = 0; i < count; i++)
		if (!parse_source(
			p, json_array_get(array, i), &s->sources[i], i))
			return false;
	s->source_count = (unsigned)count;
	return true;
}

/* Comes first: in a newer schema any other member may be missing. */
static bool check_schema(struct parse *p, const json_t *whole)
{
	const json_t *schema = json_object_get(whole, "schema");

	if (!json_is_integer(schema))
		return fail(p, "it has no schema number");
	if (json_integer_value(schema) > SNAPSHOT_SCHEMA)
		return fail(p,
		    "its schema is %lld and this ntsctl knows %d: ntsctl is "
		    "older than the running ntsagentd, update it",
		    (long long)json_integer_value(schema), SNAPSHOT_SCHEMA);
	if (json_integer_value(schema) < SNAPSHOT_SCHEMA)
		return fail(p,
		    "its schema is %lld and this ntsctl knows %d: restart "
		    "ntsagentd after an update",
		    (long long)json_integer_value(schema), SNAPSHOT_SCHEMA);
	return true;
}

/* An older agent does not add up the bound. */
static void add_up_bound(struct status_clock *c)
{
	double bound_ns = fabs((double)c->offset_ns.n) +
			  (double)c->root_delay_ns.n / 2 +
			  (double)c->root_dispersion_ns.n;

	if (c->bound_ns.missing && c->offset_ns.known &&
	    c->root_delay_ns.known && c->root_dispersion_ns.known &&
	    bound_ns < (double)INT64_MAX)
		c->bound_ns =
		    (struct field_int){.known = true, .n = (int64_t)bound_ns};
}

static bool parse_whole(struct parse *p, struct snapshot *s)
{
	return check_schema(p, s->whole) &&
	       parse_fields(p, snapshot_fields, ARRAY_LEN(snapshot_fields),
		   s->whole, s, "") &&
	       parse_fields(p, clock_fields, ARRAY_LEN(clock_fields),
		   json_object_get(s->whole, "clock"), &s->clock, "clock.") &&
	       parse_sources(p, s);
}

bool snapshot_parse(struct snapshot *out, const char *json, size_t len,
    char why[static SNAPSHOT_ERROR_MAX])
{
	struct parse p = {&out->texts, why};
	json_error_t error;

	*out = (struct snapshot){0};
	if (len == 0)
		return fail(&p,
		    "it is empty: ntsagentd is just ending, or this user asks "
		    "too often; try again in a second");
	out->whole = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (!out->whole)
		return fail(
		    &p, "it is not JSON, or cut short (line %d)", error.line);
	/* Each text is a part of `json`, and the quotes around it leave room
	 * for its NUL. */
	out->texts.bytes = malloc(len * TEXT_CLEAN_GROWTH);
	if (!out->texts.bytes)
		fail(&p, "no memory is left for it");
	else if (parse_whole(&p, out)) {
		add_up_bound(&out->clock);
		return true;
	}
	snapshot_free(out);
	return false;
}

void snapshot_free(struct snapshot *s)
{
	json_decref(s->whole);
	free(s->sources);
	free(s->texts.bytes);
	*s = (struct snapshot){0};
}

bool source_is_switched_off(const struct status_source *s)
{
	return s->failure &&
	       strcmp(s->failure, failure_word(FAILURE_OFFLINE)) == 0;
}

bool source_has_option(const struct status_source *s, const char *option)
{
	for (unsigned i = 0; i < s->options.count; i++)
		if (strcmp(s->options.item[i], option) == 0)
			return true;
	return false;
}

bool source_is_usable(const struct status_source *s)
{
	return strchr("*+-", s->mark[0]) != NULL;
}

const struct status_source *snapshot_selected(const struct snapshot *s)
{
	for (unsigned i = 0; i < s->source_count; i++)
		if (s->sources[i].mark[0] == '*')
			return &s->sources[i];
	return NULL;
}
