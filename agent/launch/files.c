#include "agent/launch/files.h"

#include "agent/host/rivals.h"
#include "agent/host/runtime_files.h"
#include "agent/history/format.h"
#include "agent/link/log_link.h"
#include "agent/query/control_socket.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The logger says so if it cannot write there. */
static void make_log_folder(
    const struct config *config, const struct identity *identity)
{
	char file[FILE_PATH_MAX + 2], why[RUNTIME_TEXT_MAX];

	if (!log_wanted_any(config))
		return;
	snprintf(file, sizeof(file), "%s/.", config->log_folder);
	if (!runtime_make_directory(file, identity, why))
		log_warning("%s", why);
}

static void make_directories(struct launch_files *f, struct config *config,
    const struct identity *identity)
{
	const char *const paths[] = {
	    config->status_socket, config->driftfile, config->goodtime_file};
	char why[RUNTIME_TEXT_MAX], said[RUNTIME_TEXT_MAX] = "";

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		/* open_status() says why the first one cannot be made. It is
		 * made here, too: other files may belong there. */
		if (!runtime_make_directory(paths[i], identity, why) && i > 0 &&
		    strcmp(why, said) != 0) {
			log_warning("%s", why);
			memcpy(said, why, sizeof(said));
		}
	make_log_folder(config, identity);
	if (runtime_make_private(config->saved_keys, identity, f->not_saved))
		f->not_saved[0] = '\0';
	else
		config->saved_keys[0] = '\0';
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

/* With so few descriptors the processes can start, but hardly anything of a
 * status is left; each source needs one more. With fewer than the least they
 * cannot start (without a status, 23 are enough). */
#define DESCRIPTORS_STATUS 31
#define DESCRIPTORS_LEAST 24

static bool enough_descriptors(
    struct launch_files *f, const struct config *config)
{
	struct rlimit limit;
	rlim_t wanted = DESCRIPTORS_STATUS + config->source_count;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return true;
	f->few_descriptors = limit.rlim_cur < wanted;
	if (limit.rlim_cur >= DESCRIPTORS_LEAST)
		return true;
	log_error("the agent may open %lu files, and needs at least %d: allow "
		  "more (ulimit -n, LimitNOFILE)",
	    (unsigned long)limit.rlim_cur, DESCRIPTORS_LEAST);
	return false;
}

/* Without a status socket an agent that root started does not run; in a test or
 * a demo its absence is a warning. But a machine that has no space or too few
 * descriptors still needs its time. */
static bool open_status(struct launch_files *f, const struct config *config,
    const struct identity *identity)
{
	bool running = false, strict = identity->change;
	char why[RUNTIME_TEXT_MAX];

	if (!config->status_socket[0])
		return true;
	if (f->few_descriptors) {
		log_error("ntsctl has no status to show, but the agent goes "
			  "on: it may open too few files; allow more (ulimit "
			  "-n, LimitNOFILE), and restart the agent");
		return true;
	}
	if (runtime_make_directory(config->status_socket, identity, why))
		f->status_fd =
		    runtime_listen(config->status_socket, &running, why);
	f->status_bound = f->status_fd >= 0;
	if (f->status_bound)
		return true;
	if (!running && runtime_is_shortage(errno)) {
		log_error("ntsctl has no status to show, but the agent goes "
			  "on: %s, and restart the agent",
		    why);
		return true;
	}
	log_line(
	    running || strict ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", why);
	return !running && !strict;
}

/* Without it the agent works, but takes no orders. It belongs to root, so that
 * no process of the agent's user can connect. */
static void open_control(struct launch_files *f, const struct config *config)
{
	char path[CONTROL_PATH_MAX], why[RUNTIME_TEXT_MAX];
	bool running;

	control_socket_path(config->status_socket, path);
	f->control_fd = runtime_listen_private(path, &running, why);
	f->control_bound = f->control_fd >= 0;
	if (!f->control_bound)
		log_warning("ntsctl cannot give orders: %s", why);
}

/* Room for some sources that a reload may bring. */
static unsigned history_places(const struct config *config)
{
	unsigned places = config->source_count + 4;

	return places > SOURCES_MAX ? SOURCES_MAX : places;
}

/* It belongs to who starts the agent, so that no process of the agent's user
 * can open it to write. Without it the agent works, but has no history. */
static void make_history(struct launch_files *f, const struct config *config)
{
	char path[HISTORY_PATH_MAX], why[RUNTIME_TEXT_MAX];

	history_path(config->status_socket, path);
	f->history_fd = runtime_make_shared(
	    path, history_size(history_places(config)), why);
	f->history_made = f->history_fd >= 0;
	if (!f->history_made)
		log_warning("no history is kept: %s", why);
}

static bool write_pid(struct launch_files *f, const struct config *config)
{
	bool running;
	char why[RUNTIME_TEXT_MAX];

	if (!config->pidfile[0])
		return true;
	f->pid_written = runtime_write_pid(config->pidfile, &running, why);
	if (f->pid_written)
		return true;
	if (!running && runtime_is_shortage(errno)) {
		log_error("there is no pid file, but the agent goes on: %s, "
			  "and restart the agent",
		    why);
		return true;
	}
	log_error("%s", why);
	return false;
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

static void take_seal_key(
    struct launch_files *f, const struct config *config, bool make)
{
	char path[FILE_PATH_MAX], why[SAVED_FOLDER_WHY_MAX];

	seal_key_path(config, path);
	/* The first reason counts. */
	seal_key_take(
	    path, make, &f->seal, f->not_saved[0] ? why : f->not_saved);
}

bool launch_files_open(struct launch_files *f, struct config *config,
    const struct run_options *run, const struct identity *identity)
{
	bool steers = !run->no_clock && !run->single_process;

	if (run->print_only) {
		take_seal_key(f, config, false);
		return true;
	}
	leave_saved_keys_alone(config, run);
	if (!run->single_process && !enough_descriptors(f, config))
		return false;
	make_directories(f, config, identity);
	if (!open_status(f, config, identity) || !write_pid(f, config) ||
	    (steers && !lock_clock(identity)))
		return false;
	/* Not earlier: an agent that already runs must keep its key. */
	take_seal_key(f, config, true);
	if (f->status_bound && !run->single_process) {
		open_control(f, config);
		make_history(f, config);
	}
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
	close_fd(&f->history_fd);
}

/* The folder may belong to root, or to systemd. */
void launch_files_remove(
    const struct launch_files *f, const struct config *config)
{
	char control[CONTROL_PATH_MAX], history[HISTORY_PATH_MAX];

	if (f->status_bound)
		unlink(config->status_socket);
	control_socket_path(config->status_socket, control);
	if (f->control_bound)
		unlink(control);
	history_path(config->status_socket, history);
	if (f->history_made)
		unlink(history);
	if (f->pid_written)
		unlink(config->pidfile);
}
