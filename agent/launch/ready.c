#include "agent/launch/ready.h"

#include "agent/host/clocks.h"
#include "base/log.h"
#include "resolver/frame.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The longest time from the end of a child's socket to the end of the child. */
#define REAP_NS (NS_PER_S / 2)
#define REAP_LOOK_US 5000

/* Reads all pending signals. Returns true for SIGTERM or SIGINT. SIGCHLD is not
 * needed: the socket of a child closes when it ends. */
static bool end_asked(int signal_fd)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		asked |= info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
	return asked;
}

/* Logs which child has ended, and how. It may have been killed before it could
 * log anything. */
static void log_cause(struct child *children, unsigned count)
{
	struct mono until = mono_after(clocks_mono(), REAP_NS);
	const struct child *blamed;
	char text[CHILD_TEXT_MAX];

	while (!(blamed = children_to_blame(children, count)) &&
	       !mono_due(until, clocks_mono())) {
		if (!children_reap(children, count))
			usleep(REAP_LOOK_US);
	}
	if (!blamed)
		return;
	child_end_text(blamed, text);
	log_error("the start failed: %s", text);
}

/* Returns 1 if the child is ready; 0 if we stop waiting, and have logged why;
 * -1 if the child has ended. */
static int await_one(
    const struct child *child, int fd, int signal_fd, struct mono until)
{
	struct pollfd fds[2] = {
	    {.fd = fd, .events = POLLIN},
	    {.fd = signal_fd, .events = POLLIN},
	};
	char byte;
	int got;

	while ((got = frame_receive(fd, &byte, 1)) == 0) {
		struct mono now = clocks_mono();
		struct timespec wait = clocks_wait(until, now);

		if (mono_due(until, now)) {
			log_error(
			    "the start failed: the %s hangs", child->name);
			return 0;
		}
		if (ppoll(fds, 2, &wait, NULL) > 0 && fds[1].revents &&
		    end_asked(signal_fd)) {
			log_notice("ended by a signal during the start");
			return 0;
		}
	}
	return got;
}

bool ready_await(struct child *children, const int ready[], unsigned count,
    int signal_fd, int64_t limit_ns)
{
	struct mono until = mono_after(clocks_mono(), limit_ns);

	for (unsigned i = 0; i < count; i++) {
		int got = await_one(&children[i], ready[i], signal_fd, until);

		if (got < 0)
			log_cause(children, count);
		if (got != 1)
			return false;
	}
	return true;
}
