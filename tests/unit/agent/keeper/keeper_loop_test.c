/*
 * The keeper's process with real children and real signals, around a clock in
 * shared memory: whichever process dies, no slew runs on and the agent ends.
 */
#include "agent/keeper/keeper_loop.h"

#include "agent/host/clocks.h"
#include "base/log.h"
#include "clock/kernel/drift_file.h"
#include "tests/unit/agent/engine/little_memory.h"
#include "tests/unit/agent/host/forked_child.h"
#include "tests/unit/agent/saved/test_key.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <linux/sockios.h>
#include <setjmp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE_PPM (-7.125)
#define LONG_NS (100 * NS_PER_S)
#define WAIT_MS 8000
#define EARLIEST_NS (1234 * NS_PER_S)

/* What the processes share: the clock, and what the test wants to know. */
struct shared {
	_Atomic double freq_ppm;
	atomic_int freq_sets;
	atomic_int keeper, engine, resolver, guard; /* process ids */
	atomic_int set_error;	  /* of the kernel; it sets nothing then */
	atomic_int error_in_slew; /* set_error once a slew has begun */
	/* Of the keeper's process at the end. */
	_Atomic double max_freq_ppm;
	_Atomic int64_t earliest_ns;
	atomic_int log_level;
	atomic_int guard_status; /* -1: the guard has not come to its end */
	_Atomic double freq_at_term_ppm; /* when the engine must end */
	atomic_bool guard_at_term;
	atomic_int holder;     /* a process that holds the engine's end */
	atomic_int engine_saw; /* its script came to the end */
	struct keeper_report reports[4];
};

struct scene {
	struct shared *shared;
	char dir[32], drift[64], good[64], log[64], config_path[64];
	int config_link; /* the engine's end, in the engine */
	struct config config;
	bool engine_may_end, no_clock, debug;
	int64_t watchdog_ns;
	bool no_memory;	      /* for the loop */
	bool no_helpers;      /* neither loader nor saver can start */
	bool logger_dies;     /* there is one, and a signal kills it */
	bool resolver_leaves; /* when the engine has come to its end */
	pid_t keeper;
	/* The engine's part; returns its exit status. */
	int (*engine)(struct scene *s, int fd);
};

static struct wall fake_now(void *self)
{
	(void)self;
	return (struct wall){1800000000 * NS_PER_S};
}

static int fake_get(void *self, struct kernel_found *found)
{
	struct shared *s = self;

	*found = (struct kernel_found){.freq_ppm = s->freq_ppm};
	return 0;
}

static int fake_set(void *self, double freq_ppm, double *became_ppm)
{
	struct shared *s = self;

	if (s->set_error)
		return s->set_error;
	s->freq_ppm = freq_ppm;
	s->freq_sets++;
	*became_ppm = freq_ppm;
	if (freq_ppm != BASE_PPM)
		s->set_error = s->error_in_slew;
	return 0;
}

static int fake_step(void *self, int64_t step_ns)
{
	(void)self;
	(void)step_ns;
	return 0;
}

static int fake_status(void *self, const struct kernel_status *status)
{
	(void)self;
	(void)status;
	return 0;
}

/* The test's own waiting. */

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static bool wait_until(
    bool (*is_so)(const struct scene *), const struct scene *s)
{
	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		if (is_so(s))
			return true;
		nap();
	}
	return false;
}

static bool slew_runs(const struct scene *s)
{
	return s->shared->freq_ppm > 400;
}

static bool base_is_set(const struct scene *s)
{
	return s->shared->freq_ppm == BASE_PPM;
}

static bool all_started(const struct scene *s)
{
	return s->shared->engine && s->shared->resolver && s->shared->guard;
}

/* Parts for the engine. */

static int next_report(int fd, struct keeper_report *r)
{
	int got;

	while ((got = keeper_receive_report(fd, r)) == 0)
		nap();
	return got;
}

static struct keeper_message slew_of(int64_t slew_ns, int64_t duration_ns)
{
	return (struct keeper_message){
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = 5,
	    .command = {.freq_ppm = BASE_PPM,
		.slew_ns = slew_ns,
		.slew_duration_ns = duration_ns},
	};
}

static struct keeper_message save_of(void)
{
	return (struct keeper_message){
	    .kind = KEEPER_MESSAGE_SAVE,
	    .serial = 6,
	    .freq_ppm = -3.5,
	    .freq_sd_ppm = 0.5,
	    .good_time_s = 1700000000,
	};
}

/* 500 ppm for as long as the test takes. */
static int start_long_slew(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(LONG_NS / 2000, LONG_NS);

	if (keeper_send_message(fd, &m) != 1)
		return -1;
	return next_report(fd, &s->shared->reports[0]);
}

static int wait_for_the_end(struct scene *s, int fd)
{
	struct keeper_report r;

	while (next_report(fd, &r) == 1)
		;
	s->shared->engine_saw = 1;
	return 1;
}

/* The processes. */

static bool engine_saw_the_end(const struct scene *s)
{
	return s->shared->engine_saw == 1;
}

static int resolver_part(struct scene *s, pid_t keeper)
{
	s->shared->resolver = getpid();
	if (s->resolver_leaves)
		return wait_until(engine_saw_the_end, s) ? 0 : 1;
	if (child_follow(keeper, SIGTERM))
		pause();
	return 1;
}

static void start_children(struct scene *s, struct keeper_loop *p)
{
	int link[2], config_link[2];
	struct guard_fds fds;
	pid_t keeper = getpid();
	struct child *c = p->children;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, config_link) != 0)
		_exit(99);
	if (forked_child(&c[0], "engine") == 0) {
		close(link[0]);
		close(config_link[0]);
		s->config_link = config_link[1];
		s->shared->engine = getpid();
		_exit(s->engine(s, link[1]));
	}
	close(link[1]);
	close(config_link[1]);
	p->engine_fd = link[0];
	p->config_fd = config_link[0];
	if (forked_child(&c[1], "resolver") == 0) {
		close(link[0]);
		_exit(resolver_part(s, keeper));
	}
	if (guard_prepare(&p->guard, &fds) != 0)
		_exit(99);
	if (forked_child(&c[2], "guard") == 0) {
		close(link[0]);
		close(p->guard.alive_fd);
		child_take_signals(!s->no_memory);
		s->shared->guard = getpid();
		s->shared->guard_status = guard_main(&fds, &p->keeper->clock);
		_exit(s->shared->guard_status);
	}
	close(fds.page);
	close(fds.pipe);
}

/* A saver whose disk is stuck must not outlive the test. */
static int helper_part(const char *name, int fd)
{
	if (!child_follow(getppid(), SIGKILL))
		return 1;
	return strcmp(name, "loader") == 0 ? loader_main(fd) : saver_main(fd);
}

/* A result of a reload finds no room any more, not even in freed memory. */
static void use_up_memory(void)
{
	static void **hoard;
	void **more;

	little_memory_begin(0);
	while ((more = malloc(sizeof(struct reload_result) / 2))) {
		*more = hoard;
		hoard = more;
	}
}

/* Lines begin with their level, as under systemd. */
static void log_to_file(const char *path)
{
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char stream[64];
	struct stat st;

	dup2(log, STDERR_FILENO);
	fstat(log, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
}

static int keeper_part(struct scene *s)
{
	forked_main *helper = helper_part;
	const struct child_starter works = {forked_start, &helper};
	const struct child_starter fails = {
	    forked_start_fails, &(int){-EAGAIN}};
	const struct child_starter *starter = s->no_helpers ? &fails : &works;
	struct clock_ops ops = {
	    .now = fake_now,
	    .look = fake_get,
	    .set_freq = fake_set,
	    .step = fake_step,
	    .set_status = fake_status,
	    .self = s->shared,
	};
	struct keeper_limits limits = keeper_limits_of(&s->config, s->no_clock);
	struct keeper_report report;
	struct keeper keeper;
	struct keeper_loop p = {
	    .config = &s->config,
	    .keeper = &keeper,
	    .signal_fd = child_catch_signals(),
	    .engine_may_end = s->engine_may_end,
	    .debug = s->debug,
	    .watchdog_ns = s->watchdog_ns,
	    .config_fd = -1,
	    .resolver_pipe = -1,
	    .reload = {.starter = starter,
		.path = s->config_path,
		.loader_fd = -1},
	    .saver = {.starter = starter, .seal = &test_key},
	};
	int status;

	log_to_file(s->log);
	limits.earliest_ns = EARLIEST_NS;
	if (keeper_start(
		&keeper, &limits, &ops, &(double){BASE_PPM}, &report) != 0)
		return 98;
	start_children(s, &p);
	while (!all_started(s))
		nap();
	if (s->logger_dies) {
		p.logger = (struct child){.name = "logger", .pid = fork()};
		if (p.logger.pid == 0)
			raise(SIGKILL);
	}
	if (s->no_memory)
		use_up_memory();
	status = keeper_loop_run(&p);
	s->shared->max_freq_ppm = s->config.max_freq_ppm;
	s->shared->earliest_ns = keeper.limits.earliest_ns;
	s->shared->log_level = s->config.log_level;
	return status;
}

static void begin(struct scene *s, int (*engine)(struct scene *, int))
{
	s->engine = engine;
	s->keeper = fork();
	assert_true(s->keeper >= 0);
	if (s->keeper == 0)
		_exit(keeper_part(s));
	assert_true(wait_until(all_started, s));
}

static int wait_status(pid_t pid)
{
	int status;

	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		nap();
	}
	fail_msg("process %d does not end", (int)pid);
	return -1;
}

/* The agent's end: its exit status, none of its processes left, no slew. */
static int finish(struct scene *s)
{
	int status = wait_status(s->keeper);

	assert_true(WIFEXITED(status));
	assert_true(base_is_set(s));
	assert_int_equal(kill(s->shared->engine, 0), -1);
	assert_int_equal(kill(s->shared->resolver, 0), -1);
	assert_int_equal(kill(s->shared->guard, 0), -1);
	return WEXITSTATUS(status);
}

static bool file_has(const char *path, const char *words)
{
	char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return strstr(text, words) != NULL;
}

static bool log_says(const struct scene *s, const char *words)
{
	bool says = file_has(s->log, words);

	if (!says)
		fprintf(stderr, "%s lacks \"%s\"\n", s->log, words);
	return says;
}

static int make_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->shared != MAP_FAILED);
	s->shared->guard_status = -1;
	snprintf(s->dir, sizeof(s->dir), "%s", "/tmp/ntsagent-keeper-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->drift, sizeof(s->drift), "%s/drift", s->dir);
	snprintf(s->good, sizeof(s->good), "%s/good", s->dir);
	snprintf(s->log, sizeof(s->log), "%s/log", s->dir);
	snprintf(s->config_path, sizeof(s->config_path), "%s/conf", s->dir);
	config_defaults(&s->config);
	snprintf(
	    s->config.driftfile, sizeof(s->config.driftfile), "%s", s->drift);
	snprintf(s->config.goodtime_file, sizeof(s->config.goodtime_file), "%s",
	    s->good);
	s->config.steering.max_slew_ppm = 1000;
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	*state = s;
	return 0;
}

static int drop_scene(void **state)
{
	struct scene *s = *state;

	unlink(s->drift);
	unlink(s->good);
	unlink(s->log);
	unlink(s->config_path);
	assert_int_equal(rmdir(s->dir), 0);
	munmap(s->shared, sizeof(*s->shared));
	free(s);
	return 0;
}

/* A whole slew, ended by the keeper in time; then -q is done. */
static int short_slew(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(25000, 50 * NS_PER_MS);

	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[0]) != 1 ||
	    next_report(fd, &s->shared->reports[1]) != 1)
		return 9;
	return 3;
}

static void test_slew_ends_in_time(void **state)
{
	struct scene *s = *state;
	const struct keeper_report *r = s->shared->reports;

	s->engine_may_end = true;
	begin(s, short_slew);
	assert_int_equal(finish(s), 3);
	assert_int_equal(r[0].serial, 5);
	assert_int_equal(r[0].verdict, KEEPER_OK);
	assert_true(fabs(r[0].changes[0].freq_ppm - (500 + BASE_PPM)) < 1e-9);
	assert_int_equal(r[1].serial, 0);
	assert_true(r[1].changes[0].freq_ppm == BASE_PPM);
	/* Never early; late by less than half a second on a busy machine. */
	assert_in_range(r[1].slew_done_ns, 25000, 275000);
	assert_true(log_says(s, "done; clock left at -7.125 ppm"));
}

static int dies_slewing(struct scene *s, int fd)
{
	start_long_slew(s, fd);
	raise(SIGKILL);
	return 0;
}

static void test_engine_killed(void **state)
{
	struct scene *s = *state;

	begin(s, dies_slewing);
	assert_int_equal(finish(s), 1);
	assert_int_equal(s->shared->freq_sets, 3);
	assert_true(
	    log_says(s, "<3>the engine was killed by signal 9 (Killed); "
			"clock left at -7.125 ppm, no slew running"));
}

static int leaves(struct scene *s, int fd)
{
	(void)s;
	(void)fd;
	return 0;
}

/* Even with exit status 0: an agent without an engine has failed. */
static void test_engine_leaves(void **state)
{
	struct scene *s = *state;

	begin(s, leaves);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "the engine ended with exit status 0"));
}

static int slews(struct scene *s, int fd)
{
	start_long_slew(s, fd);
	return wait_for_the_end(s, fd);
}

/* Long enough for a signal to reach the keeper before its end. */
static int slews_for_two_seconds(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(NS_PER_MS, 2 * NS_PER_S);

	if (keeper_send_message(fd, &m) != 1)
		return 9;
	return wait_for_the_end(s, fd);
}

static bool resolver_is_collected(const struct scene *s)
{
	return kill(s->shared->resolver, 0) != 0;
}

/* The resolver ends after the engine's last action, and is collected first. */
static int ends_behind_the_resolver(struct scene *s, int fd)
{
	(void)fd;
	s->shared->engine_saw = 1;
	return wait_until(resolver_is_collected, s) ? 3 : 9;
}

static void test_order_of_collection(void **state)
{
	struct scene *s = *state;

	s->shared->freq_ppm = BASE_PPM;
	s->resolver_leaves = true;
	begin(s, ends_behind_the_resolver);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "the engine ended with exit status 3"));
}

static void test_order_of_collection_with_once(void **state)
{
	struct scene *s = *state;

	s->shared->freq_ppm = BASE_PPM;
	s->resolver_leaves = s->engine_may_end = true;
	begin(s, ends_behind_the_resolver);
	assert_int_equal(finish(s), 3);
	assert_true(log_says(s, "not done; clock left"));
}

/* On a machine with too much work. */
static int ends_long_behind_the_resolver(struct scene *s, int fd)
{
	s->shared->engine_saw = 1;
	close(fd);
	if (!wait_until(resolver_is_collected, s))
		return 9;
	for (int ms = 0; ms < 900; ms += 5)
		nap();
	return 0;
}

static void test_slow_end_with_once(void **state)
{
	struct scene *s = *state;

	s->shared->freq_ppm = BASE_PPM;
	s->resolver_leaves = s->engine_may_end = true;
	begin(s, ends_long_behind_the_resolver);
	assert_int_equal(finish(s), 0);
	assert_true(log_says(s, "<5>done; clock left"));
}

/* The work is not done then. */
static void test_signal_with_once(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	begin(s, slews);
	assert_true(wait_until(slew_runs, s));
	kill(s->keeper, SIGTERM);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "ended by SIGTERM"));
}

static void test_resolver_killed(void **state)
{
	struct scene *s = *state;

	begin(s, slews);
	assert_true(wait_until(slew_runs, s));
	kill(s->shared->resolver, SIGKILL);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "the resolver was killed by signal 9"));
}

static void test_guard_killed(void **state)
{
	struct scene *s = *state;

	begin(s, slews);
	assert_true(wait_until(slew_runs, s));
	kill(s->shared->guard, SIGKILL);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "the guard was killed by signal 9"));
}

/* The orphans are ours to collect (PR_SET_CHILD_SUBREAPER). */
static void collect(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static bool all_gone(const struct scene *s)
{
	collect();
	return kill(s->shared->engine, 0) != 0 &&
	       kill(s->shared->resolver, 0) != 0 &&
	       kill(s->shared->guard, 0) != 0;
}

/* The guard ends the slew, the engine sees its link end, the resolver gets the
 * signal of its parent's death. */
static void test_keeper_killed(void **state)
{
	struct scene *s = *state;

	begin(s, slews);
	assert_true(wait_until(slew_runs, s));
	kill(s->keeper, SIGKILL);
	assert_true(WIFSIGNALED(wait_status(s->keeper)));
	assert_true(wait_until(base_is_set, s));
	assert_true(wait_until(engine_saw_the_end, s));
	assert_true(wait_until(all_gone, s));
	assert_true(log_says(s, "the guard ended its slew"));
}

static bool keeper_gone(const struct scene *s)
{
	collect();
	return kill(s->keeper, 0) != 0;
}

/* Stops one process and then kills another one, as the agent's user may. While
 * the keeper is stopped, a slew goes on until it is overdue. */
static void stop_and_kill(struct scene *s, atomic_int *stop, atomic_int *victim)
{
	bool short_slew = stop == &s->shared->keeper;

	begin(s, short_slew ? slews_for_two_seconds : slews);
	s->shared->keeper = s->keeper;
	assert_true(wait_until(slew_runs, s));
	assert_int_equal(kill(*stop, SIGSTOP), 0);
	assert_int_equal(kill(*victim, SIGKILL), 0);
	assert_true(wait_until(base_is_set, s));
	kill(*stop, SIGCONT);
	assert_true(wait_until(all_gone, s));
	assert_true(wait_until(keeper_gone, s));
	assert_true(base_is_set(s));
}

/* The kernel makes the one that was stopped go on. */
static void a_stopped_guard_outlives_the_keeper(void **state)
{
	struct scene *s = *state;

	stop_and_kill(s, &s->shared->guard, &s->shared->keeper);
	assert_true(log_says(s, "the guard ended its slew"));
}

static void a_stopped_keeper_outlives_the_guard(void **state)
{
	struct scene *s = *state;

	stop_and_kill(s, &s->shared->keeper, &s->shared->guard);
	assert_true(log_says(s, "the guard was killed by signal 9"));
}

/* The guard finds that the slew is overdue, or the keeper that the engine is
 * gone. */
static void no_other_pair_leaves_a_slew(void **state)
{
	struct scene *s = *state;
	atomic_int *const all[] = {&s->shared->keeper, &s->shared->guard,
	    &s->shared->engine, &s->shared->resolver};

	for (unsigned i = 0; i < ARRAY_LEN(all) * ARRAY_LEN(all); i++) {
		unsigned stop = i / ARRAY_LEN(all), victim = i % ARRAY_LEN(all);

		/* The two tests above have keeper and guard. */
		if (stop == victim || stop + victim == 1)
			continue;
		s->shared->freq_ppm = 0;
		s->shared->engine = s->shared->resolver = 0;
		s->shared->guard = 0;
		stop_and_kill(s, all[stop], all[victim]);
	}
}

/* Without a slew there is nothing to repair. */
static void test_keeper_killed_without_slew(void **state)
{
	struct scene *s = *state;

	begin(s, wait_for_the_end);
	kill(s->keeper, SIGKILL);
	wait_status(s->keeper);
	assert_true(wait_until(all_gone, s));
	assert_int_equal(s->shared->freq_sets, 1);
}

static volatile sig_atomic_t end_asked;

static void on_term(int number)
{
	(void)number;
	end_asked = 1;
}

/* Sends a last SAVE, as the engine does, and ends. */
static int saves_at_the_end(struct scene *s, int fd)
{
	struct keeper_message m = save_of();

	signal(SIGTERM, on_term);
	start_long_slew(s, fd);
	while (!end_asked)
		nap();
	if (keeper_send_message(fd, &m) != 1)
		return 1;
	/* This one comes too late: the slew must not start again. */
	m = slew_of(LONG_NS / 2000, LONG_NS);
	return keeper_send_message(fd, &m) != 1;
}

#define LAST_SAVES 20

/* Has it ended, and waits to be collected? */
static bool is_zombie(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state == 'Z';
}

static bool engine_and_resolver_have_ended(const struct scene *s)
{
	return is_zombie(s->shared->engine) && is_zombie(s->shared->resolver);
}

/* The keeper finds all of them at once, after the end of both. */
static int saves_often_at_the_end(struct scene *s, int fd)
{
	struct keeper_message m = save_of();
	pid_t holder;

	/* A keeper that is stopped earlier cannot start the guard. */
	if (!wait_until(all_started, s) || kill(getppid(), SIGSTOP) != 0)
		return 9;
	for (int i = 1; i <= LAST_SAVES; i++) {
		m.freq_ppm = i;
		if (keeper_send_message(fd, &m) != 1)
			return 8;
	}
	kill(s->shared->resolver, SIGKILL);
	holder = fork();
	if (holder == 0) {
		signal(SIGTERM, SIG_DFL);
		pause();
	}
	s->shared->holder = holder;
	return 0;
}

static bool a_holder_is_there(const struct scene *s)
{
	return s->shared->holder > 0;
}

/* The last SAVE counts, and the end does not wait for the link to close. */
static void test_last_save_counts(void **state)
{
	struct scene *s = *state;
	double freq, sd;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	begin(s, saves_often_at_the_end);
	assert_true(wait_until(a_holder_is_there, s));
	assert_true(wait_until(engine_and_resolver_have_ended, s));
	kill(s->keeper, SIGCONT);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 0);
	assert_int_equal(kill(s->shared->holder, SIGKILL), 0);
	assert_int_equal(
	    waitpid(s->shared->holder, NULL, 0), s->shared->holder);
	assert_int_equal(drift_file_load(s->drift, NULL, &freq, &sd), 0);
	assert_true(freq == LAST_SAVES);
}

static void test_ends_when_asked(void **state)
{
	struct scene *s = *state;
	double freq, sd;
	int64_t good;

	begin(s, saves_at_the_end);
	assert_true(wait_until(slew_runs, s));
	kill(s->keeper, SIGTERM);
	assert_int_equal(finish(s), 0);
	assert_int_equal(s->shared->freq_sets, 3);
	assert_int_equal(drift_file_load(s->drift, NULL, &freq, &sd), 0);
	assert_true(freq == -3.5 && sd == 0.5);
	assert_int_equal(last_good_time_load(s->good, NULL, &good), 0);
	assert_int_equal(good, 1700000000);
	assert_true(
	    log_says(s, "<5>ended by SIGTERM; clock left at -7.125 ppm, "
			"no slew running"));
}

static int looks_around_at_the_end(struct scene *s, int fd)
{
	signal(SIGTERM, on_term);
	start_long_slew(s, fd);
	while (!end_asked)
		nap();
	s->shared->freq_at_term_ppm = s->shared->freq_ppm;
	s->shared->guard_at_term = s->shared->guard_status == -1;
	return 0;
}

/* The slew first, then the children, and the guard after the others. */
static void test_order_of_the_end(void **state)
{
	struct scene *s = *state;

	begin(s, looks_around_at_the_end);
	assert_true(wait_until(slew_runs, s));
	kill(s->keeper, SIGTERM);
	assert_int_equal(finish(s), 0);
	assert_true(s->shared->freq_at_term_ppm == BASE_PPM);
	assert_true(s->shared->guard_at_term);
	/* It was released: it had no slew to end. */
	assert_int_equal(s->shared->guard_status, 0);
	assert_int_equal(s->shared->freq_sets, 3);
}

/* With -q, too, the keeper fails if the engine is killed. */
static void test_engine_killed_with_once(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	begin(s, dies_slewing);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "the engine was killed by signal 9"));
}

static int deaf(struct scene *s, int fd)
{
	signal(SIGTERM, SIG_IGN);
	start_long_slew(s, fd);
	pause();
	return 1;
}

static void test_deaf_engine(void **state)
{
	struct scene *s = *state;

	begin(s, deaf);
	assert_true(wait_until(slew_runs, s));
	kill(s->keeper, SIGINT);
	assert_int_equal(finish(s), 0);
	assert_true(log_says(s, "ended by SIGINT"));
}

/* The drift file is not written while a slew waits for its end. */
static int saves_slewing(struct scene *s, int fd)
{
	struct keeper_message m = save_of();

	m.good_time_s = time(NULL) + 1000;
	if (start_long_slew(s, fd) != 1 || keeper_send_message(fd, &m) != 1)
		return 9;
	/* An answer comes after everything sent before it. */
	m = slew_of(LONG_NS / 2000, LONG_NS);
	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[1]) != 1 ||
	    access(s->drift, F_OK) == 0)
		return 8;
	m.command.slew_ns = 0;
	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[2]) != 1)
		return 7;
	for (int i = 0; i < 1000 && access(s->drift, F_OK) != 0; i++)
		nap();
	return access(s->drift, F_OK) != 0;
}

static void test_save_waits(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	begin(s, saves_slewing);
	assert_int_equal(finish(s), 0);
	/* A good time in the future is not written. */
	assert_int_equal(access(s->good, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

static uint32_t verdict_of(int fd, double freq_ppm)
{
	struct keeper_message m = {
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = 1,
	    .command = {.freq_ppm = freq_ppm},
	};
	struct keeper_report report = {.verdict = KEEPER_SAVED};

	if (keeper_send_message(fd, &m) != 1)
		return KEEPER_VERDICT_COUNT;
	/* A saver may end meanwhile. */
	while (report.verdict == KEEPER_SAVED)
		if (next_report(fd, &report) != 1)
			return KEEPER_VERDICT_COUNT;
	return report.verdict;
}

/* The linker prefers this one to the C library's. */
static bool disk_is_stuck;

int fsync(int fd)
{
	while (disk_is_stuck)
		pause();
	return (int)syscall(SYS_fsync, fd);
}

static int saves_on_a_stuck_disk(struct scene *s, int fd)
{
	struct keeper_message m = save_of();

	(void)s;
	for (int i = 0; i < 2; i++)
		if (keeper_send_message(fd, &m) != 1 ||
		    verdict_of(fd, 50) != KEEPER_OK)
			return 9;
	return 0;
}

static void run_on_a_stuck_disk(
    struct scene *s, int (*engine)(struct scene *, int))
{
	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	disk_is_stuck = true;
	begin(s, engine);
	disk_is_stuck = false;
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 0);
}

/* The saver that hangs had begun a new file. */
static void remove_unfinished(const struct scene *s)
{
	char unfinished[sizeof(s->drift) + 8];

	snprintf(unfinished, sizeof(unfinished), "%s.new", s->drift);
	assert_int_equal(unlink(unfinished), 0);
}

static void test_stuck_disk(void **state)
{
	struct scene *s = *state;

	run_on_a_stuck_disk(s, saves_on_a_stuck_disk);
	assert_true(log_says(s, "the disk has not taken"));
	assert_int_equal(access(s->drift, F_OK), -1);
	remove_unfinished(s);
}

#define FLOOD 20000

/* Waits while the link is full. */
static int floods_with_saves(struct scene *s, int fd)
{
	struct keeper_message m = save_of();

	(void)s;
	for (int i = 0; i < FLOOD; i++) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		int sent;

		while ((sent = keeper_send_message(fd, &m)) == 0)
			poll(&p, 1, WAIT_MS);
		if (sent != 1)
			return 9;
	}
	return verdict_of(fd, 50) == KEEPER_OK ? 0 : 10;
}

static unsigned lines_with(const struct scene *s, const char *part)
{
	static char text[65536];
	int fd = open(s->log, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	unsigned count = 0;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

/* A disk that works, and a file that cannot be written. */
static void test_a_flood_of_saves_is_a_handful_of_lines(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	strcpy(s->config.driftfile, "/nowhere/drift");
	begin(s, floods_with_saves);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 0);
	/* The engine hears of four savers, and the log of the end. */
	assert_in_range(lines_with(s, "cannot write /nowhere/drift"), 0, 1);
	assert_int_equal(lines_with(s, "the disk has not taken"), 0);
}

/* The keeper has nothing to say of a saver that has answered. */
static int hears_of_a_failed_save(struct scene *s, int fd)
{
	const struct keeper_message m = save_of();
	struct keeper_report report;

	(void)s;
	if (keeper_send_message(fd, &m) != 1 || next_report(fd, &report) != 1)
		return 9;
	if (report.serial != 0 || report.verdict != KEEPER_SAVED)
		return 10;
	return report.sys_errno == ENOENT ? 0 : 11;
}

static void test_the_engine_hears_what_was_not_saved(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	strcpy(s->config.driftfile, "/nowhere/drift");
	begin(s, hears_of_a_failed_save);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 0);
	assert_int_equal(lines_with(s, "cannot write"), 0);
}

static void test_a_flood_on_a_stuck_disk_is_said_once(void **state)
{
	struct scene *s = *state;

	run_on_a_stuck_disk(s, floods_with_saves);
	/* Once for the saver that hangs, once at the end. */
	assert_in_range(lines_with(s, "the disk has not taken"), 1, 2);
	remove_unfinished(s);
}

static int talks_nonsense(struct scene *s, int fd)
{
	struct keeper_message m = {.kind = KEEPER_MESSAGE_COMMAND, .serial = 1};

	start_long_slew(s, fd);
	send(fd, &m, sizeof(m) - 1, 0);
	signal(SIGTERM, SIG_IGN);
	pause();
	return 1;
}

static void test_nonsense_ends_the_agent(void **state)
{
	struct scene *s = *state;

	begin(s, talks_nonsense);
	assert_int_equal(finish(s), 1);
	assert_true(log_says(s, "does not keep to the protocol"));
}

/* Sends more commands than the link has room for reports. */
static int never_listens(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(0, 0);

	(void)s;
	while (keeper_send_message(fd, &m) >= 0)
		usleep(100);
	return wait_for_the_end(s, fd);
}

static int closes_the_link_of_reloads(struct scene *s, int fd)
{
	start_long_slew(s, fd);
	close(s->config_link);
	return wait_for_the_end(s, fd);
}

static int asks_for_a_reload_with_nonsense(struct scene *s, int fd)
{
	start_long_slew(s, fd);
	send(s->config_link, "?", 1, 0);
	return wait_for_the_end(s, fd);
}

static void test_link_lost(void **state)
{
	static int (*const engines[])(struct scene *, int) = {
	    never_listens,
	    closes_the_link_of_reloads,
	    asks_for_a_reload_with_nonsense,
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		s->shared->engine = s->shared->resolver = s->shared->guard = 0;
		unlink(s->log);
		begin(s, engines[i]);
		assert_int_equal(finish(s), 1);
		assert_true(log_says(s, "does not keep to the protocol"));
	}
}

static void next_life(struct scene *s)
{
	s->shared->engine = s->shared->resolver = s->shared->guard = 0;
	s->shared->engine_saw = 0;
	s->shared->freq_ppm = BASE_PPM;
}

/* How long a life of the agent takes. */
static int64_t life_of(struct scene *s, int (*engine)(struct scene *, int),
    void (*strike)(const struct scene *))
{
	struct mono from = clocks_mono();

	next_life(s);
	begin(s, engine);
	if (strike)
		strike(s);
	wait_status(s->keeper);
	return clocks_mono().ns - from.ns;
}

static void terminate(const struct scene *s)
{
	kill(s->keeper, SIGTERM);
}

/* The half second in which the keeper looks for the cause. A busy machine may
 * need it for other things, but not five times. */
#define LOOKS_NS (NS_PER_S / 2)
#define TRIES 5

/* A signal is a cause, and so is the end of both engine and resolver; nobody
 * looks for one when the end was ordered. */
static void a_known_cause_needs_no_wait(void **state)
{
	static const struct {
		int (*engine)(struct scene *, int);
		void (*strike)(const struct scene *);
		bool resolver_leaves;
	} rows[] = {
	    {dies_slewing, NULL, false},
	    {ends_behind_the_resolver, NULL, true},
	    {wait_for_the_end, terminate, false},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool quick = false;

		s->resolver_leaves = rows[i].resolver_leaves;
		for (int n = 0; n < TRIES && !quick; n++)
			quick = life_of(s, rows[i].engine, rows[i].strike) <
				LOOKS_NS;
		if (!quick)
			fail_msg("row %zu is slow", i);
	}
}

static int talks_nonsense_and_obeys(struct scene *s, int fd)
{
	(void)s;
	send(fd, "?", 1, 0);
	pause();
	return 1;
}

static void an_unknown_cause_is_looked_for_half_a_second(void **state)
{
	struct scene *s = *state;
	bool quick = false;

	for (int n = 0; n < TRIES && !quick; n++) {
		int64_t ns = life_of(s, talks_nonsense_and_obeys, NULL);

		assert_true(ns >= LOOKS_NS);
		quick = ns < 3 * LOOKS_NS;
	}
	assert_true(quick);
}

static bool engine_is_collected(const struct scene *s)
{
	return kill(s->shared->engine, 0) != 0;
}

static int leaves_late(struct scene *s, int fd)
{
	(void)fd;
	return wait_until(all_started, s) ? 7 : 9;
}

/* The engine ends with a status because the resolver is dying. */
static void a_signal_is_blamed_before_an_exit(void **state)
{
	struct scene *s = *state;
	bool blamed = false;

	for (int n = 0; n < TRIES && !blamed; n++) {
		next_life(s);
		unlink(s->log);
		begin(s, leaves_late);
		assert_true(wait_until(engine_is_collected, s));
		kill(s->shared->resolver, SIGKILL);
		assert_int_equal(finish(s), 1);
		blamed = file_has(s->log, "the resolver was killed");
	}
	assert_true(blamed);
}

/* Does to the clock what another daemon would. */
static int meddle(struct scene *s, int fd)
{
	s->shared->freq_ppm = 321;
	if (next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	s->shared->engine_saw = s->shared->freq_ppm == BASE_PPM;
	return 0;
}

static void test_other_programs(void **state)
{
	struct scene *s = *state;
	const struct keeper_report *r = &s->shared->reports[0];

	s->engine_may_end = true;
	begin(s, meddle);
	assert_int_equal(finish(s), 0);
	assert_int_equal(r->verdict, KEEPER_FREQ_CHANGED);
	assert_true(r->found_freq_ppm == 321);
	assert_true(s->shared->engine_saw);
}

/* The same during a slew that ends before the keeper's next look. */
static int meddle_with_a_slew(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(25000, 300 * NS_PER_MS);

	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	return meddle(s, fd);
}

static void a_change_is_reported_before_a_slew_ends(void **state)
{
	struct scene *s = *state;
	const struct keeper_report *r = &s->shared->reports[0];

	s->engine_may_end = true;
	begin(s, meddle_with_a_slew);
	assert_int_equal(finish(s), 0);
	assert_int_equal(r->verdict, KEEPER_FREQ_CHANGED);
	assert_true(r->found_freq_ppm == 321);
}

/* Stops its keeper while a slew runs. */
static int stop_keeper(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(250000, 500 * NS_PER_MS);

	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	/* A guard that has not read its byte yet makes the keeper go on. */
	while (!base_is_set(s)) {
		if (kill(getppid(), SIGSTOP) != 0)
			return 9;
		nap();
	}
	if (next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	/* The next slew begins and ends as if nothing had been. */
	m.command.slew_duration_ns = 50 * NS_PER_MS;
	m.command.slew_ns = 25000;
	if (keeper_send_message(fd, &m) != 1)
		return 9;
	for (int i = 1; i < 3; i++)
		if (next_report(fd, &s->shared->reports[i]) != 1)
			return 9;
	return 0;
}

static bool guard_has_told(const struct scene *s)
{
	return file_has(s->log, "the guard ended its slew");
}

static void test_keeper_stopped(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	begin(s, stop_keeper);
	assert_true(wait_until(slew_runs, s));
	assert_true(wait_until(base_is_set, s));
	assert_int_equal(kill(s->shared->guard, 0), 0);
	assert_true(wait_until(guard_has_told, s));
	assert_int_equal(kill(s->keeper, SIGCONT), 0);
	assert_int_equal(finish(s), 0);
	assert_int_equal(s->shared->reports[0].serial, 0);
	assert_int_equal(s->shared->reports[0].verdict, KEEPER_OVERTAKEN);
	assert_int_equal(s->shared->reports[0].change_count, 1);
	assert_true(s->shared->reports[0].changes[0].freq_ppm == BASE_PPM);
	assert_int_equal(s->shared->reports[1].verdict, KEEPER_OK);
	assert_true(s->shared->reports[1].changes[0].freq_ppm > BASE_PPM);
	assert_int_equal(s->shared->reports[2].verdict, KEEPER_OK);
	assert_true(s->shared->reports[2].changes[0].freq_ppm == BASE_PPM);
}

/* The kernel refuses: in the middle of a slew, and when somebody looks. */
static int kernel_refuses_the_end(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(25000, 50 * NS_PER_MS);

	/* Before the slew can end. */
	s->shared->error_in_slew = -EPERM;
	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	return wait_for_the_end(s, fd);
}

static void test_kernel_refuses_the_end_of_a_slew(void **state)
{
	struct scene *s = *state;

	begin(s, kernel_refuses_the_end);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 1);
	assert_true(log_says(s, "the kernel refuses to end a slew: Operation "
				"not permitted"));
	assert_true(log_says(s, "the kernel does not obey"));
	assert_true(log_says(s, "A SLEW IS STILL RUNNING"));
}

/* A slew that runs on leaves a frequency that nobody measured. */
static int saves_and_cannot_end_its_slew(struct scene *s, int fd)
{
	struct keeper_message m = save_of();

	if (start_long_slew(s, fd) != 1 || keeper_send_message(fd, &m) != 1)
		return 9;
	s->shared->set_error = -EPERM;
	kill(getppid(), SIGTERM);
	return wait_for_the_end(s, fd);
}

static void test_nothing_is_saved_during_a_slew(void **state)
{
	struct scene *s = *state;

	begin(s, saves_and_cannot_end_its_slew);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 0);
	assert_true(log_says(s, "A SLEW IS STILL RUNNING"));
	assert_int_equal(access(s->drift, F_OK), -1);
}

static int commands_a_slew(struct scene *s, int fd)
{
	return start_long_slew(s, fd) == 1 ? 0 : 9;
}

static void test_without_a_clock(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = s->no_clock = true;
	s->shared->freq_ppm = 321;
	begin(s, commands_a_slew);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 0);
	assert_int_equal(s->shared->reports[0].verdict, KEEPER_NO_CLOCK);
	assert_int_equal(s->shared->freq_sets, 0);
	assert_true(s->shared->freq_ppm == 321);
	assert_true(log_says(s, "<5>done; the clock was left alone"));
}

static int kernel_refuses_the_frequency(struct scene *s, int fd)
{
	s->shared->set_error = -EPERM;
	s->shared->freq_ppm = 321;
	return wait_for_the_end(s, fd);
}

static void test_kernel_refuses_the_frequency(void **state)
{
	struct scene *s = *state;

	begin(s, kernel_refuses_the_frequency);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 1);
	assert_true(log_says(s, "the kernel refuses to set the frequency"));
	assert_true(log_says(s, "the kernel does not obey"));
}

/* The service manager. */

static int becomes_synchronised_and_not(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(0, 0);

	for (int i = 0; i < 3; i++) {
		m.command.synchronised = i < 2;
		if (keeper_send_message(fd, &m) != 1 ||
		    next_report(fd, &s->shared->reports[i]) != 1)
			return 9;
	}
	return 3;
}

/* The manager's socket, which the keeper's process finds. */
static int open_manager(const struct scene *s, struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(at->sun_path, sizeof(at->sun_path), "%s/notify", s->dir);
	assert_int_equal(bind(fd, (const struct sockaddr *)at, sizeof(*at)), 0);
	setenv("NOTIFY_SOCKET", at->sun_path, 1);
	return fd;
}

static void close_manager(int fd, const struct sockaddr_un *at)
{
	unsetenv("NOTIFY_SOCKET");
	unlink(at->sun_path);
	close(fd);
}

/* The socket has messages with these beginnings, and no other message. */
static void assert_got(int fd, const char *const begins[], size_t count)
{
	char text[64];

	for (size_t i = 0; i < count; i++) {
		ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

		assert_true(n > 0);
		text[n] = '\0';
		if (strncmp(text, begins[i], strlen(begins[i])) != 0)
			fail_msg("\"%s\" is not %s", text, begins[i]);
	}
	assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
}

static void test_manager_learns_the_state(void **state)
{
	static const char *const expected[] = {
	    "STATUS=synchronised", "STATUS=not synchronised", "STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->engine_may_end = true;
	begin(s, becomes_synchronised_and_not);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_got(fd, expected, ARRAY_LEN(expected));
	close_manager(fd, &at);
}

/* The first command is beyond the limits; the kernel refuses the second. */
static int only_claims_to_be_synchronised(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(0, 0);

	m.command.synchronised = true;
	m.command.freq_ppm = 200;
	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	m.command.freq_ppm = BASE_PPM + 1;
	s->shared->set_error = -EPERM;
	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[1]) != 1)
		return 9;
	s->shared->set_error = 0;
	return 3;
}

static void test_manager_hears_of_no_refused_command(void **state)
{
	static const char *const expected[] = {"STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->engine_may_end = true;
	s->config.max_freq_ppm = 100;
	begin(s, only_claims_to_be_synchronised);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_int_equal(s->shared->reports[0].verdict, KEEPER_FREQ_LIMIT);
	assert_int_equal(s->shared->reports[1].verdict, KEEPER_KERNEL);
	assert_got(fd, expected, ARRAY_LEN(expected));
	close_manager(fd, &at);
}

/* Answers `count` questions. */
static bool says_that_it_lives(int fd, int count)
{
	struct keeper_report question;

	for (int i = 0; i < count; i++) {
		struct keeper_message m = {.kind = KEEPER_MESSAGE_ALIVE};

		if (next_report(fd, &question) != KEEPER_ASKS)
			return false;
		/* What answers no question is not passed on. */
		m.serial = question.serial + 1;
		if (keeper_send_message(fd, &m) != 1)
			return false;
		m.serial = question.serial;
		for (int j = 0; j < 2; j++)
			if (keeper_send_message(fd, &m) != 1)
				return false;
	}
	return true;
}

/* The keeper takes the messages in their order: with the report to the last
 * one, the manager knows of the others. */
static int lives_for_three_questions(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(0, 0);
	struct keeper_report *report = &s->shared->reports[0];
	int got;

	if (!says_that_it_lives(fd, 3) || keeper_send_message(fd, &m) != 1)
		return 9;
	while ((got = next_report(fd, report)) == KEEPER_ASKS)
		;
	return got == 1 ? 3 : 9;
}

static void the_manager_learns_that_the_engine_lives(void **state)
{
	static const char *const expected[] = {
	    "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->engine_may_end = s->no_clock = true;
	/* A starved machine does not look like an engine that hangs. */
	s->watchdog_ns = 4 * NS_PER_S;
	begin(s, lives_for_three_questions);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_got(fd, expected, ARRAY_LEN(expected));
	close_manager(fd, &at);
}

/* SIGTERM does not end a stopped process. */
static int stops_slewing(struct scene *s, int fd)
{
	if (!says_that_it_lives(fd, 1))
		return 9;
	start_long_slew(s, fd);
	raise(SIGSTOP);
	return 9;
}

static void an_engine_that_hangs_ends_the_agent(void **state)
{
	static const char *const expected[] = {"WATCHDOG=1", "STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->watchdog_ns = 3 * NS_PER_S;
	begin(s, stops_slewing);
	assert_int_equal(finish(s), 1);
	assert_got(fd, expected, ARRAY_LEN(expected));
	assert_true(log_says(s, "<3>the engine hangs: it has not answered for "
				"1.5 s; clock left at -7.125 ppm, no slew "
				"running"));
	close_manager(fd, &at);
}

/* Without a service manager that waits, the keeper asks nothing. */
static int hears_nothing_and_leaves(struct scene *s, int fd)
{
	struct keeper_report r;

	(void)s;
	for (int ms = 0; ms < 300; ms += 5) {
		if (keeper_receive_report(fd, &r) != 0)
			return 9;
		nap();
	}
	return 3;
}

static void without_a_watchdog_the_engine_is_not_asked(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = s->no_clock = true;
	begin(s, hears_nothing_and_leaves);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
}

static int claims_without_a_clock(struct scene *s, int fd)
{
	struct keeper_message m = slew_of(0, 0);

	m.command.synchronised = true;
	if (keeper_send_message(fd, &m) != 1 ||
	    next_report(fd, &s->shared->reports[0]) != 1)
		return 9;
	return 3;
}

/* With --no-clock the state is that of the measurements. */
static void test_manager_learns_the_state_without_a_clock(void **state)
{
	static const char *const expected[] = {
	    "STATUS=synchronised", "STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->engine_may_end = s->no_clock = true;
	begin(s, claims_without_a_clock);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_int_equal(s->shared->reports[0].verdict, KEEPER_NO_CLOCK);
	assert_got(fd, expected, ARRAY_LEN(expected));
	close_manager(fd, &at);
}

/* Reload. */

static void write_config(const struct scene *s, const char *text)
{
	FILE *f = fopen(s->config_path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* 1: `out` is the result. */
static int next_result(const struct scene *s, struct reload_result *out)
{
	int got = 0;

	for (int ms = 0; got == 0 && ms < WAIT_MS; ms += 5) {
		got = reload_receive_result(s->config_link, out);
		nap();
	}
	return got;
}

/* The keeper takes the new limits. The exit status tells what went wrong. */
static int reload_by_order(struct scene *s, int fd)
{
	static struct reload_result got;
	struct reload_request q = {.serial = 77};

	if (verdict_of(fd, 200) != KEEPER_OK)
		return 11;
	if (reload_send_request(s->config_link, &q) != 1 ||
	    next_result(s, &got) != 1)
		return 12;
	if (!got.ok || got.serial != 77 || got.config.source_count != 1 ||
	    strcmp(got.config.driftfile, s->drift) != 0 ||
	    !strstr(got.text, "needs a restart"))
		return 13;
	if (verdict_of(fd, 200) != KEEPER_FREQ_LIMIT)
		return 14;
	return verdict_of(fd, 50) == KEEPER_OK ? 3 : 15;
}

static void test_reload_by_order(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	write_config(s, "[clock]\nmax-drift = 100ppm\n[source a]\n");
	begin(s, reload_by_order);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_true(log_says(s, "<4>driftfile in [clock] has changed"));
	assert_true(log_says(s, "<4>last-good-time in [clock] has changed"));
	assert_true(s->shared->max_freq_ppm == 100);
}

/* With an error nothing changes. */
static int reload_by_signal(struct scene *s, int fd)
{
	static struct reload_result got;

	if (kill(getppid(), SIGHUP) != 0 || next_result(s, &got) != 1)
		return 12;
	if (got.ok || got.serial != 0 || !strstr(got.text, ":2:"))
		return 13;
	return verdict_of(fd, 200) == KEEPER_OK ? 3 : 14;
}

static void test_reload_by_signal(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	write_config(s, "[clock]\nmax-drift = fast\n[source a]\n");
	begin(s, reload_by_signal);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_true(log_says(s, ":2:"));
	assert_true(log_says(s, "<3>the configuration was not read again"));
	assert_true(log_says(s, "the old one stays in force"));
	assert_true(s->shared->max_freq_ppm == 100000);
}

/* Opens the configuration, a pipe, when a loader reads it, and fills it. */
static bool feed_loader(const struct scene *s, int request)
{
	static const char text[] = "[clock]\nmax-drift = 100ppm\n[source a]\n";
	struct reload_request q = {.serial = (uint32_t)request};
	int fd = open(s->config_path, O_WRONLY | O_CLOEXEC);
	bool fed = fd >= 0;

	/* The loader waits for the text, and the keeper for the loader. */
	if (request > 0)
		fed &= reload_send_request(s->config_link, &q) == 1;
	nap();
	nap();
	fed &= write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return fed;
}

static int reload_during_a_reload(struct scene *s, int fd)
{
	static struct reload_result got;
	struct reload_request q = {.serial = 77};

	if (reload_send_request(s->config_link, &q) != 1 ||
	    !feed_loader(s, 78) || next_result(s, &got) != 1)
		return 12;
	if (!got.ok || got.serial != 77)
		return 13;
	if (!feed_loader(s, 0) || next_result(s, &got) != 1)
		return 14;
	if (!got.ok || got.serial != 78)
		return 15;
	return verdict_of(fd, 50) == KEEPER_OK ? 3 : 16;
}

static void a_reload_during_another_comes_after_it(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	assert_int_equal(mkfifo(s->config_path, 0600), 0);
	begin(s, reload_during_a_reload);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
}

/* True: the keeper has read all requests. */
static bool requests_are_read(const struct scene *s)
{
	int unread = 1;

	for (int ms = 0; unread > 0 && ms < WAIT_MS; ms += 5) {
		if (ioctl(s->config_link, SIOCOUTQ, &unread) != 0)
			return false;
		nap();
	}
	return unread == 0;
}

/* While the loader has the pipe open, a file takes its place: only a reading of
 * all files finds its limit. */
static bool feed_loader_and_ask(const struct scene *s)
{
	static const char text[] = "[clock]\nmax-drift = 100ppm\n[source a]\n";
	struct reload_request all = {.serial = 78};
	struct reload_request dropped = {.serial = 79, .only_dropped = 1};
	int fd = open(s->config_path, O_WRONLY | O_CLOEXEC);
	bool fed = fd >= 0 && unlink(s->config_path) == 0;

	write_config(s, "[clock]\nmax-drift = 50ppm\n[source a]\n");
	fed &= reload_send_request(s->config_link, &all) == 1 &&
	       reload_send_request(s->config_link, &dropped) == 1 &&
	       requests_are_read(s);
	fed &= write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return fed;
}

static int dropped_sources_after_all_files(struct scene *s, int fd)
{
	static struct reload_result got;
	struct reload_request q = {.serial = 77};

	if (reload_send_request(s->config_link, &q) != 1 ||
	    !feed_loader_and_ask(s) || next_result(s, &got) != 1)
		return 12;
	if (!got.ok || got.serial != 77 || got.config.max_freq_ppm != 100)
		return 13;
	if (next_result(s, &got) != 1 || !got.ok || got.serial != 79)
		return 14;
	if (got.config.max_freq_ppm != 50)
		return 15;
	return verdict_of(fd, 20) == KEEPER_OK ? 3 : 16;
}

static void a_request_for_all_files_stays_one(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	assert_int_equal(mkfifo(s->config_path, 0600), 0);
	begin(s, dropped_sources_after_all_files);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
}

static void test_manager_learns_of_a_reload(void **state)
{
	static const char *const expected[] = {
	    "RELOADING=1\nMONOTONIC_USEC=", "READY=1", "STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	write_config(s, "[clock]\nmax-drift = fast\n[source a]\n");
	begin(s, reload_by_signal);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_got(fd, expected, ARRAY_LEN(expected));
	close_manager(fd, &at);
}

/* The earliest time is not configured, and -d outlasts a reload. */
static void test_reload_keeps_what_was_ordered(void **state)
{
	static const struct {
		bool debug;
		enum log_level level;
	} rows[] = {{false, LOG_LEVEL_ERROR}, {true, LOG_LEVEL_DEBUG}};
	struct scene *s = *state;

	s->engine_may_end = true;
	write_config(s, "[log]\nlevel = error\n"
			"[clock]\nmax-drift = 100ppm\n[source a]\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		s->shared->engine = s->shared->resolver = s->shared->guard = 0;
		s->shared->freq_ppm = BASE_PPM;
		s->debug = rows[i].debug;
		unlink(s->log);
		begin(s, reload_by_order);
		assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
		assert_int_equal(s->shared->log_level, rows[i].level);
		assert_int_equal(s->shared->earliest_ns, EARLIEST_NS);
		/* A warning. */
		assert_int_equal(
		    file_has(s->log, "driftfile in [clock]"), rows[i].debug);
	}
}

static int goes_on_without_logger(struct scene *s, int fd)
{
	struct keeper_message m = save_of();

	while (!file_has(s->log, "the logger"))
		nap();
	/* The keeper still serves the engine. */
	if (keeper_send_message(fd, &m) != 1 || verdict_of(fd, 50) != KEEPER_OK)
		return 14;
	return 3;
}

static void test_a_logger_that_dies_is_reported(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = s->logger_dies = true;
	s->shared->freq_ppm = BASE_PPM;
	begin(s, goes_on_without_logger);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_true(log_says(s, "<3>the logger was killed by signal 9 "
				"(Killed); the agent goes on"));
}

static int needs_helpers(struct scene *s, int fd)
{
	static struct reload_result got;
	struct reload_request q = {.serial = 78};
	struct keeper_message m = save_of();

	if (reload_send_request(s->config_link, &q) != 1 ||
	    next_result(s, &got) != 1)
		return 12;
	if (got.ok || got.serial != 78 ||
	    strcmp(got.text, "cannot read the configuration: Resource "
			     "temporarily unavailable") != 0)
		return 13;
	if (keeper_send_message(fd, &m) != 1 || verdict_of(fd, 50) != KEEPER_OK)
		return 14;
	while (!file_has(s->log, "the saver"))
		nap();
	return 3;
}

static void test_helpers_that_cannot_start(void **state)
{
	static const char *const expected[] = {"STOPPING=1"};
	struct scene *s = *state;
	struct sockaddr_un at;
	int fd = open_manager(s, &at);

	s->engine_may_end = s->no_helpers = true;
	s->shared->freq_ppm = BASE_PPM;
	begin(s, needs_helpers);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
	assert_true(log_says(s, "<3>cannot read the configuration: Resource"));
	assert_true(log_says(s, "<4>cannot start the saver: Resource"));
	assert_got(fd, expected, ARRAY_LEN(expected));
	assert_int_equal(access(s->drift, F_OK), -1);
	close_manager(fd, &at);
}

static unsigned reloads_logged(const struct scene *s)
{
	static const char line[] = "driftfile in [clock] has changed";
	static char text[65536];
	int fd = open(s->log, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	unsigned count = 0;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (const char *at = text; (at = strstr(at, line)); at++)
		count++;
	return count;
}

/* The link has room for three results, the keeper keeps a fourth, and further
 * signals wait. (On a busy machine the fifth may be read before the fourth has
 * filled the link.) The engine reads late, and every result is whole. */
static int reads_late(struct scene *s, int fd)
{
	static struct reload_result first, got;
	unsigned logged;

	for (unsigned i = 1; i <= 4; i++) {
		kill(getppid(), SIGHUP);
		for (int ms = 0; ms < WAIT_MS && reloads_logged(s) < i; ms += 5)
			nap();
	}
	for (int i = 0; i < 5; i++)
		kill(getppid(), SIGHUP);
	logged = reloads_logged(s);
	if (logged < 4 || logged > 5 || verdict_of(fd, 50) != KEEPER_OK)
		return 12;
	if (next_result(s, &first) != 1 || !strchr(first.text, '\n'))
		return 13;
	for (int i = 0; i < 4; i++)
		if (next_result(s, &got) != 1 ||
		    strcmp(got.text, first.text) != 0)
			return 14;
	return verdict_of(fd, 50) == KEEPER_OK ? 3 : 15;
}

static void test_reload_storm(void **state)
{
	struct scene *s = *state;

	s->engine_may_end = true;
	s->shared->freq_ppm = BASE_PPM;
	write_config(s, "[clock]\ndriftfile = /x\n[source a]\n");
	begin(s, reads_late);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 3);
}

/* With no memory for the loop, the guard and the signal end the others. */
static void without_memory_the_children_end(void **state)
{
	struct scene *s = *state;

	if (!LITTLE_MEMORY_WORKS)
		return; /* The builds without a sanitizer run this. */
	s->no_memory = true;
	begin(s, wait_for_the_end);
	assert_int_equal(WEXITSTATUS(wait_status(s->keeper)), 1);
	assert_true(log_says(s, "<3>out of memory"));
	assert_true(wait_until(all_gone, s));
	/* It was the signal: the link of the engine ends as well. */
	assert_int_equal(s->shared->engine_saw, 0);
	/* The guard gets none. */
	assert_int_equal(s->shared->guard_status, 0);
}

static void the_limits_are_those_of_the_configuration(void **state)
{
	static const enum bootstrap_policy modes[] = {
	    BOOTSTRAP_OFF, BOOTSTRAP_QUORUM, BOOTSTRAP_SINGLE};
	struct scene *s = *state;

	s->config.max_freq_ppm = 11;
	s->config.steering.max_slew_ppm = 12;
	s->config.steering.refuse_threshold_ns = 13;
	s->config.steering.makestep_updates = 14;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct keeper_limits l;

		s->config.bootstrap = modes[i];
		l = keeper_limits_of(&s->config, i == 1);
		assert_true(l.max_freq_ppm == 11 && l.max_slew_ppm == 12);
		assert_int_equal(l.refuse_step_ns, 13);
		assert_int_equal(l.start_steps, 14);
		assert_int_equal(l.no_clock, i == 1);
		assert_int_equal(l.bootstrap, i != 0);
	}
}

#define STAGED(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGED(test_slew_ends_in_time),
	    STAGED(test_engine_killed),
	    STAGED(test_engine_killed_with_once),
	    STAGED(test_engine_leaves),
	    STAGED(test_order_of_collection),
	    STAGED(test_order_of_collection_with_once),
	    STAGED(test_slow_end_with_once),
	    STAGED(test_signal_with_once),
	    STAGED(test_resolver_killed),
	    STAGED(test_guard_killed),
	    STAGED(test_keeper_killed),
	    STAGED(test_keeper_killed_without_slew),
	    STAGED(a_stopped_guard_outlives_the_keeper),
	    STAGED(a_stopped_keeper_outlives_the_guard),
	    STAGED(no_other_pair_leaves_a_slew),
	    STAGED(test_ends_when_asked),
	    STAGED(test_order_of_the_end),
	    STAGED(test_last_save_counts),
	    STAGED(test_deaf_engine),
	    STAGED(test_save_waits),
	    STAGED(test_kernel_refuses_the_end_of_a_slew),
	    STAGED(test_kernel_refuses_the_frequency),
	    STAGED(test_nothing_is_saved_during_a_slew),
	    STAGED(test_without_a_clock),
	    STAGED(test_manager_learns_the_state),
	    STAGED(test_manager_hears_of_no_refused_command),
	    STAGED(test_manager_learns_the_state_without_a_clock),
	    STAGED(the_manager_learns_that_the_engine_lives),
	    STAGED(an_engine_that_hangs_ends_the_agent),
	    STAGED(without_a_watchdog_the_engine_is_not_asked),
	    STAGED(test_other_programs),
	    STAGED(a_change_is_reported_before_a_slew_ends),
	    STAGED(test_stuck_disk),
	    STAGED(test_a_flood_of_saves_is_a_handful_of_lines),
	    STAGED(test_a_flood_on_a_stuck_disk_is_said_once),
	    STAGED(test_the_engine_hears_what_was_not_saved),
	    STAGED(test_keeper_stopped),
	    STAGED(test_nonsense_ends_the_agent),
	    STAGED(test_link_lost),
	    STAGED(a_known_cause_needs_no_wait),
	    STAGED(an_unknown_cause_is_looked_for_half_a_second),
	    STAGED(a_signal_is_blamed_before_an_exit),
	    STAGED(test_reload_by_order),
	    STAGED(test_reload_by_signal),
	    STAGED(test_reload_storm),
	    STAGED(a_reload_during_another_comes_after_it),
	    STAGED(a_request_for_all_files_stays_one),
	    STAGED(test_manager_learns_of_a_reload),
	    STAGED(test_reload_keeps_what_was_ordered),
	    STAGED(test_a_logger_that_dies_is_reported),
	    STAGED(test_helpers_that_cannot_start),
	    STAGED(without_memory_the_children_end),
	    STAGED(the_limits_are_those_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
