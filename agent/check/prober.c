#include "agent/check/prober.h"

#include "agent/check/probe.h"
#include "agent/host/child.h"
#include "agent/host/clocks.h"
#include "agent/host/sandbox/sandbox.h"
#include "agent/host/wait_limit.h"
#include "resolver/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between the deadline of a process and the moment at which it is killed. */
#define GRACE_NS (300 * NS_PER_MS)
/* Between two looks whether a process that has closed its link has ended. */
#define REAP_NS (5 * NS_PER_MS)
/* The status of a process that could not confine itself. */
#define EXIT_UNCONFINED 3

struct prober {
	const struct config *config;
	struct checked_source *sources;
	struct mono limit;
	int64_t granularity_ns; /* the sandbox does not let a process wait */
	struct pollfd fds[SOURCES_MAX]; /* fd -1: its process has closed it */
	pid_t pids[SOURCES_MAX];	/* 0: it has ended, or never began */
	bool begun[SOURCES_MAX];
};

/* Pools: the first source of a pool finds the addresses, the others get one
 * each. A lookup that hangs delays them for a part of the time only. */
#define POOL_WAIT_PERCENT 30

/* The first source of its pool; itself, if it is in none. */
static unsigned first_of(const struct prober *r, unsigned i)
{
	const struct source_config *s = r->config->sources;
	unsigned first = i;

	while (first > 0 && config_same_pool(&s[first - 1], &s[i]))
		first--;
	return first;
}

/* The server that the first source of a pool uses, or family 0. */
static const struct endpoint *used_by(const struct prober *r, unsigned first)
{
	return &r->sources[first].probe.keys.facts.peer;
}

static bool is_in(
    const struct endpoint *list, unsigned count, const struct endpoint *e)
{
	for (unsigned i = 0; i < count; i++)
		if (endpoint_same_host(&list[i], e))
			return true;
	return false;
}

/* Puts the addresses of the pool into the order of its sources: that of the
 * first one, and then the others as DNS has them. Returns how many. */
static unsigned pool_addresses(const struct prober *r, unsigned first,
    struct endpoint out[static KE_ADDRESSES_MAX])
{
	const struct names *all = &r->sources[first].probe.keys.details.names;
	unsigned count = 0;

	if (used_by(r, first)->family != 0)
		out[count++] = *used_by(r, first);
	for (unsigned i = 0; i < all->count && count < KE_ADDRESSES_MAX; i++)
		if (!is_in(out, count, &all->at[i]))
			out[count++] = all->at[i];
	return count;
}

_Static_assert(KE_ADDRESSES_MAX <= KE_AVOID_MAX, "all can be avoided");

/* A source that is not the first one of its pool gets the address of its place
 * in the list. What the list has beyond the sources is dealt out, too. */
static void choose_in_pool(
    const struct prober *r, unsigned i, struct probe_request *q)
{
	const unsigned first = first_of(r, i), place = i - first;
	struct endpoint all[KE_ADDRESSES_MAX];
	unsigned count, sources = place + 1;

	if (place == 0)
		return;
	count = pool_addresses(r, first, all);
	while (first + sources < r->config->source_count &&
	       first_of(r, first + sources) == first)
		sources++;
	if (place < count)
		q->prefer = all[place];
	for (unsigned at = 0; at < count; at++)
		if (at % sources != place)
			q->avoid[q->avoid_count++] = all[at];
}

/* The side of the child. */

static void report(void *self, const struct probe *p)
{
	const int *fd = self;

	/* Without a reader the process has nothing to do any more. */
	if (send(*fd, p, sizeof(*p), MSG_NOSIGNAL) != (ssize_t)sizeof(*p))
		_exit(1);
}

/* glibc waits twice five seconds for each name server. A check of five seconds
 * waits twice one second. DNSSEC is as for the agent. */
static void prepare_lookups(const struct prober *r)
{
	const char *set = getenv("RES_OPTIONS");
	int64_t left_s = (r->limit.ns - mono_now().ns + NS_PER_S) / NS_PER_S;
	int timeout_s = left_s < 10 ? 1 : left_s < 25 ? (int)left_s / 5 : 5;
	char options[200];

	snprintf(options, sizeof(options), "%.150s timeout:%d attempts:2",
	    set ? set : "", timeout_s);
	(void)setenv("RES_OPTIONS", options, 1);
	(void)setenv("SYSTEMD_NSS_RESOLVE_VALIDATE", "0", 0);
}

static enum sandbox_level level_of(enum confinement wanted)
{
	char why[SANDBOX_TEXT_MAX];

	if (wanted == CONFINEMENT_NO || sandbox_possible(why) == SANDBOX_OFF)
		return SANDBOX_OFF;
	return wanted == CONFINEMENT_LOG ? SANDBOX_LOG : SANDBOX_ON;
}

/* What this process does with bytes from the network is what a job of the
 * resolver does, and requests by UDP, which a job may send, too. */
static bool enter_sandbox(
    const struct config *config, const struct source_config *s, int errors)
{
	const char *paths[TRUST_READ_PATHS_MAX];
	const struct binding binding = probe_binding(s);
	const struct sandbox_request r = {
	    .profile = SANDBOX_JOB,
	    .level = level_of(config->sandbox),
	    .log_target = LOG_TO_STDERR,
	    .reads = paths,
	    .read_count = trust_read_paths(&config->trust, paths),
	    .ke_port = s->ke_port,
	    .any_tcp_port = s->srv,
	    .own_end = binding_needs(&binding),
	    .program = -1,
	};
	char why[SANDBOX_TEXT_MAX];

	if (sandbox_enter(&r, why))
		return true;
	dprintf(errors, "ntsagentd: %s\n", why);
	return false;
}

/* The descriptors of the other processes must not stay. */
static int keep_only(int fd)
{
	if (fd != CHILD_FIRST_FD && dup2(fd, CHILD_FIRST_FD) < 0)
		_exit(EXIT_UNCONFINED);
	if (close_range(CHILD_FIRST_FD + 1, ~0U, 0) != 0)
		_exit(EXIT_UNCONFINED);
	return CHILD_FIRST_FD;
}

/* A process that a server has taken over must neither write to the terminal of
 * root, nor read what is typed there: its words are those that the parent has
 * judged. Returns a copy of standard error, for the time before the sandbox. */
static int leave_terminal(void)
{
	int errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, CHILD_FIRST_FD + 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Some containers have no such device. Nobody can read or write this
	 * descriptor, either. */
	if (null < 0)
		null = open("/", O_PATH | O_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (errors < 0 || null < 0 || dup2(null, fd) < 0)
			_exit(EXIT_UNCONFINED);
	close(null);
	return errors;
}

static _Noreturn void run_child(
    const struct prober *r, unsigned i, int fd, pid_t parent)
{
	const struct source_config *s = &r->config->sources[i];
	int link = keep_only(fd), errors = leave_terminal();
	struct probe probe;
	struct probe_request q = {
	    .source = s,
	    .trust = &r->config->trust,
	    .ke_timeout_ms = r->config->ke_timeout_ms,
	    .granularity_ns = r->granularity_ns,
	    .deadline = mono_after(r->limit, -GRACE_NS),
	    .report = report,
	    .self = &link,
	};

	(void)prctl(PR_SET_NAME, "nts-check");
	choose_in_pool(r, i, &q);
	prepare_lookups(r);
	if (!child_follow(parent, SIGKILL) ||
	    !enter_sandbox(r->config, s, errors))
		_exit(EXIT_UNCONFINED);
	close(errors);
	probe_run(&q, &probe);
	_exit(0);
}

/* The side of the parent. */

static void start(struct prober *r, unsigned i)
{
	pid_t parent = getpid(), pid;
	int link[2];

	r->begun[i] = true;
	if (child_link(link) != 0)
		return;
	pid = fork();
	if (pid == 0)
		run_child(r, i, link[1], parent);
	close(link[1]);
	if (pid < 0) {
		close(link[0]);
		return;
	}
	r->pids[i] = pid;
	r->fds[i].fd = link[0];
}

static enum probe_end end_of(const struct probe *p, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNCONFINED)
		return PROBE_NOT_RUN;
	if (!WIFEXITED(status) || !p->complete)
		return PROBE_CRASHED;
	return PROBE_DONE;
}

static void close_link(struct prober *r, unsigned i)
{
	close(r->fds[i].fd);
	r->fds[i].fd = -1;
}

/* False: the process has not ended yet. */
static bool reap(struct prober *r, unsigned i)
{
	struct checked_source *s = &r->sources[i];
	int status = 0;

	if (waitpid(r->pids[i], &status, WNOHANG) == 0)
		return false;
	r->pids[i] = 0;
	s->end = end_of(&s->probe, status);
	return true;
}

static void end_by_force(struct prober *r, unsigned i, enum probe_end end)
{
	kill(r->pids[i], SIGKILL);
	while (waitpid(r->pids[i], NULL, 0) < 0 && errno == EINTR)
		;
	r->pids[i] = 0;
	r->sources[i].end = end;
}

/* The process talks to a server: a message that is not one counts as a crash.
 */
static void take_message(struct prober *r, unsigned i)
{
	struct checked_source *s = &r->sources[i];
	struct probe p;
	ssize_t n = recv(r->fds[i].fd, &p, sizeof(p), MSG_DONTWAIT | MSG_TRUNC);

	if (n == (ssize_t)sizeof(p) && probe_valid(&p)) {
		s->probe = p;
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close_link(r, i);
	if (n != 0)
		end_by_force(r, i, PROBE_CRASHED);
}

static void take_messages(struct prober *r)
{
	wait_limit_begin();
	for (unsigned i = 0; i < r->config->source_count; i++)
		if (r->fds[i].fd >= 0 && r->fds[i].revents != 0)
			take_message(r, i);
	wait_limit_end();
}

static bool has_ended(const struct prober *r, unsigned i)
{
	return r->pids[i] == 0;
}

/* Starts what need not wait for the first source of its pool any more. */
static void start_ready(struct prober *r, struct mono wait)
{
	for (unsigned i = 0; i < r->config->source_count; i++) {
		unsigned first = first_of(r, i);
		bool known = r->sources[first].probe.keys_tried ||
			     (r->begun[first] && has_ended(r, first));

		if (!r->begun[i] &&
		    (i == first || known || mono_due(wait, mono_now())))
			start(r, i);
	}
}

/* A process closes its link when it ends. A captured one may close it and go
 * on, so that nothing waits for its end. False: all have ended. */
static bool reap_all(struct prober *r, struct mono pool_wait, struct mono *wake)
{
	bool running = false;

	*wake = r->limit;
	for (unsigned i = 0; i < r->config->source_count; i++) {
		if (!r->begun[i]) {
			running = true;
			*wake = mono_earlier(*wake, pool_wait);
		}
		if (has_ended(r, i))
			continue;
		if (r->fds[i].fd < 0 && reap(r, i))
			continue;
		running = true;
		if (r->fds[i].fd < 0)
			*wake = mono_earlier(
			    *wake, mono_after(mono_now(), REAP_NS));
	}
	return running;
}

/* What is left at the limit. A process that has closed its link before it had
 * reported all does not hang in a lookup. */
static void stop(struct prober *r, unsigned i)
{
	const bool closed = r->fds[i].fd < 0;

	if (has_ended(r, i))
		return;
	if (!closed)
		close_link(r, i);
	end_by_force(r, i,
	    closed && !r->sources[i].probe.complete ? PROBE_CRASHED
						    : PROBE_LATE);
}

static void stop_all(struct prober *r)
{
	wait_limit_begin();
	for (unsigned i = 0; i < r->config->source_count; i++)
		stop(r, i);
	wait_limit_end();
}

void prober_run(const struct config *config, struct checked_source *sources,
    struct mono limit)
{
	struct prober r = {
	    .config = config,
	    .sources = sources,
	    .limit = limit,
	    .granularity_ns = clocks_granularity_ns(),
	};
	const unsigned count = config->source_count;
	const struct mono now = mono_now();
	const struct mono pool_wait =
	    mono_after(now, (limit.ns - now.ns) / 100 * POOL_WAIT_PERCENT);
	struct mono wake;

	for (unsigned i = 0; i < count; i++) {
		r.fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
		sources[i].config = &config->sources[i];
		sources[i].end = PROBE_NOT_RUN;
	}
	while (reap_all(&r, pool_wait, &wake) && !mono_due(limit, mono_now())) {
		start_ready(&r, pool_wait);
		if (poll_until(r.fds, count, wake) > 0)
			take_messages(&r);
	}
	stop_all(&r);
}
