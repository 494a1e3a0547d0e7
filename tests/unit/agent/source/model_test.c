/*
 * Random lives of one source against a model. The model is written from the
 * sentences of agent/source/README.md and not from the code: it knows which
 * keys may be used, when a server must be left alone, which cookies are spent.
 * The seeds are fixed, so that a failure comes again.
 */
#include "tests/unit/agent/source/rig.h"

#include <errno.h>

static const char *const event_names[] = {
#define X(id, name) [id] = name,
    SOURCE_EVENTS(X)
#undef X
};

#define SEEDS 100
#define EVENTS 3000
#define ACTIONS_MAX 16 /* in a row, at one moment */
#define COOKIES_MAX (1 << 17)
#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
/* A day, and the spread of a quarter; a server that refused is asked again
 * after no less than three quarters of a day. */
#define LONGEST_REST_NS (DAY_NS + DAY_NS / 4)
#define SHORTEST_REFUSAL_NS (DAY_NS - DAY_NS / 4)
/* Eight seconds less a quarter. */
#define EXCHANGES_APART_NS (6 * NS_PER_S)
/* The last second at which peer.h's certificate is valid. */
#define ALWAYS_VALID_S INT64_C(4102444800)

/* What is counted over all seeds. */
struct coverage {
	unsigned rules[SOURCE_STAGE_COUNT][SOURCE_EVENT_COUNT];
};

/* What the source must not forget and must not do. */
struct model {
	bool offline;
	/* The exchange whose keys may be used, by number; 0: none. */
	unsigned keys;
	bool undated; /* the dates of `keys` were not checked */
	struct mono keys_at;
	bool failed_since; /* an exchange failed after them */
	struct mono trusted_until;
	struct mono refused_at; /* MONO_NEVER: it did not refuse */
	int rate_log2_s;	/* the shortest interval; INT8_MIN: any */
	unsigned good_since_rate;
	struct mono sent_at;
	/* An event allows a request or an exchange that is early otherwise. */
	bool request_excused, exchange_excused;
	struct source_counters count;
};

struct play {
	struct coverage *coverage;
	uint64_t chance;
	bool wrong_clock; /* no certificate fits it */
	struct clock_reading now;
	struct source_config configs[2];
	struct source source;
	uint64_t steps; /* rules used by `source`, as seen so far */
	struct model model;

	/* The resolver: the question that is open, and an answer that is old.
	 */
	bool asked, undated_allowed;
	struct ke_request question, old_question;
	unsigned exchanges; /* over all restarts */

	/* The server. */
	struct peer peer;
	uint8_t packet[NTS_PACKET_MAX]; /* the last request */
	size_t packet_len;
	unsigned packet_exchange;
	unsigned exchange_of[COOKIES_MAX]; /* by the number of the cookie */
	bool spent[COOKIES_MAX];

	/* The disk. */
	bool saved;
	struct saved_keys disk;
	unsigned disk_exchange;
	struct nts_keys disk_keys;
};

static uint32_t draw(struct play *p)
{
	p->chance =
	    p->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695041);
	return (uint32_t)(p->chance >> 32);
}

static unsigned pick(struct play *p, unsigned n)
{
	return draw(p) % n;
}

static bool one_in(struct play *p, unsigned n)
{
	return pick(p, n) == 0;
}

static void note_step(struct play *p)
{
	const struct source_step *step = &p->source.step;

	assert_in_range(step->number, p->steps, p->steps + 1);
	if (step->number != p->steps)
		p->coverage->rules[step->from][step->event]++;
	p->steps = step->number;
}

static void start_life(struct play *p)
{
	source_init(&p->source, &p->configs[0], p->now.mono);
	p->steps = 0;
	p->asked = false;
	p->question = p->old_question =
	    (struct ke_request){.serial = UINT32_MAX};
	p->packet_len = 0;
	p->model = (struct model){
	    .trusted_until = MONO_NEVER,
	    .refused_at = MONO_NEVER,
	    .rate_log2_s = INT8_MIN,
	};
}

static struct play *play_new(struct coverage *coverage, uint64_t seed)
{
	struct play *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->coverage = coverage;
	p->chance = seed;
	p->wrong_clock = seed % 3 == 0;
	p->now = (struct clock_reading){
	    {100 * NS_PER_S}, {INT64_C(1800000000) * NS_PER_S}, 0};
	p->configs[0] = rig_config();
	p->configs[0].iburst = seed % 2 == 0;
	p->configs[0].minpoll = 4;
	p->configs[0].maxpoll = 8;
	p->configs[1] = p->configs[0];
	p->configs[1].maxpoll = 9;
	p->peer = peer_make(1);
	start_life(p);
	return p;
}

/* The cookies that the peer minted since `before` belong to `exchange`. */
static void note_cookies(struct play *p, uint32_t before, unsigned exchange)
{
	assert_true(p->peer.minted < COOKIES_MAX);
	for (uint32_t n = before + 1; n <= p->peer.minted; n++)
		p->exchange_of[n] = exchange;
}

/* The answer to the exchange under way will not count. */
static void give_up_exchange(struct play *p)
{
	if (p->asked)
		p->old_question = p->question;
	p->asked = false;
}

/* What the source wants done. */

static void drop_file(struct play *p)
{
	if (cookie_reserve_drop(&p->source))
		p->saved = false;
}

static void ask_resolver(struct play *p)
{
	struct model *m = &p->model;

	assert_false(m->offline);
	assert_false(p->source.pending.open);
	if (p->source.step.event == EVENT_NEED_KEYS && !m->exchange_excused &&
	    !m->failed_since && m->keys != 0)
		assert_true(
		    p->now.mono.ns - m->keys_at.ns >= EXCHANGES_APART_NS);
	if (m->refused_at.ns != MONO_NEVER.ns && !m->exchange_excused)
		assert_true(
		    p->now.mono.ns - m->refused_at.ns >= SHORTEST_REFUSAL_NS);
	p->old_question = p->question;
	source_ke_request(&p->source, 3, 5000, p->now.mono, &p->question);
	assert_true(ke_request_valid(&p->question));
	if (p->question.dates_unchecked)
		assert_true(p->undated_allowed);
	p->asked = true;
}

static void check_request(struct play *p)
{
	struct model *m = &p->model;
	int64_t gap_ns = p->now.mono.ns - m->sent_at.ns;
	struct peer_request q;

	assert_false(m->offline);
	assert_int_not_equal(m->keys, 0);
	assert_true(p->now.mono.ns < m->trusted_until.ns);
	assert_true(peer_read(p->packet, p->packet_len, &q));
	assert_int_equal(p->exchange_of[q.cookie], m->keys);
	assert_false(p->spent[q.cookie]);
	p->spent[q.cookie] = true;
	if (m->rate_log2_s >= 0 && !m->request_excused)
		assert_true(gap_ns >= NS_PER_S << m->rate_log2_s);
}

static void send_request(struct play *p)
{
	struct writer out = writer_of(p->packet, sizeof(p->packet));
	struct model *m = &p->model;
	struct nts_random fresh;
	struct peer_request q;
	int error;

	for (size_t i = 0; i < sizeof(fresh); i++)
		((uint8_t *)&fresh)[i] = (uint8_t)draw(p);
	assert_true(
	    source_request(&p->source, &fresh, p->now.mono, draw(p), &out));
	p->packet_len = out.len;
	p->packet_exchange = m->keys;
	check_request(p);
	m->count.sent++;
	m->sent_at = p->now.mono;
	m->request_excused = false;
	if (!one_in(p, 30))
		return;
	/* It does not leave the machine, and nobody has seen its cookie. With
	 * ENOBUFS a first fragment may have left. */
	assert_true(peer_read(p->packet, p->packet_len, &q));
	error = one_in(p, 2) ? ENETUNREACH : ENOBUFS;
	p->spent[q.cookie] = error == ENOBUFS;
	p->packet_len = 0;
	source_unsent(&p->source, error, p->now.mono);
}

/* The hour of the keys is over. */
static void keys_are_dropped(struct play *p)
{
	assert_true(mono_due(p->model.trusted_until, p->now.mono));
	p->model.keys = 0;
	give_up_exchange(p);
}

static void serve(struct play *p, enum source_action action)
{
	note_step(p);
	switch (action) {
	case ACTION_NOTHING:
		/* Without a cookie the keys are of no use. */
		if (p->source.step.event == EVENT_NO_COOKIE)
			p->model.keys = 0;
		break;
	case ACTION_KEYS:
		ask_resolver(p);
		break;
	case ACTION_SEND:
		send_request(p);
		break;
	case ACTION_CLOSE:
		assert_false(p->source.pending.open);
		if (p->source.stage == STAGE_RESTING)
			drop_file(p);
		if (p->source.step.event == EVENT_UNTRUSTED)
			keys_are_dropped(p);
		break;
	}
}

/* What must be true between two events. */
static void check(struct play *p)
{
	const struct source_counters *a = &p->source.count;
	struct source_counters *b = &p->model.count;
	struct mono deadline = source_deadline(&p->source);

	assert_int_equal(a->sent, b->sent);
	assert_int_equal(a->received, b->received);
	assert_int_equal(a->valid, b->valid);
	assert_int_equal(a->good, b->good);
	assert_int_equal(a->rejected, b->rejected);
	assert_int_equal(a->naks, b->naks);
	assert_int_equal(a->exchanges, b->exchanges);
	assert_int_equal(a->received, a->valid + a->rejected + a->naks);
	assert_true(a->valid + a->lost <= a->sent);
	assert_true(p->source.assoc.jar.count <= NTS_COOKIES);
	if (p->model.offline) {
		assert_int_equal(deadline.ns, MONO_NEVER.ns);
		assert_string_equal(p->source.failure, "offline");
		return;
	}
	assert_string_not_equal(p->source.failure, "offline");
	/* It is never stuck in the past, and every rest ends. */
	assert_true(deadline.ns > p->now.mono.ns);
	if (!p->asked)
		assert_true(deadline.ns <= p->now.mono.ns + LONGEST_REST_NS);
}

static void settle(struct play *p)
{
	for (int i = 0; i < ACTIONS_MAX; i++) {
		uint64_t steps = p->source.step.number;
		enum source_action action =
		    source_timer(&p->source, p->now.mono, draw(p));

		serve(p, action);
		/* Without a cookie it may be due at once at its new stage. */
		if (action == ACTION_NOTHING && p->steps == steps)
			return;
	}
	fail_msg("the timer never has enough");
}

/* The events. */

static void pass(struct play *p, int64_t ns)
{
	p->now.mono.ns += ns;
	p->now.wall.ns += ns;
}

static void wait_until_due(struct play *p)
{
	struct mono at = source_deadline(&p->source);

	if (at.ns == MONO_NEVER.ns)
		pass(p, NS_PER_S);
	else if (at.ns > p->now.mono.ns)
		pass(p, at.ns - p->now.mono.ns);
}

static void wait_some(struct play *p)
{
	static const int64_t longest_ns[] = {
	    NS_PER_S / 10, 3 * NS_PER_S, 600 * NS_PER_S, 2 * DAY_NS};

	pass(p, (int64_t)((double)draw(p) / UINT32_MAX *
			  (double)longest_ns[pick(p, 40) % 13 % 4]));
}

static struct ke_answer success(struct play *p)
{
	uint32_t before = p->peer.minted;
	struct ke_answer a;

	p->exchanges++;
	memset(
	    &p->peer.keys, (int)p->exchanges % 255 + 1, sizeof(p->peer.keys));
	a = peer_keys(&p->peer, &p->question, "192.0.2.1");
	note_cookies(p, before, p->exchanges);
	a.address_count = 1 + pick(p, 3);
	for (unsigned i = 1; i < a.address_count; i++) {
		a.addresses[i] = a.addresses[0];
		a.addresses[i].address[3] = (uint8_t)(i + 1);
	}
	if (one_in(p, 4))
		a.cookie_count = 1 + pick(p, 3);
	if (p->question.dates_unchecked)
		a.dates = KE_DATES_UNCHECKED;
	return a;
}

static struct ke_answer failure(struct play *p)
{
	struct ke_answer a = {
	    .source = 3,
	    .serial = p->question.serial,
	    .stage = (uint8_t)pick(p, KE_STAGE_DONE),
	};

	snprintf(a.text, sizeof(a.text), "it fails");
	if (p->wrong_clock)
		a.stage = KE_STAGE_CERTIFICATE;
	if (a.stage == KE_STAGE_CERTIFICATE && !p->question.dates_unchecked)
		a.dates = KE_DATES_REFUSED;
	return a;
}

static void exchange_ends(struct play *p)
{
	bool good =
	    pick(p, 4) != 0 && (!p->wrong_clock || p->question.dates_unchecked);
	struct model *m = &p->model;
	struct ke_answer a;

	if (!p->asked)
		return;
	p->asked = false;
	a = good ? success(p) : failure(p);
	p->undated_allowed = p->wrong_clock && !one_in(p, 4);
	source_dates_may_wait(&p->source, p->undated_allowed);
	if (good) {
		m->keys = p->exchanges;
		m->undated = a.dates == KE_DATES_UNCHECKED;
		m->keys_at = p->now.mono;
		m->failed_since = m->exchange_excused = false;
		m->trusted_until = m->refused_at = MONO_NEVER;
		m->request_excused = true;
		m->count.exchanges++;
	} else {
		m->failed_since = true;
		/* With keys it goes on asking, without it rests. */
		if (p->source.stage != STAGE_REKEYING)
			m->keys = 0;
	}
	serve(p, source_keys(&p->source, &a, p->now, draw(p)));
	p->undated_allowed &= p->asked;
}

/* The answer to an exchange that was answered, replaced or given up before. */
static void old_exchange_ends(struct play *p)
{
	const struct ke_request *old =
	    p->asked ? &p->old_question : &p->question;
	uint64_t steps = p->source.step.number;
	struct peer peer = peer_make(99);
	struct ke_answer a = peer_keys(&peer, old, "192.0.2.9");

	if (one_in(p, 2))
		a = (struct ke_answer){.serial = old->serial};
	assert_int_equal(
	    source_keys(&p->source, &a, p->now, draw(p)), ACTION_NOTHING);
	assert_int_equal(p->source.step.number, steps);
}

static void sample_judged(struct play *p)
{
	struct wall told = {ALWAYS_VALID_S * NS_PER_S};
	struct source *s = &p->source;
	struct model *m = &p->model;

	source_stamped(s, STAMP_KERNEL, STAMP_KERNEL);
	if (m->undated && one_in(p, 3)) {
		/* Its keys are given up. */
		source_outdated(s, told, p->now.mono, draw(p));
		m->keys = 0;
		m->failed_since = true;
	} else if (m->undated) {
		source_undated_sample(s, NS_PER_MS, p->now.mono, draw(p));
	} else if (pick(p, 8) != 0) {
		m->count.good++;
		m->good_since_rate++;
		source_sampled(s, NS_PER_MS * (1 + pick(p, 300)),
		    (enum poll_vote)pick(p, POLL_CHANGED + 1), p->now.mono,
		    draw(p));
		if (m->good_since_rate >= PACE_RATE_POLLS)
			m->rate_log2_s = INT8_MIN;
	} else if (one_in(p, 3)) {
		source_too_slow(s, 2 * NS_PER_S, p->now.mono);
	} else if (one_in(p, 2)) {
		source_contradicts(s, NS_PER_S, p->now.mono);
	} else {
		source_disbelieved(s, told, (struct wall){0}, p->now.mono);
	}
}

static enum source_action hear(
    struct play *p, const uint8_t *bytes, size_t len, bool *sample_ok)
{
	struct ntp_answer answer;

	return source_datagram(
	    &p->source, bytes, len, p->now.mono, draw(p), &answer, sample_ok);
}

/* An authentic answer. False: there is no request to answer. */
static bool answer_as(struct play *p, struct peer *peer, bool *sample_ok,
    enum source_action *action)
{
	uint32_t before = p->peer.minted;
	uint8_t bytes[NTS_PACKET_MAX];
	bool open = p->source.pending.open;
	size_t len;

	if (p->packet_len == 0)
		return false;
	peer->no_cookies = one_in(p, 3);
	len = peer_answer(peer, p->packet, p->packet_len, p->now.wall,
	    p->now.wall, bytes, sizeof(bytes));
	assert_int_not_equal(len, 0);
	p->peer.minted = peer->minted;
	note_cookies(p, before, p->packet_exchange);
	*action = hear(p, bytes, len, sample_ok);
	if (!open) {
		/* It comes too late. */
		assert_int_equal(*action, ACTION_NOTHING);
		assert_false(*sample_ok);
		return false;
	}
	assert_int_equal(p->packet_exchange, p->model.keys);
	assert_int_equal(*action, ACTION_CLOSE);
	p->model.count.received++;
	p->model.count.valid++;
	return true;
}

static void good_answer(struct play *p)
{
	struct peer peer = p->peer;
	enum source_action action;
	bool ok;

	if (!answer_as(p, &peer, &ok, &action))
		return;
	assert_true(ok);
	p->model.failed_since = false;
	sample_judged(p);
	serve(p, action);
}

static void unsynchronised_answer(struct play *p)
{
	struct peer peer = p->peer;
	enum source_action action;
	bool ok;

	peer.leap = LEAP_UNKNOWN;
	if (!answer_as(p, &peer, &ok, &action))
		return;
	assert_false(ok);
	serve(p, action);
}

static void true_kiss(struct play *p)
{
	static const uint32_t kisses[] = {
	    NTP_REFID('R', 'A', 'T', 'E'),
	    NTP_REFID('R', 'A', 'T', 'E'),
	    NTP_REFID('D', 'E', 'N', 'Y'),
	    NTP_REFID('R', 'S', 'T', 'R'),
	};
	unsigned kiss = pick(p, ARRAY_LEN(kisses));
	int before = p->source.pace.poll_log2_s;
	struct model *m = &p->model;
	struct peer peer = p->peer;
	enum source_action action;
	bool ok;

	peer.stratum = 0;
	peer.leap = LEAP_UNKNOWN;
	peer.kiss = kisses[kiss];
	if (!answer_as(p, &peer, &ok, &action))
		return;
	assert_false(ok);
	if (kiss < 2) {
		/* The interval doubles, up to its cap. */
		assert_true(p->source.pace.poll_log2_s == before + 1 ||
			    before >= PACE_FAR_MAX);
		m->rate_log2_s = p->source.pace.poll_log2_s;
		m->good_since_rate = 0;
		m->request_excused = false;
	} else {
		m->keys = 0;
		m->refused_at = p->now.mono;
		m->exchange_excused = false;
		give_up_exchange(p);
	}
	serve(p, action);
}

/* What anybody on the path can send. */
static void forged_datagram(struct play *p)
{
	static const uint32_t kisses[] = {
	    NTP_REFID('N', 'T', 'S', 'N'),
	    NTP_REFID('N', 'T', 'S', 'N'),
	    NTP_REFID('D', 'E', 'N', 'Y'),
	    NTP_REFID('R', 'A', 'T', 'E'),
	};
	unsigned kiss = pick(p, ARRAY_LEN(kisses) + 1);
	int poll = p->source.pace.poll_log2_s;
	bool open = p->source.pending.open;
	struct model *m = &p->model;
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = 20 + pick(p, 200);
	bool ok;

	if (p->packet_len == 0)
		return;
	if (kiss < ARRAY_LEN(kisses))
		len = peer_forge(p->packet, p->packet_len, kisses[kiss], bytes,
		    sizeof(bytes));
	else
		memset(bytes, (int)draw(p), sizeof(bytes));
	assert_int_equal(hear(p, bytes, len, &ok), ACTION_NOTHING);
	assert_false(ok);
	assert_int_equal(p->source.pending.open, open);
	assert_int_equal(p->source.pace.poll_log2_s, poll);
	if (!open)
		return;
	m->count.received++;
	m->count.naks += kiss < 2;
	m->count.rejected += kiss >= 2;
}

static void port_unreachable(struct play *p)
{
	source_refused(&p->source, ECONNREFUSED, p->now.mono);
}

static void go_offline(struct play *p)
{
	struct model *m = &p->model;

	/* The exchange is given up, and so are keys without dates. */
	if (m->undated)
		m->keys = 0;
	m->offline = true;
	give_up_exchange(p);
	serve(p, source_go_offline(&p->source));
}

static void go_online(struct play *p)
{
	struct model *m = &p->model;

	if (m->offline)
		m->request_excused = m->exchange_excused = true;
	m->offline = false;
	source_go_online(&p->source, p->now.mono);
}

/* Its keys do not count after a check of dates. */
static void recheck(struct play *p)
{
	struct wall late = {(ALWAYS_VALID_S + 1) * NS_PER_S};
	struct wall at = one_in(p, 2) ? late : p->now.wall;
	bool undated = source_undated(&p->source);
	struct model *m = &p->model;
	enum source_action action;

	if (undated || (m->keys != 0 && at.ns == late.ns)) {
		m->keys = 0;
		m->exchange_excused = true;
	}
	if (undated && one_in(p, 2))
		action = source_recheck(&p->source);
	else
		action = source_recheck_dates(&p->source, at);
	if (undated)
		assert_int_equal(action, ACTION_KEYS);
	if (m->offline)
		assert_int_not_equal(action, ACTION_KEYS);
	if (action != ACTION_NOTHING)
		drop_file(p);
	serve(p, action);
}

static void distrust(struct play *p)
{
	struct mono at = mono_after(p->now.mono, pick(p, 300) * NS_PER_S);
	struct model *m = &p->model;

	if (m->keys != 0 && !m->undated) {
		m->trusted_until = mono_earlier(
		    m->trusted_until, mono_after(p->now.mono, HOUR_NS));
		m->exchange_excused = true;
		/* An exchange under way may have used the old trust. */
		give_up_exchange(p);
	}
	cookie_reserve_bar(&p->source);
	p->saved = false;
	source_distrust(&p->source, p->now.mono, at);
}

static void retry_early(struct play *p)
{
	enum early_retry retry = (enum early_retry)pick(p, RETRY_ORDER + 1);
	bool refused = p->model.refused_at.ns != MONO_NEVER.ns;

	if (p->model.offline)
		return;
	p->model.request_excused = true;
	/* Only an order ends the wait after a refusal. */
	if (!refused || retry == RETRY_ORDER)
		p->model.exchange_excused = true;
	serve(p, source_retry_early(&p->source, retry,
		     mono_after(p->now.mono, pick(p, 2) * NS_PER_S)));
}

static void reload(struct play *p)
{
	struct model *m = &p->model;

	source_reconfigure(
	    &p->source, &p->configs[p->source.config == &p->configs[0]]);
	if (one_in(p, 2))
		return;
	if (source_undated(&p->source))
		m->keys = 0;
	m->request_excused = true;
	if (p->asked)
		m->exchange_excused = true;
	give_up_exchange(p);
	source_begin_again(&p->source, p->source.serial + 5, p->now.mono);
}

static void clock_disturbed(struct play *p)
{
	bool asks = source_asking(&p->source);

	p->model.request_excused = true;
	if (one_in(p, 2))
		source_jumped(&p->source, p->now.mono);
	else
		source_repeat(&p->source, p->now.mono);
	if (asks)
		assert_true(!p->source.pending.open);
}

static void hurry(struct play *p)
{
	source_hurry(&p->source, p->now.mono);
}

static void burst(struct play *p)
{
	bool done = source_burst(&p->source, p->now.mono);

	/* An administrator overrules the server. */
	if (done)
		p->model.rate_log2_s = INT8_MIN;
	if (p->model.offline || p->model.keys == 0)
		assert_false(done);
}

static void save(struct play *p)
{
	if (!cookie_reserve_due(&p->source, p->now.mono))
		return;
	assert_false(p->model.undated);
	assert_int_not_equal(p->model.keys, 0);
	cookie_reserve_make(&p->source, &p->now, &p->disk);
	p->saved = true;
	p->disk_exchange = p->model.keys;
	p->disk_keys = p->peer.keys;
}

static void use_file(struct play *p)
{
	struct saved_keys rest, k = p->disk;

	saved_keys_split(&k, &rest);
	p->disk = rest;
	p->saved = rest.answer.cookie_count > 0;
	source_saved(&p->source, &k, rest.answer.cookie_count, p->now, draw(p));
	note_step(p);
	p->model.keys = p->disk_exchange;
	p->peer.keys = p->disk_keys;
	/* The exchange that made these keys is long ago. */
	p->model.exchange_excused = true;
}

/* A crash, or an orderly end that saves all cookies. */
static void restart(struct play *p)
{
	if (one_in(p, 2) && cookie_reserve_all(&p->source, &p->now, &p->disk)) {
		assert_false(p->model.undated);
		p->saved = true;
		p->disk_exchange = p->model.keys;
		p->disk_keys = p->peer.keys;
	}
	source_end(&p->source);
	start_life(p);
	if (p->saved)
		use_file(p);
}

static const struct {
	unsigned weight;
	void (*run)(struct play *p);
} events[] = {
    {400, wait_until_due},
    {80, wait_some},
    {200, exchange_ends},
    {20, old_exchange_ends},
    {300, good_answer},
    {10, unsynchronised_answer},
    {8, true_kiss},
    {60, forged_datagram},
    {6, port_unreachable},
    {8, go_offline},
    {30, go_online},
    {8, recheck},
    {4, distrust},
    {10, retry_early},
    {8, reload},
    {8, clock_disturbed},
    {10, hurry},
    {5, burst},
    {40, save},
    {3, restart},
};

static void random_event(struct play *p)
{
	unsigned total = 0, at;

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		total += events[i].weight;
	at = pick(p, total);
	for (size_t i = 0;; at -= events[i++].weight) {
		if (at >= events[i].weight)
			continue;
		events[i].run(p);
		return;
	}
}

/* RFC 8915 5.7/4, RFC 8915 5.7/16, RFC 8915 4.2/3 */
static void no_life_breaks_a_rule_of_the_model(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct play *p = play_new(*state, seed);

		for (int i = 0; i < EVENTS; i++) {
			random_event(p);
			note_step(p);
			settle(p);
			check(p);
		}
		source_end(&p->source);
		free(p);
	}
}

/* Counts over all lives of the case above. */
static void every_rule_of_the_table_was_used(void **state)
{
	const struct coverage *c = *state;
	unsigned unused = 0;

	for (int s = 0; s < SOURCE_STAGE_COUNT; s++) {
		for (int e = 0; e < SOURCE_EVENT_COUNT; e++) {
			enum source_stage stage = (enum source_stage)s;
			enum source_event event = (enum source_event)e;

			if (!source_rule(stage, event).defined ||
			    c->rules[s][e] > 0)
				continue;
			unused++;
			print_error("not used: %s on %s\n",
			    source_stage_name(stage), event_names[event]);
		}
	}
	assert_int_equal(unused, 0);
}

static int coverage_new(void **state)
{
	*state = calloc(1, sizeof(struct coverage));
	return *state ? 0 : -1;
}

static int coverage_free(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_life_breaks_a_rule_of_the_model),
	    cmocka_unit_test(every_rule_of_the_table_was_used),
	};

	return cmocka_run_group_tests(tests, coverage_new, coverage_free);
}
