/* The guard and its page, with a clock of the test and a real pipe. */
#include "agent/keeper/guard.h"

#include "agent/host/clocks.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE_PPM (-7.5)

/* Shared with the guard's process. */
struct shared {
	atomic_int sets, error;
	atomic_bool hold; /* a change of the clock takes until it is false */
	_Atomic double freq_ppm;
	_Atomic int64_t set_at_ns;
};

struct scene {
	struct guard guard;
	struct guard_fds fds;
	struct shared *shared;
	struct keeper keeper;
};

static int fake_set(void *self, double freq_ppm, double *became_ppm)
{
	struct shared *s = self;

	s->sets++;
	s->set_at_ns = clocks_mono().ns;
	s->freq_ppm = *became_ppm = freq_ppm;
	while (s->hold)
		usleep(1000);
	return s->error;
}

static int make(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->shared != MAP_FAILED);
	assert_int_equal(guard_prepare(&s->guard, &s->fds), 0);
	s->keeper.base_freq_ppm = BASE_PPM;
	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR);
	*state = s;
	return 0;
}

static int drop(void **state)
{
	struct scene *s = *state;

	if (s->guard.alive_fd >= 0)
		guard_release(&s->guard);
	close(s->fds.page);
	close(s->fds.pipe);
	munmap(s->guard.page, sizeof(*s->guard.page));
	munmap(s->shared, sizeof(*s->shared));
	free(s);
	return 0;
}

static pid_t run_guard(struct scene *s)
{
	const struct clock_ops ops = {.set_freq = fake_set, .self = s->shared};
	pid_t pid = fork();

	if (pid == 0) {
		close(s->guard.alive_fd);
		munmap(s->guard.page, sizeof(*s->guard.page));
		_exit(guard_main(&s->fds, &ops));
	}
	return pid;
}

static int bytes_in(int pipe_fd)
{
	int n = 0;

	assert_int_equal(ioctl(pipe_fd, FIONREAD, &n), 0);
	return n;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_page_cannot_change_its_size(void **state)
{
	struct scene *s = *state;
	struct stat st;

	assert_int_equal(fstat(s->fds.page, &st), 0);
	assert_int_equal(st.st_size, sizeof(struct guard_page));
	assert_int_equal(ftruncate(s->fds.page, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(s->fds.page, 8192), -1);
	assert_int_equal(fcntl(s->fds.page, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(s->fds.pipe, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(s->guard.alive_fd, F_GETFD), FD_CLOEXEC);
}

/* Of the kernel, for the test; the linker prefers this function. */
static int memory_files_fail_with;
static unsigned flags_unknown, memory_file_flags;

int memfd_create(const char *name, unsigned flags)
{
	memory_file_flags = flags;
	errno = flags & flags_unknown ? EINVAL : memory_files_fail_with;
	if (errno)
		return -1;
	return (int)syscall(SYS_memfd_create, name, flags);
}

#define NOEXEC_SEAL 0x0008U

static void an_old_kernel_has_a_page_as_well(void **state)
{
	struct guard_fds fds;
	struct guard g;

	(void)state;
	assert_true(memory_file_flags & NOEXEC_SEAL);
	flags_unknown = NOEXEC_SEAL;
	assert_int_equal(guard_prepare(&g, &fds), 0);
	assert_int_equal(fcntl(fds.page, F_GETFD), FD_CLOEXEC);
	assert_int_equal(ftruncate(fds.page, 0), -1);
	guard_release(&g);
	munmap(g.page, sizeof(*g.page));
	close(fds.page);
	close(fds.pipe);
	/* Without sealing there is no page. */
	flags_unknown = NOEXEC_SEAL | MFD_ALLOW_SEALING;
	assert_int_equal(guard_prepare(&g, &fds), -EINVAL);
	flags_unknown = 0;
	memory_files_fail_with = ENOSYS;
	assert_int_equal(guard_prepare(&g, &fds), -ENOSYS);
	memory_files_fail_with = 0;
}

static int pages_mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		count += strstr(line, "memfd:ntsagent-guard") != NULL;
	fclose(f);
	return count;
}

/* With room for `more` descriptors. */
static void allow(unsigned more, struct rlimit *all)
{
	int next = dup(STDIN_FILENO);
	struct rlimit few;

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, all), 0);
	few = *all;
	few.rlim_cur = (rlim_t)next + more;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void a_guard_that_cannot_be_prepared_leaves_nothing(void **state)
{
	int before = dup(STDIN_FILENO), after, mapped = pages_mapped();

	(void)state;
	close(before);
	for (unsigned more = 0; more < 3; more++) {
		struct guard g = {.alive_fd = -7};
		struct guard_fds fds;
		struct rlimit all;

		allow(more, &all);
		assert_int_equal(guard_prepare(&g, &fds), -EMFILE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
		assert_int_equal(g.alive_fd, -7);
		assert_int_equal(pages_mapped(), mapped);
		after = dup(STDIN_FILENO);
		close(after);
		assert_int_equal(after, before);
	}
}

static void without_a_slew_nothing_is_done(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s);

	guard_note(&s->guard, &s->keeper);
	guard_release(&s->guard);
	assert_int_equal(s->guard.alive_fd, -1);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 0);
}

static void a_slew_that_is_left_is_ended(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s);

	s->keeper.slewing = true;
	s->keeper.slew_end = mono_after(clocks_mono(), 100 * NS_PER_S);
	guard_note(&s->guard, &s->keeper);
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 1);
	assert_true(s->shared->freq_ppm == BASE_PPM);
}

/* From the alert on, before the keeper has noted what it did. */
static void a_command_that_is_left_is_undone(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s);

	guard_note(&s->guard, &s->keeper);
	guard_alert(&s->guard, clocks_mono());
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 1);
}

static void a_command_has_five_seconds(void **state)
{
	struct scene *s = *state;

	guard_alert(&s->guard, (struct mono){7});
	assert_true(s->guard.page->slewing);
	assert_int_equal(s->guard.page->overdue_ns, 7 + 5 * NS_PER_S);
	s->keeper.slew_end = (struct mono){9};
	s->keeper.slewing = true;
	guard_note(&s->guard, &s->keeper);
	assert_int_equal(s->guard.page->overdue_ns, 9 + GUARD_LATE_NS);
	assert_true(s->guard.page->base_freq_ppm == BASE_PPM);
	s->keeper.slewing = false;
	s->keeper.slew_end = (struct mono){11};
	guard_note(&s->guard, &s->keeper);
	assert_false(s->guard.page->slewing);
	assert_int_equal(s->guard.page->overdue_ns, 9 + GUARD_LATE_NS);
}

static void a_clock_that_refuses_is_a_failure(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s);

	s->shared->error = -EPERM;
	guard_alert(&s->guard, clocks_mono());
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 1);
}

/* The guard says it before and after the change: the test must not be between
 * the two when it goes on. */
static bool intervenes(struct scene *s)
{
	struct mono limit = mono_after(clocks_mono(), 10 * NS_PER_S);
	int sets = s->shared->sets;
	bool before, after = false;

	s->shared->hold = true;
	while (s->shared->sets == sets && !mono_due(limit, clocks_mono()))
		usleep(5000);
	before = guard_intervened(&s->guard);
	s->shared->hold = false;
	while (!after && !mono_due(limit, clocks_mono())) {
		usleep(5000);
		after = guard_intervened(&s->guard);
	}
	return before && after;
}

/* The keeper lives, and does not end its slew: the guard waits for the end,
 * half a second, and a second look. */
static void an_overdue_slew_is_ended(void **state)
{
	struct scene *s = *state;
	struct mono begin = clocks_mono();
	pid_t pid = run_guard(s);

	assert_false(guard_intervened(&s->guard));
	guard_alert(&s->guard, begin);
	s->keeper.slewing = true;
	s->keeper.slew_end = begin;
	guard_note(&s->guard, &s->keeper);
	assert_true(intervenes(s));
	assert_int_equal(s->shared->sets, 1);
	assert_in_range(s->shared->set_at_ns - begin.ns,
	    GUARD_LATE_NS + NS_PER_S - NS_PER_MS, 10 * NS_PER_S);
	/* The keeper takes note, and the next slew is watched, too. */
	assert_false(guard_intervened(&s->guard));
	s->keeper.slewing = false;
	guard_note(&s->guard, &s->keeper);
	guard_alert(&s->guard, clocks_mono());
	s->keeper.slewing = true;
	s->keeper.slew_end = clocks_mono();
	guard_note(&s->guard, &s->keeper);
	assert_true(intervenes(s));
	assert_int_equal(s->shared->sets, 2);
	s->keeper.slewing = false;
	guard_note(&s->guard, &s->keeper);
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 2);
}

/* The keeper may look before the change, which it must not take for that of
 * another program, and right after it. */
static void a_keeper_that_looks_during_the_change_learns_of_it(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s);
	bool learnt = false;

	s->shared->hold = true;
	guard_alert(&s->guard, clocks_mono());
	s->keeper.slewing = true;
	s->keeper.slew_end = clocks_mono();
	guard_note(&s->guard, &s->keeper);
	for (int i = 0; s->shared->sets == 0 && i < 4000; i++)
		usleep(5000);
	assert_int_equal(s->shared->sets, 1);
	assert_true(guard_intervened(&s->guard));
	s->shared->hold = false;
	for (int i = 0; !learnt && i < 4000; i++) {
		usleep(5000);
		learnt = guard_intervened(&s->guard);
	}
	assert_true(learnt);
	assert_int_equal(s->shared->sets, 1);
	s->keeper.slewing = false;
	guard_note(&s->guard, &s->keeper);
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
}

/* An attacker who may send it signals cannot keep it from its work. */
static void a_guard_that_is_stopped_goes_on_with_the_next_command(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s), found = 0;
	int status;

	/* It has prepared itself when it has read a byte. */
	guard_alert(&s->guard, clocks_mono());
	for (int i = 0; bytes_in(s->fds.pipe) > 0 && i < 20000; i++)
		usleep(1000);
	assert_int_equal(bytes_in(s->fds.pipe), 0);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	guard_alert(&s->guard, clocks_mono());
	for (int i = 0; found == 0 && i < 4000; i++) {
		usleep(5000);
		found = waitpid(pid, &status, WCONTINUED | WNOHANG);
	}
	kill(pid, SIGCONT);
	s->keeper.slewing = false;
	guard_note(&s->guard, &s->keeper);
	guard_release(&s->guard);
	assert_int_equal(found, pid);
	assert_true(WIFCONTINUED(status));
	assert_int_equal(end_of(pid), 0);
}

/* A keeper that is stopped for long takes no note of it. */
static void an_overdue_slew_is_ended_once(void **state)
{
	struct scene *s = *state;
	pid_t pid = run_guard(s);
	struct mono set;

	guard_alert(&s->guard, clocks_mono());
	s->keeper.slewing = true;
	s->keeper.slew_end = clocks_mono();
	guard_note(&s->guard, &s->keeper);
	for (int i = 0; s->shared->sets == 0 && i < 4000; i++)
		usleep(5000);
	assert_int_equal(s->shared->sets, 1);
	set = clocks_mono();
	while (clocks_mono().ns - set.ns < NS_PER_S + NS_PER_S / 5)
		usleep(5000);
	assert_int_equal(s->shared->sets, 1);
	assert_true(guard_intervened(&s->guard));
	s->keeper.slewing = false;
	guard_note(&s->guard, &s->keeper);
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 1);
}

/* At the second look the slew is over: the keeper was only late. */
static void a_slew_that_ends_late_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct mono begin = clocks_mono();
	pid_t pid;

	s->keeper.slewing = true;
	s->keeper.slew_end = (struct mono){begin.ns - NS_PER_S};
	guard_note(&s->guard, &s->keeper);
	pid = run_guard(s);
	while (clocks_mono().ns - begin.ns < NS_PER_S / 4)
		usleep(5000);
	s->keeper.slewing = false;
	guard_note(&s->guard, &s->keeper);
	while (clocks_mono().ns - begin.ns < NS_PER_S + NS_PER_S / 2)
		usleep(5000);
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 0);
	assert_false(guard_intervened(&s->guard));
}

static void on_signal(int number)
{
	(void)number;
}

/* As when a debugger is attached. */
static void a_signal_is_not_the_end_of_the_keeper(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct scene *s = *state;
	pid_t pid;

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	s->keeper.slewing = true;
	s->keeper.slew_end = mono_after(clocks_mono(), 100 * NS_PER_S);
	guard_note(&s->guard, &s->keeper);
	pid = run_guard(s);
	for (int i = 0; i < 20; i++) {
		usleep(5000);
		kill(pid, SIGUSR1);
	}
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(s->shared->sets, 0);
	guard_release(&s->guard);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(s->shared->sets, 1);
}

static void a_full_pipe_does_not_block_the_keeper(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 100000; i++)
		guard_alert(&s->guard, clocks_mono());
	assert_true(s->guard.page->slewing);
}

static void a_guard_without_a_page_fails(void **state)
{
	struct scene *s = *state;
	const struct clock_ops ops = {.set_freq = fake_set, .self = s->shared};
	const struct guard_fds fds = {.page = s->fds.pipe, .pipe = s->fds.pipe};

	assert_int_equal(guard_main(&fds, &ops), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_page_cannot_change_its_size),
	    TEST(a_guard_that_cannot_be_prepared_leaves_nothing),
	    TEST(without_a_slew_nothing_is_done),
	    TEST(a_slew_that_is_left_is_ended),
	    TEST(a_command_that_is_left_is_undone),
	    TEST(a_command_has_five_seconds),
	    TEST(a_clock_that_refuses_is_a_failure),
	    TEST(an_overdue_slew_is_ended),
	    TEST(a_keeper_that_looks_during_the_change_learns_of_it),
	    TEST(a_guard_that_is_stopped_goes_on_with_the_next_command),
	    TEST(an_overdue_slew_is_ended_once),
	    TEST(a_slew_that_ends_late_is_left_alone),
	    TEST(an_old_kernel_has_a_page_as_well),
	    TEST(a_signal_is_not_the_end_of_the_keeper),
	    TEST(a_full_pipe_does_not_block_the_keeper),
	    TEST(a_guard_without_a_page_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
