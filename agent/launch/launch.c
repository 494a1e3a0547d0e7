/*
 * ntsagentd: the order of the steps from the options to running processes. It
 * makes each mistake visible on the terminal, and drops root as early as
 * possible.
 */
#include "agent/launch/launch.h"

#include "agent/config/load.h"
#include "agent/host/child.h"
#include "agent/host/clocks.h"
#include "agent/host/notify.h"
#include "agent/host/sandbox/sandbox.h"
#include "agent/launch/background.h"
#include "agent/launch/clock.h"
#include "agent/launch/config_check.h"
#include "agent/launch/confine.h"
#include "agent/launch/files.h"
#include "agent/launch/ready.h"
#include "agent/launch/rights.h"
#include "agent/launch/start.h"
#include "agent/link/log_link.h"
#include "agent/loop/engine_loop.h"
#include "base/log.h"
#include "clock/kernel/kernel.h"
#include "nts/aead.h"
#include "nts/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

struct agent {
	struct options *options;
	struct config config;
	char *left_out; /* lines about files of sources.d; "" for none */
	char config_path[PATH_MAX]; /* from the root */
	struct rights rights;	    /* at the start */
	struct identity identity;
	struct launch_files files;
	struct launch_clock clock;
	int launcher_fd; /* background.h; -1: none */
	struct starter starter;
	int engine_link[2];   /* keeper, engine */
	int config_link[2];   /* keeper, engine: reloads */
	int resolver_link[2]; /* engine, resolver */
	int log_fd;	      /* the engine's end of the link to the logger */
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

/* What OpenSSL and the kernel of this machine lack is not listed. */
void launch_print_version(FILE *out)
{
	enum aead_id aeads[AEAD_COUNT];
	char sandbox[CONFINE_TEXT_MAX], why[SANDBOX_TEXT_MAX];
	size_t count = aead_available(aeads);

	confine_text(sandbox_possible(why), sandbox);
	fputs("ntsagentd " NTSAGENT_VERSION "\nFeatures: NTS", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, ", %s", aead_name(aeads[i]));
	fprintf(out, "; sandbox %s\n", sandbox);
	fprintf(out, "Libraries: %s; built with " NTSAGENT_BUILT_WITH "\n",
	    tls_library());
}

/* Another user than that of the agent must not be told to take its folders. */
static unsigned check_files(const struct config *config)
{
	if (!config_check_is_other_user(config))
		return config_check_files(config, stdout);
	printf(
	    "note: the folders of user %s are not judged: run this as root\n",
	    config->user);
	return config_check_as_other(config, stdout);
}

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
		errors = check_files(config);
	if (errors == 0)
		printf("%s: no errors\n", path);
	free(config);
	return errors == 0 ? 0 : 1;
}

/* With errors or without, the text is also for a terminal. */
static unsigned read_config(struct agent *a)
{
	size_t size;
	FILE *said = open_memstream(&a->left_out, &size);
	unsigned errors;

	if (!said)
		return config_load_for_log(
		    a->options->config_path, &a->config, stderr);
	errors = config_load_for_log(a->options->config_path, &a->config, said);
	if (fclose(said) == 0)
		fputs(a->left_out, stderr);
	return errors;
}

static bool load_config(struct agent *a)
{
	unsigned errors = read_config(a);

	if (errors > 0)
		log_error("%u error%s in the configuration: not started",
		    errors, errors == 1 ? "" : "s");
	/* The processes take the level from here. A script reads the offset of
	 * -Q: apart from it, print only warnings and errors. */
	if (a->options->debug)
		a->config.log_level = LOG_LEVEL_DEBUG;
	else if (a->options->run.print_only &&
		 a->config.log_level > LOG_LEVEL_WARNING)
		a->config.log_level = LOG_LEVEL_WARNING;
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

/* Standard error has them already. */
static void log_left_out(const struct agent *a)
{
	static const char word[] = "warning: ";

	for (const char *line = a->left_out; line && *line;) {
		size_t len = strcspn(line, "\n");
		size_t skip =
		    strncmp(line, word, strlen(word)) == 0 ? strlen(word) : 0;

		log_warning("%.*s", (int)(len - skip), line + skip);
		line += len + (line[len] != '\0');
	}
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
	if (target == LOG_TO_SYSLOG)
		log_left_out(a);
}

/* The rights. */

static bool decide_rights(struct agent *a)
{
	struct run_options *run = &a->options->run;
	char why[RIGHTS_TEXT_MAX];

	a->rights = rights_read();
	if (!rights_decide(a->rights, run, why)) {
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

/* A distribution may not have made the default one. */
static bool find_second_user(struct agent *a)
{
	const struct config *c = &a->config;
	const bool optional =
	    strcmp(c->user_resolver, CONFIG_USER_RESOLVER) == 0;
	char why[PRIVILEGES_TEXT_MAX];

	if (a->options->run.single_process ||
	    privileges_second_identity(
		c->user_resolver, &a->identity, &a->starter.second, why))
		return true;
	if (!optional)
		log_error("%s", why);
	else if (confine_hides_files(a->starter.sandbox))
		log_debug("key exchanges run as user %s: %s", c->user, why);
	else
		log_warning("key exchanges run as user %s, and no Landlock "
			    "keeps them from the saved files: %s",
		    c->user, why);
	return optional;
}

static bool decide_sandbox(struct agent *a)
{
	a->starter.binds = BINDING_NEEDS_ALL;
	/* No sandbox: a simulator (clknetsim) makes other system calls. */
	if (a->options->run.single_process)
		return true;
	if (!confine_decide(a->config.sandbox, &a->starter.sandbox))
		return false;
	if (a->starter.sandbox == SANDBOX_ON)
		a->starter.binds = config_binds(&a->config);
	return true;
}

/* An agent with one source needs about thirty in its largest process, one with
 * 64 about a hundred more. A careless parent may allow fewer than the system.
 */
#define DESCRIPTORS_WANTED 256

static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED
			     ? limit.rlim_max
			     : DESCRIPTORS_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_debug("the limit of open files stays: %s", strerror(errno));
}

/* A careless parent may have left descriptors open, or the standard ones
 * closed: those numbers must not come to be one of ours, nor one of a child's,
 * which inherits them. Some containers forbid to write to /dev/null. */
static void tidy_descriptors(void)
{
	int fd;

	child_close_all(STDERR_FILENO + 1, ~0U);
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
	int signal_fd = child_catch_signals();
	int program = child_open_program();
	int err = program < 0 ? program : 0;

	a->loop.signal_fd = signal_fd;
	if (signal_fd < 0) {
		log_error("cannot link the processes: signals cannot be taken "
			  "(signalfd): %s",
		    strerror(-signal_fd));
		return false;
	}
	a->starter.program = program;
	if (!err)
		err = child_link(a->engine_link);
	if (!err)
		err = child_link(a->config_link);
	if (!err)
		err = child_link(a->resolver_link);
	if (!err)
		return true;
	log_error("cannot link the processes: %s", strerror(-err));
	return false;
}

/* Starts the child `i` of the loop, and sends it its request. False: logged. */
static bool start_child(struct agent *a, unsigned i, enum process_id id,
    const int fds[], const void *request, size_t len)
{
	struct child *child = &a->loop.children[i];
	int link[2], err = child_link(link);

	if (err) {
		log_error("cannot link the %s: %s", process_at(id)->name,
		    strerror(-err));
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
	    a->resolver_link[0], a->files.status_fd, a->files.control_fd,
	    a->files.history_fd, a->log_fd};
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
	s->own_orders = rights_of_a_demo(a->rights);
	s->seal = a->files.seal;
	memcpy(s->not_saved, a->files.not_saved, sizeof(s->not_saved));
	s->config = a->config;
	started = start_child(a, 0, PROCESS_ENGINE, fds, s, sizeof(*s));
	explicit_bzero(s, sizeof(*s));
	free(s);
	return started;
}

static bool start_resolver(struct agent *a)
{
	int pipe_fds[2];
	bool started;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
		log_error("cannot link the resolver: %s", strerror(errno));
		return false;
	}
	a->loop.resolver_pipe = pipe_fds[1];
	started = start_child(a, 1, PROCESS_RESOLVER,
	    (const int[]){a->resolver_link[1], a->starter.program, pipe_fds[0]},
	    &a->config.trust, sizeof(a->config.trust));
	close(pipe_fds[0]);
	return started;
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

/* Its first link is the one to the engine, which also brings its order. Without
 * the files the agent works all the same. */
static void start_logger(struct agent *a)
{
	struct log_order order = {.banner = a->config.log_banner};
	int link[2], err;

	if (!stays(a) || !log_wanted_any(&a->config))
		return;
	snprintf(
	    order.folder, sizeof(order.folder), "%s", a->config.log_folder);
	err = child_link(link);
	if (err) {
		log_warning("cannot link the logger: %s", strerror(-err));
		return;
	}
	err = start_process(
	    &a->starter, PROCESS_LOGGER, link, NULL, &a->loop.logger);
	if (!err && !start_send(link[0], &order, sizeof(order)))
		err = -EPIPE;
	close(link[1]);
	if (err) {
		log_warning("cannot start the logger: %s", strerror(-err));
		close(link[0]);
		return;
	}
	a->log_fd = link[0];
}

static bool start_children(struct agent *a)
{
	bool started;

	start_logger(a);
	started = start_engine(a) && start_resolver(a) && start_guard(a);

	close_fd(&a->log_fd);
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
	p->watchdog_ns = notify_watchdog_ns();
	p->debug = a->options->debug;
	p->engine_may_end = !stays(a);
	p->saver.starter = &a->helpers;
	p->saver.seal = &a->files.seal;
	p->reload = (struct loader){
	    .starter = &a->helpers,
	    .path = a->config_path,
	    .in_force = &a->config,
	    .binds = a->starter.binds,
	    .loader_fd = -1,
	};
}

static void leave_terminal(struct agent *a)
{
	if (!a->options->run.foreground && background_leave_terminal())
		open_log(a, true);
}

static int run_keeper(struct agent *a)
{
	const struct process *row = process_at(PROCESS_KEEPER);
	struct process_context keeper = {
	    .loop = &a->loop,
	    .program = a->starter.program,
	    .launcher_fd = &a->launcher_fd,
	    .profile = row->sandbox,
	    .stays = true,
	    .sandbox = a->starter.sandbox,
	    .log_target = a->starter.log_target,
	};

	return row->main(&keeper);
}

static int run_processes(struct agent *a)
{
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
		return ready == READY_ENDED && stays(a) ? EXIT_WORK_DONE
							: EXIT_FAILED;
	}
	prepare_loop(a);
	return run_keeper(a);
}

static int run_single_process(struct agent *a)
{
	const struct engine_links links = {
	    .keeper_fd = -1,
	    .resolver_fd = -1,
	    .config_fd = -1,
	    .status_fd = a->files.status_fd,
	    .control_fd = a->files.control_fd,
	    .history_fd = -1, /* a simulator sleeps for long */
	    .not_saved = a->files.not_saved,
	    .log_fd = -1,
	    .keeper = &a->clock.keeper,
	    .start =
		{
		    .clock = a->clock.first,
		    .earliest_ns = a->clock.earliest_ns,
		    .freq_ppm = a->clock.freq_ppm,
		    .freq_sd_ppm = a->clock.freq_sd_ppm,
		},
	    .seal = a->files.seal,
	};
	int status;

	a->options->run.sandbox = "off";
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
	    launch_clock_take(
		&a->clock, &a->config, &a->files.seal, run, &clock))
		status = run->single_process ? run_single_process(a)
					     : run_processes(a);
	launch_files_remove(&a->files, &a->config);
	return status;
}

static int run(struct agent *a)
{
	struct run_options *run = &a->options->run;

	/* Before we open any; a simulator needs its own. */
	if (!run->single_process) {
		tidy_descriptors();
		allow_descriptors();
	}
	if (!load_config(a))
		return EXIT_UNUSABLE;
	name_config(a);
	open_log(a, false);
	if (!decide_rights(a) || !find_identity(a) || !decide_sandbox(a) ||
	    !find_second_user(a))
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
	a->files.history_fd = -1;
	a->log_fd = -1;
	a->loop.resolver_pipe = -1;
	memcpy(a->engine_link, none, sizeof(none));
	memcpy(a->config_link, none, sizeof(none));
	memcpy(a->resolver_link, none, sizeof(none));
	if (mlock(&a->files.seal, sizeof(a->files.seal)) != 0)
		log_debug("keys may be swapped out: %s", strerror(errno));
	status = run(a);
	explicit_bzero(&a->files.seal, sizeof(a->files.seal));
	free(a->left_out);
	free(a);
	return status;
}
