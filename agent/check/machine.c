#include "agent/check/machine.h"

#include "agent/host/privileges.h"
#include "agent/host/watch.h"
#include "agent/launch/config_check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the engine watches at its start. */
static int try_watch(const struct config *config)
{
	const char *paths[TRUST_READ_PATHS_MAX];
	unsigned count = trust_read_paths(&config->trust, paths);
	struct watch w;
	int err;

	watch_init(&w);
	err = watch_open(&w, paths, count);
	watch_close(&w);
	return err;
}

/* Only these two are limits of a user. */
static bool is_limit(int err)
{
	return err == -EMFILE || err == -ENOSPC;
}

/* The limits are those of a user, so root becomes that user in a child, whose
 * exit status is the errno. */
static int try_watch_as(const struct config *config, const struct identity *id)
{
	char why[PRIVILEGES_TEXT_MAX];
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(privileges_drop(id, false, why) ? -try_watch(config) : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 0;
	return -WEXITSTATUS(status);
}

static int look_at_watches(const struct config *config)
{
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id;

	if (config_check_is_other_user(config) ||
	    !privileges_identity(config->user, &id, why))
		return 0;
	return id.change ? try_watch_as(config, &id) : try_watch(config);
}

struct machine machine_look(const struct config *config)
{
	return (struct machine){
	    .confined_users = privileges_confined_users("/proc/self/uid_map"),
	    .lacks_sys_time = geteuid() == 0 && !privileges_have_sys_time(),
	    .watch_error = look_at_watches(config),
	};
}

static void add(struct source_verdict out[MACHINE_MAX], unsigned *count,
    enum obstacle o, const char *seen)
{
	const struct obstacle_place nowhere = {.name = NULL};
	struct source_verdict *v = &out[(*count)++];

	*v = (struct source_verdict){.status = CHECK_WARNING, .obstacle = o};
	obstacle_sentence(o, &nowhere, v->problem, sizeof(v->problem));
	snprintf(v->seen, sizeof(v->seen), "%s", seen);
	obstacle_to_do(o, &nowhere, v->to_do, sizeof(v->to_do));
}

unsigned machine_judge(
    const struct machine *m, struct source_verdict out[MACHINE_MAX])
{
	unsigned count = 0;

	if (m->confined_users)
		add(out, &count, OBSTACLE_USER_NAMESPACE, "");
	else if (m->lacks_sys_time)
		add(out, &count, OBSTACLE_NO_SYS_TIME, "");
	if (is_limit(m->watch_error))
		add(out, &count, OBSTACLE_INOTIFY, watch_error(m->watch_error));
	return count;
}
