#include "tests/fleet/fleet.h"

#include "agent/engine/sources.h"
#include "resolver/job.h"
#include "tests/unit/agent/engine/peer.h"

/* A round trip in the LAN. */
#define RTT_NS (400 * NS_PER_US)
/* Round trips of TCP, TLS and NTS-KE after the SYN. */
#define EXCHANGE_RTTS 3
/* The kernel repeats a lost SYN after 1, 3, 7 ... seconds. */
#define SYN_FIRST_NS NS_PER_S
/* The default of ke-timeout. */
#define KE_TIMEOUT_MS 10000
#define ACTIONS_MAX 8
/* The clock at the start of the simulation, and how old saved keys are. */
#define START_WALL_NS (INT64_C(1800000000) * NS_PER_S)
#define START_MONO_NS (100 * NS_PER_S)
#define SAVED_AGE_S 36000
#define NAK NTP_REFID('N', 'T', 'S', 'N')

/* One source of one agent. */
struct member {
	struct source source;
	int64_t timer_ns; /* of its next EVENT_TIMER; earlier ones are stale */
	int64_t job_ns;	  /* when its job began */
	unsigned cookie_key; /* that its cookies are sealed with */
	bool turned_away;    /* since then it has got no keys */
};

/* xorshift64* */
static uint32_t random_u32(struct fleet *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return (uint32_t)((f->random * UINT64_C(2685821657736338717)) >> 32);
}

static struct mono now_mono(const struct fleet *f)
{
	return (struct mono){START_MONO_NS + f->now_ns};
}

static struct clock_reading reading(const struct fleet *f)
{
	return (struct clock_reading){
	    now_mono(f), {START_WALL_NS + f->now_ns}, 0};
}

static unsigned server_of(unsigned member)
{
	return member % SERVERS;
}

static bool network(const struct fleet *f)
{
	return f->now_ns >= f->world->network_s * NS_PER_S;
}

/* The second of the figures; -1: it is not in them. */
static int64_t second_of(const struct fleet *f, int64_t at_ns)
{
	int64_t second = at_ns / NS_PER_S - f->world->settled_s;

	return second < SECONDS_MAX ? second : -1;
}

static void count(
    const struct fleet *f, unsigned member, uint64_t *in, int64_t at_ns)
{
	int64_t second = second_of(f, at_ns);

	if (server_of(member) == 0 && second >= 0)
		in[second]++;
}

static void turned_away(struct fleet *f, unsigned i, bool is_now)
{
	struct member *m = &f->members[i];

	if (server_of(i) == 0)
		f->turned_away = f->turned_away + is_now - m->turned_away;
	m->turned_away = is_now;
}

static void add(
    struct fleet *f, int64_t wait_ns, enum event_kind kind, unsigned member)
{
	struct event e = {
	    .at_ns = f->now_ns + wait_ns, .kind = kind, .member = member};

	events_add(&f->events, &e);
}

static void add_for_job(struct fleet *f, int64_t at_ns, enum event_kind kind,
    unsigned member, unsigned detail)
{
	struct event e = {
	    .at_ns = at_ns,
	    .kind = kind,
	    .member = member,
	    .serial = f->members[member].source.serial,
	    .detail = detail,
	};

	events_add(&f->events, &e);
}

static void plan_timer(struct fleet *f, unsigned i)
{
	struct member *m = &f->members[i];
	int64_t at_ns = source_deadline(&m->source).ns;

	if (at_ns == MONO_NEVER.ns)
		return;
	at_ns -= START_MONO_NS;
	if (at_ns < f->now_ns)
		at_ns = f->now_ns;
	if (at_ns == m->timer_ns)
		return;
	m->timer_ns = at_ns;
	add(f, at_ns - f->now_ns, EVENT_TIMER, i);
}

static void begin_job(struct fleet *f, unsigned i)
{
	struct member *m = &f->members[i];
	struct ke_request request;

	source_ke_request(&m->source, i, KE_TIMEOUT_MS, now_mono(f), &request);
	m->job_ns = f->now_ns;
	count(f, i, f->figures.connects_in, f->now_ns);
	add_for_job(f, f->now_ns + RTT_NS / 2, EVENT_SYN, i, 0);
}

/* The server's answer to a request, at once; it arrives a round trip later. */
static void ask_time(struct fleet *f, unsigned i)
{
	struct member *m = &f->members[i];
	uint8_t bytes[NTS_PACKET_MAX], answer[NTS_PACKET_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct event e = {f->now_ns + RTT_NS, EVENT_ANSWER, i, 0, 0, NULL, 0};
	const struct key_server *s = &f->server[server_of(i)];
	struct wall at = reading(f).wall;
	struct nts_random fresh;

	for (size_t k = 0; k < sizeof(fresh); k++)
		((uint8_t *)&fresh)[k] = (uint8_t)random_u32(f);
	if (!source_request(&m->source, &fresh, now_mono(f), random_u32(f), &w))
		return;
	count(f, i, f->figures.requests_in, f->now_ns);
	if (!network(f) || s->kind == SERVER_DOWN)
		return;
	e.len = m->cookie_key == s->cookie_key
		    ? peer_answer(&f->peers[server_of(i)], w.base, w.len, at,
			  at, answer, sizeof(answer))
		    : peer_forge(w.base, w.len, NAK, answer, sizeof(answer));
	e.packet = malloc(e.len);
	if (!e.packet)
		abort();
	memcpy(e.packet, answer, e.len);
	events_add(&f->events, &e);
}

/* As agent/engine/sources does it. */
static void carry_out(struct fleet *f, unsigned i, enum source_action action)
{
	if (action == ACTION_KEYS)
		begin_job(f, i);
	else if (action == ACTION_SEND)
		ask_time(f, i);
}

static void run_source(struct fleet *f, unsigned i)
{
	struct source *s = &f->members[i].source;
	enum source_action action = ACTION_CLOSE;

	for (int n = 0; n < ACTIONS_MAX && action != ACTION_NOTHING; n++) {
		action = source_timer(s, now_mono(f), random_u32(f));
		carry_out(f, i, action);
	}
	plan_timer(f, i);
}

static void on_timer(struct fleet *f, const struct event *e)
{
	if (e->at_ns != f->members[e->member].timer_ns)
		return;
	f->members[e->member].timer_ns = -1;
	run_source(f, e->member);
}

/* The kernel repeats the SYN until the job gives up. */
static void repeat_syn(struct fleet *f, const struct event *e)
{
	const struct member *m = &f->members[e->member];
	int64_t end_ns = m->job_ns + job_connect_ns(KE_TIMEOUT_MS);
	int64_t next_ns = f->now_ns + (SYN_FIRST_NS << e->detail);

	if (next_ns < end_ns)
		add_for_job(f, next_ns, EVENT_SYN, e->member, e->detail + 1);
	else
		add_for_job(
		    f, end_ns, EVENT_KEYED, e->member, KE_STAGE_CONNECT);
}

/* The server does the work even if the job has given up by then. */
static void accepted(struct fleet *f, unsigned i, int64_t done_ns)
{
	int64_t end_ns = f->members[i].job_ns + KE_TIMEOUT_MS * NS_PER_MS;
	int64_t keyed_ns = done_ns + EXCHANGE_RTTS * RTT_NS;

	add(f, done_ns - f->now_ns, EVENT_FREE, server_of(i));
	count(f, i, f->figures.served_in, done_ns);
	if (keyed_ns < end_ns)
		add_for_job(f, keyed_ns, EVENT_KEYED, i, KE_STAGE_DONE);
	else
		add_for_job(f, end_ns, EVENT_KEYED, i, KE_STAGE_TLS);
}

static void on_syn(struct fleet *f, const struct event *e)
{
	struct key_server *s = &f->server[server_of(e->member)];
	enum syn_fate fate = SYN_IGNORED;
	int64_t done_ns = 0;

	/* The job was replaced. */
	if (e->serial != f->members[e->member].source.serial)
		return;
	if (network(f))
		fate = key_server_syn(s, f->now_ns, &done_ns);
	if (fate != SYN_ACCEPTED)
		turned_away(f, e->member, true);
	switch (fate) {
	case SYN_ACCEPTED:
		accepted(f, e->member, done_ns);
		break;
	case SYN_CLOSED:
		add_for_job(f, f->now_ns + EXCHANGE_RTTS * RTT_NS, EVENT_KEYED,
		    e->member, KE_STAGE_TLS);
		break;
	case SYN_IGNORED:
		repeat_syn(f, e);
		break;
	}
}

static struct ke_answer answer_of(
    struct fleet *f, unsigned i, uint32_t serial, enum ke_stage stage)
{
	struct ke_request q = {.source = i, .serial = serial};
	struct ke_answer a;

	if (stage == KE_STAGE_DONE)
		return peer_keys(&f->peers[server_of(i)], &q, "192.0.2.1");
	a = (struct ke_answer){
	    .source = i, .serial = serial, .stage = (uint8_t)stage};
	snprintf(a.text, sizeof(a.text), "no keys");
	return a;
}

static void note_keyed(struct fleet *f, unsigned i)
{
	int64_t *keyed_ns = &f->figures.keyed_ns[i / SERVERS];

	if (server_of(i) == 0 && second_of(f, f->now_ns) >= 0 &&
	    *keyed_ns == INT64_MAX)
		*keyed_ns = f->now_ns;
}

/* As engine_on_keys() does it. */
static void put_off_others(struct fleet *f, unsigned first)
{
	for (unsigned i = first; i < first + SERVERS; i++) {
		source_put_off(
		    &f->members[i].source, now_mono(f), random_u32(f));
		plan_timer(f, i);
	}
}

static void on_keyed(struct fleet *f, const struct event *e)
{
	struct member *m = &f->members[e->member];
	struct ke_answer a =
	    answer_of(f, e->member, e->serial, (enum ke_stage)e->detail);

	if (e->serial != m->source.serial)
		return;
	if (e->detail == KE_STAGE_DONE) {
		m->cookie_key = f->server[server_of(e->member)].cookie_key;
		turned_away(f, e->member, false);
		note_keyed(f, e->member);
	}
	carry_out(f, e->member,
	    source_keys(&m->source, &a, reading(f), random_u32(f)));
	if (e->detail == KE_STAGE_TLS)
		put_off_others(f, e->member / SERVERS * SERVERS);
	run_source(f, e->member);
}

/* A majority of its servers has told the time, from `settled_s` on. */
static void note_synchronised(struct fleet *f, unsigned agent)
{
	int64_t from_ns = START_MONO_NS + f->world->settled_s * NS_PER_S;
	unsigned heard = 0;

	if (f->figures.synchronised_ns[agent] != INT64_MAX)
		return;
	for (unsigned k = 0; k < SERVERS; k++) {
		const struct source *s =
		    &f->members[agent * SERVERS + k].source;

		heard += s->heard && s->heard_at.ns >= from_ns;
	}
	if (heard > SERVERS / 2)
		f->figures.synchronised_ns[agent] = f->now_ns;
}

static void on_answer(struct fleet *f, const struct event *e)
{
	struct source *s = &f->members[e->member].source;
	struct ntp_answer answer;
	bool sample_ok;

	carry_out(f, e->member,
	    source_datagram(s, e->packet, e->len, now_mono(f), random_u32(f),
		&answer, &sample_ok));
	if (sample_ok)
		source_sampled(
		    s, RTT_NS, POLL_LONGER, now_mono(f), random_u32(f));
	free(e->packet);
	note_synchronised(f, e->member / SERVERS);
	run_source(f, e->member);
}

static void on_network(struct fleet *f)
{
	for (unsigned i = 0; i < f->agents * SERVERS; i++) {
		struct mono at = mono_after(now_mono(f),
		    (int64_t)(random_u32(f) % (uint32_t)RETRY_SPREAD_NS));

		carry_out(f, i,
		    source_retry_early(
			&f->members[i].source, RETRY_NETWORK, at));
		run_source(f, i);
	}
}

static void handle(struct fleet *f, const struct event *e)
{
	switch (e->kind) {
	case EVENT_TIMER:
		on_timer(f, e);
		break;
	case EVENT_SYN:
		on_syn(f, e);
		break;
	case EVENT_KEYED:
		on_keyed(f, e);
		break;
	case EVENT_ANSWER:
		on_answer(f, e);
		break;
	case EVENT_FREE:
		key_server_free(&f->server[e->member]);
		break;
	case EVENT_RESTART:
		for (unsigned i = 0; i < SERVERS; i++)
			f->server[i].cookie_key++;
		break;
	case EVENT_NETWORK:
		on_network(f);
		break;
	}
}

static void give_saved_keys(struct fleet *f, unsigned i)
{
	static struct saved_keys k;

	k.answer = answer_of(f, i, 0, KE_STAGE_DONE);
	k.keyed_s = START_WALL_NS / NS_PER_S - SAVED_AGE_S -
		    (int64_t)(random_u32(f) % SAVED_AGE_S);
	source_saved(&f->members[i].source, &k, 0, reading(f), random_u32(f));
}

/* As engine_init() starts its sources. */
static void start_source(struct fleet *f, unsigned i)
{
	struct member *m = &f->members[i];

	m->timer_ns = -1;
	source_init(&m->source, &f->config, now_mono(f));
	source_spread_start(&m->source, random_u32(f));
	if (f->world->saved)
		give_saved_keys(f, i);
	plan_timer(f, i);
}

static void *get(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		abort();
	return p;
}

static void start_servers(struct fleet *f, unsigned scale)
{
	f->peers = get(SERVERS, sizeof(*f->peers));
	for (unsigned i = 0; i < SERVERS; i++) {
		f->peers[i] = peer_make((uint8_t)(i + 1));
		f->server[i].kind = f->world->kind;
		f->server[i].exchange_ns = KEY_SERVER_EXCHANGE_NS * scale;
		if (f->world->slower > 0)
			f->server[i].exchange_ns *= f->world->slower;
		f->server[i].limit = KEY_SERVER_CONNECTIONS / scale;
	}
	if (f->world->one_down)
		f->server[SERVERS - 1].kind = SERVER_DOWN;
	if (f->world->restart_s > 0)
		add(f, f->world->restart_s * NS_PER_S, EVENT_RESTART, 0);
	if (f->world->link_seen)
		add(f, f->world->network_s * NS_PER_S, EVENT_NETWORK, 0);
}

/* Long pauses, in which nothing at all happens, count for their first second.
 */
static void pass(struct fleet *f, int64_t until_ns)
{
	int64_t second = second_of(f, f->now_ns);

	if (second >= 0 && f->turned_away > 0 && f->server[0].waiting == 0)
		f->figures.idle_ns_in[second] += until_ns - f->now_ns;
	f->now_ns = until_ns;
}

void fleet_run(
    struct fleet *f, const struct world *w, unsigned agents, unsigned scale)
{
	struct event e;

	*f = (struct fleet){
	    .world = w,
	    .agents = agents,
	    .random = UINT64_C(88172645463325252),
	    .config = {.name = "server",
		.host = "ntp.example.net",
		.ke_port = KE_PORT,
		.iburst = true,
		.minpoll = POLL_AUTO,
		.maxpoll = POLL_AUTO,
		.max_delay_ns = NS_PER_S},
	};
	f->members = get((size_t)agents * SERVERS, sizeof(*f->members));
	f->figures.synchronised_ns = get(agents, sizeof(int64_t));
	f->figures.keyed_ns = get(agents, sizeof(int64_t));
	start_servers(f, scale);
	for (unsigned i = 0; i < agents; i++)
		f->figures.synchronised_ns[i] = f->figures.keyed_ns[i] =
		    INT64_MAX;
	for (unsigned i = 0; i < agents * SERVERS; i++)
		start_source(f, i);
	while (events_take(&f->events, &e)) {
		pass(f, e.at_ns);
		if (f->now_ns > w->length_s * NS_PER_S) {
			free(e.packet);
			break;
		}
		handle(f, &e);
	}
}

void fleet_free(struct fleet *f)
{
	events_free(&f->events);
	free(f->members);
	free(f->peers);
	free(f->figures.synchronised_ns);
	free(f->figures.keyed_ns);
}
