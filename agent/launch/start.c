#include "agent/launch/start.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t present(const int fds[], unsigned count)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < count; i++)
		bits |= fds[i] >= 0 ? UINT32_C(1) << i : 0;
	return bits;
}

static struct start_head head_for(
    const struct starter *s, enum process_id id, uint32_t descriptors)
{
	struct start_head h = start_head_of((uint32_t)id);
	const struct identity *identity =
	    process_at(id)->second_user ? &s->second : &s->identity;

	h.descriptors = descriptors;
	h.parent = (int32_t)getpid();
	h.change_user = identity->change;
	h.uid = (uint32_t)identity->uid;
	h.gid = (uint32_t)identity->gid;
	h.no_clock = s->no_clock;
	h.sandbox = (uint8_t)s->sandbox;
	h.binds = (uint8_t)s->binds;
	h.log_target = (uint32_t)s->log_target;
	h.log_level = (uint32_t)*s->log_level;
	return h;
}

int start_process(const struct starter *s, enum process_id id,
    const int link[2], const int fds[], struct child *child)
{
	const struct process *row = process_at(id);
	const unsigned count = process_descriptors(row);
	int all[CHILD_FDS_MAX] = {link[1]};
	struct start_head head;

	for (unsigned i = 1; i < count; i++)
		all[i] = fds ? fds[i - 1] : -1;
	head = head_for(s, id, present(all, count));
	/* The message waits in the socket until the process takes it. */
	if (!start_send(link[0], &head, sizeof(head)))
		return -EPIPE;
	return child_exec(child, row->name, s->program, all, count);
}

int start_helper(
    void *self, const char *name, const int link[2], struct child *child)
{
	const enum process_id id = process_find(name);

	assert(id != PROCESS_COUNT);
	return start_process(self, id, link, NULL, child);
}

int start_job(void *self, const int link[2], pid_t *pid)
{
	struct child child;
	int err = start_process(self, PROCESS_JOB, link, NULL, &child);

	if (!err)
		*pid = child.pid;
	return err;
}

/* "user ntsagent (uid 994)" */
static void find_user(char out[96])
{
	const struct passwd *user = getpwuid(geteuid());

	if (user)
		snprintf(out, 96, "user %.64s (uid %u)", user->pw_name,
		    (unsigned)geteuid());
	else
		snprintf(out, 96, "uid %u", (unsigned)geteuid());
}

/* The path of an open file; "ntsagentd" if /proc does not tell. */
static void find_path(int fd, char out[FILE_PATH_MAX])
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, FILE_PATH_MAX - 1);
	if (len > 0)
		out[len] = '\0';
	else
		snprintf(out, FILE_PATH_MAX, "ntsagentd");
}

bool start_may_execute(int program, char why[START_WHY_MAX])
{
	char user[96], path[FILE_PATH_MAX];
	struct stat st;

	if (faccessat(program, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0 ||
	    errno != EACCES)
		return true;
	find_user(user);
	find_path(program, path);
	if (fstat(program, &st) == 0 && (st.st_mode & 0111) == 0111)
		snprintf(why, START_WHY_MAX,
		    "%s may not execute %.180s although its mode allows it: "
		    "see "
		    "its ACL (getfacl), SELinux or AppArmor",
		    user, path);
	else
		snprintf(why, START_WHY_MAX,
		    "%s may not execute %.180s; fix it with: chmod a+x %.180s",
		    user, path, path);
	return false;
}
