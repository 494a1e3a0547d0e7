#include "agent/check/check.h"

#include <string.h>

/* The words of servers and certificates are printable ASCII already (see
 * probe_valid() and resolver/certificate/sentence.h); they stand in quotes. */

#define INDENT 15
/* A narrower terminal gets lines of this width, which it wraps itself. */
#define WIDTH_MIN 40

static void put_label(const char *label, FILE *out)
{
	fprintf(out, "  %-12s ", label);
}

/* The length of the part of `text`, which is longer than `room`, for one line:
 * up to a blank that fits, or else the first word. */
static size_t part_for_line(const char *text, size_t room)
{
	size_t len = room;

	while (len > 0 && text[len] != ' ')
		len--;
	return len > 0 ? len : strcspn(text, " ");
}

static void put_wrapped(
    const char *label, const char *text, unsigned width, FILE *out)
{
	size_t room = strlen(text);

	if (width > 0)
		room = (width < WIDTH_MIN ? WIDTH_MIN : width) - INDENT;
	put_label(label, out);
	while (strlen(text) > room) {
		size_t len = part_for_line(text, room);

		if (text[len] == '\0')
			break;
		fprintf(out, "%.*s\n%*s", (int)len, text, INDENT, "");
		text += len + 1;
	}
	fprintf(out, "%s\n", text);
}

static void put_remarks(const struct check *c, FILE *out)
{
	const struct remarks *r = &c->remarks;
	const char *words;

	for (unsigned i = 0; i < r->count; i++)
		switch (remark_kind(r->lines[i], &words)) {
		case REMARK_ERROR:
			fprintf(out, "configuration: error: %s\n", words);
			break;
		case REMARK_WARNING:
			fprintf(out, "configuration: warning: %s\n", words);
			break;
		case REMARK_NOTE:
			fprintf(out, "configuration: note: %s\n", words);
			break;
		case REMARK_DETAIL:
			fprintf(out, "  %s\n", words);
			break;
		}
}

static void put_addresses(const struct ke_details *d, FILE *out)
{
	char text[ENDPOINT_TEXT_MAX];

	if (d->names.count == 0)
		return;
	put_label("DNS", out);
	for (unsigned i = 0; i < d->names.count; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
		    endpoint_text(&d->names.at[i], false, text));
	fputc('\n', out);
}

static void put_tls(const struct probe_keys *k, FILE *out)
{
	char text[ENDPOINT_TEXT_MAX];

	if (k->facts.peer.family == 0)
		return;
	put_label("TCP", out);
	fprintf(out, "%s port %u\n", endpoint_text(&k->facts.peer, false, text),
	    k->facts.peer.port);
	if (k->facts.tls[0] == '\0')
		return;
	put_label("TLS", out);
	fprintf(out, "%.*s, group %s, ALPN %s\n",
	    (int)seen_suite_len(k->facts.tls), k->facts.tls,
	    k->details.group[0] ? k->details.group : "unknown", KE_ALPN);
}

static void put_dates(
    const struct certificate_facts *f, int64_t now_s, FILE *out)
{
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	double days = (double)(f->not_after - now_s) / 86400;

	certificate_date(f->not_before, from);
	certificate_date(f->not_after, to);
	put_label("valid", out);
	fprintf(out, "%s to %s (%.1f days %s)\n", from, to,
	    days < 0 ? -days : days, days < 0 ? "ago" : "left");
}

static void put_certificate(
    const struct probe_keys *k, int64_t now_s, FILE *out)
{
	const struct certificate_facts *f = &k->details.certificate;

	if (f->subject[0] == '\0')
		return;
	put_label("certificate", out);
	fprintf(out, "\"%s\", %s\n", f->subject,
	    k->details.certificate_fault == CERTIFICATE_ACCEPTED ? "accepted"
								 : "refused");
	put_label("issuer", out);
	fprintf(out, "\"%s\"\n", f->issuer);
	put_label("names", out);
	fprintf(out, "%s\n", f->names);
	put_dates(f, now_s, out);
	put_label("SHA-256", out);
	fprintf(out, "%s\n", f->fingerprint);
}

static void put_keys(const struct probe_keys *k, FILE *out)
{
	char text[ENDPOINT_TEXT_MAX];

	if (!k->have_keys)
		return;
	put_label("NTS-KE", out);
	fprintf(out, "%s, %u cookies of %u bytes, time from %s",
	    aead_name((enum aead_id)k->aead), k->cookies, k->cookie_len,
	    endpoint_text(&k->address, false, text));
	fprintf(out, " port %u", k->address.port);
	if (k->ntp_server[0] != '\0')
		fprintf(out, " (named \"%s\")", k->ntp_server);
	fputc('\n', out);
}

static void put_size(const struct probe_time *t, FILE *out)
{
	if (t->passed_size == 0)
		return;
	put_label("size", out);
	fprintf(out, "a request of %u bytes passes", t->passed_size);
	if (t->lost_size > 0)
		fprintf(out, ", one of %u bytes does not", t->lost_size);
	fputc('\n', out);
}

static void put_time(const struct probe_time *t, FILE *out)
{
	const struct probe_sample *s = &t->sample;

	if (t->sent == 0)
		return;
	put_label("NTP", out);
	fprintf(out, "%u of %u requests answered\n", t->answered, t->sent);
	put_size(t, out);
	if (!t->have_sample)
		return;
	put_label("offset", out);
	fprintf(out, "%+.9f s: this clock is %s\n", s_of_ns(s->offset_ns),
	    s->offset_ns > 0 ? "fast" : "slow");
	put_label("delay", out);
	fprintf(out, "%.9f s\n", s_of_ns(s->delay_ns));
	put_label("stratum", out);
	fprintf(out, "%u, root distance %.6f s\n", s->stratum,
	    s_of_ns(s->distance_ns));
}

static void put_verdict(
    const struct source_verdict *v, unsigned width, FILE *out)
{
	if (v->obstacle != OBSTACLE_COUNT) {
		put_label("obstacle", out);
		fprintf(out, "%s\n", obstacle_word(v->obstacle));
	}
	if (v->problem[0] != '\0')
		put_wrapped("problem", v->problem, width, out);
	if (v->seen[0] != '\0')
		put_wrapped("seen", v->seen, width, out);
	if (v->to_do[0] != '\0')
		put_wrapped("To do", v->to_do, width, out);
}

static void put_machine(const struct check *c, FILE *out)
{
	for (unsigned i = 0; i < c->machine_count; i++) {
		fprintf(out, "\nthis machine: %s\n",
		    check_status_word(c->machine[i].status));
		put_verdict(&c->machine[i], c->width, out);
	}
}

static void put_source(
    const struct checked_source *s, const struct check *c, FILE *out)
{
	const struct probe *p = &s->probe;

	fprintf(out, "\n%s: %s\n", s->config->name,
	    check_status_word(s->verdict.status));
	put_addresses(&p->keys.details, out);
	put_tls(&p->keys, out);
	put_certificate(&p->keys, c->now_s, out);
	put_keys(&p->keys, out);
	put_time(&p->time, out);
	put_verdict(&s->verdict, c->width, out);
}

void check_print_text(const struct check *c, FILE *out)
{
	fprintf(out, "%s: %s\n", check_status_word(c->status), c->summary);
	put_remarks(c, out);
	put_machine(c, out);
	for (unsigned i = 0; i < c->count; i++)
		put_source(&c->sources[i], c, out);
}
