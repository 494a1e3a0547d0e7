#include "resolver/wait.h"

#include <errno.h>
#include <limits.h>

struct mono mono_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ns_of_timespec(&ts)};
}

/* Rounds up: a wait that ends early would be repeated in a busy loop. */
static int timeout_ms(struct mono deadline)
{
	int64_t left_ns, left_ms;

	if (deadline.ns == MONO_NEVER.ns)
		return -1;
	left_ns = deadline.ns - mono_now().ns;
	if (left_ns <= 0)
		return 0;
	left_ms = (left_ns - 1) / NS_PER_MS + 1;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int poll_until(struct pollfd *fds, unsigned count, struct mono deadline)
{
	int n;

	do
		n = poll(fds, count, timeout_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n;
}
