#include "agent/source/cookie_reserve.h"

#include <string.h>

static bool barred(const struct source *s)
{
	return s->reserve.barred && s->reserve.exchange == s->count.exchanges;
}

static bool outdated(const struct source *s)
{
	return !s->reserve.there || s->reserve.exchange != s->count.exchanges;
}

/* COOKIE_RESERVE_COOKIES stay in the jar: a server that sends one cookie with
 * each answer never fills it again. */
static bool enough(const struct source *s)
{
	return outdated(s) ? s->assoc.jar.count > COOKIE_RESERVE_COOKIES
			   : s->assoc.jar.count == NTS_COOKIES;
}

/* Where large requests are lost the jar fills slowly, and more cookies must
 * stay in it. */
static unsigned wanted(const struct source *s)
{
	return s->size.blamed ? COOKIE_RESERVE_COOKIES / 2
			      : COOKIE_RESERVE_COOKIES;
}

bool cookie_reserve_due(const struct source *s, struct mono now)
{
	bool due = outdated(s) || s->reserve.cookies < wanted(s) ||
		   mono_due(s->reserve.renew_at, now);

	return due && !barred(s) && source_keyed(s) && !s->pending.open &&
	       s->unanswered_keys == 0 && s->assoc.aead != AEAD_NONE &&
	       enough(s);
}

static void put_keys(const struct source *s, struct ke_answer *a)
{
	a->stage = KE_STAGE_DONE;
	a->facts = s->facts;
	a->address_count = s->address_count;
	memcpy(a->addresses, s->addresses, sizeof(a->addresses));
	a->aead = (uint16_t)s->assoc.aead;
	a->keys = s->assoc.keys;
	a->other_keys = s->assoc.other_keys;
	a->have_other_keys = s->assoc.have_other_keys;
}

/* The newest `count`, in their order. */
static void put_cookies(
    struct cookie_jar *jar, unsigned count, struct ke_answer *a)
{
	a->cookie_count = count;
	for (unsigned i = count; i-- > 0;)
		if (!cookie_jar_take_newest(jar, &a->cookies[i]))
			a->cookie_count = 0;
}

static void make(struct source *s, const struct clock_reading *now,
    unsigned count, struct saved_keys *out)
{
	int64_t age_ns = now->mono.ns - s->keys_at.ns;

	*out = (struct saved_keys){
	    .saved_s = now->wall.ns / NS_PER_S,
	    .keyed_s = (now->wall.ns - age_ns) / NS_PER_S,
	    .address = s->address,
	};
	put_keys(s, &out->answer);
	put_cookies(&s->assoc.jar, count, &out->answer);
	s->reserve = (struct cookie_reserve){
	    .there = true,
	    .cookies = count,
	    .exchange = s->count.exchanges,
	    .renew_at = mono_after(now->mono, COOKIE_RESERVE_RENEW_NS),
	};
}

void cookie_reserve_make(
    struct source *s, const struct clock_reading *now, struct saved_keys *out)
{
	unsigned spare = s->assoc.jar.count - COOKIE_RESERVE_COOKIES;

	make(s, now, spare < wanted(s) ? spare : wanted(s), out);
}

bool cookie_reserve_all(
    struct source *s, const struct clock_reading *now, struct saved_keys *out)
{
	if (!source_keyed(s) || barred(s) || s->assoc.jar.count == 0 ||
	    s->assoc.aead == AEAD_NONE)
		return false;
	make(s, now, s->assoc.jar.count, out);
	return true;
}

void cookie_reserve_suspect(struct source *s)
{
	s->clean_exchange = s->count.exchanges + 1;
}

bool cookie_reserve_is_suspect(const struct source *s)
{
	return (s->assoc.aead != AEAD_NONE &&
		   s->count.exchanges < s->clean_exchange) ||
	       (s->reserve.there && s->reserve.exchange < s->clean_exchange);
}

void cookie_reserve_bar(struct source *s)
{
	s->reserve = (struct cookie_reserve){
	    .barred = true,
	    .exchange = s->count.exchanges,
	};
}

bool cookie_reserve_drop(struct source *s)
{
	bool there = s->reserve.there;

	s->reserve = (struct cookie_reserve){.there = false};
	return there;
}

void cookie_reserve_renew(struct source *s, struct mono at)
{
	s->reserve.renew_at = at;
}

void cookie_reserve_found(struct source *s, unsigned left, struct mono now)
{
	s->reserve = (struct cookie_reserve){
	    .there = left > 0,
	    .cookies = left,
	    .exchange = s->count.exchanges,
	    .renew_at = mono_after(now, COOKIE_RESERVE_RENEW_NS),
	};
}
