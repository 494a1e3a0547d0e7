#include "agent/launch/entry.h"

#include "agent/host/wait_limit.h"
#include "agent/launch/launch.h"
#include "agent/launch/start.h"
#include "base/log.h"
#include "nts/tls.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_socket(int fd, int wanted)
{
	int type, domain;
	socklen_t type_len = sizeof(type), domain_len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) ==
		   0 &&
	       type == wanted && domain == AF_UNIX;
}

static bool is_kind(int fd, enum descriptor_kind kind)
{
	struct stat st;

	switch (kind) {
	case DESCRIPTOR_LINK:
		return is_socket(fd, SOCK_SEQPACKET);
	case DESCRIPTOR_LISTENS:
		return is_socket(fd, SOCK_STREAM);
	case DESCRIPTOR_PIPE:
		return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
	case DESCRIPTOR_FILE:
		return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	}
	return false;
}

/* Fills `fds`. False: they are not those of the row and the head. */
static bool check_descriptors(const struct process *row,
    const struct start_head *head, int fds[CHILD_FDS_MAX])
{
	const unsigned count = process_descriptors(row);

	for (unsigned i = 0; i < count; i++) {
		const struct descriptor *d = &row->descriptors[i];
		int fd = CHILD_FIRST_FD + (int)i;
		bool there = head->descriptors & (UINT32_C(1) << i);

		if (there ? !is_kind(fd, d->kind) ||
				fcntl(fd, F_SETFD, FD_CLOEXEC) != 0
			  : !d->optional)
			return false;
		fds[i] = there ? fd : -1;
	}
	return true;
}

/* Receives and judges the head. False: logged. */
static bool take_head(enum process_id id, struct start_head *head)
{
	if (!is_socket(CHILD_FIRST_FD, SOCK_SEQPACKET)) {
		log_error(
		    "--child is for processes that ntsagentd starts itself: "
		    "descriptor %d is not a socket to it",
		    CHILD_FIRST_FD);
		return false;
	}
	if (!start_receive(CHILD_FIRST_FD, head, sizeof(*head)))
		log_error("the request to start is not complete");
	else if (!start_head_is_ours(head))
		log_error("this program has the version " NTSAGENT_VERSION
			  ", the agent that starts it has %.*s: restart the "
			  "agent",
		    (int)sizeof(head->version), head->version);
	else if (!start_head_valid(head) || head->process != (uint32_t)id)
		log_error("the request to start is not understood");
	else
		return true;
	return false;
}

static bool drop_rights(const struct process *row, const struct start_head *h)
{
	const struct identity identity = {
	    .change = h->change_user != 0,
	    .uid = (uid_t)h->uid,
	    .gid = (gid_t)h->gid,
	};
	char why[PRIVILEGES_TEXT_MAX];

	if (privileges_drop(
		&identity, row->keeps_sys_time && !h->no_clock, why))
		return true;
	log_error("%s", why);
	return false;
}

static bool follow(const struct process *row, const struct start_head *h)
{
	return row->follows_with == 0 ||
	       child_follow((pid_t)h->parent, row->follows_with);
}

/* A program that the agent's user may not execute would start no job. */
static bool may_start(const struct starter *s)
{
	char why[START_WHY_MAX];

	if (start_may_execute(s->program, why))
		return true;
	log_error("%s", why);
	return false;
}

/* Of the processes in the table, only the resolver starts others. */
static int run(const struct process *row, struct process_context *c)
{
	const struct start_head *h = c->head;
	const enum log_level level = (enum log_level)h->log_level;
	struct starter starter = {
	    .program = c->fds[2],
	    .second = {.uid = (uid_t)h->uid, .gid = (gid_t)h->gid},
	    .no_clock = h->no_clock != 0,
	    .sandbox = (enum sandbox_level)h->sandbox,
	    .binds = h->binds,
	    .log_target = (enum log_target)h->log_target,
	    .log_level = &level,
	};
	const struct job_starter jobs = {
	    child_link, wait_limit_begin, wait_limit_end, start_job, &starter};
	struct process_context with_jobs = *c;

	if (row != process_at(PROCESS_RESOLVER))
		return row->main(c);
	if (!may_start(&starter))
		return 1;
	with_jobs.jobs = &jobs;
	return row->main(&with_jobs);
}

int entry_run(const char *name)
{
	const enum process_id id = process_find(name);
	struct start_head head;
	struct process_context context = {.head = &head};
	const struct process *row;

	if (id == PROCESS_COUNT || id == PROCESS_KEEPER) {
		log_error(CHILD_OPTION "%s: there is no such process", name);
		return EXIT_UNUSABLE;
	}
	row = process_at(id);
	tls_begin();
	child_begin(row->name);
	if (!take_head(id, &head))
		return EXIT_UNUSABLE;
	log_open(
	    (enum log_target)head.log_target, (enum log_level)head.log_level);
	if (!check_descriptors(row, &head, context.fds)) {
		log_error("the %s does not have its descriptors", row->name);
		return EXIT_UNUSABLE;
	}
	if (!drop_rights(row, &head) || !follow(row, &head))
		return 1;
	child_take_signals(row->ignores_ends);
	context.profile = row->sandbox;
	context.stays = row->death == DEATH_ENDS_AGENT;
	context.sandbox = (enum sandbox_level)head.sandbox;
	context.log_target = (enum log_target)head.log_target;
	return run(row, &context);
}
