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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Twice the number of sources. While the queue is full, requests wait in the
 * socket. */
#define QUEUE_MAX 128
/* A job keeps its deadline itself. One that hangs is killed after this time. */
#define GRACE_NS (500 * NS_PER_MS)

struct worker {
	pid_t pid; /* 0: the slot is free */
	int fd;	   /* our end of the socketpair */
	struct mono started, deadline;
	struct ke_request request;
};

struct dispatcher {
	int engine;
	struct trust_config trust;
	struct trust_config fresh; /* a buffer to receive one */
	struct worker workers[RESOLVER_JOBS_MAX];
	unsigned first, queued; /* the ring's first element, and its length */
	struct ke_request queue[QUEUE_MAX];
};

/* Runs in the process of the job, which must not outlive the dispatcher. */
_Noreturn static void work(
    struct dispatcher *d, const struct worker *w, int fd, pid_t parent)
{
	struct ke_answer answer;
	int sent;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	log_process("job");
	close(d->engine);
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++)
		if (d->workers[i].pid)
			close(d->workers[i].fd);
	resolver_job(&w->request, &d->trust, &answer);
	sent = frame_send(fd, &answer, sizeof(answer));
	explicit_bzero(&answer, sizeof(answer));
	_exit(sent == 1 ? 0 : 1);
}

/* 0, or an errno. */
static int start_worker(struct dispatcher *d, struct worker *w)
{
	pid_t self = getpid(), pid;
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		work(d, w, pair[1], self);
	}
	error = errno;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return error;
	}
	w->pid = pid;
	w->fd = pair[0];
	w->started = mono_now();
	w->deadline = mono_after(
	    w->started, w->request.timeout_ms * NS_PER_MS + GRACE_NS);
	return 0;
}

/* Kills the job first: a job under an attacker's control might never exit. */
static int stop_worker(struct worker *w)
{
	int status = 0;

	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(w->fd);
	*w = (struct worker){0};
	return status;
}

/* Waits until the engine can take the answer; it reads answers at once. Jobs go
 * on meanwhile. False: the engine is gone. */
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

static bool refuse(struct dispatcher *d, const struct ke_request *q, int error)
{
	struct ke_answer a = failed_answer(q, KE_STAGE_START);
	struct words why = words_to(a.text, sizeof(a.text));

	words_add(&why, "cannot start a resolver job: %s", strerror(error));
	return send_answer(d->engine, &a);
}

static uint32_t age_ms(const struct worker *w)
{
	return (uint32_t)((mono_now().ns - w->started.ns) / NS_PER_MS);
}

/* Only the look-up of a name cannot keep the deadline itself. */
static bool overdue(struct dispatcher *d, struct worker *w)
{
	struct ke_answer a = failed_answer(&w->request, KE_STAGE_DNS);
	struct words why = words_to(a.text, sizeof(a.text));

	a.duration_ms = age_ms(w);
	words_add(&why,
	    "DNS did not answer for %s within %g s (check the network and "
	    "/etc/resolv.conf)",
	    w->request.host, w->request.timeout_ms / 1e3);
	(void)stop_worker(w);
	return send_answer(d->engine, &a);
}

static void explain_death(int status, struct words *why)
{
	words_add(why, "the resolver job ");
	if (WIFSIGNALED(status))
		words_add(why, "was killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		words_add(why, "exited with status %d and without an answer",
		    WEXITSTATUS(status));
	words_add(why, ": this is a fault of ntsagent, please report it");
}

static bool died(struct dispatcher *d, struct worker *w)
{
	struct ke_answer a = failed_answer(&w->request, KE_STAGE_START);
	struct words why = words_to(a.text, sizeof(a.text));

	a.duration_ms = age_ms(w);
	explain_death(stop_worker(w), &why);
	return send_answer(d->engine, &a);
}

/* A job reads from the network, so its answer is checked. The source and the
 * serial come from the request, not from the job. */
static bool collect(struct dispatcher *d, struct worker *w)
{
	struct ke_answer a;
	int got = frame_receive_answer(w->fd, &a);
	bool sent;

	if (got == 0)
		return true;
	if (got < 0 || !ke_answer_fits(&a, &w->request)) {
		explicit_bzero(&a, sizeof(a));
		return died(d, w);
	}
	a.source = w->request.source;
	a.serial = w->request.serial;
	log_debug("job for %s: %s after %u ms", w->request.host,
	    ke_stage_word((enum ke_stage)a.stage), (unsigned)a.duration_ms);
	(void)stop_worker(w);
	sent = send_answer(d->engine, &a);
	explicit_bzero(&a, sizeof(a));
	return sent;
}

static struct worker *free_worker(struct dispatcher *d)
{
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++)
		if (d->workers[i].pid == 0)
			return &d->workers[i];
	return NULL;
}

/* Starts waiting requests while there is a free worker. False: the engine is
 * gone. */
static bool start_queued(struct dispatcher *d)
{
	struct worker *w;

	while (d->queued > 0 && (w = free_worker(d)) != NULL) {
		int error;

		w->request = d->queue[d->first];
		d->first = (d->first + 1) % QUEUE_MAX;
		d->queued--;
		error = start_worker(d, w);
		if (error && !refuse(d, &w->request, error))
			return false;
	}
	return true;
}

/* A new request of a source makes the job of its old one useless. */
static void stop_superseded(struct dispatcher *d, const struct ke_request *q)
{
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++) {
		struct worker *w = &d->workers[i];

		if (w->pid != 0 && w->request.source == q->source)
			(void)stop_worker(w);
	}
}

/* A new request replaces a waiting one of the same source. */
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

/* The length of a frame tells its kind. */
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

/* False: the engine is gone, or has sent a bad frame. */
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

/* Watches the engine, then the worker of each slot. Returns when to wake up. */
static struct mono set_poll(
    const struct dispatcher *d, struct pollfd fds[1 + RESOLVER_JOBS_MAX])
{
	struct mono wake = MONO_NEVER;

	fds[0] = (struct pollfd){
	    .fd = d->engine, .events = d->queued < QUEUE_MAX ? POLLIN : 0};
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++) {
		const struct worker *w = &d->workers[i];

		fds[1 + i] = (struct pollfd){
		    .fd = w->pid ? w->fd : -1, .events = POLLIN};
		if (w->pid)
			wake = mono_earlier(wake, w->deadline);
	}
	return wake;
}

static bool look_after(
    struct dispatcher *d, struct worker *w, const struct pollfd *p)
{
	if (w->pid == 0)
		return true;
	if (p->revents)
		return collect(d, w);
	if (mono_due(w->deadline, mono_now()))
		return overdue(d, w);
	return true;
}

static bool turn(struct dispatcher *d)
{
	struct pollfd fds[1 + RESOLVER_JOBS_MAX];
	bool alive = true;

	if (poll_until(fds, ARRAY_LEN(fds), set_poll(d, fds)) < 0)
		return false;
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX && alive; i++)
		alive = look_after(d, &d->workers[i], &fds[1 + i]);
	/* If the queue is full, the only event is that the engine is gone. */
	if (alive && fds[0].revents)
		alive = d->queued < QUEUE_MAX && hear_engine(d);
	return alive && start_queued(d);
}

int resolver_main(int fd, const struct trust_config *trust)
{
	struct dispatcher d = {.engine = fd, .trust = *trust};

	log_process("resolver");
	/* The C library waits five seconds for each datagram of DNS. That is
	 * too long if one is lost, as in a short outage. A value from the
	 * environment stays. */
	(void)setenv("RES_OPTIONS", "timeout:1 attempts:4", 0);
	while (turn(&d))
		;
	for (unsigned i = 0; i < RESOLVER_JOBS_MAX; i++)
		if (d.workers[i].pid)
			(void)stop_worker(&d.workers[i]);
	return 0;
}
