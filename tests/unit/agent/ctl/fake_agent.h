/* An agent for the tests of ntsctl: a process that listens and answers. */
#ifndef TESTS_UNIT_AGENT_CTL_FAKE_AGENT_H
#define TESTS_UNIT_AGENT_CTL_FAKE_AGENT_H

#include "tests/unit/agent/ctl/example.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* An agent in a child: it answers each connection with the next text, and every
 * further one with the last text. */
struct fake_agent {
	char folder[32], path[64];
	pid_t pid;
};

static inline int listen_at(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static inline void write_whole(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* A failed assertion leaves the test without agent_end(), and a child that goes
 * on would keep the output of the test open. */
static inline pid_t fork_for_test(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static inline void make_folder(struct fake_agent *a)
{
	snprintf(a->folder, sizeof(a->folder), "/tmp/ntsctl-test-XXXXXX");
	assert_non_null(mkdtemp(a->folder));
	snprintf(a->path, sizeof(a->path), "%s/status.sock", a->folder);
}

static inline void agent_start(
    struct fake_agent *a, const char *const *answers, size_t count)
{
	int fd;

	make_folder(a);
	fd = listen_at(a->path);
	a->pid = fork_for_test();
	for (size_t i = 0; a->pid == 0; i += i + 1 < count) {
		int peer = accept(fd, NULL, NULL);

		write_whole(peer, answers[i], strlen(answers[i]));
		close(peer);
	}
	close(fd);
}

static inline void agent_end(struct fake_agent *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		waitpid(a->pid, NULL, 0);
	}
	unlink(a->path);
	rmdir(a->folder);
}

/* Starts an agent that answers with this text; NTSAGENT_STATUS is its path. */
static inline void agent_start_for_all(struct fake_agent *a, const char *json)
{
	agent_start(a, (const char *const[]){json}, 1);
	setenv("NTSAGENT_STATUS", a->path, 1);
}

static inline void agent_start_example(struct fake_agent *a)
{
	char *json = read_file(HERE "snapshot.json");

	agent_start_for_all(a, json);
	free(json);
}

static inline void agent_end_for_all(struct fake_agent *a)
{
	unsetenv("NTSAGENT_STATUS");
	agent_end(a);
}

#endif
