#include "agent/host/wait_limit.h"

#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Older headers do not have it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

void wait_limit_no_descriptors(int fd)
{
	const int off = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

static void on_alarm(int number)
{
	(void)number;
}

static void set_alarms(suseconds_t us)
{
	const struct itimerval every = {{0, us}, {0, us}};

	(void)setitimer(ITIMER_REAL, &every, NULL);
}

void wait_limit_begin(void)
{
	/* Without SA_RESTART. */
	const struct sigaction action = {.sa_handler = on_alarm};

	sigset_t alarm;

	/* Who starts the process may have blocked it. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
	sigaction(SIGALRM, &action, NULL);
	set_alarms(WAIT_LIMIT_US);
}

void wait_limit_end(void)
{
	set_alarms(0);
}
