#include "base/log.h"
#include "base/time.h"
#include "resolver/job.h"
#include "resolver/wait.h"
#include "resolver/certificate/sentence.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Twice the number of sources. When the queue is full, further requests stay in
 * the socket. */
#define QUEUE_MAX 128
/* A job keeps its own deadline, from the moment it runs. To execute 64 of them
 * at once takes a small machine more than a second. One that hangs is killed
 * this much later. */
#define GRACE_NS (2 * NS_PER_S)

struct worker {
	pid_t pid; /* 0: the slot is free */
	int fd;	   /* our end of the pair over which it answers */
	struct mono started, deadline;
	struct ke_request request;
};

struct dispatcher {
	int engine;
	const struct job_starter *starter;
	struct trust_config trust;
	struct trust_config fresh; /* being received */
	struct worker workers[RESOLVER_JOBS_MAX];
	struct ke_answer answer; /* of a job, locked in memory */
	unsigned first, queued;	 /* of the ring */
	struct ke_request queue[QUEUE_MAX];
};

/* Keeps the keys in it from the swap. Without the right to lock more memory the
 * job goes on. */
static void lock_keys(const struct ke_answer *answer)
{
	if (mlock(answer, sizeof(*answer)) != 0)
		log_debug("keys may be swapped out: %s", strerror(errno));
}

int resolver_job_main(int fd, const struct job_box *box)
{
	struct ke_request request;
	struct trust_config trust;
	struct ke_answer answer = {0};
	int sent;

	if (!frame_await(fd, &request, sizeof(request)) ||
	    !frame_await(fd, &trust, sizeof(trust)) ||
	    !ke_request_valid(&request) || !trust_config_valid(&trust) ||
	    !box->enter(box->self, &request, &trust))
		return 1;
	lock_keys(&answer);
	resolver_job(&request, &trust, &answer);
	sent = frame_send(fd, &answer, sizeof(answer));
	explicit_bzero(&answer, sizeof(answer));
	return sent == 1 ? 0 : 1;
}

/* 0, or -errno. */
static int start_job(struct dispatcher *d, struct worker *w, const int link[2])
{
	int err = d->starter->start(d->starter->self, link, &w->pid);

	if (err)
		return err;
	if (frame_send(link[0], &w->request, sizeof(w->request)) == 1 &&
	    frame_send(link[0], &d->trust, sizeof(d->trust)) == 1)
		return 0;
	/* The job has ended already; collect() tells how. */
	log_debug("the job for %s takes no request", w->request.host);
	return 0;
}

/* 0, or -errno. */
static int start_worker(struct dispatcher *d, struct worker *w)
{
	int link[2], err = d->starter->link(link);

	if (err)
		return err;
	err = start_job(d, w, link);
	close(link[1]);
	if (err) {
		close(link[0]);
		w->pid = 0;
		return err;
	}
	w->fd = link[0];
	w->started = mono_now();
	w->deadline = mono_after(
	    w->started, w->request.timeout_ms * NS_PER_MS + GRACE_NS);
	return 0;
}

/* Kills it first, so that not even a job that a server has taken over delays
 * the resolver. */
static int stop_worker(const struct dispatcher *d, struct worker *w)
{
	int status = 0;

	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	d->starter->limit();
	close(w->fd);
	d->starter->unlimit();
	*w = (struct worker){0};
	return status;
}

/* Waits for an engine that is busy. Meanwhile the jobs go on, but are collected
 * late. False: the engine is gone. */
static bool send_answer(int engine, const struct ke_answer *answer)
{
	struct pollfd p = {.fd = engine, .events = POLLOUT};
	int sent;

	while ((sent = frame_send(engine, answer, sizeof(*answer))) == 0)
		if (poll_until(&p, 1, MONO_NEVER) < 0)
			return false;
	return sent == 1;
}

static struct ke_answer failed_answer(
    const struct ke_request *q, enum ke_stage stage)
{
	return (struct ke_answer){
	    .source = q->source,
	    .serial = q->serial,
	    .stage = (uint8_t)stage,
	};
}

static bool refuse(struct dispatcher *d, const struct ke_request *q, int err)
{
	struct ke_answer a = failed_answer(q, KE_STAGE_START);
	struct sentence why = sentence_to(a.text, sizeof(a.text));

	sentence_add(&why, "cannot start a resolver job: %s", strerror(-err));
	return send_answer(d->engine, &a);
}

static uint32_t age_ms(const struct worker *w)
{
	return (uint32_t)((mono_now().ns - w->started.ns) / NS_PER_MS);
}

/* Only the name lookup does not keep the deadline by itself, but a job may hang
 * for another reason. */
static bool overdue(struct dispatcher *d, struct worker *w)
{
	struct ke_answer a = failed_answer(&w->request, KE_STAGE_DNS);
	struct sentence why = sentence_to(a.text, sizeof(a.text));

	a.duration_ms = age_ms(w);
	sentence_add(&why,
	    "the resolver job for %s did not end within %g s; the likeliest "
	    "cause is that DNS does not answer (check the network and "
	    "/etc/resolv.conf)",
	    w->request.host, w->request.timeout_ms / 1e3);
	(void)stop_worker(d, w);
	return send_answer(d->engine, &a);
}

static void explain_death(
    int status, bool closed, bool crashed, struct sentence *why)
{
	sentence_add(why, "the resolver job ");
	if (!closed)
		sentence_add(why, "sent a bad answer and was killed");
	else if (WIFSIGNALED(status))
		sentence_add(why, "was ended by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		sentence_add(why, "ended with status %d and without an answer",
		    WEXITSTATUS(status));
	sentence_add(why, ": this is a fault of ntsagent%s, please report it",
	    crashed ? " or an attack on it" : "");
}

/* `closed`: the job closed its link; otherwise its answer was bad. A server
 * that has taken over a job, or tries to, ends here. */
static bool died(struct dispatcher *d, struct worker *w, bool closed)
{
	struct ke_answer a = failed_answer(&w->request, KE_STAGE_START);
	struct sentence why = sentence_to(a.text, sizeof(a.text));
	int status;

	a.duration_ms = age_ms(w);
	status = stop_worker(d, w);
	/* A job that sends a bad answer is an alarm, also if it ends by itself
	 * before the signal reaches it. */
	if (!closed)
		a.crash_signal = SIGKILL;
	else if (WIFSIGNALED(status))
		a.crash_signal = (uint32_t)WTERMSIG(status);
	explain_death(status, closed, a.crash_signal != 0, &why);
	return send_answer(d->engine, &a);
}

static bool has_closed(int fd)
{
	const int flags = MSG_PEEK | MSG_DONTWAIT;
	char byte;
	ssize_t n = recv(fd, &byte, 1, flags);

	/* It has not even read its request. It may have sent something. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, &byte, 1, flags);
	return n == 0;
}

/* A job reads from the network: its answer is judged, and it cannot choose the
 * source that the answer is for. */
static bool collect(struct dispatcher *d, struct worker *w)
{
	struct ke_answer *a = &d->answer;
	bool closed = has_closed(w->fd), sent;
	int got;

	d->starter->limit();
	got = frame_receive_answer(w->fd, a);
	d->starter->unlimit();
	if (got == 0)
		return true;
	if (got < 0 || !ke_answer_fits(a, &w->request)) {
		explicit_bzero(a, sizeof(*a));
		return died(d, w, closed);
	}
	a->source = w->request.source;
	a->serial = w->request.serial;
	log_debug("job for %s: %s after %u ms", w->request.host,
	    ke_stage_word((enum ke_stage)a->stage), (unsigned)a->duration_ms);
	(void)stop_worker(d, w);
	sent = send_answer(d->engine, a);
	explicit_bzero(a, sizeof(*a));
	return sent;
}

static struct worker *free_worker(struct dispatcher *d)
{
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++)
		if (d->workers[i].pid == 0)
			return &d->workers[i];
	return NULL;
}

/* Starts waiting requests while a slot is free. False: the engine is gone. */
static bool start_queued(struct dispatcher *d)
{
	struct worker *w;

	while (d->queued > 0 && (w = free_worker(d)) != NULL) {
		int err;

		w->request = d->queue[d->first];
		d->first = (d->first + 1) % QUEUE_MAX;
		d->queued--;
		err = start_worker(d, w);
		if (err && !refuse(d, &w->request, err))
			return false;
	}
	return true;
}

/* When a source asks again, no one waits for the answer of its old job. */
static void stop_superseded(struct dispatcher *d, const struct ke_request *q)
{
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++) {
		struct worker *w = &d->workers[i];

		if (w->pid != 0 && w->request.source == q->source)
			(void)stop_worker(d, w);
	}
}

/* A request replaces an older one of its source that still waits. */
static void enqueue(struct dispatcher *d, const struct ke_request *q)
{
	stop_superseded(d, q);
	for (unsigned i = 0; i < d->queued; i++) {
		struct ke_request *old = &d->queue[(d->first + i) % QUEUE_MAX];

		if (old->source == q->source) {
			*old = *q;
			return;
		}
	}
	assert(d->queued < QUEUE_MAX);
	d->queue[(d->first + d->queued++) % QUEUE_MAX] = *q;
}

/* The two kinds of frames differ in their lengths. */
static_assert(sizeof(struct trust_config) != sizeof(struct ke_request),
    "a request and a trust configuration look the same");

static bool trust_comes(const struct dispatcher *d)
{
	return recv(d->engine, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) ==
	       (ssize_t)sizeof(struct trust_config);
}

static bool take_trust(struct dispatcher *d)
{
	if (recv(d->engine, &d->fresh, sizeof(d->fresh), MSG_DONTWAIT) !=
		(ssize_t)sizeof(d->fresh) ||
	    !trust_config_valid(&d->fresh))
		return false;
	d->trust = d->fresh;
	return true;
}

/* False: the engine is gone, or its frame is bad. */
static bool take_request(struct dispatcher *d)
{
	struct ke_request q;
	int got = frame_receive_request(d->engine, &q);

	if (got == 1)
		enqueue(d, &q);
	return got >= 0;
}

static bool hear_engine(struct dispatcher *d)
{
	return trust_comes(d) ? take_trust(d) : take_request(d);
}

/* The engine's descriptor first, then those of the busy workers, by slot.
 * Free slots have no entry: poll(2) refuses more entries than RLIMIT_NOFILE. */
static struct mono set_poll(const struct dispatcher *d,
    struct pollfd fds[1 + RESOLVER_JOBS_MAX], unsigned *count)
{
	struct mono wake = MONO_NEVER;

	*count = 1;
	fds[0] = (struct pollfd){
	    .fd = d->engine, .events = d->queued < QUEUE_MAX ? POLLIN : 0};
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++) {
		const struct worker *w = &d->workers[i];

		if (w->pid == 0)
			continue;
		fds[(*count)++] =
		    (struct pollfd){.fd = w->fd, .events = POLLIN};
		wake = mono_earlier(wake, w->deadline);
	}
	return wake;
}

static bool look_after(
    struct dispatcher *d, struct worker *w, const struct pollfd *p)
{
	if (p->revents)
		return collect(d, w);
	if (mono_due(w->deadline, mono_now()))
		return overdue(d, w);
	return true;
}

static bool turn(struct dispatcher *d)
{
	struct pollfd fds[1 + RESOLVER_JOBS_MAX];
	unsigned count, next = 1;
	struct mono wake = set_poll(d, fds, &count);
	bool alive = true;

	if (poll_until(fds, count, wake) < 0) {
		log_error("the resolver cannot wait: %s", strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX && alive; i++)
		if (d->workers[i].pid != 0)
			alive = look_after(d, &d->workers[i], &fds[next++]);
	/* With a full queue, poll(2) reports nothing but the engine's end. */
	if (alive && fds[0].revents)
		alive = d->queued < QUEUE_MAX && hear_engine(d);
	return alive && start_queued(d);
}

int resolver_main(
    int fd, const struct trust_config *trust, const struct job_starter *starter)
{
	/* Most of it is never used: untouched memory costs nothing. */
	struct dispatcher *d = calloc(1, sizeof(*d));

	if (!d) {
		log_error("out of memory");
		return 1;
	}
	d->engine = fd;
	d->starter = starter;
	lock_keys(&d->answer);
	d->trust = *trust;
	/* The C library waits five seconds for each datagram of DNS, which is
	 * too long when one is lost. The administrator's environment comes
	 * first. */
	(void)setenv("RES_OPTIONS", "timeout:1 attempts:4", 0);
	/* systemd-resolved refuses signed names while the clock is wrong. */
	(void)setenv("SYSTEMD_NSS_RESOLVE_VALIDATE", "0", 0);
	while (turn(d))
		;
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++)
		if (d->workers[i].pid)
			(void)stop_worker(d, &d->workers[i]);
	free(d);
	return 0;
}
