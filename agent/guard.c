#include "agent/guard.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int guard_prepare(struct guard *g, int *wait_fd)
{
	int fds[2];
	void *page = mmap(NULL, sizeof(struct guard_page),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	if (pipe2(fds, O_CLOEXEC) != 0) {
		int err = -errno;

		munmap(page, sizeof(struct guard_page));
		return err;
	}
	*g = (struct guard){.page = page, .alive_fd = fds[1]};
	*wait_fd = fds[0];
	return 0;
}

void guard_alert(struct guard *g)
{
	atomic_store(&g->page->slewing, true);
}

void guard_note(struct guard *g, const struct keeper *k)
{
	atomic_store(&g->page->base_freq_ppm, k->base_freq_ppm);
	atomic_store(&g->page->slewing, k->slewing);
}

void guard_release(struct guard *g)
{
	close(g->alive_fd);
	g->alive_fd = -1;
}

/* Not to be stopped by what stops the others: it ends with the keeper. */
static void ignore_signals(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

int guard_main(const struct guard *g, int wait_fd, const struct clock_ops *ops)
{
	double base_ppm, became_ppm;
	ssize_t n; /* nothing is ever sent */
	char byte;
	int err;

	ignore_signals();
	close(g->alive_fd);
	do
		n = read(wait_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (!atomic_load(&g->page->slewing))
		return 0;
	base_ppm = atomic_load(&g->page->base_freq_ppm);
	err = ops->set_freq(ops->self, base_ppm, &became_ppm);
	if (err) {
		log_error("the keeper is gone, and the slew that it left "
			  "behind cannot be ended: %s",
		    strerror(-err));
		return 1;
	}
	log_error("the keeper is gone; the guard ended its slew, clock left at "
		  "%+.3f ppm",
	    became_ppm);
	return 0;
}
