/*
 * ntsagentd: the order of the steps from the options to running processes. It
 * makes each mistake visible on the terminal, and drops root as early as
 * possible.
 */
#include "agent/launch/launch.h"

#include "agent/config/load.h"
#include "agent/host/clocks.h"
#include "agent/host/memory.h"
#include "agent/host/notify.h"
#include "agent/launch/background.h"
#include "agent/launch/clock.h"
#include "agent/launch/config_check.h"
#include "agent/launch/files.h"
#include "agent/launch/ready.h"
#include "agent/launch/rights.h"
#include "agent/launch/start.h"
#include "agent/loop/engine_loop.h"
#include "base/log.h"
#include "clock/kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct agent {
	struct options *options;
	struct config config;
	char config_path[PATH_MAX]; /* from the root */
	struct identity identity;
	struct launch_files files;
	struct launch_clock clock;
	int launcher_fd; /* background.h; -1: none */
	struct starter starter;
	int engine_link[2];   /* keeper, engine */
	int config_link[2];   /* keeper, engine: reloads */
	int resolver_link[2]; /* engine, resolver */
	struct guard_fds guard_fds;
	int ready[KEEPER_CHILDREN]; /* a message from each child that is ready
				     */
	struct child_starter helpers;
	struct keeper_loop loop;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The configuration. */

int launch_check_config(const char *path)
{
	struct config *config = calloc(1, sizeof(*config));
	unsigned errors;

	if (!config) {
		fputs("ntsagentd: out of memory\n", stderr);
		return 1;
	}
	errors = config_load(path, config, stdout);
	if (errors == 0)
		errors = config_check_files(config, stdout);
	if (errors == 0)
		printf("%s: no errors\n", path);
	free(config);
	return errors == 0 ? 0 : 1;
}

static bool load_config(struct agent *a)
{
	unsigned errors =
	    config_load(a->options->config_path, &a->config, stderr);

	if (errors > 0)
		log_error("%u error%s in the configuration: not started",
		    errors, errors == 1 ? "" : "s");
	/* The processes take the level from here. */
	if (a->options->debug)
		a->config.log_level = LOG_LEVEL_DEBUG;
	return errors == 0;
}

/* The folder changes in the background. Links in the path stay: they may lead
 * elsewhere when the file is read again. */
static void name_config(struct agent *a)
{
	const char *path = a->options->config_path;
	char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);

	snprintf(a->config_path, sizeof(a->config_path), "%s%s%s",
	    here ? here : "", here ? "/" : "", path);
	free(here);
}

/* While there is a terminal, an agent on its way to the background logs there.
 */
static void open_log(struct agent *a, bool in_background)
{
	const struct run_options *run = &a->options->run;
	enum log_target target = a->config.log_target;

	if (in_background)
		target = LOG_TO_SYSLOG;
	else if (!run->foreground || run->once || run->print_only)
		target = LOG_TO_STDERR;
	a->starter.log_target = target;
	log_open(target, a->config.log_level);
	log_process(process_at(PROCESS_KEEPER)->name);
}

/* The rights. */

static bool decide_rights(struct agent *a)
{
	struct run_options *run = &a->options->run;
	char why[RIGHTS_TEXT_MAX];

	if (!rights_decide(rights_read(), run, why)) {
		log_error("%s", why);
		return false;
	}
	if (run->no_clock)
		log_notice("measuring only, the clock is left alone: %s",
		    run->no_clock_reason);
	return true;
}

static bool find_identity(struct agent *a)
{
	char why[PRIVILEGES_TEXT_MAX];

	/* One process keeps what it has. */
	if (a->options->run.single_process)
		return true;
	if (privileges_identity(a->config.user, &a->identity, why))
		return true;
	log_error("%s", why);
	return false;
}

/* A careless parent may have left descriptors open, or the standard ones
 * closed: those numbers must not come to be one of ours, nor one of a child's,
 * which inherits them. Some containers forbid to write to /dev/null. */
static void tidy_descriptors(void)
{
	int fd;

	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		log_debug("descriptors stay open: %s", strerror(errno));
	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(&fd);
}

/* The processes. */

/* With -q and -Q the agent ends soon, and reads nothing again. */
static bool stays(const struct agent *a)
{
	return !a->options->run.once && !a->options->run.print_only;
}

static bool make_links(struct agent *a)
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC;
	int signal_fd = child_catch_signals();
	int program = child_open_program();

	if (signal_fd < 0 || program < 0)
		errno = signal_fd < 0 ? -signal_fd : -program;
	a->loop.signal_fd = signal_fd;
	a->starter.program = program;
	if (signal_fd >= 0 && program >= 0 &&
	    socketpair(AF_UNIX, type, 0, a->engine_link) == 0 &&
	    socketpair(AF_UNIX, type, 0, a->config_link) == 0 &&
	    socketpair(AF_UNIX, type, 0, a->resolver_link) == 0)
		return true;
	log_error("cannot link the processes: %s", strerror(errno));
	return false;
}

/* Starts the child `i` of the loop, and sends it its request. False: logged. */
static bool start_child(struct agent *a, unsigned i, enum process_id id,
    const int fds[], const void *request, size_t len)
{
	struct child *child = &a->loop.children[i];
	int link[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0) {
		log_error("cannot link the %s: %s", process_at(id)->name,
		    strerror(errno));
		return false;
	}
	err = start_process(&a->starter, id, link, fds, child);
	if (!err && request && !start_send(link[0], request, len))
		err = -errno;
	close(link[1]);
	a->ready[i] = link[0];
	if (err)
		log_error("cannot start the %s: %s", process_at(id)->name,
		    strerror(-err));
	return err == 0;
}

static bool start_engine(struct agent *a)
{
	const int fds[] = {a->engine_link[1], stays(a) ? a->config_link[1] : -1,
	    a->resolver_link[0], a->files.status_fd, a->files.control_fd};
	struct start_engine *s = calloc(1, sizeof(*s));
	bool started;

	if (!s) {
		log_error("out of memory");
		return false;
	}
	s->clock = a->clock.first;
	s->earliest_ns = a->clock.earliest_ns;
	s->freq_ppm = a->clock.freq_ppm;
	s->freq_sd_ppm = a->clock.freq_sd_ppm;
	start_put_options(s, &a->options->run);
	s->config = a->config;
	started = start_child(a, 0, PROCESS_ENGINE, fds, s, sizeof(*s));
	free(s);
	return started;
}

static bool start_resolver(struct agent *a)
{
	const int fds[] = {a->resolver_link[1], a->starter.program};

	return start_child(a, 1, PROCESS_RESOLVER, fds, &a->config.trust,
	    sizeof(a->config.trust));
}

static bool start_guard(struct agent *a)
{
	int err = guard_prepare(&a->loop.guard, &a->guard_fds);
	const int fds[] = {a->guard_fds.page, a->guard_fds.pipe};
	bool started;

	if (err) {
		log_error("cannot prepare the guard: %s", strerror(-err));
		return false;
	}
	started =
	    start_child(a, KEEPER_CHILDREN - 1, PROCESS_GUARD, fds, NULL, 0);
	close(a->guard_fds.page);
	close(a->guard_fds.pipe);
	return started;
}

static bool start_children(struct agent *a)
{
	bool started = start_engine(a) && start_resolver(a) && start_guard(a);

	close_fd(&a->engine_link[1]);
	close_fd(&a->config_link[1]);
	close_fd(&a->resolver_link[0]);
	close_fd(&a->resolver_link[1]);
	launch_files_close(&a->files);
	return started;
}

/* With -q and -Q the engine may be done before the others have started. */
static enum ready await_children(struct agent *a)
{
	struct child *children = a->loop.children;
	enum ready result = ready_await(children, a->ready, KEEPER_CHILDREN,
	    stays(a) ? NULL : &children[0], READY_LIMIT_NS);

	for (unsigned i = 0; i < KEEPER_CHILDREN; i++)
		close_fd(&a->ready[i]);
	return result;
}

static bool settle_keeper(struct agent *a)
{
	const struct process *row = process_at(PROCESS_KEEPER);
	char why[PRIVILEGES_TEXT_MAX];

	if (!privileges_drop(&a->identity,
		row->keeps_sys_time && !a->options->run.no_clock, why)) {
		log_error("%s", why);
		return false;
	}
	/* What it starts from now on has no user to change. */
	a->starter.identity.change = false;
	return true;
}

static void log_start(const struct agent *a)
{
	log_notice("ntsagentd " NTSAGENT_VERSION
		   " started with %u source%s from %s",
	    a->config.source_count, a->config.source_count == 1 ? "" : "s",
	    a->options->config_path);
}

static void prepare_loop(struct agent *a)
{
	struct keeper_loop *p = &a->loop;

	a->helpers = (struct child_starter){start_helper, &a->starter};
	p->config = &a->config;
	p->keeper = &a->clock.keeper;
	p->engine_fd = a->engine_link[0];
	p->config_fd = stays(a) ? a->config_link[0] : -1;
	p->debug = a->options->debug;
	p->engine_may_end = !stays(a);
	p->saver.starter = &a->helpers;
	p->reload = (struct loader){
	    .starter = &a->helpers,
	    .path = a->config_path,
	    .loader_fd = -1,
	};
}

static void leave_terminal(struct agent *a)
{
	if (!a->options->run.foreground && background_leave_terminal())
		open_log(a, true);
}

static int run_processes(struct agent *a)
{
	struct process_context keeper = {.loop = &a->loop};
	enum ready ready = READY_FAILED;

	a->starter.identity = a->identity;
	a->starter.no_clock = a->options->run.no_clock;
	a->starter.log_level = &a->config.log_level;
	if (!make_links(a))
		return 1;
	leave_terminal(a);
	log_start(a);
	if (start_children(a) && settle_keeper(a))
		ready = await_children(a);
	if (ready != READY_ALL) {
		/* No slew has begun, and a child that hangs may ignore any
		 * other signal. */
		children_signal(a->loop.children, KEEPER_CHILDREN, SIGKILL);
		return ready == READY_ENDED ? 0 : 1;
	}
	prepare_loop(a);
	memory_release_start();
	notify_manager("READY=1\nSTATUS=waiting for the first answers");
	background_report(&a->launcher_fd);
	return process_at(PROCESS_KEEPER)->main(&keeper);
}

static int run_single_process(struct agent *a)
{
	const struct engine_links links = {
	    .keeper_fd = -1,
	    .resolver_fd = -1,
	    .config_fd = -1,
	    .status_fd = a->files.status_fd,
	    .control_fd = a->files.control_fd,
	    .keeper = &a->clock.keeper,
	    .start =
		{
		    .clock = a->clock.first,
		    .earliest_ns = a->clock.earliest_ns,
		    .freq_ppm = a->clock.freq_ppm,
		    .freq_sd_ppm = a->clock.freq_sd_ppm,
		},
	};
	int status;

	log_start(a);
	status = engine_loop_run(&a->config, &a->options->run, &links);
	keeper_stop(&a->clock.keeper, clocks_mono());
	return status;
}

static int run_in_foreground(struct agent *a)
{
	const struct run_options *run = &a->options->run;
	const struct clock_ops clock = kernel_clock();
	int status = 1;

	if (launch_files_open(&a->files, &a->config, run, &a->identity) &&
	    launch_clock_take(&a->clock, &a->config, run->no_clock, &clock))
		status = run->single_process ? run_single_process(a)
					     : run_processes(a);
	launch_files_remove(&a->files, &a->config);
	return status;
}

static int run(struct agent *a)
{
	struct run_options *run = &a->options->run;

	/* Before we open any; a simulator needs its own. */
	if (!run->single_process)
		tidy_descriptors();
	if (!load_config(a))
		return EXIT_UNUSABLE;
	name_config(a);
	open_log(a, false);
	if (!decide_rights(a) || !find_identity(a))
		return 1;
	/* A single process stays where it was started. */
	run->foreground |= run->single_process;
	if (!run->foreground && !background_enter(&a->launcher_fd))
		return 1;
	return run_in_foreground(a);
}

int launch(struct options *options)
{
	static const int none[2] = {-1, -1};
	struct agent *a = calloc(1, sizeof(*a));
	int status;

	if (!a) {
		fputs("ntsagentd: out of memory\n", stderr);
		return 1;
	}
	a->options = options;
	a->files.status_fd = a->files.control_fd = a->launcher_fd = -1;
	memcpy(a->engine_link, none, sizeof(none));
	memcpy(a->config_link, none, sizeof(none));
	memcpy(a->resolver_link, none, sizeof(none));
	status = run(a);
	free(a);
	return status;
}
