#include "nts/ke.h"

#include <arpa/inet.h>
#include <string.h>

void ke_put_record(
    struct writer *w, uint16_t type_and_critical, const void *body, size_t len)
{
	put_u16(w, type_and_critical);
	if (len > UINT16_MAX)
		w->ok = false;
	put_u16(w, (uint16_t)len);
	put_bytes(w, body, len);
}

/* RFC 8915 4.1.3/1, RFC 8915 4.1.4/1, RFC 8915 4.1.6/2, RFC 8915 4.1.7/4,
 * RFC 8915 4.1.8/2: no other records than these. */
void ke_request_build(
    const enum aead_id *aeads, size_t count, struct writer *out)
{
	uint8_t list[2 * AEAD_COUNT], protocol[2] = {0, KE_PROTOCOL_NTPV4};
	struct writer w = writer_of(list, sizeof(list));
	bool gcm_siv = false;

	for (size_t i = 0; i < count; i++) {
		put_u16(&w, (uint16_t)aeads[i]);
		gcm_siv |= aeads[i] == AEAD_AES_128_GCM_SIV;
	}
	/* RFC 8915 4/3, RFC 8915 4.1.2/2 */
	ke_put_record(
	    out, KE_CRITICAL | KE_NEXT_PROTOCOL, protocol, sizeof(protocol));
	/* RFC 8915 4.1.5/1 */
	ke_put_record(out, KE_CRITICAL | KE_AEAD, list, w.len);
	if (gcm_siv)
		ke_put_record(out, KE_COMPLIANT_GCM_SIV, NULL, 0);
	/* RFC 8915 4/4 */
	ke_put_record(out, KE_CRITICAL | KE_END, NULL, 0);
	out->ok &= w.ok;
}

void ke_exporter_context(
    uint16_t aead, unsigned direction, uint8_t out[KE_EXPORTER_CONTEXT_LEN])
{
	struct writer w = writer_of(out, KE_EXPORTER_CONTEXT_LEN);

	put_u16(&w, KE_PROTOCOL_NTPV4);
	put_u16(&w, aead);
	put_u8(&w, (uint8_t)direction);
}

struct record {
	uint16_t type;
	bool critical;
	struct reader body;
};

static bool take_record(struct reader *r, struct record *out)
{
	uint16_t type = take_u16(r), len = take_u16(r);

	*out = (struct record){
	    .type = type & 0x7fff,
	    .critical = (type & KE_CRITICAL) != 0,
	    .body = take_sub(r, len),
	};
	return r->ok;
}

bool ke_response_complete(const uint8_t *bytes, size_t len, size_t *from)
{
	size_t start = from ? *from : 0;
	struct reader r = reader_of(bytes + start, len - start);
	struct record record;

	while (take_record(&r, &record)) {
		if (record.type == KE_END)
			return true;
		if (from)
			*from = len - r.left;
	}
	return len >= KE_MESSAGE_MAX;
}

/* The state of the parser between two records. */
struct parse {
	struct ke_response got;
	const enum aead_id *offered;
	size_t offered_count;
	unsigned detail; /* of the last record */
	uint32_t seen;	 /* one bit for each row of record_kinds[] */
	bool have_protocol, cookie_too_long;
};

static enum nts_err next_protocol(struct parse *p, struct record *r)
{
	/* RFC 8915 4.1.2: empty if the server supports no requested one. */
	if (reader_done(&r->body))
		return NTS_KE_NO_PROTOCOL;
	if (take_u16(&r->body) != KE_PROTOCOL_NTPV4 && r->body.ok)
		return NTS_KE_NO_PROTOCOL;
	p->have_protocol = true;
	/* RFC 8915 4.1.2/3: a subset of the request, which has one protocol. */
	return reader_done(&r->body) ? NTS_OK : NTS_KE_BAD_RECORD;
}

static enum nts_err error_record(struct parse *p, struct record *r)
{
	static const enum nts_err errors[] = {NTS_KE_ERROR_CRITICAL,
	    NTS_KE_ERROR_BAD_REQUEST, NTS_KE_ERROR_INTERNAL};
	uint16_t code = take_u16(&r->body);

	if (!reader_done(&r->body))
		return NTS_KE_BAD_RECORD;
	p->detail = code;
	return code < ARRAY_LEN(errors) ? errors[code] : NTS_KE_ERROR_OTHER;
}

static enum nts_err warning_record(struct parse *p, struct record *r)
{
	uint16_t code = take_u16(&r->body);

	if (!reader_done(&r->body))
		return NTS_KE_BAD_RECORD;
	p->detail = code;
	/* RFC 8915 4.1.4/2: an unknown warning is an error; none is defined.
	 */
	return NTS_KE_WARNING;
}

static enum nts_err aead_record(struct parse *p, struct record *r)
{
	uint16_t id;

	/* RFC 8915 4.1.5: empty if there is no common algorithm. */
	if (reader_done(&r->body))
		return NTS_KE_NO_AEAD;
	id = take_u16(&r->body);
	/* RFC 8915 4.1.5/2: at most one algorithm. */
	if (!reader_done(&r->body))
		return NTS_KE_BAD_RECORD;
	for (size_t i = 0; i < p->offered_count; i++)
		if ((uint16_t)p->offered[i] == id)
			p->got.aead = p->offered[i];
	return p->got.aead == AEAD_NONE ? NTS_KE_AEAD_NOT_OFFERED : NTS_OK;
}

/* RFC 8915 4.1.6/1: any bytes are a cookie. */
static enum nts_err cookie_record(struct parse *p, struct record *r)
{
	size_t len = r->body.left;
	struct cookie *slot;

	if (len == 0)
		return NTS_KE_BAD_RECORD;
	if (len > NTS_COOKIE_MAX) {
		p->cookie_too_long = true;
		return NTS_OK;
	}
	if (p->got.cookie_count == NTS_COOKIES)
		return NTS_OK;
	slot = &p->got.cookies[p->got.cookie_count++];
	slot->len = (uint16_t)len;
	memcpy(slot->bytes, take_bytes(&r->body, len), len);
	return NTS_OK;
}

#define DIGITS "0123456789"
/* RFC 1123 does not allow the underscore, but it is in use. */
#define NAME_BYTES                                                             \
	DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
#define LABEL_MAX 63

static bool is_address(const char *name)
{
	struct in6_addr ignored;

	return inet_pton(AF_INET, name, &ignored) == 1 ||
	       inet_pton(AF_INET6, name, &ignored) == 1;
}

/* RFC 1123 2.1: labels separated by single dots; a dot at the end is allowed.
 * The last label must not be a number: getaddrinfo() reads "127.1" as an
 * address. */
static bool is_host_name(const char *name)
{
	bool number = true;

	while (*name) {
		size_t len = strspn(name, NAME_BYTES);

		if (len == 0 || len > LABEL_MAX || name[0] == '-')
			return false;
		number = strspn(name, DIGITS) == len;
		name += len;
		if (*name && *name++ != '.')
			return false;
	}
	return !number;
}

/* RFC 8915 4.1.7/1: an address without a zone, or a domain name. */
static enum nts_err server_record(struct parse *p, struct record *r)
{
	char *name = p->got.server;
	size_t len = r->body.left;

	if (len >= KE_SERVER_MAX || memchr(r->body.at, '\0', len))
		return NTS_KE_BAD_SERVER;
	memcpy(name, take_bytes(&r->body, len), len);
	name[len] = '\0';
	return is_address(name) || is_host_name(name) ? NTS_OK
						      : NTS_KE_BAD_SERVER;
}

static enum nts_err port_record(struct parse *p, struct record *r)
{
	p->got.port = take_u16(&r->body);
	if (!reader_done(&r->body) || p->got.port == 0)
		return NTS_KE_BAD_PORT;
	return NTS_OK;
}

static enum nts_err compliant_record(struct parse *p, struct record *r)
{
	if (!reader_done(&r->body))
		return NTS_KE_BAD_RECORD;
	p->got.compliant_gcm_siv = true;
	return NTS_OK;
}

static const struct {
	uint16_t type;
	bool once;
	enum nts_err (*take)(struct parse *p, struct record *r);
} record_kinds[] = {
    /* RFC 8915 4.1.2/1: check_all() wants it, and here it is once. */
    {KE_NEXT_PROTOCOL, true, next_protocol},
    {KE_ERROR, false, error_record},
    {KE_WARNING, false, warning_record},
    {KE_AEAD, true, aead_record},
    {KE_COOKIE, false, cookie_record},
    {KE_NTP_SERVER, true, server_record},
    {KE_NTP_PORT, true, port_record},
    {KE_COMPLIANT_GCM_SIV, false, compliant_record},
};

static enum nts_err take_body(struct parse *p, struct record *r)
{
	for (size_t i = 0; i < ARRAY_LEN(record_kinds); i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (record_kinds[i].type != r->type)
			continue;
		if (record_kinds[i].once && (p->seen & bit))
			return NTS_KE_DUPLICATE;
		p->seen |= bit;
		return record_kinds[i].take(p, r);
	}
	/* RFC 8915 4/6, RFC 8915 4/7: ignore an unknown record, unless it is
	 * critical. */
	p->detail = r->type;
	return r->critical ? NTS_KE_UNKNOWN_CRITICAL : NTS_OK;
}

/* RFC 8915 4.1.1/1: critical and empty. */
static enum nts_err check_end(const struct record *r)
{
	return r->critical && r->body.left == 0 ? NTS_OK : NTS_KE_END_BODY;
}

/* Takes the next record; sets its type to KE_END if none can follow. */
static enum nts_err take_one(
    struct parse *p, struct reader *in, struct record *r)
{
	p->detail = 0;
	*r = (struct record){.type = KE_END};
	if (in->left == 0)
		return NTS_KE_NO_END;
	if (!take_record(in, r)) {
		r->type = KE_END;
		return NTS_KE_TRUNCATED;
	}
	return r->type == KE_END ? check_end(r) : take_body(p, r);
}

/* RFC 8915 4.1.3/2: an answer with an error record has no result. What is wrong
 * with the answer: the first error record of the server if it
 * sent one, because it names the cause; otherwise the first error found. */
struct result {
	enum nts_err err;
	unsigned detail;
	bool from_server;
};

static struct result take_all(struct parse *p, struct reader *in)
{
	struct result found = {.err = NTS_OK};
	struct record r;

	do {
		enum nts_err err = take_one(p, in, &r);
		bool from_server =
		    r.type == KE_ERROR && err != NTS_KE_BAD_RECORD;

		if (err != NTS_OK && !found.from_server &&
		    (from_server || found.err == NTS_OK))
			found = (struct result){err, p->detail, from_server};
	} while (r.type != KE_END);
	return found;
}

static enum nts_err check_all(const struct parse *p)
{
	if (!p->have_protocol)
		return NTS_KE_NO_PROTOCOL;
	if (p->got.aead == AEAD_NONE)
		return NTS_KE_NO_AEAD;
	if (p->got.cookie_count == 0)
		return p->cookie_too_long ? NTS_KE_COOKIE_SIZE
					  : NTS_KE_NO_COOKIES;
	return NTS_OK;
}

enum nts_err ke_response_parse(struct ke_response *out, const uint8_t *bytes,
    size_t len, const enum aead_id *offered, size_t count, unsigned *detail)
{
	struct parse p = {.offered = offered, .offered_count = count};
	struct reader in = reader_of(bytes, len);
	struct result found;

	if (detail)
		*detail = 0;
	if (len == 0)
		return NTS_KE_EMPTY;
	if (len > KE_MESSAGE_MAX)
		return NTS_KE_TOO_LONG;
	found = take_all(&p, &in);
	if (found.err == NTS_OK)
		found.err = check_all(&p);
	if (detail)
		*detail = found.detail;
	if (found.err == NTS_OK)
		*out = p.got;
	explicit_bzero(&p, sizeof(p));
	return found.err;
}
