#include "agent/check/probe.h"

#include "agent/check/ask.h"
#include "resolver/job.h"
#include "resolver/wait.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The part of the time that the key exchange may take; the rest is for the
 * requests for time. The first retry of a lost SYN comes within two fifths of
 * it (resolver/job.c). */
#define KEYS_PERCENT 67

static uint32_t keys_timeout_ms(const struct probe_request *q)
{
	int64_t left_ms = (q->deadline.ns - mono_now().ns) / NS_PER_MS;
	int64_t ms = left_ms * KEYS_PERCENT / 100;

	if (ms > q->ke_timeout_ms)
		ms = q->ke_timeout_ms;
	return ms > 1 ? (uint32_t)ms : 1;
}

struct binding probe_binding(const struct source_config *s)
{
	struct binding b = s->binding;

	b.port = 0;
	return b;
}

static void exchange_keys(const struct probe_request *q, bool dates_unchecked,
    struct ke_answer *answer, struct ke_details *details)
{
	struct ke_request request = {
	    .ke_port = q->source->ke_port,
	    .srv = q->source->srv,
	    .ntp_port = q->source->ntp_port,
	    .family = (uint8_t)q->source->family,
	    .alone = q->source->member > 0,
	    .dates_unchecked = dates_unchecked,
	    .clock_unsure = 1,
	    .timeout_ms = keys_timeout_ms(q),
	    .binding = probe_binding(q->source),
	};

	snprintf(request.host, sizeof(request.host), "%s", q->source->host);
	request.prefer = q->prefer;
	request.avoid_count = q->avoid_count;
	memcpy(request.avoid, q->avoid, sizeof(request.avoid));
	resolver_job_detailed(&request, q->trust, answer, details);
}

static void take_keys(const struct ke_answer *a, struct probe_keys *out)
{
	out->have_keys = true;
	out->aead = a->aead;
	out->cookies = a->cookie_count;
	out->cookie_len = a->cookies[0].len;
	out->address = a->addresses[0];
	memcpy(out->ntp_server, a->ntp_server, sizeof(out->ntp_server));
}

/* With a wrong clock, only the server's time tells whether the certificate or
 * the clock is at fault: asks for it, as the agent does at its start. Such a
 * server is never called good. */
static void exchange_undated(const struct probe_request *q,
    struct ke_answer *answer, struct probe_keys *out)
{
	struct ke_details unused;

	out->dates_refused = true;
	exchange_keys(q, true, answer, &unused);
	if (answer->stage != KE_STAGE_DONE)
		return;
	take_keys(answer, out);
	/* The dates of the whole chain. */
	out->facts = answer->facts;
}

static void try_keys(const struct probe_request *q, struct ke_answer *answer,
    struct probe_keys *out)
{
	exchange_keys(q, false, answer, &out->details);
	out->stage = (enum ke_stage)answer->stage;
	out->facts = answer->facts;
	memcpy(out->text, answer->text, sizeof(out->text));
	if (out->stage == KE_STAGE_DONE)
		take_keys(answer, out);
	else if (answer->dates == KE_DATES_REFUSED)
		exchange_undated(q, answer, out);
}

static void make_association(const struct ke_answer *a, struct nts_assoc *out)
{
	*out = (struct nts_assoc){
	    .aead = (enum aead_id)a->aead,
	    .keys = a->keys,
	    .other_keys = a->other_keys,
	    .have_other_keys = a->have_other_keys != 0,
	};
	for (uint32_t i = 0; i < a->cookie_count; i++)
		cookie_jar_put(
		    &out->jar, a->cookies[i].bytes, a->cookies[i].len);
}

static void try_time(const struct probe_request *q,
    const struct ke_answer *answer, struct probe *out)
{
	const struct binding binding = probe_binding(q->source);
	struct nts_assoc a;
	struct endpoint at = out->keys.facts.peer;

	if (out->keys.have_keys) {
		(void)mlock(&a, sizeof(a));
		make_association(answer, &a);
		ask_for_time(&a, &out->keys.address, &binding,
		    q->granularity_ns, q->deadline, &out->time);
		nts_assoc_wipe(&a);
	} else if (out->keys.details.tls_fault == TLS_CLOSED_EARLY) {
		/* Does it give time at all? */
		at.port = q->source->ntp_port ? q->source->ntp_port : NTP_PORT;
		ask_plainly(&at, &binding, q->deadline, &out->time);
	}
}

void probe_run(const struct probe_request *q, struct probe *out)
{
	struct ke_answer answer = {0};

	(void)mlock(&answer, sizeof(answer));
	*out = (struct probe){.begun = true};
	q->report(q->self, out);
	try_keys(q, &answer, &out->keys);
	out->keys_tried = true;
	q->report(q->self, out);
	try_time(q, &answer, out);
	out->complete = true;
	q->report(q->self, out);
	explicit_bzero(&answer, sizeof(answer));
}
