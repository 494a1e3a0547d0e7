#include "agent/check/check.h"

#include <jansson.h>
#include <stdio.h>

#define SCHEMA 1

/* The names are those of ntsctl-tools(8). A member that is not known is null.
 */

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

/* `value` may be NULL: a text that is not UTF-8, such as the name of a file. */
static void put(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value ? value : json_null());
}

static void put_text(json_t *object, const char *name, const char *text)
{
	put(object, name, text_or_null(text));
}

static void put_int(json_t *object, const char *name, int64_t value)
{
	put(object, name, json_integer(value));
}

static json_t *remark(const char *line)
{
	static const char *const kinds[] = {
	    [REMARK_ERROR] = "error",
	    [REMARK_WARNING] = "warning",
	    [REMARK_NOTE] = "note",
	    [REMARK_DETAIL] = "detail",
	};
	json_t *o = json_object();
	const char *words;

	put_text(o, "kind", kinds[remark_kind(line, &words)]);
	put(o, "text", json_string(words));
	return o;
}

static json_t *configuration(const struct check *c)
{
	json_t *o = json_object(), *list = json_array();

	put_text(o, "file", c->config_path);
	put_int(o, "errors", c->remarks.errors);
	put_int(o, "warnings", c->remarks.warnings);
	for (unsigned i = 0; i < c->remarks.count; i++)
		(void)json_array_append_new(list, remark(c->remarks.lines[i]));
	put(o, "remarks", list);
	return o;
}

static json_t *addresses(const struct names *names)
{
	json_t *list = json_array();
	char text[ENDPOINT_TEXT_MAX];

	for (unsigned i = 0; i < names->count; i++)
		(void)json_array_append_new(list,
		    json_string(endpoint_text(&names->at[i], false, text)));
	return list;
}

static void put_endpoint(
    json_t *o, const char *address, const char *port, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];
	bool known = e->family != 0;

	put(o, address,
	    known ? json_string(endpoint_text(e, false, text)) : json_null());
	put(o, port, known ? json_integer(e->port) : json_null());
}

static json_t *tls(const struct probe_keys *k)
{
	json_t *o = json_object();
	char suite[KE_TLS_TEXT_MAX];

	snprintf(suite, sizeof(suite), "%.*s",
	    (int)seen_suite_len(k->facts.tls), k->facts.tls);
	put_text(o, "version_and_suite", suite);
	put_text(o, "group", k->details.group);
	put(o, "alpn",
	    k->facts.tls[0] != '\0' ? json_string(KE_ALPN) : json_null());
	return o;
}

static json_t *certificate(const struct probe_keys *k)
{
	const struct certificate_facts *f = &k->details.certificate;
	json_t *o;

	if (f->subject[0] == '\0')
		return json_null();
	o = json_object();
	put(o, "accepted",
	    json_boolean(k->details.certificate_fault == CERTIFICATE_ACCEPTED));
	put_text(o, "subject", f->subject);
	put_text(o, "issuer", f->issuer);
	put_text(o, "names", f->names);
	put_int(o, "not_before", f->not_before);
	put_int(o, "not_after", f->not_after);
	put_text(o, "sha256", f->fingerprint);
	return o;
}

static json_t *nts_ke(const struct probe_keys *k)
{
	json_t *o;

	if (!k->have_keys)
		return json_null();
	o = json_object();
	put_int(o, "aead", k->aead);
	put_text(o, "aead_name", aead_name((enum aead_id)k->aead));
	put_int(o, "cookies", k->cookies);
	put_int(o, "cookie_len", k->cookie_len);
	put_text(o, "server", k->ntp_server);
	put_endpoint(o, "address", "port", &k->address);
	return o;
}

static json_t *size_or_null(unsigned size)
{
	return size > 0 ? json_integer(size) : json_null();
}

static json_t *ntp(const struct probe_time *t)
{
	const struct probe_sample *s = &t->sample;
	json_t *o;

	if (t->sent == 0)
		return json_null();
	o = json_object();
	put_int(o, "sent", t->sent);
	put_int(o, "answered", t->answered);
	put(o, "size_passed", size_or_null(t->passed_size));
	put(o, "size_lost", size_or_null(t->lost_size));
#define PUT(name, value)                                                       \
	put(o, name, t->have_sample ? json_integer(value) : json_null())
	PUT("offset_ns", s->offset_ns);
	PUT("delay_ns", s->delay_ns);
	PUT("root_delay_ns", s->root_delay_ns);
	PUT("root_dispersion_ns", s->root_dispersion_ns);
	PUT("root_distance_ns", s->distance_ns);
	PUT("stratum", s->stratum);
	PUT("leap", s->leap);
#undef PUT
	return o;
}

static void put_verdict(json_t *o, const struct source_verdict *v)
{
	put_text(o, "status", check_status_word(v->status));
	put_text(o, "obstacle", obstacle_word(v->obstacle));
	put_text(o, "problem", v->problem);
	put_text(o, "seen", v->seen);
	put_text(o, "to_do", v->to_do);
}

static json_t *machine(const struct check *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->machine_count; i++) {
		json_t *o = json_object();

		put_verdict(o, &c->machine[i]);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *source(const struct checked_source *s)
{
	const struct probe_keys *k = &s->probe.keys;
	json_t *o = json_object();

	put_text(o, "name", s->config->name);
	put_text(o, "host", s->config->host);
	put_verdict(o, &s->verdict);
	put(o, "addresses", addresses(&k->details.names));
	put_endpoint(o, "ke_address", "ke_port", &k->facts.peer);
	put(o, "tls", tls(k));
	put(o, "certificate", certificate(k));
	put(o, "nts_ke", nts_ke(k));
	put(o, "ntp", ntp(&s->probe.time));
	return o;
}

void check_print_json(const struct check *c, FILE *out)
{
	json_t *o = json_object(), *list = json_array();

	put_int(o, "schema", SCHEMA);
	put_text(o, "version", NTSAGENT_VERSION);
	put_text(o, "status", check_status_word(c->status));
	put_int(o, "exit_status", (int64_t)c->status);
	put_text(o, "summary", c->summary);
	put(o, "live", json_boolean(c->live));
	put(o, "clock_wrong",
	    c->count > 0 ? json_boolean(c->clock_wrong) : json_null());
	put_int(o, "time_s", c->now_s);
	put_int(o, "duration_ms", c->duration_ms);
	put(o, "configuration", configuration(c));
	put(o, "machine", machine(c));
	for (unsigned i = 0; i < c->count; i++)
		(void)json_array_append_new(list, source(&c->sources[i]));
	put(o, "sources", list);
	if (json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) != 0)
		fprintf(out, "{\"schema\": 1, \"status\": \"UNKNOWN\"}");
	fputc('\n', out);
	json_decref(o);
}
