#include "resolver/exchange.h"
#include "nts/tls.h"
#include "resolver/certificate/certificate.h"
#include "resolver/wait.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Fits a TCP segment on any path, and the send buffer of clknetsim. */
#define SEND_MAX 1400
#define RECEIVE_MAX 4096
/* A chain of certificates and an answer, both of the greatest length, fit
 * twice. TLS sets no limit to what else a server may send: tickets for other
 * sessions, or padding, a thousand times as long as the answer. */
#define SESSION_KIB_MAX 256

/* The state of one run. */
struct run {
	struct exchange *x;
	struct tls_session *tls;
	struct sentence *why;
	char where[ENDPOINT_TEXT_MAX + 32]; /* "192.0.2.1 TCP port 4460" */
	struct mono started;
	size_t received;    /* bytes of the session so far */
	size_t len, looked; /* bytes of the message; of its whole records */
	uint8_t message[KE_MESSAGE_MAX];
};

static bool fail(struct run *r, enum ke_stage stage)
{
	r->x->stage = stage;
	return false;
}

static bool fail_late(struct run *r, enum ke_stage stage, const char *what)
{
	int64_t waited_ns = r->x->deadline.ns - r->started.ns;

	sentence_add(
	    r->why, "%s %s within %.1f s", r->where, what, s_of_ns(waited_ns));
	return fail(r, stage);
}

static bool fail_socket(struct run *r, enum ke_stage stage, int error)
{
	if (error == EMSGSIZE)
		sentence_add(r->why,
		    "%s sent more than %d KiB: no NTS key exchange needs so "
		    "much",
		    r->where, SESSION_KIB_MAX);
	else
		sentence_add(r->why, "the connection to %s broke: %s", r->where,
		    strerror(error));
	return fail(r, stage);
}

/* 0, or an errno; ETIMEDOUT at the deadline. */
static int send_all(struct run *r, const uint8_t *bytes, size_t len)
{
	struct pollfd p = {.fd = r->x->fd, .events = POLLOUT};

	while (len > 0) {
		ssize_t n = send(r->x->fd, bytes, len, MSG_NOSIGNAL);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return errno;
		} else if (poll_until(&p, 1, r->x->deadline) == 0) {
			return ETIMEDOUT;
		}
	}
	return 0;
}

static int flush(struct run *r)
{
	uint8_t bytes[SEND_MAX];
	size_t len;
	int error = 0;

	while (!error && (len = tls_drain(r->tls, bytes, sizeof(bytes))) > 0)
		error = send_all(r, bytes, len);
	return error;
}

/* Receives once after each poll, as clknetsim needs it. 0, or an errno;
 * EMSGSIZE when the server sends too much. The end of the stream is not an
 * error here. */
static int fill(struct run *r)
{
	struct pollfd p = {.fd = r->x->fd, .events = POLLIN};
	uint8_t bytes[RECEIVE_MAX];
	ssize_t n;

	if (mono_due(r->x->deadline, mono_now()) ||
	    poll_until(&p, 1, r->x->deadline) == 0)
		return ETIMEDOUT;
	n = recv(r->x->fd, bytes, sizeof(bytes), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno;
	r->received += (size_t)n;
	if (r->received > SESSION_KIB_MAX * 1024)
		return EMSGSIZE;
	if (n == 0)
		tls_feed_end(r->tls);
	else if (!tls_feed(r->tls, bytes, (size_t)n))
		return ENOMEM;
	return 0;
}

/* A server that has begun its answer does not stop for this long, in ms. */
#define PAUSE_MAX_MS 700

/* TCP knows which segments are missing, but not why. The connection has opened,
 * so small ones pass. */
bool exchange_lost(const struct tcp_info *info, bool silent)
{
	bool of_ours = info->tcpi_unacked > 0 && info->tcpi_retransmits > 0;
	/* After an orderly end all of them have arrived. */
	bool of_server = silent && info->tcpi_rcv_ooopack > 0;
	/* The end of a connection counts as a byte. */
	bool stopped = silent && info->tcpi_bytes_received > 0 &&
		       info->tcpi_last_data_recv > PAUSE_MAX_MS;

	return of_ours || of_server || stopped;
}

static bool segments_are_lost(int fd, bool silent)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       exchange_lost(&info, silent);
}

/* chronyd closes a session two seconds after it has accepted the connection. */
#define GIVES_UP_NS (1800 * NS_PER_MS)

/* The server has closed the session before it was complete. After so long, this
 * may be for another reason than a refusal. */
static void note_end_of_patience(struct run *r)
{
	int64_t open_ns = mono_now().ns - r->started.ns;

	if (open_ns < GIVES_UP_NS)
		return;
	sentence_add(r->why,
	    "; this was after %.1f s, and some servers wait for 2 s only: this "
	    "machine, the path or the server may be too slow",
	    s_of_ns(open_ns));
	if (r->x->details)
		r->x->details->late = true;
}

/* `silent`: nothing came until the deadline. Ends the sentence. */
static void note_end(struct run *r, enum tls_fault fault, bool silent)
{
	struct ke_details *d = r->x->details;
	bool lost = segments_are_lost(r->x->fd, silent);

	if (lost && (silent || fault == TLS_CLOSED_EARLY))
		sentence_add(r->why, "; large TCP segments seem to be lost");
	if (!d)
		return;
	d->tls_fault = fault;
	d->silent = silent;
	d->lost = lost;
}

/* `chain` begins with the certificate of the server. */
static void note_certificate(struct run *r, const struct stack_st_X509 *chain)
{
	struct ke_details *d = r->x->details;

	if (!d)
		return;
	certificate_describe(chain, &d->certificate);
	d->certificate_fault =
	    trust_refusal_kind(r->x->trust, tls_refusal(r->tls));
	tls_group(r->tls, d->group, sizeof(d->group));
}

static bool refuse_certificate(struct run *r)
{
	note_certificate(r, tls_refusal(r->tls)->sent);
	trust_explain_refusal(r->x->trust, tls_refusal(r->tls), r->x->host,
	    (int64_t)time(NULL), r->why);
	sentence_add(r->why, " (%s)", r->where);
	if (trust_refused_by_date(tls_refusal(r->tls)))
		r->x->dates = KE_DATES_REFUSED;
	r->x->valid_from = trust_refused_until(tls_refusal(r->tls));
	return fail(r, KE_STAGE_CERTIFICATE);
}

static bool refuse_tls(struct run *r)
{
	const char *detail = tls_detail(r->tls);

	sentence_add(r->why, "no NTS-KE session with %s: %s", r->where,
	    tls_fault_text(tls_fault(r->tls)));
	if (*detail)
		sentence_add(r->why, " (%s)", detail);
	note_end(r, tls_fault(r->tls), false);
	if (tls_fault(r->tls) == TLS_CLOSED_EARLY)
		note_end_of_patience(r);
	return fail(r, KE_STAGE_TLS);
}

static bool handshake_failed(struct run *r)
{
	/* Sends the alert, for the log of the server. */
	(void)flush(r);
	if (tls_fault(r->tls) == TLS_BAD_CERTIFICATE)
		return refuse_certificate(r);
	return refuse_tls(r);
}

/* Some servers reset the connection instead of sending an alert. */
static bool handshake_broke(struct run *r, int error)
{
	if (error == ETIMEDOUT && mono_due(r->x->deadline, mono_now())) {
		(void)fail_late(r, KE_STAGE_TLS,
		    "accepted the connection but did not complete the TLS "
		    "handshake");
		note_end(r, TLS_OK, true);
		return false;
	}
	if (error == ECONNRESET || error == EPIPE) {
		sentence_add(r->why, "no NTS-KE session with %s: %s", r->where,
		    tls_fault_text(TLS_CLOSED_EARLY));
		note_end(r, TLS_CLOSED_EARLY, false);
		note_end_of_patience(r);
		return fail(r, KE_STAGE_TLS);
	}
	return fail_socket(r, KE_STAGE_TLS, error);
}

static bool handshake(struct run *r)
{
	for (;;) {
		enum tls_step step = tls_handshake(r->tls);
		int error;

		if (step == TLS_DONE)
			return true;
		if (step != TLS_WANT_INPUT)
			return handshake_failed(r);
		error = flush(r);
		if (!error)
			error = fill(r);
		if (error)
			return handshake_broke(r, error);
	}
}

static void note_facts(struct run *r)
{
	struct exchange *x = r->x;
	struct stack_st_X509 *chain = tls_chain(r->tls);
	char suite[KE_TLS_TEXT_MAX / 2], group[KE_TLS_TEXT_MAX / 2 - 1];

	tls_describe(r->tls, suite, sizeof(suite));
	tls_group(r->tls, group, sizeof(group));
	snprintf(x->facts.tls, sizeof(x->facts.tls), "%s%s%s", suite,
	    group[0] ? " " : "", group);
	certificate_chain_dates(
	    chain, &x->facts.not_before, &x->facts.not_after);
	certificate_chain_subject(chain, x->facts.subject);
	certificate_chain_key(chain, x->facts.key);
	note_certificate(r, chain);
}

static bool fail_exchange(struct run *r, enum nts_err error)
{
	r->x->error = error;
	sentence_add(r->why, "%s: %s", r->where, nts_err_text(error));
	return fail(r, KE_STAGE_EXCHANGE);
}

static bool ask(struct run *r)
{
	uint8_t request[KE_REQUEST_MAX];
	struct writer w = writer_of(request, sizeof(request));

	ke_request_build(r->x->aeads, r->x->aead_count, &w);
	if (!w.ok)
		return fail_exchange(r, NTS_NO_ROOM);
	/* RFC 8915 4/1: one request. In one piece: NTPsec takes the result of
	 * its first read for all. */
	if (!tls_write(r->tls, request, w.len))
		return refuse_tls(r);
	return true;
}

/* The session broke after the handshake, so NTS-KE is the stage that failed. */
static bool answer_broke(struct run *r, int error)
{
	if (error == ETIMEDOUT && mono_due(r->x->deadline, mono_now()))
		return fail_late(r, KE_STAGE_EXCHANGE,
		    r->len > 0 ? "did not complete its NTS-KE answer"
			       : "did not answer the NTS-KE request");
	return fail_socket(r, KE_STAGE_EXCHANGE, error);
}

static bool answer_refused(struct run *r)
{
	(void)refuse_tls(r);
	return fail(r, KE_STAGE_EXCHANGE);
}

/* Reads a part of the answer. *error: an errno of the socket, or 0. */
static enum tls_step read_more(struct run *r, int *error)
{
	size_t got = 0;
	enum tls_step step = tls_read(
	    r->tls, r->message + r->len, sizeof(r->message) - r->len, &got);

	r->len += got;
	if (step == TLS_WANT_INPUT) {
		*error = flush(r);
		if (!*error)
			*error = fill(r);
	}
	return step;
}

/* Reads up to the end record: a server may close without close_notify, or not
 * close at all. After a reset the parser judges the bytes so far. */
static bool read_answer(struct run *r)
{
	enum tls_step step = TLS_WANT_INPUT;
	int error = 0;

	while (r->len < sizeof(r->message) &&
	       !ke_response_complete(r->message, r->len, &r->looked)) {
		step = read_more(r, &error);
		if (error == ECONNRESET || step == TLS_CLOSED)
			break;
		if (error)
			return answer_broke(r, error);
		if (step == TLS_FAILED)
			return answer_refused(r);
	}
	return true;
}

static void say_ke_error(struct run *r, enum nts_err error, unsigned detail)
{
	if (error == NTS_KE_ERROR_OTHER || error == NTS_KE_WARNING ||
	    error == NTS_KE_UNKNOWN_CRITICAL)
		sentence_add(r->why, " (%s %u)",
		    error == NTS_KE_UNKNOWN_CRITICAL ? "type" : "code", detail);
	if (error != NTS_KE_EMPTY)
		return;
	sentence_add(r->why,
	    ": it may refuse this client, or its NTS setup may be incomplete");
	note_end_of_patience(r);
}

static bool judge_answer(struct run *r)
{
	unsigned detail = 0;
	enum nts_err error = ke_response_parse(&r->x->response, r->message,
	    r->len, r->x->aeads, r->x->aead_count, &detail);

	if (error == NTS_OK)
		return true;
	/* Our buffer is full, so the answer is cut. */
	if (r->len == sizeof(r->message) &&
	    (error == NTS_KE_NO_END || error == NTS_KE_TRUNCATED))
		error = NTS_KE_TOO_LONG;
	(void)fail_exchange(r, error);
	say_ke_error(r, error, detail);
	return false;
}

/* RFC 8915 5.1/1: one key for each direction. */
static bool export_keys(
    struct run *r, uint16_t context_id, struct nts_keys *out)
{
	uint8_t context[KE_EXPORTER_CONTEXT_LEN];
	size_t len = aead_key_len(r->x->response.aead);

	ke_exporter_context(context_id, 0, context);
	if (!tls_export(r->tls, context, sizeof(context), out->c2s, len))
		return false;
	ke_exporter_context(context_id, 1, context);
	return tls_export(r->tls, context, sizeof(context), out->s2c, len);
}

/* See nts/ke.h. For AES-128-GCM-SIV without record 1024 most servers,
 * chrony 4.4 to 4.6.0, export the keys with the id of AES-SIV-CMAC-256. Both
 * pairs of keys are made, that one first. */
static bool take_keys(struct run *r)
{
	struct exchange *x = r->x;
	uint16_t id = (uint16_t)x->response.aead;

	x->have_other_keys = x->response.aead == AEAD_AES_128_GCM_SIV &&
			     !x->response.compliant_gcm_siv;
	if (x->have_other_keys
		? export_keys(r, AEAD_AES_SIV_CMAC_256, &x->keys) &&
		      export_keys(r, id, &x->other_keys)
		: export_keys(r, id, &x->keys))
		return true;
	return fail_exchange(r, NTS_CRYPTO);
}

static bool run_steps(struct run *r)
{
	if (!handshake(r))
		return false;
	note_facts(r);
	return ask(r) && read_answer(r) && judge_answer(r) && take_keys(r);
}

bool exchange_run(struct exchange *x, struct sentence *why)
{
	struct run r = {.x = x, .why = why, .started = mono_now()};
	char host[ENDPOINT_TEXT_MAX];
	struct sentence where = sentence_to(r.where, sizeof(r.where));
	bool done;

	/* The message has cookies. */
	(void)mlock(&r, sizeof(r));
	sentence_add(&where, "%s TCP port %u",
	    endpoint_text(&x->peer, false, host), x->peer.port);
	r.tls = tls_open(x->trust->store, x->host);
	if (!r.tls) {
		sentence_add(why, "cannot start a TLS session: %s",
		    tls_fault_text(TLS_LIBRARY));
		return fail(&r, KE_STAGE_TLS);
	}
	tls_use_crls(r.tls, x->trust->crls);
	x->dates = KE_DATES_CHECKED;
	if (x->dates_unchecked) {
		tls_ignore_dates(r.tls);
		x->dates = KE_DATES_UNCHECKED;
	}
	done = run_steps(&r);
	/* RFC 8915 4/2: close_notify. */
	tls_close(r.tls);
	(void)flush(&r);
	tls_free(r.tls);
	explicit_bzero(&r, sizeof(r));
	return done;
}

void exchange_wipe(struct exchange *x)
{
	explicit_bzero(&x->response, sizeof(x->response));
	explicit_bzero(&x->keys, sizeof(x->keys));
	explicit_bzero(&x->other_keys, sizeof(x->other_keys));
}
