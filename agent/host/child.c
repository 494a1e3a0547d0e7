#include "agent/host/child.h"

#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_MAX_BYTES 16 /* of a process name, prctl(2) */

static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

static sigset_t caught_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaddset(&set, caught[i]);
	return set;
}

int child_catch_signals(void)
{
	sigset_t set = caught_set();
	int fd;

	/* A reader that is gone is seen by the result of write(2). */
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void begin_child(const char *name)
{
	sigset_t set = caught_set();
	char title[NAME_MAX_BYTES];

	sigprocmask(SIG_UNBLOCK, &set, NULL);
	snprintf(title, sizeof(title), "nts-%s", name);
	prctl(PR_SET_NAME, title);
	log_process(name);
}

int child_fork(struct child *child, const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		begin_child(name);
		return 0;
	}
	*child = (struct child){.name = name, .pid = pid};
	return 1;
}

bool child_follow(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static bool reap(struct child *c)
{
	pid_t got;

	if (c->pid == 0 || c->ended)
		return false;
	got = waitpid(c->pid, &c->status, WNOHANG);
	/* ECHILD cannot be, unless somebody else collected it: gone, too. */
	c->ended = got == c->pid || (got < 0 && errno == ECHILD);
	return c->ended;
}

bool children_reap(struct child *children, unsigned count)
{
	bool any = false;

	for (unsigned i = 0; i < count; i++)
		any |= reap(&children[i]);
	return any;
}

const struct child *children_to_blame(
    const struct child *children, unsigned count)
{
	const struct child *blamed = NULL;

	for (unsigned i = 0; i < count; i++) {
		const struct child *c = &children[i];

		if (c->ended && (!blamed || (WIFSIGNALED(c->status) &&
						!WIFSIGNALED(blamed->status))))
			blamed = c;
	}
	return blamed;
}

void child_end_text(const struct child *child, char text[CHILD_TEXT_MAX])
{
	int status = child->status;

	if (WIFSIGNALED(status))
		snprintf(text, CHILD_TEXT_MAX,
		    "the %s was killed by signal %d (%s)", child->name,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, CHILD_TEXT_MAX,
		    "the %s ended with exit status %d", child->name,
		    WEXITSTATUS(status));
}

void children_signal(const struct child *children, unsigned count, int signal)
{
	for (unsigned i = 0; i < count; i++)
		if (children[i].pid > 0 && !children[i].ended)
			kill(children[i].pid, signal);
}

bool children_all_ended(const struct child *children, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (children[i].pid > 0 && !children[i].ended)
			return false;
	return true;
}
