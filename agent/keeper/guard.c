#include "agent/keeper/guard.h"

#include "agent/host/clocks.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long the guard lets an overdue keeper run before it looks again. */
#define SECOND_LOOK_NS NS_PER_S

/* Linux before 6.3 does not know the flag. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* A memory file of the size of a page that can neither grow nor shrink, so that
 * no access to it can fail. A descriptor, or -1. */
static int make_page_file(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ntsagent-guard", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ntsagent-guard", flags);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(struct guard_page)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		return fd;
	close(fd);
	return -1;
}

/* NULL: errno says why. */
static struct guard_page *map_page(int fd)
{
	void *page = mmap(NULL, sizeof(struct guard_page),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return page == MAP_FAILED ? NULL : page;
}

int guard_prepare(struct guard *g, struct guard_fds *out)
{
	int pipe_fds[2], err;
	struct guard_page *page;

	out->page = make_page_file();
	if (out->page < 0)
		return -errno;
	page = map_page(out->page);
	if (page && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0) {
		*g = (struct guard){.page = page, .alive_fd = pipe_fds[1]};
		out->pipe = pipe_fds[0];
		return 0;
	}
	err = -errno;
	if (page)
		munmap(page, sizeof(*page));
	close(out->page);
	return err;
}

/* The guard sleeps while no slew runs: a byte wakes it, even if it was stopped.
 * When the write fails, the pipe is full, so that the guard is awake, or the
 * guard is dead, which the keeper learns from waitpid(2). */
void guard_alert(struct guard *g, struct mono now)
{
	atomic_store(
	    &g->page->overdue_ns, mono_after(now, GUARD_COMMAND_NS).ns);
	atomic_store(&g->page->slewing, true);
	if (write(g->alive_fd, "", 1) < 0)
		log_debug("cannot wake the guard");
}

void guard_note(struct guard *g, const struct keeper *k)
{
	atomic_store(&g->page->base_freq_ppm, k->base_freq_ppm);
	if (k->slewing)
		atomic_store(&g->page->overdue_ns,
		    mono_after(k->slew_end, GUARD_LATE_NS).ns);
	atomic_store(&g->page->slewing, k->slewing);
}

void guard_survive(int pipe_fd)
{
	int flags = fcntl(pipe_fd, F_GETFL);

	if (flags < 0 || fcntl(pipe_fd, F_SETOWN, getpid()) != 0 ||
	    fcntl(pipe_fd, F_SETSIG, SIGCONT) != 0 ||
	    fcntl(pipe_fd, F_SETFL, flags | O_ASYNC) != 0)
		log_warning("no signal comes from the guard's pipe: %s",
		    strerror(errno));
}

bool guard_intervened(struct guard *g)
{
	return atomic_exchange(&g->page->intervened, false);
}

void guard_release(struct guard *g)
{
	close(g->alive_fd);
	g->alive_fd = -1;
}

/* When the guard must look without being woken; MONO_NEVER: not at all. */
static struct mono look_at(const struct guard_page *page)
{
	if (!atomic_load(&page->slewing) || atomic_load(&page->intervened))
		return MONO_NEVER;
	return (struct mono){atomic_load(&page->overdue_ns)};
}

/* Sleeps until `until` or a byte comes. False: the keeper has closed its end of
 * the pipe, or is dead. */
static bool keeper_lives(int pipe_fd, struct mono until)
{
	struct pollfd p = {.fd = pipe_fd, .events = POLLIN};
	char bytes[64];
	ssize_t n;

	/* Time is up, or a signal interrupts it. A read would make a stopped
	 * keeper go on with a slew that is overdue (guard_survive()). */
	if (clocks_poll(&p, 1, until) <= 0)
		return true;
	n = read(pipe_fd, bytes, sizeof(bytes));
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* `cause` begins the line of the log. */
static bool end_slew(
    struct guard_page *page, const struct clock_ops *ops, const char *cause)
{
	double base_ppm = atomic_load(&page->base_freq_ppm), became_ppm;
	int err = ops->set_freq(ops->self, base_ppm, &became_ppm);

	if (err)
		log_error("%s, and its slew cannot be ended: %s", cause,
		    strerror(-err));
	else
		log_error("%s; the guard ended its slew, clock left at "
			  "%+.3f ppm",
		    cause, became_ppm);
	return err == 0;
}

/* When a machine wakes up, both processes run at once: the keeper gets time to
 * end the slew itself. */
static bool still_overdue(const struct guard_page *page, int pipe_fd)
{
	if (!mono_due(look_at(page), clocks_mono()))
		return false;
	return keeper_lives(
		   pipe_fd, mono_after(clocks_mono(), SECOND_LOOK_NS)) &&
	       mono_due(look_at(page), clocks_mono());
}

static int watch_keeper(
    struct guard_page *page, int pipe_fd, const struct clock_ops *ops)
{
	while (keeper_lives(pipe_fd, look_at(page))) {
		if (!still_overdue(page, pipe_fd))
			continue;
		/* Before, so that the keeper does not take the change for that
		 * of another program; after, because it may have looked before
		 * the change. */
		atomic_store(&page->intervened, true);
		end_slew(page, ops, "the keeper does not end a slew in time");
		atomic_store(&page->intervened, true);
	}
	if (!atomic_load(&page->slewing))
		return 0;
	return end_slew(page, ops, "the keeper is gone") ? 0 : 1;
}

int guard_main(const struct guard_fds *fds, const struct clock_ops *ops)
{
	struct guard_page *page = map_page(fds->page);
	int status;

	if (!page) {
		log_error("the guard has no memory: %s", strerror(errno));
		return 1;
	}
	guard_survive(fds->pipe);
	status = watch_keeper(page, fds->pipe, ops);
	munmap(page, sizeof(*page));
	return status;
}
