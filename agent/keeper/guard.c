#include "agent/keeper/guard.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is overdue is looked at again after this. */
#define SECOND_LOOK_NS NS_PER_S

int guard_prepare(struct guard *g, int *wait_fd)
{
	int fds[2];
	void *page = mmap(NULL, sizeof(struct guard_page),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		int err = -errno;

		munmap(page, sizeof(struct guard_page));
		return err;
	}
	*g = (struct guard){.page = page, .alive_fd = fds[1]};
	*wait_fd = fds[0];
	return 0;
}

/* The guard sleeps while there is nothing to guard: a byte wakes it. That the
 * pipe is full or the guard gone is no matter of the keeper's now. */
void guard_alert(struct guard *g, struct mono now)
{
	atomic_store(
	    &g->page->overdue_ns, mono_after(now, GUARD_COMMAND_NS).ns);
	atomic_store(&g->page->slewing, true);
	if (write(g->alive_fd, "", 1) < 0)
		log_debug("the guard does not listen");
}

void guard_note(struct guard *g, const struct keeper *k)
{
	atomic_store(&g->page->base_freq_ppm, k->base_freq_ppm);
	if (k->slewing)
		atomic_store(&g->page->overdue_ns,
		    mono_after(k->slew_end, GUARD_LATE_NS).ns);
	atomic_store(&g->page->slewing, k->slewing);
}

bool guard_intervened(const struct guard *g)
{
	return atomic_load(&g->page->intervened);
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

static struct mono mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ns_of_timespec(&ts)};
}

/* When the guard must look again without being woken; MONO_NEVER. */
static struct mono look_at(const struct guard_page *page)
{
	if (!atomic_load(&page->slewing) || atomic_load(&page->intervened))
		return MONO_NEVER;
	return (struct mono){atomic_load(&page->overdue_ns)};
}

/* Sleeps. False: the keeper has closed its end, or is gone. */
static bool keeper_lives(int wait_fd, struct mono until)
{
	struct pollfd p = {.fd = wait_fd, .events = POLLIN};
	int64_t ns = until.ns - mono_now().ns;
	struct timespec wait = {0, 0};
	char bytes[64];
	ssize_t n;
	int ready;

	if (ns > 0)
		wait = (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S),
		    .tv_nsec = (long)(ns % NS_PER_S)};
	ready = ppoll(&p, 1, until.ns == MONO_NEVER.ns ? NULL : &wait, NULL);
	if (ready <= 0)
		return ready == 0 || errno == EINTR;
	n = read(wait_fd, bytes, sizeof(bytes));
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* `whose` is what is wrong with the keeper. */
static bool take_back(
    struct guard_page *page, const struct clock_ops *ops, const char *whose)
{
	double base_ppm = atomic_load(&page->base_freq_ppm), became_ppm;
	int err = ops->set_freq(ops->self, base_ppm, &became_ppm);

	if (err)
		log_error("%s, and its slew cannot be ended: %s", whose,
		    strerror(-err));
	else
		log_error("%s; the guard ended its slew, clock left at "
			  "%+.3f ppm",
		    whose, became_ppm);
	return err == 0;
}

/* A machine that stood still wakes both at once: the keeper gets its turn. */
static bool still_overdue(const struct guard_page *page, int wait_fd)
{
	if (!mono_due(look_at(page), mono_now()))
		return false;
	return keeper_lives(wait_fd, mono_after(mono_now(), SECOND_LOOK_NS)) &&
	       mono_due(look_at(page), mono_now());
}

int guard_main(const struct guard *g, int wait_fd, const struct clock_ops *ops)
{
	struct guard_page *page = g->page;

	ignore_signals();
	close(g->alive_fd);
	while (keeper_lives(wait_fd, look_at(page))) {
		if (!still_overdue(page, wait_fd))
			continue;
		take_back(page, ops, "the keeper does not end a slew in time");
		atomic_store(&page->intervened, true);
	}
	if (!atomic_load(&page->slewing))
		return 0;
	return take_back(page, ops, "the keeper is gone") ? 0 : 1;
}
