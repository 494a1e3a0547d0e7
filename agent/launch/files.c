#include "agent/launch/files.h"

#include "agent/host/rivals.h"
#include "agent/host/runtime_files.h"
#include "agent/query/control_socket.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void make_directories(
    struct config *config, const struct identity *identity)
{
	const char *const paths[] = {
	    config->status_socket, config->driftfile, config->goodtime_file};
	char why[RUNTIME_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!runtime_make_directory(paths[i], identity, why))
			log_warning("%s", why);
	if (!runtime_make_private(config->saved_keys, identity, why)) {
		log_warning("%s: keys are not kept over a restart", why);
		config->saved_keys[0] = '\0';
	}
}

/* A simulation must neither read nor change what the agent of this machine has
 * saved. */
static void leave_saved_keys_alone(
    struct config *config, const struct run_options *run)
{
	if (run->single_process &&
	    strcmp(config->saved_keys, CONFIG_SAVED_KEYS) == 0)
		config->saved_keys[0] = '\0';
}

/* Without a status socket an agent that root started does not run; in a test or
 * a demo its absence is a warning. */
static bool open_status(struct launch_files *f, const struct config *config,
    const struct identity *identity)
{
	bool running, strict = identity->change;
	char why[RUNTIME_TEXT_MAX];

	if (!config->status_socket[0])
		return true;
	f->status_fd = runtime_listen(config->status_socket, &running, why);
	f->status_bound = f->status_fd >= 0;
	if (f->status_bound)
		return true;
	log_line(
	    running || strict ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", why);
	return !running && !strict;
}

/* Without it the agent works, but takes no orders. */
static void open_control(struct launch_files *f, const struct config *config,
    const struct identity *identity)
{
	char path[CONTROL_PATH_MAX], why[RUNTIME_TEXT_MAX];
	bool running;

	control_socket_path(config->status_socket, path);
	f->control_fd = runtime_listen_private(path, &running, why);
	f->control_bound = f->control_fd >= 0;
	if (!f->control_bound)
		log_warning("ntsctl cannot give orders: %s", why);
	else if (identity->change &&
		 lchown(path, identity->uid, identity->gid) != 0)
		log_warning("only root can give orders: cannot set the owner "
			    "of %s: %s",
		    path, strerror(errno));
}

static bool write_pid(struct launch_files *f, const struct config *config)
{
	bool running;
	char why[RUNTIME_TEXT_MAX];

	if (!config->pidfile[0])
		return true;
	f->pid_written = runtime_write_pid(config->pidfile, &running, why);
	if (!f->pid_written)
		log_error("%s", why);
	return f->pid_written;
}

/* Finds another agent that has neither our status socket nor our pid file. */
static bool lock_clock(const struct identity *identity)
{
	bool running;
	char why[RUNTIME_TEXT_MAX];

	if (!runtime_make_directory(RUNTIME_LOCK, identity, why)) {
		log_debug("%s", why);
		return true;
	}
	if (runtime_lock(RUNTIME_LOCK, identity, &running, why))
		return true;
	log_line(running ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "%s", why);
	return !running;
}

bool launch_files_open(struct launch_files *f, struct config *config,
    const struct run_options *run, const struct identity *identity)
{
	bool steers = !run->no_clock && !run->single_process;

	if (run->print_only)
		return true;
	leave_saved_keys_alone(config, run);
	make_directories(config, identity);
	if (!open_status(f, config, identity) || !write_pid(f, config) ||
	    (steers && !lock_clock(identity)))
		return false;
	if (f->status_bound && !run->single_process)
		open_control(f, config, identity);
	if (steers)
		rivals_warn("/proc");
	return true;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void launch_files_close(struct launch_files *f)
{
	close_fd(&f->status_fd);
	close_fd(&f->control_fd);
}

/* The folder may belong to root, or to systemd. */
void launch_files_remove(
    const struct launch_files *f, const struct config *config)
{
	char control[CONTROL_PATH_MAX];

	if (f->status_bound)
		unlink(config->status_socket);
	control_socket_path(config->status_socket, control);
	if (f->control_bound)
		unlink(control);
	if (f->pid_written)
		unlink(config->pidfile);
}
