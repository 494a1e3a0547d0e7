#include "agent/loop/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

static volatile sig_atomic_t end_asked;

static void on_signal(int number)
{
	(void)number;
	end_asked = 1;
}

int signals_catch(bool by_descriptor)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t ends;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	if (!by_descriptor)
		return -1;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool signals_end_asked(void)
{
	return end_asked != 0;
}

void signals_note_end(void)
{
	end_asked = 1;
}
