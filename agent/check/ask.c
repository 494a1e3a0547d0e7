#include "agent/check/ask.h"

#include "agent/host/clocks.h"
#include "resolver/icmp.h"
#include "resolver/wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* An answer usually comes within this time. */
#define FIRST_WAIT_NS (700 * NS_PER_MS)
#define LATER_WAIT_NS (200 * NS_PER_MS)
/* No placeholder fits into one byte; the cookie is always sent. */
#define SMALL 1
#define TRIES 2
/* So many requests follow the first: the shortest delay is the best sample. */
#define SMALL_ONES 2

struct asking {
	struct nts_assoc *a;
	const struct endpoint *to;
	const struct binding *binding;
	int64_t granularity_ns;
	struct mono deadline;
	struct probe_time *out;
	int fd;
	enum nts_err error;	    /* of this request; out->error lasts */
	struct wall sent, received; /* when, by our clock */
};

/* A datagram socket of its own for each request (RFC 9109). -errno: there is
 * none, or no route; or an error of binding_apply(). */
static int open_to(const struct endpoint *to, const struct binding *binding)
{
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(to, &sa);
	int fd, error;

	fd = socket(
	    endpoint_af(to), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = binding_apply(binding, fd, endpoint_af(to), false);
	if (error == 0 && connect(fd, (const struct sockaddr *)&sa, len) != 0)
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static struct wall wall_now(void)
{
	return (struct wall){clocks_ns(CLOCK_REALTIME)};
}

/* 0, an errno, or BINDING_FAILED and one. */
static int send_to(struct asking *k, const void *bytes, size_t len)
{
	k->fd = open_to(k->to, k->binding);
	if (k->fd < 0)
		return -k->fd;
	k->sent = wall_now();
	if (send(k->fd, bytes, len, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno;
}

/* Waits for a datagram. Its length; 0: none came; -errno: the network refuses
 * the request. */
static ssize_t receive(
    struct asking *k, struct mono until, uint8_t *bytes, size_t size)
{
	struct pollfd p = {.fd = k->fd, .events = POLLIN};
	ssize_t n;

	if (poll_until(&p, 1, until) <= 0)
		return 0;
	n = recv(k->fd, bytes, size, 0);
	k->received = wall_now();
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0
						 : -icmp_error_of_udp(errno);
}

/* A pause between two readings makes them useless: the shortest of some. */
static int64_t wall_minus_raw_ns(void)
{
	int64_t shortest = INT64_MAX, result = 0;

	for (int i = 0; i < 5; i++) {
		int64_t before = clocks_ns(CLOCK_MONOTONIC_RAW);
		int64_t wall = clocks_ns(CLOCK_REALTIME);
		int64_t took = clocks_ns(CLOCK_MONOTONIC_RAW) - before;

		if (took >= shortest)
			continue;
		shortest = took;
		result = wall - before - took / 2;
	}
	return result > 0 ? result : 0;
}

/* The offset with the sign of chronyc. What the agent drops is dropped here,
 * too (agent/engine/samples). */
static void take_sample(struct asking *k, const struct ntp_answer *a)
{
	struct probe_time *o = k->out;
	struct sample s;
	int64_t delay_ns = nts_answer_sample(a, (struct osc){k->sent.ns},
	    (struct osc){k->received.ns}, k->received, k->granularity_ns, &s);

	if (ntp_delay_impossible(delay_ns, k->granularity_ns)) {
		o->impossible++;
		o->impossible_ns = -delay_ns;
		return;
	}
	if (!o->have_sample || s.delay_ns < o->sample.delay_ns)
		o->sample = (struct probe_sample){
		    .offset_ns = -s.offset_ns,
		    .delay_ns = s.delay_ns,
		    .root_delay_ns = s.root_delay_ns,
		    .root_dispersion_ns = s.root_dispersion_ns,
		    .distance_ns = sample_distance_ns(&s),
		    .server_s =
			ntp_to_wall(a->header.transmit, k->received).ns /
			NS_PER_S,
		    .wall_minus_raw_ns = wall_minus_raw_ns(),
		    .stratum = s.stratum,
		    .leap = s.leap,
		    .reference = a->header.reference,
		};
	o->have_sample = true;
}

/* True: the request is answered, by a sample or by an authentic refusal. */
static bool judge(struct asking *k, struct nts_pending *pending,
    const uint8_t *bytes, size_t len)
{
	struct ntp_answer answer = {0};
	enum nts_err error =
	    nts_answer_open(k->a, pending, bytes, len, &answer);

	if (error == NTS_OK)
		take_sample(k, &answer);
	k->error = k->out->error = error;
	return error == NTS_OK || (answer.authenticated && !pending->open);
}

/* What is not authentic may be forged: a true answer may follow. */
static bool await_answer(
    struct asking *k, struct nts_pending *pending, struct mono until)
{
	uint8_t bytes[NTS_PACKET_MAX];

	while (!mono_due(until, mono_now())) {
		ssize_t n = receive(k, until, bytes, sizeof(bytes));

		if (n < 0) {
			k->out->network_error = (int)-n;
			return false;
		}
		if (n > 0 && judge(k, pending, bytes, (size_t)n))
			return true;
	}
	return false;
}

/* After the last try, a plain request still needs its time. */
static struct mono last_wait_until(const struct asking *k)
{
	struct mono least = mono_after(mono_now(), FIRST_WAIT_NS);
	struct mono until = mono_after(k->deadline, -FIRST_WAIT_NS);

	return mono_earlier(
	    k->deadline, mono_due(until, least) ? least : until);
}

/* Of a path without a sample nobody knows the delay: the last try waits as long
 * as it can. */
static struct mono wait_until(const struct asking *k, bool last_try)
{
	int64_t delay_ns = k->out->sample.delay_ns;
	int64_t wait_ns = FIRST_WAIT_NS;

	if (last_try && !k->out->have_sample)
		return last_wait_until(k);
	if (k->out->have_sample && 3 * delay_ns + LATER_WAIT_NS < wait_ns)
		wait_ns = 3 * delay_ns + LATER_WAIT_NS;
	/* On a slow path, later answers are slow, too. */
	if (k->out->have_sample && delay_ns + delay_ns / 2 > wait_ns)
		wait_ns = delay_ns + delay_ns / 2;
	return mono_earlier(k->deadline, mono_after(mono_now(), wait_ns));
}

/* One request. True: it is answered. */
static bool exchange(
    struct asking *k, size_t size_limit, bool last_try, size_t *size)
{
	uint8_t bytes[NTS_PACKET_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct nts_pending pending = {.open = false};
	struct nts_random fresh;
	bool answered = false;
	enum nts_err error;

	*size = 0;
	k->error = NTS_OK;
	if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
		return false;
	error = nts_request_seal(k->a, &fresh, size_limit, &pending, &w);
	/* A server that gives few cookies: what was seen so far counts. */
	if (error == NTS_NO_COOKIE_LEFT)
		return false;
	k->error = error;
	if (error != NTS_OK) {
		k->out->error = error;
		return false;
	}
	*size = w.len;
	k->out->sent++;
	k->out->network_error = send_to(k, bytes, w.len);
	if (k->out->network_error == 0)
		answered = await_answer(k, &pending, wait_until(k, last_try));
	if (k->fd >= 0)
		close(k->fd);
	k->out->answered += answered;
	explicit_bzero(&pending, sizeof(pending));
	return answered;
}

/* A packet may be lost by chance: tries twice. *tried: the largest size. */
static bool passes(struct asking *k, size_t size_limit, size_t *tried)
{
	struct probe_time *o = k->out;
	size_t size;

	*tried = 0;
	for (int i = 0; i < TRIES && !mono_due(k->deadline, mono_now()); i++) {
		if (exchange(k, size_limit, i == TRIES - 1, &size)) {
			if (size > o->passed_size)
				o->passed_size = (unsigned)size;
			return true;
		}
		if (size > *tried)
			*tried = size;
		/* The server may know the keys of the other exporter context.
		 */
		if (k->error == NTP_NAK)
			(void)nts_assoc_try_other_keys(k->a);
		else if (k->error != NTS_OK)
			break;
	}
	return false;
}

/* Leaves a cookie for each try and one more, so that a request asks for most of
 * the eight: about as large as one of the agent can be. */
static void spend_cookies(struct nts_assoc *a)
{
	struct cookie spent;

	while (a->jar.count > TRIES + 1 && cookie_jar_take(&a->jar, &spent))
		;
	explicit_bzero(&spent, sizeof(spent));
}

/* A large request. If it is lost, a small one must pass after it: otherwise the
 * path, or the time that is left, is to blame, and not the size. */
static void try_large(struct asking *k)
{
	struct probe_time *o = k->out;
	struct cookie kept = {.len = 0};
	bool have_kept;
	size_t size, tried;

	spend_cookies(k->a);
	have_kept = k->a->jar.count > 1 && cookie_jar_take(&k->a->jar, &kept);
	if (!passes(k, 0, &tried) && tried > o->passed_size) {
		if (have_kept)
			cookie_jar_put(&k->a->jar, kept.bytes, kept.len);
		if (exchange(k, SMALL, false, &size))
			o->lost_size = (unsigned)tried;
	}
	explicit_bzero(&kept, sizeof(kept));
}

void ask_plainly(const struct endpoint *to, const struct binding *binding,
    struct mono deadline, struct probe_time *out)
{
	struct asking k = {
	    .to = to,
	    .binding = binding,
	    .deadline = deadline,
	    .out = out,
	    .fd = -1,
	};
	uint8_t bytes[NTS_PACKET_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct ntp_header h = {.version = NTP_VERSION, .mode = NTP_MODE_CLIENT};
	struct mono until = wait_until(&k, false);
	ssize_t n = 0;

	if (getrandom(&h.transmit, sizeof(h.transmit), 0) !=
	    (ssize_t)sizeof(h.transmit))
		return;
	ntp_header_put(&w, &h);
	out->plain_sent = true;
	out->plain_error = send_to(&k, bytes, w.len);
	if (out->plain_error == 0)
		n = receive(&k, until, bytes, sizeof(bytes));
	if (n < 0)
		out->plain_error = (int)-n;
	out->plain_answered = n >= NTP_HEADER_LEN;
	if (k.fd >= 0)
		close(k.fd);
}

void ask_for_time(struct nts_assoc *a, const struct endpoint *to,
    const struct binding *binding, int64_t granularity_ns, struct mono deadline,
    struct probe_time *out)
{
	struct asking k = {
	    .granularity_ns = granularity_ns,
	    .a = a,
	    .to = to,
	    .binding = binding,
	    .deadline = deadline,
	    .out = out,
	    .fd = -1,
	};
	size_t size;

	if (!passes(&k, SMALL, &size)) {
		if (out->error == NTS_OK && out->network_error == 0)
			ask_plainly(to, binding, deadline, out);
		return;
	}
	for (int i = 0;
	     i < SMALL_ONES && (out->have_sample || out->impossible > 0); i++)
		(void)exchange(&k, SMALL, false, &size);
	try_large(&k);
}
