/*
 * ntsagentd: from the command line to running processes, in an order that lets
 * every mistake be told on the terminal, and root be left as early as possible.
 */
#include "agent/launch/launch.h"

#include "agent/config/config.h"
#include "agent/config/load.h"
#include "agent/launch/config_check.h"
#include "agent/query/control_socket.h"
#include "agent/loop/engine_loop.h"
#include "agent/saved/last_good_time.h"
#include "agent/keeper/keeper_loop.h"
#include "agent/host/notify.h"
#include "agent/config/options.h"
#include "agent/host/runtime_files.h"
#include "agent/host/privileges.h"
#include "agent/host/child.h"
#include "agent/host/rivals.h"
#include "base/log.h"
#include "clock/kernel/drift_file.h"
#include "clock/kernel/kernel.h"
#include "resolver/job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Without a drift file. */
#define FREQ_SD_UNKNOWN_PPM 100.0
/* What another try cannot mend: the service manager should leave it. */
#define EXIT_UNUSABLE 2

struct agent {
	struct options options;
	struct config config;
	struct identity identity;
	struct keeper keeper;
	struct keeper_report started; /* keeper_start's */
	bool freq_saved;
	double freq_ppm, freq_sd_ppm; /* from the drift file */
	int64_t earliest_ns;	      /* agent/saved/last_good_time.h */
	pid_t pid;		      /* of the keeper */
	int status_fd;		      /* -1: none, or the engine's now */
	bool status_bound;	      /* it is ours to unlink */
	int control_fd;		      /* likewise, for orders */
	bool control_bound;	      /* likewise */
	bool pid_written;	      /* likewise */
	int launcher_fd;	      /* who waits for our start; -1: nobody */
	int engine_link[2];	      /* keeper, engine */
	int config_link[2];	      /* keeper, engine: reloads */
	struct identity settled;      /* who we are once privileges dropped */
	char config_path[PATH_MAX];   /* from the root */
	int resolver_link[2];	      /* engine, resolver */
	int ready[2];		      /* a byte of each child that is ready */
	struct keeper_loop process;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pair(int fds[2])
{
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}

/* The configuration. */

static int check_config(struct agent *a)
{
	const char *path = a->options.config_path;
	unsigned errors = config_load(path, &a->config, stdout);

	if (errors == 0)
		errors = config_check_files(&a->config, stdout);
	if (errors == 0)
		printf("%s: no errors\n", path);
	return errors == 0 ? 0 : 1;
}

static bool load_config(struct agent *a)
{
	unsigned errors =
	    config_load(a->options.config_path, &a->config, stderr);

	if (errors > 0)
		log_error("%u error%s in the configuration: not started",
		    errors, errors == 1 ? "" : "s");
	return errors == 0;
}

/* In the background the folder is another one. Links stay as they are: where
 * they lead may have changed when the file is read again. */
static void name_config(struct agent *a)
{
	const char *path = a->options.config_path;
	char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);

	snprintf(a->config_path, sizeof(a->config_path), "%s%s%s",
	    here ? here : "", here ? "/" : "", path);
	free(here);
}

/* Where lines go while there is a terminal, and later. */
static void open_log(const struct agent *a, bool in_background)
{
	const struct run_options *run = &a->options.run;
	enum log_target target = a->config.log_target;

	if (in_background)
		target = LOG_TO_SYSLOG;
	else if (!run->foreground || run->once || run->print_only)
		target = LOG_TO_STDERR;
	log_open(
	    target, a->options.debug ? LOG_LEVEL_DEBUG : a->config.log_level);
	log_process("keeper");
}

/* The rights. */

static bool refuse_single_process(const struct run_options *run)
{
	if (!run->single_process || run->no_clock || run->foreground ||
	    geteuid() != 0)
		return false;
	log_error("--single-process is for tests and simulation: as root it "
		  "needs --no-clock, or --foreground to set the real clock");
	return true;
}

static bool find_identity(struct agent *a)
{
	char why[PRIVILEGES_TEXT_MAX];

	/* One process keeps what it has. */
	if (a->options.run.single_process)
		return true;
	if (privileges_identity(a->config.user, &a->identity, why))
		return true;
	log_error("%s", why);
	return false;
}

/* Whether the clock can be set is known before anything is started. */
static bool decide_no_clock(struct run_options *run)
{
	bool root = geteuid() == 0;

	/* The kernel will tell: a simulated root has no capabilities. */
	if (!run->no_clock && !(root && run->single_process) &&
	    !privileges_have_sys_time()) {
		if (root) {
			log_error("the clock cannot be set, CAP_SYS_TIME is "
				  "missing (a container?): give the capability "
				  "or measure only with --no-clock");
			return false;
		}
		if (run->once) {
			log_error("the clock cannot be set: not started as "
				  "root and without CAP_SYS_TIME");
			return false;
		}
		run->no_clock = true;
		run->no_clock_reason =
		    "not started as root and without CAP_SYS_TIME";
	}
	if (run->no_clock)
		log_notice("measuring only, the clock is left alone: %s",
		    run->no_clock_reason);
	return true;
}

/* The background. */

/* The launcher's exit status is whether the start succeeded. */
static int wait_for_start(int fd)
{
	unsigned char status = 1;
	ssize_t n;

	do
		n = read(fd, &status, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return status;
	log_error("the start failed: see above, or the system log");
	return 1;
}

/* Returns in the new process only. */
static bool go_to_background(struct agent *a)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		log_error(
		    "cannot start in the background: %s", strerror(errno));
		return false;
	}
	if (pid > 0) {
		close(fds[1]);
		_exit(wait_for_start(fds[0]));
	}
	close(fds[0]);
	a->launcher_fd = fds[1];
	setsid();
	return true;
}

static void leave_terminal(struct agent *a)
{
	int null;

	if (a->options.run.foreground || chdir("/") != 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	open_log(a, true);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
}

static void tell_launcher(struct agent *a)
{
	if (a->launcher_fd >= 0 && write(a->launcher_fd, "", 1) < 0)
		log_debug("nobody waits for the start");
	close_fd(&a->launcher_fd);
}

/* What a careless parent left open is no business of the children. */
static void close_inherited(void)
{
	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		log_debug("descriptors stay open: %s", strerror(errno));
}

/* The places. */

static void make_directories(struct agent *a)
{
	const char *const paths[] = {a->config.status_socket,
	    a->config.driftfile, a->config.goodtime_file};
	char why[RUNTIME_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!runtime_make_directory(paths[i], &a->identity, why))
			log_warning("%s", why);
	if (!runtime_make_private(a->config.saved_keys, &a->identity, why)) {
		log_warning("%s: keys are not kept over a restart", why);
		a->config.saved_keys[0] = '\0';
	}
}

/* A simulation must neither see nor change what the machine's own agent has
 * saved. */
static void leave_saved_keys_alone(struct agent *a)
{
	if (a->options.run.single_process &&
	    strcmp(a->config.saved_keys, CONFIG_SAVED_KEYS) == 0)
		a->config.saved_keys[0] = '\0';
}

/* A missing status socket stops an agent that root started; in a test or a
 * demo it is a matter of warning. */
static bool open_status(struct agent *a)
{
	bool running, strict = a->identity.change;
	char why[RUNTIME_TEXT_MAX];

	if (!a->config.status_socket[0])
		return true;
	a->status_fd = runtime_listen(a->config.status_socket, &running, why);
	a->status_bound = a->status_fd >= 0;
	if (a->status_bound)
		return true;
	log_line(
	    running || strict ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", why);
	return !running && !strict;
}

/* Without it the agent works, but takes no orders. */
static void open_control(struct agent *a)
{
	char path[CONTROL_PATH_MAX], why[RUNTIME_TEXT_MAX];
	bool running;

	if (!a->status_bound || a->options.run.single_process)
		return;
	control_path(a->config.status_socket, path);
	a->control_fd = runtime_listen_private(path, &running, why);
	a->control_bound = a->control_fd >= 0;
	if (!a->control_bound)
		log_warning("ntsctl cannot give orders: %s", why);
	else if (a->identity.change &&
		 lchown(path, a->identity.uid, a->identity.gid) != 0)
		log_warning("only root can give orders: cannot set the owner "
			    "of %s: %s",
		    path, strerror(errno));
}

static bool write_pid(struct agent *a)
{
	bool running;
	char why[RUNTIME_TEXT_MAX];

	if (!a->config.pidfile[0])
		return true;
	a->pid_written = runtime_write_pid(a->config.pidfile, &running, why);
	if (!a->pid_written)
		log_error("%s", why);
	return a->pid_written;
}

/* For when neither socket nor pid file tells of the other. */
static bool lock_clock(const struct agent *a)
{
	bool running;
	char why[RUNTIME_TEXT_MAX];

	if (a->options.run.no_clock || a->options.run.single_process)
		return true;
	if (!runtime_make_directory(RUNTIME_LOCK, &a->identity, why)) {
		log_debug("%s", why);
		return true;
	}
	if (runtime_lock(RUNTIME_LOCK, &a->identity, &running, why))
		return true;
	log_line(running ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "%s", why);
	return !running;
}

/* -Q only looks: it may run beside the agent. */
static bool open_runtime_files(struct agent *a)
{
	if (a->options.run.print_only)
		return true;
	leave_saved_keys_alone(a);
	make_directories(a);
	if (!open_status(a) || !write_pid(a) || !lock_clock(a))
		return false;
	open_control(a);
	if (!a->options.run.no_clock && !a->options.run.single_process)
		rivals_warn("/proc");
	return true;
}

/* Best effort: the directory may belong to root, or to systemd. */
static void remove_runtime_files(const struct agent *a)
{
	char control[CONTROL_PATH_MAX];

	if (a->status_bound)
		unlink(a->config.status_socket);
	control_path(a->config.status_socket, control);
	if (a->control_bound)
		unlink(control);
	if (a->pid_written)
		unlink(a->config.pidfile);
}

/* The clock. */

/* A frequency that the keeper would never set is no guide to this clock: the
 * file is another machine's, or damaged. */
static bool drift_fits(const struct agent *a, double freq_ppm)
{
	double most_ppm = a->config.max_freq_ppm;

	if (fabs(freq_ppm) <= most_ppm)
		return true;
	log_warning("%s says %+.3f ppm, and max-drift is %g ppm: not used",
	    a->config.driftfile, freq_ppm, most_ppm);
	return false;
}

static void take_drift(struct agent *a, double freq_ppm, double sd_ppm)
{
	a->freq_saved = drift_fits(a, freq_ppm);
	if (!a->freq_saved)
		return;
	a->freq_ppm = freq_ppm;
	a->freq_sd_ppm = sd_ppm;
	log_info("frequency %+.3f ppm +- %.3f ppm from %s", freq_ppm, sd_ppm,
	    a->config.driftfile);
}

static void load_drift(struct agent *a)
{
	const char *path = a->config.driftfile;
	double freq_ppm, sd_ppm;
	int err;

	a->freq_sd_ppm = FREQ_SD_UNKNOWN_PPM;
	if (!path[0])
		return;
	err = drift_file_load(path, &freq_ppm, &sd_ppm);
	if (err == -ENOENT)
		log_info("no drift file yet: %s", path);
	else if (err == -EINVAL)
		log_warning("%s is not a drift file: not used", path);
	else if (err)
		log_warning("cannot read %s: %s", path, strerror(-err));
	else
		take_drift(a, freq_ppm, sd_ppm);
}

static bool take_clock(struct agent *a)
{
	struct keeper_limits limits =
	    keeper_limits_of(&a->config, a->options.run.no_clock);
	struct clock_ops clock = kernel_clock();
	int err;

	load_drift(a);
	limits.earliest_ns = a->earliest_ns = earliest_time_find(&a->config);
	earliest_time_check(&a->config, a->earliest_ns, clock.now(clock.self));
	err = keeper_start(&a->keeper, &limits, &clock,
	    a->freq_saved ? &a->freq_ppm : NULL, &a->started);
	/* Without a drift file the kernel's frequency is the best guess: an
	 * agent before this one may have learnt it. */
	if (!err && !a->freq_saved)
		a->freq_ppm = a->keeper.base_freq_ppm;
	if (err)
		log_error("the kernel does not let us set the clock: %s",
		    strerror(-err));
	return err == 0;
}

/* The processes. */

/* -q and -Q are over soon: nothing is read again for them. */
static bool stays(const struct agent *a)
{
	return !a->options.run.once && !a->options.run.print_only;
}

static struct engine_links links_of(const struct agent *a)
{
	return (struct engine_links){
	    .keeper_fd = a->engine_link[1],
	    .resolver_fd = a->resolver_link[0],
	    .status_fd = a->status_fd,
	    .control_fd = a->control_fd,
	    .config_fd = stays(a) ? a->config_link[1] : -1,
	    .start =
		{
		    .clock = a->started.changes[0],
		    .earliest_ns = a->earliest_ns,
		    .freq_ppm = a->freq_ppm,
		    .freq_sd_ppm = a->freq_sd_ppm,
		},
	};
}

/* What each child does first. False: it must not go on. */
static bool settle(struct agent *a, bool keep_sys_time)
{
	char why[PRIVILEGES_TEXT_MAX];

	close_fd(&a->launcher_fd);
	close_fd(&a->ready[0]);
	if (!privileges_drop(&a->identity, keep_sys_time, why)) {
		log_error("%s", why);
		return false;
	}
	return true;
}

static void say_ready(struct agent *a)
{
	/* When it fails, the keeper is gone, and we shall hear of it. */
	if (write(a->ready[1], "", 1) < 0)
		log_debug("cannot report to the keeper");
	close_fd(&a->ready[1]);
}

static int engine_child(struct agent *a)
{
	struct engine_links links = links_of(a);

	close_fd(&a->engine_link[0]);
	close_fd(&a->config_link[0]);
	close_fd(&a->resolver_link[1]);
	close_fd(&a->process.signal_fd);
	if (!settle(a, false) || !child_follow(a->pid))
		return 1;
	say_ready(a);
	return engine_loop_run(&a->config, &a->options.run, &links);
}

/* The resolver ends when its link does; a signal to all the processes at once
 * must not make it look as if it had died by itself. */
static int resolver_child(struct agent *a)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	close_pair(a->engine_link);
	close_pair(a->config_link);
	close_fd(&a->resolver_link[0]);
	close_fd(&a->status_fd);
	close_fd(&a->control_fd);
	close_fd(&a->process.signal_fd);
	if (!settle(a, false) || !child_follow(a->pid))
		return 1;
	say_ready(a);
	return resolver_main(a->resolver_link[1], &a->config.trust);
}

static int guard_child(struct agent *a, int wait_fd)
{
	close_fd(&a->engine_link[0]);
	close_fd(&a->config_link[0]);
	close_fd(&a->process.signal_fd);
	if (!settle(a, !a->options.run.no_clock))
		return 1;
	say_ready(a);
	return guard_main(&a->process.guard, wait_fd, &a->keeper.clock);
}

/* False: said why. */
static bool fork_or_say(struct child *child, const char *name, bool *is_child)
{
	int result = child_fork(child, name);

	*is_child = result == 0;
	if (result < 0)
		log_error("cannot start the %s: %s", name, strerror(-result));
	return result >= 0;
}

static bool start_engine_and_resolver(struct agent *a)
{
	struct child *children = a->process.children;
	bool is_child;

	if (!fork_or_say(&children[0], "engine", &is_child))
		return false;
	if (is_child)
		exit(engine_child(a));
	if (!fork_or_say(&children[1], "resolver", &is_child))
		return false;
	if (is_child)
		exit(resolver_child(a));
	close_fd(&a->engine_link[1]);
	close_fd(&a->config_link[1]);
	close_pair(a->resolver_link);
	close_fd(&a->status_fd);
	close_fd(&a->control_fd);
	return true;
}

/* After the others, so that none of them has its page or its pipe. */
static bool start_guard(struct agent *a)
{
	bool is_child;
	int wait_fd;
	int err = guard_prepare(&a->process.guard, &wait_fd);

	if (err) {
		log_error("cannot prepare the guard: %s", strerror(-err));
		return false;
	}
	if (!fork_or_say(
		&a->process.children[KEEPER_CHILDREN - 1], "guard", &is_child))
		return false;
	if (is_child)
		exit(guard_child(a, wait_fd));
	close(wait_fd);
	return true;
}

static bool make_links(struct agent *a)
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC;
	int signal_fd = child_catch_signals();

	if (signal_fd < 0)
		errno = -signal_fd;
	a->process.signal_fd = signal_fd;
	if (signal_fd >= 0 &&
	    socketpair(AF_UNIX, type, 0, a->engine_link) == 0 &&
	    socketpair(AF_UNIX, type, 0, a->config_link) == 0 &&
	    socketpair(AF_UNIX, type, 0, a->resolver_link) == 0 &&
	    pipe2(a->ready, O_CLOEXEC) == 0)
		return true;
	log_error("cannot link the processes: %s", strerror(errno));
	return false;
}

/* All children have dropped their rights; one that could not has said why. */
static bool await_children(struct agent *a)
{
	unsigned count = 0;
	ssize_t n = 1;
	char byte;

	close_fd(&a->ready[1]);
	while (count < KEEPER_CHILDREN && n > 0) {
		n = read(a->ready[0], &byte, 1);
		count += n == 1;
		if (n < 0 && errno == EINTR)
			n = 1;
	}
	close_fd(&a->ready[0]);
	return count == KEEPER_CHILDREN;
}

static bool settle_keeper(const struct agent *a)
{
	char why[PRIVILEGES_TEXT_MAX];

	if (privileges_drop(&a->identity, !a->options.run.no_clock, why))
		return true;
	log_error("%s", why);
	return false;
}

static void log_start(const struct agent *a)
{
	log_notice("ntsagentd " NTSAGENT_VERSION
		   " started with %u source%s from %s",
	    a->config.source_count, a->config.source_count == 1 ? "" : "s",
	    a->options.config_path);
}

static void prepare_reload(struct agent *a)
{
	struct keeper_loop *p = &a->process;

	a->settled = a->identity;
	a->settled.change = false;
	p->config_fd = stays(a) ? a->config_link[0] : -1;
	p->debug = a->options.debug;
	p->reload = (struct loader){
	    .path = a->config_path,
	    .identity = &a->settled,
	    .loader_fd = -1,
	};
}

static int run_processes(struct agent *a)
{
	struct keeper_loop *p = &a->process;

	if (!make_links(a))
		return 1;
	leave_terminal(a);
	log_start(a);
	a->pid = getpid();
	if (!start_engine_and_resolver(a) || !start_guard(a) ||
	    !settle_keeper(a) || !await_children(a)) {
		/* The guard goes by itself, when its pipe closes. */
		children_signal(p->children, KEEPER_CHILDREN - 1, SIGTERM);
		return 1;
	}
	p->config = &a->config;
	p->keeper = &a->keeper;
	p->engine_fd = a->engine_link[0];
	prepare_reload(a);
	p->engine_may_end = a->options.run.once || a->options.run.print_only;
	notify_manager("READY=1\nSTATUS=waiting for the first answers");
	tell_launcher(a);
	return keeper_loop_run(p);
}

static int run_single_process(struct agent *a)
{
	struct engine_links links = links_of(a);
	struct timespec now;
	int status;

	links.keeper = &a->keeper;
	log_start(a);
	status = engine_loop_run(&a->config, &a->options.run, &links);
	clock_gettime(CLOCK_MONOTONIC, &now);
	keeper_stop(&a->keeper, (struct mono){ns_of_timespec(&now)});
	return status;
}

static int run(struct agent *a)
{
	bool single = a->options.run.single_process;
	int status = 1;

	/* First, or it would close descriptors of our own, too; a simulator
	 * needs its own. */
	if (!single)
		close_inherited();
	if (!load_config(a))
		return EXIT_UNUSABLE;
	name_config(a);
	open_log(a, false);
	if (refuse_single_process(&a->options.run) || !find_identity(a) ||
	    !decide_no_clock(&a->options.run))
		return 1;
	/* Alone, it stays where it was started. */
	a->options.run.foreground |= single;
	if (!a->options.run.foreground && !go_to_background(a))
		return 1;
	if (open_runtime_files(a) && take_clock(a))
		status = single ? run_single_process(a) : run_processes(a);
	remove_runtime_files(a);
	return status;
}

int launch(int argc, char *argv[])
{
	static const int none[2] = {-1, -1};
	struct agent a = {.status_fd = -1, .control_fd = -1, .launcher_fd = -1};
	char error[OPTIONS_TEXT_MAX];

	memcpy(a.engine_link, none, sizeof(none));
	memcpy(a.config_link, none, sizeof(none));
	memcpy(a.resolver_link, none, sizeof(none));
	memcpy(a.ready, none, sizeof(none));
	if (!options_parse(&a.options, argc, argv, error)) {
		fprintf(stderr, "ntsagentd: %s\n", error);
		return EXIT_UNUSABLE;
	}
	switch (a.options.task) {
	case TASK_VERSION:
		puts("ntsagentd " NTSAGENT_VERSION);
		return 0;
	case TASK_HELP:
		fputs(options_help(), stdout);
		return 0;
	case TASK_CHECK_CONFIG:
		return check_config(&a);
	case TASK_RUN:
		break;
	}
	return run(&a);
}
