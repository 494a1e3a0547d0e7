#include "resolver/job.h"
#include "nts/ntp.h"
#include "resolver/exchange.h"
#include "resolver/names.h"
#include "resolver/race.h"
#include "resolver/certificate/trust.h"
#include "resolver/wait.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The state of a job. Each step below adds to it. */
struct job {
	const struct ke_request *request;
	const struct trust_config *config;
	struct ke_answer *answer;
	struct mono started, deadline;
	struct trust trust;
	size_t aead_count;
	enum aead_id aeads[AEAD_COUNT];
	struct names names;   /* all addresses of the host */
	struct names untried; /* those without a key exchange yet */
	struct exchange exchange;
	struct sentence why;
	char text[KE_TEXT_MAX]; /* the reason of a failure, by `why` */
};

static bool fail(struct job *j, enum ke_stage stage)
{
	j->answer->stage = (uint8_t)stage;
	return false;
}

static bool late(const struct job *j)
{
	return mono_due(j->deadline, mono_now());
}

static double waited_s(const struct job *j)
{
	return s_of_ns(mono_now().ns - j->started.ns);
}

static bool is_available(
    enum aead_id id, const enum aead_id *available, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (available[i] == id)
			return true;
	return false;
}

/* Chooses the configured algorithms that the library has. */
static bool choose_aeads(struct job *j)
{
	enum aead_id available[AEAD_COUNT];
	size_t count = aead_available(available);

	if (j->config->aead_count == 0) {
		memcpy(j->aeads, available, sizeof(available));
		j->aead_count = count;
	}
	for (unsigned i = 0; i < j->config->aead_count; i++)
		if (is_available(j->config->aeads[i], available, count))
			j->aeads[j->aead_count++] = j->config->aeads[i];
	if (j->aead_count > 0)
		return true;
	sentence_add(&j->why,
	    count == 0 ? "the cryptographic library fails its self-test"
		       : "the cryptographic library has none of the "
			 "configured AEAD algorithms");
	return fail(j, KE_STAGE_START);
}

static bool load_trust(struct job *j)
{
	if (trust_load(&j->trust, j->config, &j->why))
		return true;
	if (j->trust.expired && j->request->dates_unchecked) {
		j->why = sentence_to(j->text, sizeof(j->text));
		return true;
	}
	if (j->trust.expired)
		j->answer->dates = KE_DATES_REFUSED;
	return fail(j, KE_STAGE_CERTIFICATE);
}

static bool look_up(struct job *j)
{
	const struct ke_request *q = j->request;

	if (!names_lookup(q->host, q->ke_port, (enum family_choice)q->family,
		&j->names, &j->why))
		return fail(j, KE_STAGE_DNS);
	if (late(j)) {
		sentence_add(&j->why,
		    "DNS took %.1f s to answer for %s, which is too long",
		    waited_s(j), q->host);
		return fail(j, KE_STAGE_DNS);
	}
	names_rotate_after(&j->names, &q->try_after);
	j->untried = j->names;
	return true;
}

/* Two fifths of the time. The kernel repeats a lost SYN after longer and longer
 * waits, so the next job succeeds sooner than more waiting. */
static struct mono connect_deadline(const struct job *j)
{
	int64_t all_ns = j->request->timeout_ms * NS_PER_MS;

	return mono_earlier(
	    j->deadline, mono_after(mono_now(), all_ns / 5 * 2));
}

/* Connects to one of the untried addresses, and removes it from their list. */
static bool connect_next(struct job *j)
{
	struct race_outcome outcome;
	int fd = race_connect(&j->untried, connect_deadline(j), &outcome);

	if (fd < 0) {
		race_explain(&j->untried, &outcome, &j->why);
		return fail(j, KE_STAGE_CONNECT);
	}
	exchange_wipe(&j->exchange);
	j->exchange = (struct exchange){
	    .fd = fd,
	    .host = j->request->host,
	    .peer = j->untried.at[outcome.winner],
	    .trust = &j->trust,
	    .aeads = j->aeads,
	    .aead_count = j->aead_count,
	    .dates_unchecked = j->request->dates_unchecked != 0,
	};
	(void)names_remove(&j->untried, &j->exchange.peer);
	return true;
}

/* While there are other addresses, this one gets half of the time left. */
static struct mono exchange_deadline(const struct job *j)
{
	int64_t left_ns = j->deadline.ns - mono_now().ns;

	if (j->untried.count == 0 || left_ns <= 0)
		return j->deadline;
	return mono_after(mono_now(), left_ns / 2);
}

static void note_facts(struct job *j)
{
	const struct exchange *x = &j->exchange;
	struct ke_answer *a = j->answer;

	a->error = (int32_t)x->error;
	a->dates = x->dates;
	a->facts = x->facts;
	a->facts.peer = x->peer;
}

static bool exchange_keys(struct job *j)
{
	struct exchange *x = &j->exchange;
	bool done;

	x->deadline = exchange_deadline(j);
	done = exchange_run(x, &j->why);
	close(x->fd);
	note_facts(j);
	return done || fail(j, x->stage);
}

/* Some address of a name may not be that of an NTS server: tries the other
 * ones. If all fail, the first failure is reported; if one succeeds, that
 * failure is forgotten. */
static bool find_keys_elsewhere(struct job *j)
{
	const struct ke_answer first = *j->answer;
	const struct sentence why = j->why;
	char unused[KE_TEXT_MAX];
	bool found = false;

	while (!found && j->untried.count > 0 && !late(j)) {
		j->why = sentence_to(unused, sizeof(unused));
		if (!connect_next(j))
			break;
		found = exchange_keys(j);
	}
	j->why = found ? sentence_to(j->text, sizeof(j->text)) : why;
	if (!found)
		*j->answer = first;
	return found;
}

static bool find_keys(struct job *j)
{
	if (!connect_next(j))
		return false;
	return exchange_keys(j) || find_keys_elsewhere(j);
}

/* RFC 8915 4.1.8: the negotiated port, or the usual one. */
static uint16_t ntp_port(const struct job *j)
{
	if (j->exchange.response.port)
		return j->exchange.response.port;
	return j->request->ntp_port ? j->request->ntp_port : NTP_PORT;
}

static bool look_up_ntp_server(struct job *j, struct names *out)
{
	const char *server = j->exchange.response.server;

	memcpy(j->answer->ntp_server, server, sizeof(j->answer->ntp_server));
	sentence_add(&j->why,
	    "%s names the NTP server %s, which is unusable: ", j->request->host,
	    server);
	if (!names_lookup(server, ntp_port(j),
		(enum family_choice)j->request->family, out, &j->why))
		return fail(j, KE_STAGE_NTP_NAME);
	if (late(j)) {
		sentence_add(&j->why, "DNS took too long to answer for it");
		return fail(j, KE_STAGE_NTP_NAME);
	}
	return true;
}

static void add_address(struct job *j, struct endpoint e)
{
	struct ke_answer *a = j->answer;

	e.port = ntp_port(j);
	a->addresses[a->address_count++] = e;
}

/* The address that connected comes first, or else one of its family. RFC 8915
 * 4.1.7: without a negotiated name, the addresses are those of the host. */
static bool find_addresses(struct job *j)
{
	const struct endpoint *peer = &j->exchange.peer;
	struct names found = j->names;
	bool same;

	if (j->exchange.response.server[0] != '\0' &&
	    !look_up_ntp_server(j, &found))
		return false;
	same = names_remove(&found, peer);
	if (same)
		add_address(j, *peer);
	names_interleave(&found, (peer->family == 6) == same ? 4 : 6);
	for (unsigned i = 0; i < found.count; i++)
		add_address(j, found.at[i]);
	return true;
}

static void take_keys(struct job *j)
{
	const struct exchange *x = &j->exchange;
	const struct ke_response *r = &x->response;
	struct ke_answer *a = j->answer;

	a->aead = (uint16_t)r->aead;
	a->keys = x->keys;
	a->other_keys = x->other_keys;
	a->have_other_keys = x->have_other_keys;
	a->cookie_count = r->cookie_count;
	memcpy(a->cookies, r->cookies, sizeof(a->cookies));
	a->stage = KE_STAGE_DONE;
}

static void run(struct job *j)
{
	if (choose_aeads(j) && load_trust(j) && look_up(j) && find_keys(j) &&
	    find_addresses(j))
		take_keys(j);
	else
		memcpy(j->answer->text, j->text, sizeof(j->text));
}

void resolver_job(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer)
{
	struct job j = {.request = request,
	    .config = trust,
	    .answer = answer,
	    .started = mono_now()};

	memset(answer, 0, sizeof(*answer));
	answer->source = request->source;
	answer->serial = request->serial;
	j.deadline = mono_after(j.started, request->timeout_ms * NS_PER_MS);
	j.why = sentence_to(j.text, sizeof(j.text));
	run(&j);
	answer->duration_ms =
	    (uint32_t)((mono_now().ns - j.started.ns) / NS_PER_MS);
	trust_free(&j.trust);
	explicit_bzero(&j, sizeof(j));
}
