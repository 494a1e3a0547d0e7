#include "resolver/job.h"
#include "nts/ntp.h"
#include "resolver/exchange.h"
#include "resolver/names.h"
#include "resolver/own_address.h"
#include "resolver/race.h"
#include "resolver/service.h"
#include "resolver/unvalidated.h"
#include "resolver/certificate/trust.h"
#include "resolver/wait.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The state of a job. Each step below adds to it. */
struct job {
	const struct ke_request *request;
	const struct trust_config *config;
	struct ke_answer *answer;
	struct ke_details *details; /* or NULL */
	struct mono started, deadline;
	struct trust trust;
	size_t aead_count;
	enum aead_id aeads[AEAD_COUNT];
	struct names names; /* all addresses of the host */
	bool at_known;	    /* DNS has failed: the address is an old one */
	/* They are tried in groups: the preferred address alone, then the
	 * others; or those of one priority of the SRV records. */
	struct names untried; /* of this group, without a key exchange yet */
	struct names others;  /* the next group; empty: none */
	struct service service;
	unsigned next_record; /* the first of the next priority */
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

/* The time is over, and the names are there. A process cannot tell how long it
 * waited for DNS, and how long for a processor. */
static bool fail_late(struct job *j, enum ke_stage stage)
{
	sentence_add(&j->why,
	    "%.1f s had passed when its name was looked up: DNS is slow, or "
	    "this machine is busy",
	    s_of_ns(mono_now().ns - j->started.ns));
	return fail(j, stage);
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
	bool loaded = trust_load(&j->trust, j->config, &j->why);

	if (j->details)
		j->details->hidden = j->trust.hidden[0] != '\0';
	if (loaded)
		return true;
	if (j->trust.expired && j->request->dates_unchecked) {
		j->why = sentence_to(j->text, sizeof(j->text));
		return true;
	}
	if (j->trust.expired)
		j->answer->dates = KE_DATES_REFUSED;
	if (j->details)
		j->details->no_store = j->config->system_certs &&
				       j->config->path_count == 0 &&
				       !j->trust.system && !j->trust.expired;
	return fail(j, KE_STAGE_CERTIFICATE);
}

/* For a source of a pool: the addresses that other sources are using. */
static void drop_avoided(const struct job *j, struct names *n)
{
	const struct ke_request *q = j->request;

	for (uint32_t i = 0; q->alone && i < q->avoid_count; i++)
		while (names_remove(n, &q->avoid[i]))
			continue;
}

/* False: no address is left. */
static bool begin_group(struct job *j, const struct names *all)
{
	j->untried = *all;
	drop_avoided(j, &j->untried);
	names_rotate_after(&j->untried, &j->request->try_after);
	j->others = j->untried;
	if (names_keep_only(&j->untried, &j->request->prefer))
		(void)names_remove(&j->others, &j->request->prefer);
	else
		j->others.count = 0;
	return j->untried.count > 0;
}

static void add_names(struct names *all, const struct names *more)
{
	for (unsigned i = 0; i < more->count; i++) {
		const struct endpoint *e = &more->at[i];
		bool known = false;

		for (unsigned k = 0; k < all->count; k++)
			known |= endpoint_same_host(&all->at[k], e);
		if (!known && all->count < KE_ADDRESSES_MAX)
			all->at[all->count++] = *e;
	}
}

/* The addresses of the records of one priority, in their order. A target that
 * has none says why. */
static void look_up_priority(struct job *j, struct names *out)
{
	const struct service *s = &j->service;
	uint16_t priority = s->at[j->next_record].priority;
	const struct ke_request *q = j->request;
	const enum family_choice family = (enum family_choice)q->family;

	*out = (struct names){0};
	while (j->next_record < s->count &&
	       s->at[j->next_record].priority == priority && !late(j)) {
		const struct service_record *r = &s->at[j->next_record++];
		char shown[sizeof(r->target) + 8];
		struct sentence quoted = sentence_to(shown, sizeof(shown));
		struct names found;

		/* The name came over the wire. */
		sentence_quote(&quoted, r->target, strlen(r->target));
		j->why = sentence_to(j->text, sizeof(j->text));
		if (names_lookup_complete(
			r->target, shown, r->port, family, &found, &j->why) ||
		    (q->clock_unsure && unvalidated_lookup(r->target, true,
					    r->port, family, &found)))
			add_names(out, &found);
	}
}

static bool more_groups(const struct job *j)
{
	return j->others.count > 0 || j->next_record < j->service.count;
}

/* False: there is none. */
static bool next_group(struct job *j)
{
	struct names found;

	if (j->others.count > 0) {
		j->untried = j->others;
		j->others.count = 0;
		return true;
	}
	while (j->next_record < j->service.count && !late(j)) {
		look_up_priority(j, &found);
		add_names(&j->names, &found);
		if (begin_group(j, &found))
			return true;
	}
	return false;
}

static bool none_is_left(struct job *j)
{
	/* DNS has failed, and `why` ends with "at its last address: ". */
	if (j->at_known) {
		sentence_add(&j->why, "another source uses it");
	} else if (j->names.count > 0) {
		j->why = sentence_to(j->text, sizeof(j->text));
		sentence_add(&j->why,
		    "no address of %s is left for this source: other sources "
		    "use all %u, or the last one was not good",
		    j->request->host, j->names.count);
		if (j->details)
			j->details->in_use = true;
	}
	return fail(j, KE_STAGE_DNS);
}

/* RFC 2782. The name of the certificate stays that of the domain, because
 * nobody vouches for the names in the records. */
static bool look_up_service(struct job *j)
{
	if (j->details)
		j->details->lookup_error = EAI_FAIL;
	if (!service_lookup(j->request->host, j->request->clock_unsure != 0,
		&j->service, &j->why))
		return fail(j, KE_STAGE_DNS);
	if (!next_group(j))
		return none_is_left(j);
	if (j->details) {
		j->details->names = j->names;
		j->details->lookup_error = 0;
	}
	return true;
}

/* The name may well exist: DNS says nothing about it. */
static bool dns_failed(int error)
{
	return error == EAI_AGAIN || error == EAI_FAIL || error == EAI_SYSTEM ||
	       error == EAI_ADDRFAMILY;
}

static bool use_known(struct job *j)
{
	j->names = (struct names){.count = 1, .at = {j->request->known}};
	j->names.at[0].port = j->request->ke_port;
	return true;
}

/* DNS has failed, and `why` says so. An address that is no longer that of the
 * host does no harm: TLS authenticates the server. */
static bool look_elsewhere(struct job *j)
{
	const struct ke_request *q = j->request;

	if (q->clock_unsure && unvalidated_lookup(q->host, false, q->ke_port,
				   (enum family_choice)q->family, &j->names)) {
		j->why = sentence_to(j->text, sizeof(j->text));
		return true;
	}
	j->at_known = q->known.family != 0;
	if (!j->at_known)
		return false;
	sentence_add(&j->why, ", and at its last address: ");
	return use_known(j);
}

static bool look_up(struct job *j)
{
	const struct ke_request *q = j->request;
	int error;
	bool found;

	if (q->at_known && use_known(j))
		return begin_group(j, &j->names) || none_is_left(j);
	/* There is another address than that of a server which may be silent.
	 */
	if (q->known.family != 0)
		names_wait_less();
	found = names_lookup_error(q->host, q->host, q->ke_port,
	    (enum family_choice)q->family, &j->names, &error, &j->why);
	if (!found && dns_failed(error))
		found = look_elsewhere(j);

	if (j->details) {
		j->details->names = j->names;
		j->details->lookup_error = found ? 0 : error;
	}
	if (!found)
		return fail(j, KE_STAGE_DNS);
	if (late(j))
		return fail_late(j, KE_STAGE_DNS);
	return begin_group(j, &j->names) || none_is_left(j);
}

/* Two fifths of the time. The kernel repeats a lost SYN after longer and longer
 * waits, so the next job succeeds sooner than more waiting. */
int64_t job_connect_ns(uint32_t timeout_ms)
{
	return timeout_ms * NS_PER_MS / 5 * 2;
}

static struct mono connect_deadline(const struct job *j)
{
	return mono_earlier(j->deadline,
	    mono_after(mono_now(), job_connect_ns(j->request->timeout_ms)));
}

/* A name may have more addresses than there is time for. */
static void note_last_tried(struct job *j, const struct race_outcome *outcome)
{
	unsigned tried = 0;

	while (tried < j->untried.count && outcome->error[tried] != 0)
		tried++;
	if (tried > 0 && tried < j->untried.count)
		j->answer->last_tried = j->untried.at[tried - 1];
}

/* The untried addresses are a part of the names, in an order of their own. */
static void note_errors(struct job *j, const struct race_outcome *outcome)
{
	struct ke_details *d = j->details;

	for (unsigned i = 0; d && i < d->names.count; i++)
		for (unsigned k = 0; k < j->untried.count; k++)
			if (endpoint_same_host(
				&d->names.at[i], &j->untried.at[k]))
				d->connect_errors[i] = outcome->error[k];
}

/* Connects to one of the untried addresses, and removes it from their list. */
static bool connect_next(struct job *j)
{
	struct race_outcome outcome;
	enum ke_stage stage;
	const struct binding *binding = &j->request->binding;
	int fd =
	    race_connect(&j->untried, binding, connect_deadline(j), &outcome);

	if (fd < 0) {
		note_errors(j, &outcome);
		race_explain(&j->untried, binding, &outcome, &j->why);
		note_last_tried(j, &outcome);
		stage = race_unbound(&j->untried, &outcome) ? KE_STAGE_BIND
							    : KE_STAGE_CONNECT;
		j->untried.count = 0;
		return fail(j, stage);
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
	    .details = j->details,
	};
	(void)names_remove(&j->untried, &j->exchange.peer);
	return true;
}

/* While there are other addresses, this one gets half of the time left. */
static struct mono exchange_deadline(const struct job *j)
{
	int64_t left_ns = j->deadline.ns - mono_now().ns;

	if ((j->untried.count == 0 && !more_groups(j)) || left_ns <= 0)
		return j->deadline;
	return mono_after(mono_now(), left_ns / 2);
}

static void note_facts(struct job *j, bool done)
{
	const struct exchange *x = &j->exchange;
	struct ke_answer *a = j->answer;

	a->error = (int32_t)x->error;
	a->dates = x->dates;
	a->valid_from = done ? 0 : x->valid_from;
	a->facts = x->facts;
	a->facts.peer = x->peer;
}

static bool find_addresses(struct job *j);

static bool exchange_keys(struct job *j)
{
	struct exchange *x = &j->exchange;
	bool done;

	x->deadline = exchange_deadline(j);
	done = exchange_run(x, &j->why);
	close(x->fd);
	note_facts(j, done);
	if (!done)
		return fail(j, x->stage);
	/* Another key server may lead to a time server that is free. */
	return !j->request->alone || find_addresses(j);
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

	while (!found && !late(j) && (j->untried.count > 0 || next_group(j))) {
		j->why = sentence_to(unused, sizeof(unused));
		found = connect_next(j) && exchange_keys(j);
	}
	j->why = found ? sentence_to(j->text, sizeof(j->text)) : why;
	if (!found)
		*j->answer = first;
	return found;
}

/* The details are those of the exchange that is reported, too. */
static bool find_keys(struct job *j)
{
	struct ke_details first;
	bool connected = connect_next(j);

	if (connected && exchange_keys(j))
		return true;
	if (!connected && j->at_known)
		return fail(j, KE_STAGE_DNS);
	if (!j->details)
		return find_keys_elsewhere(j);
	first = *j->details;
	*j->details =
	    (struct ke_details){.names = first.names, .hidden = first.hidden};
	if (find_keys_elsewhere(j))
		return true;
	*j->details = first;
	return false;
}

/* RFC 8915 4.1.8/1: the negotiated port, or the usual one. */
static uint16_t ntp_port(const struct job *j)
{
	if (j->exchange.response.port)
		return j->exchange.response.port;
	return j->request->ntp_port ? j->request->ntp_port : NTP_PORT;
}

/* Neither a server nor DNS must make clients send to a group, to a broadcast
 * address, or to what listens on their own machine. NULL: it is fit. */
static const char *unfit(const struct job *j, const struct endpoint *e)
{
	const struct endpoint *peer = &j->exchange.peer;

	return endpoint_fits(e, peer)
		   ? own_address_unfit(e, peer, &j->request->binding)
		   : endpoint_unfit(e, peer);
}

/* Returns why the first one that is left out is unfit. */
static const char *keep_fit(const struct job *j, struct names *n)
{
	const struct names in = *n;
	const char *first = NULL;

	n->count = 0;
	for (unsigned i = 0; i < in.count; i++) {
		const char *why = unfit(j, &in.at[i]);

		if (!why)
			n->at[n->count++] = in.at[i];
		else if (!first)
			first = why;
	}
	return first;
}

static bool drop_unfit(struct job *j, struct names *n)
{
	const struct endpoint first = n->at[0];
	const char *why = keep_fit(j, n);
	char text[ENDPOINT_TEXT_MAX];

	if (n->count > 0)
		return true;
	sentence_add(&j->why, "its address %s %s",
	    endpoint_text(&first, false, text), why);
	return fail(j, KE_STAGE_NTP_NAME);
}

static bool look_up_ntp_server(struct job *j, struct names *out)
{
	const char *server = j->exchange.response.server;
	const enum family_choice family =
	    (enum family_choice)j->request->family;
	char shown[KE_SERVER_MAX + 8];
	struct sentence quoted = sentence_to(shown, sizeof(shown));

	sentence_quote(&quoted, server, strlen(server));
	sentence_add(&j->why,
	    "%s names the NTP server %s, which is unusable: ", j->request->host,
	    shown);
	/* RFC 8915 4.1.7/2: a negotiated name is complete. */
	if (!names_lookup_complete(
		server, shown, ntp_port(j), family, out, &j->why) &&
	    (!j->request->clock_unsure ||
		!unvalidated_lookup(server, true, ntp_port(j), family, out)))
		return fail(j, KE_STAGE_NTP_NAME);
	if (late(j))
		return fail_late(j, KE_STAGE_NTP_NAME);
	return drop_unfit(j, out);
}

static void add_address(struct job *j, struct endpoint e)
{
	struct ke_answer *a = j->answer;

	e.port = ntp_port(j);
	a->addresses[a->address_count++] = e;
}

/* The keys of a pool's server, or of a record's target, are for that server
 * alone. `found`: the addresses of the negotiated server, if there is one. */
static bool find_one(struct job *j, struct names *found)
{
	const struct endpoint *peer = &j->exchange.peer;

	if (found)
		drop_avoided(j, found);
	if (!found || names_remove(found, peer)) {
		add_address(j, *peer);
		return true;
	}
	if (found->count > 0) {
		for (unsigned i = 0; i < found->count; i++)
			if (i == 0 || !j->request->alone)
				add_address(j, found->at[i]);
		return true;
	}
	sentence_add(&j->why, "another source of the pool is using it");
	return fail(j, KE_STAGE_NTP_NAME);
}

/* The address that connected comes first, or else one of its family. Without a
 * negotiated name, the addresses are those of the host (RFC 8915 4.1.7/3). */
static bool find_addresses(struct job *j)
{
	const struct endpoint *peer = &j->exchange.peer;
	bool named = j->exchange.response.server[0] != '\0';
	struct names found = j->names;
	bool same;

	memcpy(j->answer->ntp_server, j->exchange.response.server,
	    sizeof(j->answer->ntp_server));
	if (named && !look_up_ntp_server(j, &found))
		return false;
	if (j->request->alone || j->request->srv)
		return find_one(j, named ? &found : NULL);
	(void)keep_fit(j, &found);
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
	/* That of an SRV priority whose servers did not connect. */
	a->last_tried = (struct endpoint){0};
	a->stage = KE_STAGE_DONE;
}

static void run(struct job *j)
{
	if (choose_aeads(j) && load_trust(j) &&
	    (j->request->srv ? look_up_service(j) : look_up(j)) &&
	    find_keys(j) && (j->request->alone || find_addresses(j)))
		take_keys(j);
	else
		memcpy(j->answer->text, j->text, sizeof(j->text));
}

void resolver_job(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer)
{
	resolver_job_detailed(request, trust, answer, NULL);
}

void resolver_job_detailed(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer,
    struct ke_details *details)
{
	struct job j = {.request = request,
	    .config = trust,
	    .answer = answer,
	    .details = details,
	    .started = mono_now()};

	/* It has keys, too; dispatch.c says when the answer is not locked. */
	(void)mlock(&j, sizeof(j));
	memset(answer, 0, sizeof(*answer));
	answer->source = request->source;
	answer->serial = request->serial;
	if (details)
		*details = (struct ke_details){0};
	j.deadline = mono_after(j.started, request->timeout_ms * NS_PER_MS);
	j.why = sentence_to(j.text, sizeof(j.text));
	run(&j);
	answer->duration_ms =
	    (uint32_t)((mono_now().ns - j.started.ns) / NS_PER_MS);
	trust_free(&j.trust);
	explicit_bzero(&j, sizeof(j));
}
