#include "agent/check/seen.h"

#include <string.h>

/* Printable ASCII that ends in its field. */
static bool is_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	for (const char *c = text; end && c < end; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return end != NULL;
}

/* Another value than 0 and 1 in a bool is undefined behaviour. */
static bool is_flag(const bool *flag)
{
	return *(const unsigned char *)flag <= 1;
}

/* Differences of such times do not overflow. */
static bool is_date(int64_t unix_s)
{
	return unix_s > INT64_MIN / 4 && unix_s < INT64_MAX / 4;
}

static bool is_endpoint(const struct endpoint *e)
{
	return e->family == 0 || e->family == 4 || e->family == 6;
}

#define IS_TEXT(field) is_text((field), sizeof(field))

static bool details_valid(const struct ke_details *d)
{
	if (d->names.count > KE_ADDRESSES_MAX)
		return false;
	for (unsigned i = 0; i < d->names.count; i++)
		if (!is_endpoint(&d->names.at[i]))
			return false;
	return is_flag(&d->in_use) && is_flag(&d->no_store) &&
	       is_flag(&d->hidden) && is_flag(&d->silent) &&
	       is_flag(&d->lost) && is_flag(&d->late) &&
	       is_date(d->certificate.not_before) &&
	       is_date(d->certificate.not_after) &&
	       (unsigned)d->tls_fault < TLS_FAULT_COUNT &&
	       (unsigned)d->certificate_fault < CERTIFICATE_FAULT_COUNT &&
	       IS_TEXT(d->group) && IS_TEXT(d->certificate.subject) &&
	       IS_TEXT(d->certificate.issuer) &&
	       IS_TEXT(d->certificate.names) &&
	       IS_TEXT(d->certificate.fingerprint);
}

static bool keys_valid(const struct probe_keys *k)
{
	return is_flag(&k->dates_refused) && is_flag(&k->have_keys) &&
	       is_date(k->facts.not_before) && is_date(k->facts.not_after) &&
	       (unsigned)k->stage < KE_STAGE_COUNT && IS_TEXT(k->text) &&
	       is_endpoint(&k->facts.peer) && IS_TEXT(k->facts.subject) &&
	       IS_TEXT(k->facts.tls) && details_valid(&k->details) &&
	       k->cookies <= NTS_COOKIES && k->cookie_len <= NTS_COOKIE_MAX &&
	       IS_TEXT(k->ntp_server) && is_endpoint(&k->address);
}

static bool time_valid(const struct probe_time *t)
{
	/* Sums and differences of these do not overflow. */
	const int64_t limit = INT64_MAX / 8;
	const struct probe_sample *s = &t->sample;

	return is_flag(&t->have_sample) && is_flag(&t->plain_sent) &&
	       is_flag(&t->plain_answered) && is_date(s->server_s) &&
	       (unsigned)t->error < NTS_ERR_COUNT && t->answered <= t->sent &&
	       t->impossible <= t->answered && t->impossible_ns >= 0 &&
	       t->passed_size <= NTS_PACKET_MAX &&
	       t->lost_size <= NTS_PACKET_MAX && s->offset_ns > -limit &&
	       s->offset_ns < limit && s->delay_ns >= 0 &&
	       s->delay_ns < limit && s->distance_ns >= 0 &&
	       s->distance_ns < limit && s->wall_minus_raw_ns >= 0 &&
	       s->wall_minus_raw_ns < INT64_MAX / 2 && s->stratum < 256 &&
	       s->leap < 4;
}

bool probe_valid(const struct probe *p)
{
	return is_flag(&p->begun) && is_flag(&p->keys_tried) &&
	       is_flag(&p->complete) && keys_valid(&p->keys) &&
	       time_valid(&p->time);
}

size_t seen_suite_len(const char *tls)
{
	size_t len = strcspn(tls, " ");

	return tls[len] ? len + 1 + strcspn(tls + len + 1, " ") : len;
}
