#include "agent/launch/ready.h"

#include "agent/host/clocks.h"
#include "base/log.h"
#include "resolver/frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* The longest time from the end of a child's socket to the end of the child. */
#define REAP_NS (NS_PER_S / 2)
#define REAP_LOOK_US 5000

struct start {
	struct child *children;
	unsigned count;
	const struct child *may_end;
	int64_t limit_ns;
	struct mono until;
	int signal_fd;
};

/* Without SIGHUP: the loop of the keeper carries it out after the start. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Takes all signals of `signal_fd`. Returns true for SIGTERM or SIGINT. */
static bool end_asked(int signal_fd)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		asked |= info.ssi_signo != SIGCHLD;
	return asked;
}

/* The process that may end has exited; the others may follow it. */
static bool is_done(const struct start *s)
{
	return s->may_end && s->may_end->ended && WIFEXITED(s->may_end->status);
}

/* Has a child ended? The socket of `awaited` tells more than its end: it may
 * have been ready before. */
static bool one_is_gone(const struct start *s, const struct child *awaited)
{
	bool gone = false;

	for (unsigned i = 0; i < s->count; i++) {
		const struct child *c = &s->children[i];

		gone |= c->ended && c != awaited;
	}
	return gone;
}

/* A child that exits may follow the one that may end, and be collected first.
 */
static bool cause_is_known(const struct start *s)
{
	const struct child *blamed = children_to_blame(s->children, s->count);

	return blamed && (!s->may_end || s->may_end->ended ||
			     WIFSIGNALED(blamed->status));
}

/* With -q and -Q a child that ends without an error has seen the end of the
 * engine, which may take long if the machine has too much work. */
static bool follows(const struct start *s)
{
	const struct child *blamed = children_to_blame(s->children, s->count);

	return s->may_end && blamed && WIFEXITED(blamed->status) &&
	       WEXITSTATUS(blamed->status) == 0;
}

static void wait_for_cause(const struct start *s)
{
	struct mono soon = mono_after(clocks_mono(), REAP_NS);

	while (!cause_is_known(s) &&
	       !mono_due(follows(s) ? s->until : soon, clocks_mono())) {
		if (!children_reap(s->children, s->count))
			usleep(REAP_LOOK_US);
	}
}

/* A child has ended, or has closed its socket and will end. Logs how: it may
 * have been killed before it could log anything. */
static enum ready judge_end(
    const struct start *s, const struct child *awaited, int fd)
{
	char byte;
	const struct child *blamed;
	char text[CHILD_TEXT_MAX] = "";

	wait_for_cause(s);
	if (is_done(s) &&
	    (awaited != s->may_end || frame_receive(fd, &byte, 1) == 1))
		return READY_ALL;
	blamed = children_to_blame(s->children, s->count);
	if (blamed)
		child_end_text(blamed, text);
	else if (awaited)
		snprintf(text, sizeof(text),
		    "the %s has closed its socket and does not end",
		    awaited->name);
	log_error("the start failed: %s", text);
	return READY_FAILED;
}

static enum ready fail_late(const struct start *s, const struct child *child)
{
	log_error("the start failed: the %s is not ready after %g s; if the "
		  "machine is not overloaded, run ntsagentd -n -d to see where "
		  "it stops",
	    child->name, (double)s->limit_ns / (double)NS_PER_S);
	return READY_FAILED;
}

static enum ready await_one(
    const struct start *s, const struct child *child, int fd)
{
	struct pollfd fds[2] = {
	    {.fd = fd, .events = POLLIN},
	    {.fd = s->signal_fd, .events = POLLIN},
	};
	char byte;
	int got;

	while ((got = frame_receive(fd, &byte, 1)) == 0) {
		if (mono_due(s->until, clocks_mono()))
			return fail_late(s, child);
		children_reap(s->children, s->count);
		if (one_is_gone(s, child))
			return judge_end(s, child, fd);
		(void)clocks_poll(fds, 2, s->until);
		if (end_asked(s->signal_fd)) {
			log_notice("ended by a signal during the start");
			return READY_ENDED;
		}
	}
	return got == 1 ? READY_ALL : judge_end(s, child, fd);
}

static enum ready await_all(const struct start *s, const int ready[])
{
	for (unsigned i = 0; i < s->count; i++) {
		enum ready r = await_one(s, &s->children[i], ready[i]);

		if (r != READY_ALL)
			return r;
	}
	children_reap(s->children, s->count);
	return one_is_gone(s, NULL) ? judge_end(s, NULL, -1) : READY_ALL;
}

enum ready ready_await(struct child *children, const int ready[],
    unsigned count, const struct child *may_end, int64_t limit_ns)
{
	struct start s = {
	    .children = children,
	    .count = count,
	    .may_end = may_end,
	    .limit_ns = limit_ns,
	    .until = mono_after(clocks_mono(), limit_ns),
	    .signal_fd = open_signals(),
	};
	enum ready result;

	if (s.signal_fd < 0) {
		log_error("the start failed: signals cannot be taken: %s",
		    strerror(errno));
		return READY_FAILED;
	}
	result = await_all(&s, ready);
	close(s.signal_fd);
	return result;
}
