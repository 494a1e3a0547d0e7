#include "agent/source/answers.h"

#include "agent/source/keys.h"
#include "agent/source/messages.h"

#include <errno.h>

/* Requests without an answer before another address and new keys are tried. */
#define SILENT_POLLS 2
/* What the reach register remembers. */
#define REACH_POLLS 8
#define REACH_ALL 0xff
/* After a sample with a delay below QUICK_NS an answer gets QUICK_WAIT_NS. */
#define QUICK_NS (250 * NS_PER_MS)
#define QUICK_WAIT_NS (1500 * NS_PER_MS)
/* How long each address of a server that never answered may take at first. */
#define FIRST_WAIT_NS (500 * NS_PER_MS)
/* A NAK is not authenticated: a true answer has this time to come after it, and
 * as much as after an ICMP error. */
#define NAK_GRACE_NS NS_PER_S
/* An ICMP error is not authenticated either. Real ones are about as quick as
 * answers: after one the answer has twice the known delay and this. */
#define REFUSED_GRACE_NS (100 * NS_PER_MS)
/* For a server whose delay is not known. */
#define REFUSED_UNHEARD_NS (250 * NS_PER_MS)
/* After an answer the next key exchange is this far away at most. Forged NAKs
 * cannot make exchanges more frequent than the back-off for silence does. */
#define KEYS_APART_NS (8 * NS_PER_S)

/* A path with a longer delay is slow: a request may take SLOW_TIMES of its
 * delay, and SLOW_WAIT_NS if the delay is not known. */
#define SLOW_NS (NS_PER_S / 4)
#define SLOW_TIMES 2
#define SLOW_WAIT_NS (12 * NS_PER_S)
#define SLOW_WAIT_MAX_NS (20 * NS_PER_S)
/* After such a silence, one round of all addresses in so many waits for a slow
 * path. A server that is back is still noticed within a quarter of its silence.
 */
#define SLOW_ROUNDS 3
#define SLOW_SILENCE_NS (4 * SLOW_WAIT_NS + 4 * NS_PER_S)
/* So many lost requests say that the delay is no longer the known one. */
#define SLOW_TRIES 7

/* The round trip may have become longer than we wait: try for once. */
static bool tries_slow_path(const struct source *s, struct mono now)
{
	unsigned addresses = s->address_count > 0 ? s->address_count : 1;

	if (s->silent == 0 || now.ns - s->silent_since.ns < SLOW_SILENCE_NS)
		return false;
	return s->silent / addresses % SLOW_ROUNDS == SLOW_ROUNDS - 1;
}

/* 0: the path is not known to be slow. */
static int64_t slow_wait_ns(const struct source *s, struct mono now)
{
	int64_t wait_ns = SLOW_TIMES * s->delay_ns;

	if (tries_slow_path(s, now))
		return SLOW_WAIT_NS;
	if (s->delay_ns <= SLOW_NS || s->silent >= SLOW_TRIES)
		return 0;
	return wait_ns < SLOW_WAIT_MAX_NS ? wait_ns : SLOW_WAIT_MAX_NS;
}

/* A quick path gets less time: a server that loses its keys and sends no NAK is
 * usually back within five seconds. Of several addresses that never answered
 * the first may be a black hole: the others must get their turn soon. */
static int64_t answer_wait_ns(const struct source *s, struct mono now)
{
	int64_t wait_ns = pace_answer_wait_ns(&s->pace);
	int64_t most_ns = wait_ns, slow_ns = slow_wait_ns(s, now);

	if (slow_ns > wait_ns)
		return slow_ns;

	if (s->heard && s->delay_ns < QUICK_NS)
		most_ns = QUICK_WAIT_NS;
	else if (!s->heard && s->address_count > 1 &&
		 s->silent <= s->address_count)
		most_ns = FIRST_WAIT_NS;
	return wait_ns < most_ns ? wait_ns : most_ns;
}

static void plan_poll(struct source *s, struct tick t)
{
	s->poll_at = mono_after(t.now, pace_interval_ns(&s->pace, t.random));
}

bool source_request(struct source *s, const struct nts_random *fresh,
    struct mono now, uint32_t random, struct writer *out)
{
	const struct tick t = {now, random};
	enum nts_err err;

	err = nts_request_seal(
	    &s->assoc, fresh, request_size_limit(&s->size), &s->pending, out);
	if (err != NTS_OK) {
		s->pending.open = false;
		plan_poll(s, t);
		source_trouble(
		    s, now, FAILURE_REQUEST, "%s", nts_err_text(err));
		return false;
	}
	pace_sent(&s->pace, now.ns - s->sent_at.ns);
	request_size_sent(&s->size, s->pending.placeholders > 0);
	s->sent_at = now;
	plan_poll(s, t);
	s->answer_by = mono_after(now, answer_wait_ns(s, now));
	s->nak_seen = false;
	s->rejection = NTS_OK;
	s->send_error = 0;
	s->reach = (uint8_t)(s->reach << 1);
	s->count.sent++;
	return true;
}

/* Nobody has seen the cookie, so that it links no two requests when it is used
 * again (RFC 8915 5.7). With ENOBUFS a first fragment may have left. */
void source_unsent(struct source *s, int error, struct mono now)
{
	if (error != ENOBUFS) {
		nts_request_cancel(&s->assoc, &s->pending);
		pace_unsent(&s->pace);
	}
	say_unsent(s, error, now);
	s->send_error = error;
	/* No answer can come: do not wait for one. */
	s->answer_by = now;
}

/* A message that is not authenticated says that no answer comes. The true one
 * has at least this time. */
static void shorten_wait(struct source *s, int64_t least_ns, struct mono now)
{
	int64_t grace_ns = s->heard ? 2 * s->delay_ns + REFUSED_GRACE_NS : 0;

	if (grace_ns < least_ns)
		grace_ns = least_ns;
	s->answer_by = mono_earlier(s->answer_by, mono_after(now, grace_ns));
}

/* RFC 5927 2: an attacker who knows addresses and ports can forge such an
 * error. A configured source-port is known. */
void source_refused(struct source *s, int error, struct mono now)
{
	/* A late error says nothing about the next request. */
	if (source_offline(s) || !s->pending.open)
		return;
	s->send_error = error;
	shorten_wait(s, s->heard ? 0 : REFUSED_UNHEARD_NS, now);
}

/* An authentic answer of any content. */
static void valid(struct source *s, struct mono now)
{
	s->count.valid++;
	s->count.attempts = 0;
	if (request_size_answered(&s->size))
		say_path(s, now);
	/* Much may have changed during a long silence. */
	if (s->silent >= REACH_POLLS)
		pace_burst_unless_limited(&s->pace);
	s->reach |= 1;
	if (s->reach == REACH_ALL)
		s->search.failures = 0;
	s->silent = 0;
	s->keys_wanted = false;
	/* RFC 8915 4.2/3: only an answer shows that the keys are good. */
	s->unanswered_keys = 0;
	s->backoff.failures = 0;
	s->keys_not_before =
	    mono_earlier(s->keys_not_before, mono_after(now, KEYS_APART_NS));
}

static enum source_action denied(
    struct source *s, enum nts_err err, struct tick t)
{
	char at[ENDPOINT_TEXT_MAX];

	source_trouble(s, t.now, FAILURE_DENIED,
	    "%s (%s); asked again once a day", nts_err_text(err),
	    endpoint_text(source_address(s), true, at));
	s->retry_at = mono_after(
	    t.now, backoff_next_ns(&s->backoff, CAUSE_DENIED, t.random));
	s->reach = 0;
	return source_apply(s, EVENT_DENIED);
}

static enum source_action no_sample(
    struct source *s, enum nts_err err, enum failure failure, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	source_trouble(s, now, failure, "%s (%s)", nts_err_text(err),
	    endpoint_text(source_address(s), true, at));
	return ACTION_CLOSE;
}

/* RFC 8915 5.7/13, RFC 8633 5.4/1 */
static enum source_action kissed(
    struct source *s, enum nts_err err, struct tick t)
{
	if (err == NTP_KISS_DENY || err == NTP_KISS_RSTR)
		return denied(s, err, t);
	if (err == NTP_KISS_RATE)
		pace_slow_down(&s->pace);
	plan_poll(s, t);
	return no_sample(s, err, FAILURE_KISS, t.now);
}

/* RFC 8915 5.7/15: a valid answer may follow. */
static enum source_action nak(struct source *s, struct mono now)
{
	s->count.naks++;
	s->nak_seen = true;
	shorten_wait(s, NAK_GRACE_NS, now);
	return ACTION_NOTHING;
}

static enum source_action authentic(struct source *s, enum nts_err err,
    struct tick t, const struct ntp_answer *a)
{
	s->unsynchronised = err == NTP_UNSYNCHRONISED;
	valid(s, t.now);
	if (nts_err_is_kiss(err))
		return kissed(s, err, t);
	if (err == NTP_UNSYNCHRONISED)
		return no_sample(s, err, FAILURE_UNSYNCHRONISED, t.now);
	if (err == NTP_BAD_TIMES)
		return no_sample(s, err, FAILURE_TIMES, t.now);
	s->stratum = a->header.stratum;
	s->reference_id = a->header.reference_id;
	s->reference = a->header.reference;
	s->header = a->header;
	return ACTION_CLOSE;
}

enum source_action source_datagram(struct source *s, const uint8_t *bytes,
    size_t len, struct mono now, uint32_t random, struct ntp_answer *answer,
    bool *sample_ok)
{
	enum nts_err err;

	*sample_ok = false;
	if (!source_asking(s) || !s->pending.open)
		return ACTION_NOTHING;
	s->count.received++;
	err = nts_answer_open(&s->assoc, &s->pending, bytes, len, answer);
	s->last_failed = 0;
	if (check_of_error(err) < ANSWER_CHECK_COUNT)
		source_note_failed(s, check_of_error(err));
	if (err == NTP_NAK)
		return nak(s, now);
	/* Only an authentic answer closes the request. */
	if (s->pending.open) {
		s->count.rejected++;
		s->rejection = err;
		return ACTION_NOTHING;
	}
	*sample_ok = err == NTS_OK;
	return authentic(s, err, (struct tick){now, random}, answer);
}

static void next_address(struct source *s)
{
	if (s->address_count <= 1)
		return;
	s->address = (s->address + 1) % s->address_count;
	/* What the last path did to large packets is not known of this one. */
	s->size = (struct request_size){0};
	s->delays.seen = 0;
	source_well(s, TROUBLE_PATH);
}

/* The second request goes out at once, and so does the first one to each
 * further address; the next ones become rarer with the silence. A server that
 * sent RATE may be ignoring us on purpose: keep to the poll schedule. Some of
 * the allowance stays for the time when the server is back. */
static void plan_poll_in_silence(struct source *s, struct tick t)
{
	bool at_once = s->silent < SILENT_POLLS;
	int64_t silent_ns = t.now.ns - s->silent_since.ns;
	struct mono least;

	if (s->silent >= SILENT_POLLS) {
		at_once = s->silent <= s->address_count;
		next_address(s);
	}
	if (s->pace.rate_limited)
		return;
	s->poll_at = at_once ? t.now
			     : mono_after(s->sent_at, pace_silence_ns(&s->pace,
							  silent_ns, t.random));
	least = mono_after(s->sent_at, pace_least_silent_ns(&s->pace));
	if (s->poll_at.ns < least.ns)
		s->poll_at = least;
}

/* Silence alone says little against the keys. New keys bring new addresses, so
 * they are fetched, but less and less often until the server has been steady.
 * Returns true if new keys must be fetched now. */
static bool silent(struct source *s, struct tick t)
{
	if (s->silent++ == 0)
		s->silent_since = s->sent_at;
	say_silence(s, t.now);
	plan_poll_in_silence(s, t);
	return s->silent >= SILENT_POLLS &&
	       mono_due(s->search_not_before, t.now);
}

/* NAK: the server cannot decrypt our cookies any more. Returns true if new keys
 * must be fetched now. */
static bool refused(struct source *s, struct mono now)
{
	/* nts/ke.h: a NAK to the first export context may only mean that the
	 * server wants the other one. */
	if (nts_assoc_try_other_keys(&s->assoc)) {
		s->poll_at = now;
		return false;
	}
	say_silence(s, now);
	/* Keys are needed even if the pool has no other server. */
	s->replacing = false;
	return true;
}

enum source_action answers_lost(struct source *s, struct tick t)
{
	bool need_keys;

	s->pending.open = false;
	s->count.lost++;
	if (!s->nak_seen && s->rejection == NTS_OK && s->send_error == 0)
		request_size_lost(&s->size);
	need_keys = s->nak_seen ? refused(s, t.now) : silent(s, t);
	if (need_keys && keys_needed(s, t.now) == ACTION_KEYS)
		return ACTION_KEYS;
	return ACTION_CLOSE;
}
