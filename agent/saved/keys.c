#include "agent/saved/keys.h"

#include "nts/digest.h"

#include <stdio.h>
#include <string.h>

#define MAGIC "NTSAKEYS"
#define MAGIC_LEN 8
/* Increase it with each change of the format. */
#define VERSION 2

const char *saved_keys_result_text(enum saved_keys_result r)
{
	static const char *const texts[] = {
#define X(id, text) [id] = text,
	    SAVED_KEYS_RESULTS(X)
#undef X
	};

	return texts[r];
}

void saved_keys_identify(struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[SAVED_KEYS_BINDING_LEN])
{
	snprintf(k->name, sizeof(k->name), "%s", source->name);
	snprintf(k->host, sizeof(k->host), "%s", source->host);
	k->ke_port = source->ke_port;
	k->ntp_port = source->ntp_port;
	k->family = (uint8_t)source->family;
	memcpy(k->binding, binding, SAVED_KEYS_BINDING_LEN);
}

/* The parts of the format: one function writes each, one reads it. */

static void put_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	put_u16(w, (uint16_t)len);
	put_bytes(w, text, len);
}

static void take_text(struct reader *r, char *out, size_t size)
{
	size_t len = take_u16(r);
	const uint8_t *bytes = take_bytes(r, len);

	if (len >= size || (bytes && memchr(bytes, '\0', len)))
		r->ok = false;
	else if (bytes)
		memcpy(out, bytes, len);
}

static void take_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *bytes = take_bytes(r, len);

	if (bytes)
		memcpy(out, bytes, len);
}

static void put_endpoint(struct writer *w, const struct endpoint *e)
{
	put_u8(w, e->family);
	put_u16(w, e->port);
	put_u32(w, e->scope_id);
	put_bytes(w, e->address, sizeof(e->address));
}

static void take_endpoint(struct reader *r, struct endpoint *e)
{
	e->family = take_u8(r);
	e->port = take_u16(r);
	e->scope_id = take_u32(r);
	take_copy(r, e->address, sizeof(e->address));
}

static void put_identity(struct writer *w, const struct saved_keys *k)
{
	put_text(w, k->name);
	put_text(w, k->host);
	put_u16(w, k->ke_port);
	put_u16(w, k->ntp_port);
	put_u8(w, k->family);
	put_bytes(w, k->binding, sizeof(k->binding));
	put_u64(w, (uint64_t)k->saved_s);
	put_u64(w, (uint64_t)k->keyed_s);
}

static void take_identity(struct reader *r, struct saved_keys *k)
{
	take_text(r, k->name, sizeof(k->name));
	take_text(r, k->host, sizeof(k->host));
	k->ke_port = take_u16(r);
	k->ntp_port = take_u16(r);
	k->family = take_u8(r);
	take_copy(r, k->binding, sizeof(k->binding));
	k->saved_s = (int64_t)take_u64(r);
	k->keyed_s = (int64_t)take_u64(r);
}

static void put_facts(struct writer *w, const struct ke_answer *a)
{
	put_endpoint(w, &a->facts.peer);
	put_u64(w, (uint64_t)a->facts.not_before);
	put_u64(w, (uint64_t)a->facts.not_after);
	put_text(w, a->facts.subject);
	put_bytes(w, a->facts.key, sizeof(a->facts.key));
	put_text(w, a->facts.tls);
	put_text(w, a->ntp_server);
}

static void take_facts(struct reader *r, struct ke_answer *a)
{
	take_endpoint(r, &a->facts.peer);
	a->facts.not_before = (int64_t)take_u64(r);
	a->facts.not_after = (int64_t)take_u64(r);
	take_text(r, a->facts.subject, sizeof(a->facts.subject));
	take_copy(r, a->facts.key, sizeof(a->facts.key));
	take_text(r, a->facts.tls, sizeof(a->facts.tls));
	take_text(r, a->ntp_server, sizeof(a->ntp_server));
}

static void put_addresses(struct writer *w, const struct saved_keys *k)
{
	put_u8(w, (uint8_t)k->answer.address_count);
	put_u8(w, (uint8_t)k->address);
	for (uint32_t i = 0; i < k->answer.address_count; i++)
		put_endpoint(w, &k->answer.addresses[i]);
}

static void take_addresses(struct reader *r, struct saved_keys *k)
{
	k->answer.address_count = take_u8(r);
	k->address = take_u8(r);
	if (k->answer.address_count > KE_ADDRESSES_MAX)
		r->ok = false;
	for (uint32_t i = 0; r->ok && i < k->answer.address_count; i++)
		take_endpoint(r, &k->answer.addresses[i]);
}

static void put_keys(struct writer *w, const struct ke_answer *a)
{
	size_t len = aead_key_len((enum aead_id)a->aead);

	put_u16(w, a->aead);
	put_u8(w, a->have_other_keys);
	put_bytes(w, a->keys.c2s, len);
	put_bytes(w, a->keys.s2c, len);
	put_bytes(w, a->other_keys.c2s, a->have_other_keys ? len : 0);
	put_bytes(w, a->other_keys.s2c, a->have_other_keys ? len : 0);
}

static void take_keys(struct reader *r, struct ke_answer *a)
{
	size_t len;

	a->aead = take_u16(r);
	a->have_other_keys = take_u8(r);
	len = aead_key_len((enum aead_id)a->aead);
	take_copy(r, a->keys.c2s, len);
	take_copy(r, a->keys.s2c, len);
	take_copy(r, a->other_keys.c2s, a->have_other_keys ? len : 0);
	take_copy(r, a->other_keys.s2c, a->have_other_keys ? len : 0);
}

static void put_cookies(struct writer *w, const struct ke_answer *a)
{
	put_u8(w, (uint8_t)a->cookie_count);
	for (uint32_t i = 0; i < a->cookie_count; i++) {
		put_u16(w, a->cookies[i].len);
		put_bytes(w, a->cookies[i].bytes, a->cookies[i].len);
	}
}

static void take_cookies(struct reader *r, struct ke_answer *a)
{
	a->cookie_count = take_u8(r);
	if (a->cookie_count > NTS_COOKIES)
		r->ok = false;
	for (uint32_t i = 0; r->ok && i < a->cookie_count; i++) {
		struct cookie *c = &a->cookies[i];

		c->len = take_u16(r);
		if (c->len > NTS_COOKIE_MAX)
			r->ok = false;
		else
			take_copy(r, c->bytes, c->len);
	}
}

/* ke_answer_valid() checks most of it. */
static bool valid(const struct saved_keys *k)
{
	return k->name[0] != '\0' && k->host[0] != '\0' &&
	       k->family <= FAMILY_IPV6 && k->ke_port != 0 && k->saved_s >= 0 &&
	       k->saved_s <= INT64_MAX / NS_PER_S &&
	       k->keyed_s <= INT64_MAX / NS_PER_S &&
	       k->keyed_s >= -INT64_MAX / NS_PER_S &&
	       k->answer.stage == KE_STAGE_DONE &&
	       ke_answer_valid(&k->answer) &&
	       k->address < k->answer.address_count;
}

void saved_keys_write(const struct saved_keys *k, struct writer *out)
{
	put_bytes(out, MAGIC, MAGIC_LEN);
	put_u16(out, VERSION);
	put_identity(out, k);
	put_facts(out, &k->answer);
	put_addresses(out, k);
	put_keys(out, &k->answer);
	put_cookies(out, &k->answer);
	out->ok &= valid(k);
	digest_put(out);
}

static bool take_all(struct reader *r, struct saved_keys *out)
{
	*out = (struct saved_keys){.answer.stage = KE_STAGE_DONE};
	take_identity(r, out);
	take_facts(r, &out->answer);
	take_addresses(r, out);
	take_keys(r, &out->answer);
	take_cookies(r, &out->answer);
	return reader_done(r) && valid(out);
}

enum saved_keys_result saved_keys_read(
    struct saved_keys *out, const uint8_t *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	const uint8_t *magic = take_bytes(&r, MAGIC_LEN);
	enum saved_keys_result result = SAVED_KEYS_DAMAGED;
	unsigned version = take_u16(&r);

	explicit_bzero(out, sizeof(*out));
	if (!r.ok || memcmp(magic, MAGIC, MAGIC_LEN) != 0 ||
	    r.left < DIGEST_LEN || !digest_ends(bytes, len))
		return SAVED_KEYS_DAMAGED;
	r.left -= DIGEST_LEN;
	if (version != VERSION)
		result = SAVED_KEYS_VERSION;
	else if (take_all(&r, out))
		return SAVED_KEYS_OK;
	explicit_bzero(out, sizeof(*out));
	return result;
}

static bool same_source(
    const struct saved_keys *k, const struct source_config *source)
{
	return strcmp(k->name, source->name) == 0 &&
	       strcmp(k->host, source->host) == 0 &&
	       k->ke_port == source->ke_port &&
	       k->ntp_port == source->ntp_port &&
	       k->family == (uint8_t)source->family;
}

/* A clock that shows a time before `saved_s` is wrong, so it cannot tell the
 * age of the keys. They may be used: the first answer sets the clock right. */
enum saved_keys_result saved_keys_judge(const struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[SAVED_KEYS_BINDING_LEN], struct wall now)
{
	int64_t now_s = now.ns / NS_PER_S;

	if (!same_source(k, source))
		return SAVED_KEYS_FOREIGN;
	if (memcmp(k->binding, binding, SAVED_KEYS_BINDING_LEN) != 0)
		return SAVED_KEYS_TRUST;
	if (now_s - k->saved_s > SAVED_KEYS_AGE_MAX_S)
		return SAVED_KEYS_OLD;
	if (now_s > k->answer.facts.not_after)
		return SAVED_KEYS_EXPIRED;
	return SAVED_KEYS_OK;
}

void saved_keys_split(struct saved_keys *k, struct saved_keys *rest)
{
	struct ke_answer *mine = &k->answer, *theirs = &rest->answer;
	uint32_t keep = mine->cookie_count - mine->cookie_count / 2;

	*rest = *k;
	theirs->cookie_count -= keep;
	memmove(&theirs->cookies[0], &theirs->cookies[keep],
	    theirs->cookie_count * sizeof(theirs->cookies[0]));
	explicit_bzero(&theirs->cookies[theirs->cookie_count],
	    (NTS_COOKIES - theirs->cookie_count) * sizeof(theirs->cookies[0]));
	mine->cookie_count = keep;
	explicit_bzero(&mine->cookies[keep],
	    (NTS_COOKIES - keep) * sizeof(mine->cookies[0]));
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

void saved_keys_file_name(const char *name, char out[SAVED_KEYS_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < SOURCE_NAME_MAX && name[i]; i++) {
		if (plain(name[i]) && !(i == 0 && name[i] == '.'))
			out[n++] = name[i];
		else
			n += (size_t)snprintf(out + n, SAVED_KEYS_NAME_MAX - n,
			    "%%%02X", (unsigned)(uint8_t)name[i]);
	}
	snprintf(out + n, SAVED_KEYS_NAME_MAX - n, "%s", SAVED_KEYS_SUFFIX);
}
