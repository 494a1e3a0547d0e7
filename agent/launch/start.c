#include "agent/launch/start.h"

#include <assert.h>
#include <errno.h>
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

	h.descriptors = descriptors;
	h.parent = (int32_t)getpid();
	h.change_user = s->identity.change;
	h.uid = (uint32_t)s->identity.uid;
	h.gid = (uint32_t)s->identity.gid;
	h.no_clock = s->no_clock;
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
